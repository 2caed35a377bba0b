"""What is polled and when is replaced while it runs: new coins are priced from memory, gone ones forgotten."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache

from fakes import NOW, Clock, FakeFetcher, FakeStore, assignment
from test_poller import running, until

from ticker.asking import Assignment
from ticker.bulk import pack, read_again
from ticker.consensus import CoinRule, Rules, Voter
from ticker.errors import Refused
from ticker.model import Coin, Snapshot
from ticker.politeness import Customer, Manners
from ticker.poller import Listing, Poller
from ticker.quotebook import QuoteBook
from ticker.scheduler import Scheduler
from ticker.sources import Row
from ticker.sources.base import Limit

BODY = b'{"BTC": "100", "ETH": "5", "XBT": "99"}'
BTC, ETH = {"bitcoin": ("BTC",)}, {"ethereum": ("ETH",)}


def asking(name: str, ids: Mapping[str, tuple[str, ...]], **more: object) -> Assignment:
    return replace(known(name, **more), ids=ids)


@cache
def known(name: str, **more: object) -> Assignment:
    """A source is the same value in every configuration."""
    return assignment(name, **more)


def fitted(*assigned: Assignment, version: str = "v1") -> tuple[tuple[Assignment, ...], Rules, Listing]:
    """What a poller is given for these."""
    coins = list(dict.fromkeys(coin for one in assigned for coin in one.ids))
    voters = {one.source.name: Voter("venue", one.source.group, one.every) for one in assigned}
    rules = tuple(
        CoinRule(
            coin,
            tuple(one.source.name for one in assigned if coin in one.ids),
            listing=str(sorted((one.source.name, one.ids[coin]) for one in assigned if coin in one.ids)),
        )
        for coin in coins
    )
    return assigned, Rules(voters, rules), Listing(tuple(Coin(one, one, one) for one in coins), tuple(coins), version)


def poller_of(road: FakeFetcher, store: FakeStore, *assigned: Assignment, **more: object) -> Poller:
    given: dict[str, object] = {"publish_every": 0.01, **more}
    return Poller(*fitted(*assigned), store, road, clock=Clock(), **given)  # type: ignore[arg-type]


def prices(snapshot: Snapshot) -> dict[str, Decimal | None]:
    return {one.coin: one.price for one in snapshot.prices}


async def test_a_new_coin_is_priced_at_once() -> None:
    """From the last answer in memory, without a request; the first snapshot that lists it has its price."""
    road, store = FakeFetcher(a=BODY, b=BODY), FakeStore()
    poller = poller_of(road, store, asking("a", BTC), asking("b", BTC))
    async with running(poller):
        await poller.poll("a")
        await poller.poll("b")
        await until(lambda: prices(store.published[-1]) == {"bitcoin": Decimal(100)})
        asked = len(road.asks)
        await poller.reconfigure(*fitted(asking("a", BTC | ETH), asking("b", ETH | BTC), version="v2"))
        await until(lambda: store.published[-1].config == "v2")
        first = next(one for one in store.published if one.config == "v2")

    assert prices(first) == {"bitcoin": Decimal(100), "ethereum": Decimal(5)}
    assert first.by_coin()["ethereum"][1].as_of == NOW
    assert len(road.asks) == asked


async def test_a_source_that_is_asked_by_name_has_its_turn_first() -> None:
    """It knows nothing of a coin that it was not asked for: no price until then."""
    road, store = FakeFetcher(a=BODY), FakeStore()
    poller = poller_of(road, store, asking("a", BTC, batch=10))
    async with running(poller):
        await poller.poll("a")
        await poller.reconfigure(*fitted(asking("a", BTC | ETH, batch=10), version="v2"))
        await until(lambda: store.published[-1].config == "v2")
        assert prices(store.published[-1]) == {"bitcoin": Decimal(100), "ethereum": None}
        await poller.poll("a")
        await until(lambda: prices(store.published[-1])["ethereum"] == Decimal(5))


async def test_a_removed_coin_is_gone_and_its_history_stays() -> None:
    """From the next snapshot on; what the store keeps of its past is still there, and it comes back with it."""
    road, store = FakeFetcher(a=BODY), FakeStore()
    both, one = fitted(asking("a", BTC | ETH)), fitted(asking("a", BTC), version="v2")
    poller = poller_of(road, store, *both[0])
    async with running(poller):
        await poller.poll("a")
        await until(lambda: store.history.get(("ethereum", "1d")))
        await poller.reconfigure(*one)
        await until(lambda: store.published[-1].config == "v2")
        assert prices(store.published[-1]) == {"bitcoin": Decimal(100)}
        assert store.held is not None
        assert {quote.coin for quote in store.held.quotes} == {"bitcoin"}
        kept = dict(store.history["ethereum", "1d"])
        await poller.reconfigure(*both)
        await until(lambda: prices(store.published[-1]) == {"bitcoin": Decimal(100), "ethereum": Decimal(5)})

    assert store.history["ethereum", "1d"] == kept


async def test_other_ids_are_another_market() -> None:
    """Where a coin's id on a source changes, what was said of the old one no longer counts."""
    road, store = FakeFetcher(a=BODY), FakeStore()
    poller = poller_of(road, store, asking("a", BTC))
    async with running(poller):
        await poller.poll("a")
        await until(lambda: prices(store.published[-1])["bitcoin"] == Decimal(100))
        await poller.reconfigure(*fitted(asking("a", {"bitcoin": ("XBT",)}), version="v2"))
        await until(lambda: store.published[-1].config == "v2")

    assert prices(store.published[-1]) == {"bitcoin": Decimal(99)}


