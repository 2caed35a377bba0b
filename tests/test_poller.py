"""Polling, settling and publishing, over a fake road out and a fake store (style §4: 12-16)."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal

import msgspec
import pytest
from fakes import NOW, Clock, FakeFetcher, FakeStore, assignment, fake_source
from msgspec.structs import replace

from ticker.asking import Assignment
from ticker.consensus import CoinRule, Rules, Voter
from ticker.errors import Fenced, Malformed, RateLimited, Refused, ServerFailed, TimedOut
from ticker.model import Coin
from ticker.poller import Listing, Poller
from ticker.sources import Row
from ticker.store.base import Publication

LISTING = Listing((Coin("bitcoin", "Bitcoin", "BTC"),), ("bitcoin",), "v1")


def make(
    fetcher: FakeFetcher, store: FakeStore, clock: Clock | None = None, *assigned: Assignment, **more: object
) -> Poller:
    """A poller of these sources, or of one for each answer the fetcher knows."""
    sources = assigned or tuple(assignment(name) for name in fetcher.answers)
    voters = {one.source.name: Voter("venue", one.source.group, one.every) for one in sources}
    rules = Rules(voters, (CoinRule("bitcoin", tuple(voters)),))
    given: dict[str, object] = {"publish_every": 0.01, **more}
    return Poller(sources, rules, LISTING, store, fetcher, clock=clock or Clock(), **given)  # type: ignore[arg-type]


@asynccontextmanager
async def running(poller: Poller) -> AsyncIterator[asyncio.Task[None]]:
    """The publishing loop in the background."""
    task = asyncio.create_task(poller.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(happened: Callable[[], object]) -> None:
    """Wait until a condition holds; the test's time limit ends a wait in vain."""
    while True:
        with contextlib.suppress(IndexError):  # nothing published yet
            if happened():
                return
        await asyncio.sleep(0.005)


async def test_an_answer_becomes_a_published_price() -> None:
    """Poll, settle, publish: the price is in the store, with its source and time."""
    poller = make(FakeFetcher(a="100"), store := FakeStore())
    async with running(poller):
        assert await poller.poll("a") is None
        await until(lambda: store.published and store.published[-1].prices[0].price)

    price = store.published[-1].prices[0]
    assert (price.price, price.agreement, price.as_of, price.sources) == (Decimal(100), "single", NOW, ("a",))
    assert store.published[-1].config == "v1"


async def test_a_round_that_fails_by_our_fault_ends_nothing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told once, with where; the next round publishes all that was heard meanwhile."""
    monkeypatch.setattr("ticker.poller.STORE_RETRY", 0.01)
    poller = make(FakeFetcher(a="100"), store := FakeStore())
    failures = []

    def fails(*_: object) -> None:
        failures.append(1)
        raise ZeroDivisionError("planted")

    async with running(poller) as task:
        with monkeypatch.context() as patch:
            patch.setattr("ticker.poller.settle", fails)
            await poller.poll("a")
            await until(lambda: len(failures) > 3)
        await until(lambda: store.published and store.published[-1].prices[0].price)
        assert not task.done()
        assert await poller.poll("a") is None
    [told] = [record for record in caplog.records if record.exc_info]
    assert told.getMessage() == "a round failed in a way that should not be; trying again every second"


async def test_an_empty_store_gets_the_coin_list_though_no_source_answers() -> None:
    """Pages are honest and complete as soon as every source has failed."""
    poller = make(FakeFetcher(a=TimedOut("a"), b=TimedOut("b")), store := FakeStore())
    async with running(poller):
        await poller.poll("a")
        await asyncio.sleep(0.05)
        assert not store.published
        await poller.poll("b")
        await until(lambda: store.published)

    first = store.published[0]
    assert (first.coins, first.prices[0].price, first.prices[0].agreement) == (LISTING.coins, None, "none")


async def test_an_empty_store_gets_the_coin_list_in_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that never answers does not keep pages waiting."""
    monkeypatch.setattr("ticker.poller.COLD_START", 0.05)
    poller = make(FakeFetcher(a="100"), store := FakeStore())
    async with running(poller):
        await until(lambda: store.published)

    assert store.published[0].prices[0].agreement == "none"


