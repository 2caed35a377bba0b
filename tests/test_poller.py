"""Polling, settling and publishing, over a fake road out and a fake store (style §4: 12-16)."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from fakes import NOW, Clock, FakeFetcher, FakeStore, assignment
from msgspec.structs import replace

from ticker.consensus import CoinRule, Rules, Voter
from ticker.errors import Fenced, Malformed, RateLimited, Refused, ServerFailed, TimedOut
from ticker.model import Coin
from ticker.poller import Assignment, Listing, Poller
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
    """Without an answer or a failure there is no new snapshot."""
    poller = make(FakeFetcher(a="100"), store := FakeStore())
    async with running(poller):
        await poller.poll("a")
        await until(lambda: store.published)
        await asyncio.sleep(0.1)
        count = len(store.published)
        await asyncio.sleep(0.1)

    assert len(store.published) == count <= 2


async def test_a_failure_keeps_the_last_answer() -> None:
    """A source that fails has not taken back what it said; its vote ends by age alone."""
    clock, fetcher = Clock(), FakeFetcher(a="100")
    poller = make(fetcher, store := FakeStore(), clock)
    async with running(poller):
        await poller.poll("a")
        fetcher.answers["a"] = TimedOut("a")
        clock.now += 60
        await poller.poll("a")
        await until(lambda: store.published[-1].built_at == clock.now)
        assert store.published[-1].prices[0].price == Decimal(100)
        clock.now += 121
        await poller.poll("a")
        await until(lambda: store.published[-1].built_at == clock.now)

    assert store.published[-1].prices[0].agreement == "none"
    assert store.published[-1].prices[0].as_of == NOW


async def test_down_and_back_are_each_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """Ten failures are one line, and one more when it is over."""
    caplog.set_level(logging.INFO, "ticker.poller")
    fetcher = FakeFetcher(a=ServerFailed("a", "HTTP 500"))
    poller = make(fetcher, FakeStore())
    for _ in range(10):
        await poller.poll("a")
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
        (TimedOut("a"), [5, 10, 20, 40, 60, 60]),
        (RateLimited("a"), [60, 60]),
        (RateLimited("a", retry_after=900.0), [900, 900]),
        (RateLimited("a", retry_after=0.0), [5]),
        (ServerFailed("a", retry_after=30.0), [30]),
        (Refused("a"), [60]),
    ],
    ids=["transient", "limit", "told", "told now", "busy", "permanent"],
)
async def test_when_to_come_back(error: Exception, waits: list[float]) -> None:
    """Sooner, then slower, never later than its turn; after a rate limit as told."""
    poller = make(FakeFetcher(a=error), FakeStore())  # type: ignore[arg-type]

    assert [await poller.poll("a") for _ in waits] == waits


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
    poller = make(FakeFetcher(a="100"), FakeStore())

    async def never(_: object) -> None:
        await asyncio.Event().wait()

    poller._fetcher.fetch = never  # type: ignore[method-assign,assignment]
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
    caplog.set_level(logging.INFO, "ticker.poller")
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
    async with running(poller) as task:
        await poller.poll("a")
        await until(lambda: store.published[-1].prices[0].price)
        assert not task.done()


async def test_a_newer_poller_ends_this_one() -> None:
    """Fenced: the error of the store is the end of the loop, for the command line to tell."""
    poller = make(FakeFetcher(a="100"), store := FakeStore())
    async with running(poller) as task:
        await poller.poll("a")
        await until(lambda: store.published)
        other = make(FakeFetcher(a="100"), store)
        async with running(other):
            await until(lambda: len(store.published) > 1)
            await poller.poll("a")
            done, _ = await asyncio.wait([task], timeout=5)
            assert done
            group = task.exception()
            assert isinstance(group, BaseExceptionGroup)
            assert group.subgroup(Fenced) is not None


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
    async with running(poller) as task:
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
        await asyncio.wait([task], timeout=5)
        assert task.done()

    assert len(store.history["bitcoin", "1h"]) == 2