async def test_a_change_does_not_wait_for_the_usual_pause() -> None:
    """What ops change is published at once, however seldom prices are."""
    road, store = FakeFetcher(a=BODY), FakeStore()
    poller = poller_of(road, store, asking("a", BTC), publish_every=3600.0)
    async with running(poller):
        await poller.poll("a")
        await until(lambda: store.published)
        await poller.reconfigure(*fitted(asking("a", BTC), version="v2"), publish_every=3600.0)
        await until(lambda: store.published[-1].config == "v2")


async def test_a_source_that_is_switched_off_loses_its_vote() -> None:
    """Its quotes go with it, and a poll of it that is still under way comes to nothing."""
    road, store = FakeFetcher(a=BODY, b=b'{"BTC": "101"}'), FakeStore()
    poller = poller_of(road, store, asking("a", BTC), asking("b", BTC))
    async with running(poller):
        await poller.poll("a")
        await poller.poll("b")
        await until(lambda: store.published[-1].prices[0].used == 2)
        under_way = asyncio.create_task(poller.poll("b"))
        await poller.reconfigure(*fitted(asking("a", BTC), version="v2"))
        assert await under_way is None
        assert await poller.poll("b") is None
        await until(lambda: store.published[-1].config == "v2")

    assert set(poller.health) == {"a"}
    assert store.published[-1].prices[0].sources == ("a",)


async def test_another_key_is_tried_at_once() -> None:
    """A source that refused us is left alone for long; with another key it is asked again, and said to be soon."""
    road, store = FakeFetcher(a=Refused("a", "key")), FakeStore()
    first = replace(asking("a", BTC), headers={"x-key": "old"})
    poller = poller_of(road, store, first)
    async with running(poller):
        for _ in range(5):
            await poller.poll("a")
        road.answers["a"] = BODY
        asked = len(road.asks)
        await poller.poll("a")
        assert len(road.asks) == asked  # left alone
        soon = await poller.reconfigure(*fitted(replace(first, headers={"x-key": "new"})))
        assert soon == ("a",)
        await poller.poll("a")
        await until(lambda: prices(store.published[-1])["bitcoin"] == Decimal(100))

    assert road.asks[-1].headers["x-key"] == "new"