async def test_the_first_prices_wait_for_all_sources() -> None:
    """Nobody sees "single source" only because the others answered half a second later."""
    poller = make(FakeFetcher(a="100", b="100", c="100"), store := FakeStore())
    async with running(poller):
        for name in "abc":
            await poller.poll(name)
            await asyncio.sleep(0.05)
        await until(lambda: store.published)

    assert store.published[0].prices[0].agreement == "ok"


async def test_nothing_is_published_when_nothing_is_new() -> None:
    """Without an answer there is no new snapshot, nor after a failure that changes no price."""
    poller = make(FakeFetcher(a="100"), store := FakeStore())
    async with running(poller):
        await poller.poll("a")
        await until(lambda: store.published)
        await asyncio.sleep(0.1)
        count = len(store.published)
        poller._asker._road.answers["a"] = TimedOut("a")  # type: ignore[attr-defined]
        for _ in range(3):
            await poller.poll("a")
            await asyncio.sleep(0.05)

    assert len(store.published) == count == 1


async def test_a_failure_keeps_the_last_answer() -> None:
    """A source that fails has not taken back what it said; its vote ends by age alone."""
    clock, fetcher = Clock(), FakeFetcher(a="100")
    poller = make(fetcher, store := FakeStore(), clock)
    async with running(poller):
        await poller.poll("a")
        fetcher.answers["a"] = TimedOut("a")
        clock.now += 60
        await poller.poll("a")
        await asyncio.sleep(0.05)
        assert len(store.published) == 1
        assert store.published[-1].prices[0].price == Decimal(100)
        clock.now += 121
        await poller.poll("a")
        await until(lambda: store.published[-1].built_at == clock.now)

    assert store.published[-1].prices[0].agreement == "none"
    assert store.published[-1].prices[0].as_of == NOW


async def test_down_and_back_are_each_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """Ten failures are one line, and one more when it is over."""
    caplog.set_level(logging.INFO, "ticker")
    fetcher, clock = FakeFetcher(a=ServerFailed("a", "HTTP 500")), Clock()
    poller = make(fetcher, FakeStore(), clock)
    for _ in range(10):
        clock.now += await poller.poll("a") or 0
    fetcher.answers["a"] = "100"
    await poller.poll("a")
    await poller.poll("a")

    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert caplog.messages == [
        "a: It fails on its own side: HTTP 500; its last answer stays while it may",
        "a is back after 10 failed polls",
    ]


@pytest.mark.parametrize(
    ("error", "waits"),
    [
        (TimedOut("a"), [5, 10, 20, 40]),
        (RateLimited("a"), [60, 60]),
        (RateLimited("a", retry_after=900.0), [900, 900]),
        (RateLimited("a", retry_after=0.0), [5]),
        (ServerFailed("a", retry_after=30.0), [30]),
        (Refused("a"), [60]),
    ],
    ids=["transient", "limit", "told", "told now", "busy", "permanent"],
)
async def test_when_to_come_back(error: Exception, waits: list[float]) -> None:
    """Sooner, then slower, never later than its turn; after a rate limit as told. More in politeness/."""
    clock, found = Clock(), []
    poller = make(FakeFetcher(a=error), FakeStore(), clock)  # type: ignore[arg-type]
    for _ in waits:
        found.append(await poller.poll("a") or 0)
        clock.now += found[-1]

    assert found == waits


async def test_an_answer_without_our_coins_is_a_failure() -> None:
    """200 with an empty list is the commonest death: it counts as down."""
    poller = make(FakeFetcher(a=b"{}"), FakeStore())

    assert await poller.poll("a") == 60
    assert "none of our 1 coins" in str(poller.health["a"].error)


