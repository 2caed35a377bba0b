"""The poller's report: into the store by the leader alone, on change and every few seconds, inherited by the next."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from bulletins import bulletin, down, source
from fakes import Clock, FakeFetcher, FakeStore, assignment

from ticker import reporting
from ticker.alerts import Message, Patience
from ticker.asking import Assignment
from ticker.bulletin import Alert, Bulletin, ConfigStanding, Refusal, pack, unpack
from ticker.consensus import CoinRule, Rules, Voter
from ticker.errors import RateLimited, TimedOut
from ticker.model import Coin
from ticker.observing import Parts, observe
from ticker.poller import Listing, Poller
from ticker.reporting import Reporter
from ticker.scheduler import Scheduler
from ticker.sources.base import MINUTE, Limit
from ticker.streams import Streams

SOON = {"source_down": Patience(0.0, 0.0), "one_source": Patience(0.0, 0.0), "no_source": Patience(0.0, 0.0)}


def parts_of(fetcher: FakeFetcher, store: FakeStore, clock: Clock, *assigned: Assignment) -> Parts:
    """A poller of these sources, with its turns and streams."""
    voters = {one.source.name: Voter("venue", one.source.group, one.every) for one in assigned}
    rules = Rules(voters, (CoinRule("bitcoin", tuple(voters)),))
    listing = Listing((Coin("bitcoin", "Bitcoin", "BTC"),), ("bitcoin",), "v1")
    poller = Poller(assigned, rules, listing, store, fetcher, clock=clock, publish_every=0.01)  # type: ignore[arg-type]
    scheduler = Scheduler({one.source.name: one.every for one in assigned}, poller.poll)
    streamer = Streams([], poller.stream)
    return Parts(poller, scheduler, streamer, instance="vm:1", started_at=clock.now)


@asynccontextmanager
async def running(*what: object) -> AsyncIterator[None]:
    """These in the background."""
    tasks = [asyncio.create_task(one.run()) for one in what]  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks that follow one another at once."""
    monkeypatch.setattr(reporting, "LOOK", 0.01)