async def test_an_answer_to_another_place_is_dropped() -> None:
    """Who is asked elsewhere in the middle of a poll: the old answer is not taken for the new place's."""
    gate = asyncio.Event()

    class Slow(FakeFetcher):
        async def fetch(self, ask: object) -> object:  # type: ignore[override]
            await gate.wait()
            return await super().fetch(ask)  # type: ignore[arg-type]

    store, first = FakeStore(), asking("a", BTC)
    poller = poller_of(Slow(a=BODY), store, first)
    async with running(poller):
        under_way = asyncio.create_task(poller.poll("a"))
        await asyncio.sleep(0.05)
        await poller.reconfigure(*fitted(replace(first, base_url="https://example.net")))
        gate.set()
        assert await under_way == 0.0  # come back at once

    assert poller.health["a"].polls == 0


def test_an_answer_read_again_is_no_new_answer() -> None:
    """A coin that is taken off and put back has the number of the answer it had: guards count answers."""
    quotes = read_again(assignment("a").source, pack([BODY], NOW), BTC)  # type: ignore[arg-type]
    book = QuoteBook({"a": BTC})
    book.answered("a", quotes, NOW)
    book.answered("a", quotes, NOW)
    assert [quote.poll for quote in book.quotes()] == [2]
    book.reconfigure({"a": {}})
    assert book.quotes() == ()
    book.reconfigure({"a": BTC})
    book.read_again(quotes)
    assert [quote.poll for quote in book.quotes()] == [2]
    book.streamed("gone", [Row("BTC", Decimal(1))], NOW)
    assert len(book.quotes()) == 1


def test_too_much_is_not_kept() -> None:
    """An answer that would fill the memory is not kept: the coin waits for the source's turn."""
    assert pack([random.Random(1).randbytes(5 * 2**20)], NOW) is None


def test_switching_off_and_on_gains_no_budget() -> None:
    """What was spent stays spent, whatever is taken off and put back, and limits that change count what was spent."""
    customer = Customer(60.0, 1, (Limit(4, 60.0),))
    manners = Manners({"a": customer}, random.Random(1))
    assert [manners.take("a", NOW) == 0 for _ in range(3)] == [True, True, False]
    manners.reconfigure({})
    manners.reconfigure({"a": customer}, moved=["a"])
    assert manners.take("a", NOW) > 0
    manners.reconfigure({"a": Customer(60.0, 1, (Limit(8, 60.0),))})
    assert [manners.take("a", NOW) == 0 for _ in range(3)] == [True, True, False]
    assert manners.kept().budgets["a"].windows[0].spent


async def test_turns_follow_the_sources() -> None:
    """A new source has a turn at once, one that is gone has none, a shorter interval counts from now."""
    calls: Counter[str] = Counter()

    async def poll(name: str) -> None:
        calls[name] += 1

    scheduler = Scheduler({"stays": 600.0, "goes": 0.2, "quicker": 600.0}, poll)
    scheduler.start()
    await until(lambda: calls["stays"] and calls["quicker"] and calls["goes"] > 1)
    scheduler.reconfigure({"stays": 600.0, "quicker": 0.2, "new": 600.0})
    gone = calls["goes"]
    await until(lambda: calls["new"] and calls["quicker"] > 2)
    assert calls["goes"] <= gone + 1
    assert calls["stays"] == 1
    scheduler.reconfigure({"stays": 600.0}, soon=["stays"])
    await until(lambda: calls["stays"] == 2)
    scheduler.reconfigure({})
    scheduler.reconfigure({"stays": 600.0})
    await until(lambda: calls["stays"] == 3)
    scheduler.stop()


async def test_while_the_store_is_down() -> None:
    """A change that comes while nothing can be published is in the first snapshot that can."""
    road, store = FakeFetcher(a=BODY), FakeStore()
    poller = poller_of(road, store, asking("a", BTC))
    async with running(poller):
        await poller.poll("a")
        await until(lambda: store.published)
        store.down = True
        await poller.reconfigure(*fitted(asking("a", BTC | ETH), version="v2"))
        await asyncio.sleep(0.05)
        store.down = False
        await until(lambda: store.published[-1].config == "v2")
        await until(lambda: prices(store.published[-1])["ethereum"] == Decimal(5))