async def test_garbage_is_a_failure_of_that_source_only() -> None:
    """What cannot be read is Malformed, and the others go on."""
    poller = make(FakeFetcher(a=b"<html>", b="100"), store := FakeStore())
    async with running(poller):
        await poller.poll("a")
        await poller.poll("b")
        await until(lambda: store.published and store.published[-1].prices[0].price)

    assert isinstance(poller.health["a"].error, Malformed)
    assert poller.health["b"].error is None


async def test_cancellation_passes_through() -> None:
    """Stopping is not a failure of a source."""
    fetcher = FakeFetcher(a="100")
    poller = make(fetcher, FakeStore())

    async def never(_: object) -> None:
        await asyncio.Event().wait()

    fetcher.fetch = never  # type: ignore[method-assign,assignment]
    task = asyncio.create_task(poller.poll("a"))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert poller.health["a"].error is None


async def test_a_successor_goes_on_where_the_last_stopped() -> None:
    """Quotes and memory come from the store, so a restart neither loses votes nor last good prices."""
    store, clock = FakeStore(), Clock()
    fetcher = FakeFetcher(a="100", b="100", c="100")
    first = make(fetcher, store, clock)
    async with running(first):
        for name in "abc":
            await first.poll(name)
        await until(lambda: store.published[-1].prices[0].agreement == "ok")
    clock.now += 30
    second = make(FakeFetcher(a="100.1", b=TimedOut("b"), c=TimedOut("c")), store, clock)
    async with running(second):
        for name in "abc":
            await second.poll(name)
        await until(lambda: store.published[-1].built_at == clock.now and len(store.published) > 1)
        await asyncio.sleep(0.05)

    assert store.published[-1].prices[0].used == 3
    assert store.published[-1].order > store.published[0].order
    assert [s.order for s in store.published] == sorted(s.order for s in store.published)