async def until(holds: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - a store has no event
            await asyncio.sleep(0.005)


def written(store: FakeStore) -> Bulletin:
    """What is in the store."""
    found = None if store.bulletin is None else unpack(store.bulletin)
    assert found is not None
    return found


async def test_what_is_seen_of_a_source() -> None:
    """Up with its latency, down with its error in our words, its breaker, its quota, and what it is left out for."""
    limited = Assignment(
        assignment("b").source, "https://x", 60.0, {"bitcoin": ("BTC",)}, limits=(Limit(10, MINUTE),), quota="b/free"
    )
    clock, store = Clock(), FakeStore()
    fetcher = FakeFetcher(a="100", b=TimedOut("b", "planted secret of a stranger"), c="250", d="100.1", e="100.2")
    parts = parts_of(fetcher, store, clock, *(assignment(one) for one in "acde"), limited)
    async with running(parts.poller):
        for name in "aacde":
            await parts.poller.poll(name)
        for _ in range(5):
            await parts.poller.poll("b")
        await parts.poller.poll("b")
        await until(lambda: parts.poller.tally.rounds and parts.poller.tally.refused)
        found = {one.name: one for one in observe(parts, clock.now, clock.now).sources}
    assert (found["a"].condition, found["a"].outcomes, found["a"].since) == ("up", {"answered": 2}, clock.now)
    assert found["a"].latency is not None
    assert (found["b"].condition, found["b"].failures) == ("down", 5)
    assert found["b"].error is not None
    assert (found["b"].error.code, found["b"].error.message) == ("timeout", "No whole answer within the deadline")
    assert (found["b"].breaker, found["b"].held) == ("open", "breaker")
    assert found["b"].outcomes == {"timeout": 5, "put_off": 1}
    assert [(one.units, one.per, one.left) for one in found["b"].budget] == [(5.0, 60.0, 0.0)]
    assert [(one.coin, one.reason) for one in found["c"].excluded] == [("bitcoin", "outlier")]
    assert b"planted" not in pack(observe(parts, clock.now, clock.now))


async def test_only_the_leader_reports() -> None:
    """Before it leads, a poller writes nothing; then at once, on change, and otherwise now and then."""
    clock, store = Clock(), FakeStore()
    fetcher = FakeFetcher(a="100")
    parts = parts_of(fetcher, store, clock, assignment("a"))
    reporter = Reporter(parts, store, clock, clock, patience=lambda: SOON)
    async with running(reporter):
        await asyncio.sleep(0.1)
        assert store.bulletin is None
        async with running(parts.poller):
            await until(lambda: store.bulletin)
            assert written(store).sources[0].condition == "waiting"
            await parts.poller.poll("a")
            await until(lambda: written(store).sources[0].condition == "up")
            before = written(store).at
            clock.now += 1
            await asyncio.sleep(0.1)
            assert written(store).at == before  # nothing new, and not long ago
            clock.now += 5
            await until(lambda: written(store).at == clock.now)


@pytest.mark.parametrize(("age", "since", "told"), [(60, 3600.0, 0), (3600, 0.0, 1)])
async def test_the_next_leader_goes_on_with_what_was_seen_and_told(age: float, since: float, told: int) -> None:
    """A source stays down since when it went down, and nobody is told twice; a record of long ago is no news."""
    clock, store, messages = Clock(), FakeStore(), list[Message]()
    alert = Alert("source_down", "b", clock.now - 3600, clock.now - 900)
    last = bulletin(clock.now - age, sources=(source("a"), down("b", clock.now - 3600)), alerts=(alert,))
    store.bulletin = pack(last)
    fetcher = FakeFetcher(a="100", b=TimedOut("b"))
    parts = parts_of(fetcher, store, clock, assignment("a"), assignment("b"))
    reporter = Reporter(
        parts, store, clock, clock, tell=messages.append, patience=lambda: {"source_down": Patience(0, 0)}
    )
    async with running(parts.poller, reporter):
        for name in "ab":
            await parts.poller.poll(name)
        await until(lambda: written(store).instance == "vm:1" and written(store).sources[1].condition == "down")
        await asyncio.sleep(0.05)
        assert clock.now - (written(store).sources[1].since or 0) == since
        assert len(messages) == told
        fetcher.answers["b"] = "100"
        clock.now += 3600
        await parts.poller.poll("b")
        await until(lambda: messages and messages[-1].phase == "ends")


async def test_ops_are_told() -> None:
    """Down, one source left, and over: each once, by the leader."""
    clock, store, messages = Clock(), FakeStore(), list[Message]()
    fetcher = FakeFetcher(a="100", b=TimedOut("b"))
    parts = parts_of(fetcher, store, clock, assignment("a"), assignment("b"))
    parts.config = lambda: ConfigStanding("v1", clock.now, Refusal(clock.now, "coins.toml: wrong"), 1)
    reporter = Reporter(
        parts, store, clock, clock, tell=messages.append, patience=lambda: {**SOON, "config_refused": Patience(0, 0)}
    )
    async with running(parts.poller, reporter):
        for name in "ab":
            await parts.poller.poll(name)
        await until(lambda: len(messages) == 3)
        fetcher.answers["b"] = "100.1"
        clock.now += 120
        for name in "ab":
            await parts.poller.poll(name)
        await until(lambda: len(messages) == 5)
        await asyncio.sleep(0.05)
    kinds = sorted((one.kind, one.phase) for one in messages)
    assert kinds == [
        ("config_refused", "begins"),
        ("one_source", "begins"),
        ("one_source", "ends"),
        ("source_down", "begins"),
        ("source_down", "ends"),
    ]
    assert store.held is not None
    assert store.held.snapshot.prices[0].price == Decimal("100.05")


async def test_a_store_that_is_down_costs_a_report() -> None:
    """Reporting goes on when it is back, and an alert does not wait for it."""
    clock, store, messages = Clock(), FakeStore(), list[Message]()
    fetcher = FakeFetcher(a="100")
    parts = parts_of(fetcher, store, clock, assignment("a"))
    async with running(parts.poller, Reporter(parts, store, clock, clock, tell=messages.append, patience=lambda: SOON)):
        await parts.poller.poll("a")
        await until(lambda: store.bulletin)
        store.down = True
        fetcher.answers["a"] = RateLimited("a")
        await parts.poller.poll("a")
        await until(lambda: messages)
        store.down = False
        clock.now += 60
        await until(lambda: written(store).sources[0].error)