async def test_a_store_that_is_down_is_tried_until_it_is_back(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One warning, one line when it is back, and then the newest prices."""
    caplog.set_level(logging.INFO, "ticker")
    monkeypatch.setattr("ticker.poller.STORE_RETRY", 0.01)
    poller = make(FakeFetcher(a="100"), store := FakeStore())
    store.down = True
    async with running(poller):
        await poller.poll("a")
        await asyncio.sleep(0.1)
        store.down = False
        await until(lambda: store.published and store.published[-1].prices[0].price)
        store.down = True
        await poller.poll("a")
        await asyncio.sleep(0.1)
        store.down = False
        count = len(store.published)
        await until(lambda: len(store.published) > count)

    assert [r.message for r in caplog.records] == [
        "the fake store is down; trying again every second",
        "the store is back",
    ] * 2


async def test_a_reply_that_is_lost_is_no_rival(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store took the snapshot and broke before it said so: the next one is newer, not refused as old."""
    monkeypatch.setattr("ticker.poller.STORE_RETRY", 0.01)
    poller = make(FakeFetcher(a="100"), store := FakeStore())
    store.lose_replies = 1
    async with running(poller):
        await poller.poll("a")
        async with asyncio.timeout(5):
            await poller.quiet()

    first, again = store.published
    assert (first.prices, first.epoch) == (again.prices, again.epoch)
    assert again.seq > first.seq


async def test_a_replaced_poller_ends() -> None:
    """Fenced by a newer one it writes nothing and ends by that name; who leads next is not its business."""
    poller = make(fetcher := FakeFetcher(a="100"), store := FakeStore())
    async with running(poller) as ending:
        await poller.poll("a")
        await until(lambda: store.published)
        async with running(make(FakeFetcher(a="100"), store)):
            await until(lambda: len({one.epoch for one in store.published}) == 2)
            fetcher.answers["a"] = "101"
            await poller.poll("a")
            async with asyncio.timeout(10):
                await asyncio.wait([ending])
        error = ending.exception()

    assert isinstance(error, ExceptionGroup)
    assert error.subgroup(Fenced) is not None
    assert [one.order for one in store.published] == sorted({one.order for one in store.published})


async def test_a_given_epoch_is_written_under() -> None:
    """The epoch that came with a lease is the snapshot's, and no other is taken."""
    store = FakeStore()
    grant = await store.take_lease("me", 10, NOW)
    poller = make(FakeFetcher(a="100"), store, epoch=grant.epoch)
    async with running(poller):
        await poller.poll("a")
        await until(lambda: store.published)

    assert store.published[-1].epoch == grant.epoch == store.epoch


async def test_the_publisher_gives_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    """A heartbeat goes out even when nothing is new."""
    monkeypatch.setattr("ticker.poller.HEARTBEAT", 0.01)
    poller = make(FakeFetcher(a="100"), store := FakeStore())
    async with running(poller):
        await until(lambda: store.beats >= 3)


async def test_requests_carry_key_limit_and_deadline() -> None:
    """The key goes into a header; the deadline is 8 s or what is left of a short interval."""
    fetcher = FakeFetcher(a="100", b="100")
    quick = assignment("b", every=2.0)
    keyed = Assignment(
        assignment("a").source, "https://m", 60, {"bitcoin": ("BTC",)}, {"X-Key": "s"}, allow_private=True
    )
    poller = make(fetcher, FakeStore(), None, keyed, quick)
    await poller.poll("a")
    await poller.poll("b")

    first, second = fetcher.asks
    assert (first.base_url, dict(first.headers), first.deadline, first.allow_private) == (
        "https://m",
        {"X-Key": "s"},
        8.0,
        True,
    )
    assert (second.deadline, second.allow_private, second.max_body) == (1.8, False, 2 * 2**20)
    assert "'s'" not in repr(keyed)


async def test_credits_are_those_of_the_sources_shown() -> None:
    """A source that had no part in any price is owed no line."""
    credited = [assignment(name, credit=(f"by {name}", "https://example.org")) for name in "ab"]
    fetcher = FakeFetcher(a="100", b=TimedOut("b"))
    poller = make(fetcher, store := FakeStore(), None, *credited)
    async with running(poller):
        for name in "ab":
            await poller.poll(name)
        await until(lambda: store.published[-1].prices[0].price)

    assert [credit.text for credit in store.published[-1].credits] == ["by a"]


async def test_what_is_published_becomes_history() -> None:
    """An hour later the change is that of our own two prices; a poller that was fenced adds no point."""
    clock, fetcher = Clock(), FakeFetcher(a="100")
    poller = make(fetcher, store := FakeStore(), clock)
    async with running(poller):
        await poller.poll("a")
        await until(lambda: store.history)
        clock.now += 3600
        fetcher.answers["a"] = "110"
        await poller.poll("a")
        await until(lambda: store.published[-1].prices[0].change_1h == 10)
        await until(lambda: len(store.history["bitcoin", "1h"]) == 2)
        clock.now += 3600
        store.epoch += 10**9
        await store.publish(Publication(replace(store.published[-1], epoch=store.epoch)))
        await poller.poll("a")
        await asyncio.sleep(0.2)

    assert len(store.history["bitcoin", "1h"]) == 2


def row(price: str, at: float | None = None) -> Row:
    """What a stream says of bitcoin."""
    return Row("BTC", Decimal(price), at=at)


async def test_a_streamed_price_is_published() -> None:
    """It replaces that of the last poll, as of its own time, and counts as the next answer of its source."""
    poller = make(FakeFetcher(a="100"), store := FakeStore(), clock := Clock())
    async with running(poller):
        await poller.poll("a")
        await until(lambda: store.published[-1].prices[0].price)
        clock.now += 3
        poller.stream("a", [row("100.5", NOW + 2)], NOW + 3)
        await until(lambda: store.published[-1].prices[0].price == Decimal("100.5"))

    assert store.published[-1].prices[0].as_of == NOW + 2
    assert store.held is not None
    (quote,) = store.held.quotes
    assert (quote.poll, quote.received) == (2, NOW + 3)


async def test_a_source_that_only_streams_has_a_vote() -> None:
    """A source whose polls fail from the start counts by what it streams."""
    poller = make(FakeFetcher(a=Refused("a")), store := FakeStore())
    async with running(poller):
        await poller.poll("a")
        poller.stream("a", [row("100", NOW)], NOW)
        await until(lambda: store.published[-1].prices[0].price == Decimal(100))


async def test_a_thousand_streamed_updates_are_few_snapshots() -> None:
    """In 3 s at one a second: at most 4, the last with the last price, and each flush one answer of the source."""
    poller = make(FakeFetcher(a="100"), store := FakeStore(), publish_every=1.0)
    async with running(poller):
        await poller.poll("a")
        await until(lambda: store.published)
        before = len(store.published)
        began = asyncio.get_running_loop().time()
        for number in range(1000):
            poller.stream("a", [row(f"{100 + number / 10_000}", NOW + number / 1000)], NOW + number / 1000)
            await asyncio.sleep(max(0.0, began + number * 0.003 - asyncio.get_running_loop().time()))
        during = len(store.published) - before
        await until(lambda: store.published[-1].prices[0].price == Decimal("100.0999"))

    assert 2 <= during <= 4
    assert store.held is not None
    assert store.held.quotes[0].poll == 1 + len(store.published) - before


async def test_streams_without_news_publish_nothing() -> None:
    """The same price of the same time, an older one, another market: no snapshot, and no answer."""
    poller = make(FakeFetcher(a="100"), store := FakeStore())
    async with running(poller):
        await poller.poll("a")
        poller.stream("a", [row("101", NOW + 5)], NOW + 5)
        await until(lambda: store.published[-1].prices[0].price == Decimal(101))
        count = len(store.published)
        for _ in range(20):
            poller.stream("a", [row("101", NOW + 5), row("99", NOW + 4), Row("ETH", Decimal(7), at=NOW + 6)], NOW + 6)
            await asyncio.sleep(0.005)
        poller.stream("a", [], NOW + 6)
        await asyncio.sleep(0.05)

    assert len(store.published) == count
    assert store.held is not None
    assert store.held.quotes[0].poll == 2


async def test_answers_are_counted_on_through_polls_streams_and_restarts() -> None:
    """A quote's number only grows: by one for each poll, and for each publication that its stream had news for."""
    store, clock, fetcher = FakeStore(), Clock(), FakeFetcher(a="100")
    poller, numbers = make(fetcher, store, clock), []

    async def published(one: Poller) -> None:
        count = len(store.published)
        await until(lambda: len(store.published) > count)
        numbers.append(store.held.quotes[0].poll if store.held else 0)

    async with running(poller):
        await asyncio.gather(published(poller), poller.poll("a"))
        for second in (1, 2):
            poller.stream("a", [row("100", NOW + second)], NOW + second)
            await published(poller)
        clock.now += 60
        await asyncio.gather(published(poller), poller.poll("a"))
    second = make(fetcher, store, clock)
    async with running(second):
        await until(lambda: store.published[-1].epoch != store.published[0].epoch)
        clock.now += 60
        await asyncio.gather(published(second), second.poll("a"))

    assert numbers == [1, 2, 3, 4, 5]


async def test_a_poll_of_a_cached_answer_does_not_turn_back_the_price() -> None:
    """A trade that was streamed as the poll was asked outlives the poll's older answer, until a poll much later."""
    clock, fetcher = Clock(), FakeFetcher(a="100")
    poller = make(fetcher, store := FakeStore(), clock)
    async with running(poller):
        await poller.poll("a")
        clock.now += 60
        poller.stream("a", [row("101", clock.now - 1)], clock.now - 1)
        await poller.poll("a")
        await until(lambda: store.published[-1].prices[0].price == Decimal(101))
        clock.now += 60
        await poller.poll("a")
        await until(lambda: store.published[-1].prices[0].price == Decimal(100))


def of_currencies(name: str, code: str = "eur", **more: object) -> Assignment:
    """A source that gives the dollars for one of a currency, under the id that its coins' namesakes have too."""
    return Assignment(fake_source(name, of="currencies", **more), "https://example.org", 60.0, {code: ("BTC",)})


def rate_rules(*codes: str) -> Rules:
    """One source of currencies, r."""
    return Rules({"r": Voter("aggregator", "r", 60.0)}, tuple(CoinRule(code, ("r",), daily=True) for code in codes))


async def test_rates_are_settled_beside_the_prices() -> None:
    """What a source of currencies says becomes a rate, and never a vote on a coin; its credit comes with it."""
    by_bank = of_currencies("r", credit=("by the bank", "https://example.org"))
    fetcher = FakeFetcher(a="100", r="1.25")
    poller = make(fetcher, store := FakeStore(), None, assignment("a"), by_bank, rate_rules=rate_rules("eur"))
    async with running(poller):
        for name in "ar":
            await poller.poll(name)
        await until(lambda: store.published[-1].rates and store.published[-1].rates[0].price)

    last = store.published[-1]
    assert [(one.coin, one.price, one.agreement) for one in last.rates] == [("eur", Decimal("1.25"), "single")]
    assert [(one.coin, one.price) for one in last.prices] == [("bitcoin", Decimal(100))]
    assert [credit.text for credit in last.credits] == ["by the bank"]


async def test_a_currency_and_a_coin_of_one_name_stay_apart() -> None:
    """Votes and memory of the currency "bitcoin" are not those of the coin."""
    clock, store = Clock(), FakeStore()
    fetcher = FakeFetcher(a="100", r="7")
    sources = (assignment("a"), of_currencies("r", "bitcoin"))
    first = make(fetcher, store, clock, *sources, rate_rules=rate_rules("bitcoin"))
    async with running(first):
        for name in "ar":
            await first.poll(name)
        await until(lambda: store.published[-1].rates[0].price)
    assert (store.published[-1].prices[0].price, store.published[-1].rates[0].price) == (Decimal(100), Decimal(7))

    fetcher.answers |= {"a": TimedOut("a"), "r": TimedOut("r")}
    clock.now += 200
    second = make(fetcher, store, clock, *sources, rate_rules=rate_rules("bitcoin"))
    async with running(second):
        for name in "ar":
            await second.poll(name)
        await until(lambda: store.published[-1].built_at == clock.now)
    last = store.published[-1]
    assert [one.agreement for one in (*last.prices, *last.rates)] == ["none", "none"]
    assert (last.prices[0].price, last.rates[0].price) == (Decimal(100), Decimal(7))  # the last good ones, remembered


async def test_rates_have_a_past_of_their_own() -> None:
    """The change of a rate is from what we settled an hour ago, so that prices in a currency have one too."""
    clock, store = Clock(), FakeStore()
    fetcher = FakeFetcher(a="100", r="1.25")
    poller = make(fetcher, store, clock, assignment("a"), of_currencies("r"), rate_rules=rate_rules("eur"))
    async with running(poller):
        for price in ("1.25", "1.2"):
            fetcher.answers["r"] = price
            for name in "ar":
                await poller.poll(name)
            await poller.quiet()
            clock.now += 3600.0

    last = store.published[-1]
    assert [one.change_1h for one in last.rates] == [Decimal(-4)]
    assert [key for key in store.history if key[0] == "rate:eur" and key[1] == "1m"]


async def test_a_memory_from_before_there_were_rates_is_no_harm() -> None:
    """Another layout of memory is taken for an empty one, and the poller goes on."""
    store = FakeStore()
    first = make(FakeFetcher(a="100"), store)
    async with running(first):
        await first.poll("a")
        await until(lambda: store.published[-1].prices[0].price)
    assert store.held is not None
    store.held = msgspec.structs.replace(store.held, memory=b'{"coins":{}}')
    second = make(FakeFetcher(a="101"), store)
    async with running(second):
        await second.poll("a")
        await until(lambda: store.published[-1].prices[0].price == Decimal(101))


async def test_an_answer_without_our_currencies_is_named_as_such() -> None:
    """The sentence tells coins from currencies."""
    poller = make(FakeFetcher(r=b"{}"), FakeStore(), None, of_currencies("r"))
    await poller.poll("r")

    assert "none of our 1 currencies" in str(poller.health["r"].error)
