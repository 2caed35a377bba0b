"""Who polls: one of many, at once again when it goes, within a lease when it dies; and never two."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from fakes import NOW, FakeFetcher, FakeStore, assignment
from virtual import Clocks, virtually

from ticker.asking import Assignment
from ticker.commands.succession import first_turns
from ticker.consensus import CoinRule, Rules, Voter
from ticker.errors import Fenced, StoreDown
from ticker.fetch import Answer, Ask
from ticker.leading import LEASE, RETRY, STANDBY, Candidate, LeasedRoad, Term, name_of_process, ticks
from ticker.model import Coin
from ticker.poller import Listing, Poller
from ticker.scheduler import Scheduler

SOURCES = ("a", "b", "c")
LISTING = Listing((Coin("bitcoin", "Bitcoin", "BTC"),), ("bitcoin",), "v1")


class Wire:
    """One replica's way to the store, which can be cut."""

    def __init__(self, store: FakeStore) -> None:
        self._store = store
        self.cut = False

    def __getattr__(self, name: str) -> Any:
        if self.cut:
            raise StoreDown("the wire is cut")
        return getattr(self._store, name)


class Replica:
    """One `ticker poll` in virtual time: a candidate with the real poller and scheduler, over a road that counts."""

    def __init__(self, name: str, clocks: Clocks, store: FakeStore, every: float) -> None:
        self.name, self._clocks, self.wire = name, clocks, Wire(store)
        self.calls: list[float] = []
        self.terms: list[tuple[float, float]] = []  # when each began and ended
        self._fetcher = FakeFetcher(**dict.fromkeys(SOURCES, "100"))
        self._polled = [assignment(one, every) for one in SOURCES]
        self.task: asyncio.Task[None] | None = None

    async def fetch(self, ask: Ask) -> Answer:
        self.calls.append(self._clocks.steady())
        self._fetcher.answers[ask.source] = str(100 + len(self.calls))
        return await self._fetcher.fetch(ask)

    def start(self) -> None:
        candidate = Candidate(
            self.wire,  # type: ignore[arg-type]
            clock=self._clocks.wall,
            ticks=self._clocks.steady,
            name=self.name,
        )
        self.task = asyncio.create_task(candidate.run(self._polling))

    async def stop(self) -> None:
        """SIGTERM."""
        assert self.task is not None
        self.task.cancel()
        await asyncio.wait([self.task])

    async def kill(self) -> None:
        """Kill -9: it says nothing more."""
        self.wire.cut = True
        await self.stop()

    @asynccontextmanager
    async def _polling(self, term: Term) -> AsyncIterator[asyncio.Task[None]]:
        rules = Rules({one: Voter("venue", one, 60) for one in SOURCES}, (CoinRule("bitcoin", SOURCES),))
        poller = Poller(
            self._polled,
            rules,
            LISTING,
            self.wire,  # type: ignore[arg-type]
            LeasedRoad(self, term),
            epoch=term.epoch,
            clock=self._clocks.wall,
            steady=self._clocks.steady,
        )
        began = self._clocks.steady()
        first = await first_turns(self.wire, self._polled, rules, self._clocks.wall())  # type: ignore[arg-type]
        scheduler = Scheduler(
            {one.source.name: one.every for one in self._polled},
            poller.poll,
            first=first,
            wall=self._clocks.wall,
            steady=self._clocks.steady,
        )
        publishing = asyncio.create_task(poller.run())
        scheduler.start()
        try:
            yield publishing
        finally:
            self.terms.append((began, self._clocks.steady()))
            scheduler.stop()
            publishing.cancel()
            await asyncio.gather(publishing, return_exceptions=True)


def replicas(
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    hours: float,
    story: Callable[[list[Replica], Clocks], Any] | None = None,
    every: float = 60.0,
) -> list[Replica]:
    """So many replicas on one store for so many virtual hours, while the story happens to them."""

    async def main(clocks: Clocks) -> list[Replica]:
        store = FakeStore(clocks.steady)
        all_ = [Replica(f"r{i}", clocks, store, every) for i in range(number)]
        for one in all_:
            one.start()
        telling = asyncio.create_task(story(all_, clocks)) if story else None
        await asyncio.sleep(hours * 3600)
        if telling:
            await telling
        for one in all_:
            await one.stop()
        return all_

    async def at_once(work: Callable[..., Any], *given: Any) -> Any:
        return work(*given)

    monkeypatch.setattr("asyncio.to_thread", at_once)  # virtual time waits for no thread
    random.seed(1)  # APScheduler's jitter has no other
    return virtually(monkeypatch, main)  # type: ignore[no-any-return]


def all_calls(found: list[Replica]) -> list[float]:
    """The moments of all calls of all of them."""
    return sorted(moment for one in found for moment in one.calls)


def test_three_replicas_ask_no_more_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six hours: provider calls of three within 1 % of those of one, and only one of the three has asked at all."""
    one = len(all_calls(replicas(monkeypatch, 1, 6)))
    three = replicas(monkeypatch, 3, 6)
    assert 0.9 * 6 * 60 * len(SOURCES) < one <= 6 * 60 * len(SOURCES)
    assert len(all_calls(three)) == pytest.approx(one, rel=0.01)
    assert sorted(bool(replica.calls) for replica in three) == [False, False, True]


def test_leaders_that_are_killed_cost_no_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """A leader killed every ten minutes, 18 times: the next polls within a lease, and asks nobody before its turn."""

    async def story(all_: list[Replica], clocks: Clocks) -> None:
        for number in range(18):
            await asyncio.sleep(600 + 7 * number)
            leader = next(one for one in all_ if one.task and not one.task.done() and is_leading(one, all_))
            killed.append(clocks.steady())
            await leader.kill()
            leader.wire.cut = False
            leader.start()

    killed: list[float] = []
    began: list[float] = []
    found = replicas(monkeypatch, 3, 4, story)
    began = sorted(start for one in found for start, _ in one.terms)
    assert len(killed) == 18
    for moment in killed:
        assert min(start for start in began if start >= moment) - moment <= LEASE
    assert len(all_calls(found)) <= 1.01 * 4 * 60 * len(SOURCES)


def is_leading(one: Replica, all_: list[Replica]) -> bool:
    """Whether a replica asked last."""
    return bool(one.calls) and one.calls[-1] == max(other.calls[-1] for other in all_ if other.calls)


def test_a_leader_that_stops_is_followed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM gives the lease up: another leads within the time between two tries, not a lease later."""

    async def story(all_: list[Replica], clocks: Clocks) -> None:
        await asyncio.sleep(605)
        leader = next(one for one in all_ if one.calls)
        stopped.append(clocks.steady())
        await leader.stop()

    stopped: list[float] = []
    found = replicas(monkeypatch, 2, 0.3, story)
    second = next(start for one in found for start, _ in one.terms if start >= stopped[0])
    assert second - stopped[0] <= STANDBY + 0.1


def test_a_leader_without_its_store_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off, it stops asking before another may begin, and stands by when the wire is whole again: never two ask."""

    async def story(all_: list[Replica], _: Clocks) -> None:
        await asyncio.sleep(600.5)
        leader = next(one for one in all_ if one.calls)
        leader.wire.cut = True
        await asyncio.sleep(300)
        leader.wire.cut = False

    found = replicas(monkeypatch, 2, 0.5, story, every=1.0)
    (first, second) = sorted((one for one in found), key=lambda one: one.calls[0])
    assert second.calls[0] - 600.5 >= LEASE - RETRY - LEASE / 3
    assert first.calls[-1] <= second.calls[0]
    assert first.calls[-1] <= 600.5 + LEASE
    assert second.calls[0] <= 600.5 + LEASE + STANDBY + 0.5


def test_terms_never_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wires cut and mended in turn for an hour: replicas ask one after the other, never in turns."""

    async def story(all_: list[Replica], _: Clocks) -> None:
        for number in range(60):
            await asyncio.sleep(31 + number % 7)
            all_[number % 3].wire.cut = not all_[number % 3].wire.cut

    found = replicas(monkeypatch, 3, 1, story, every=5.0)
    turns = sorted((moment, one.name) for one in found for moment in one.calls)
    spans: list[tuple[str, float, float]] = []
    for moment, name in turns:
        if spans and spans[-1][0] == name:
            spans[-1] = (name, spans[-1][1], moment)
        else:
            spans.append((name, moment, moment))
    assert 5 < len(spans) < 60
    assert all(ended <= began for (_, _, ended), (_, began, _) in pairwise(spans))
    assert len(turns) <= 1.01 * len(SOURCES) * 3600 / 5


def test_a_term_is_counted_from_before_it_was_asked_for() -> None:
    """It ends a lease after the request was sent that gave or renewed it, whenever the answer came."""
    now = 100.0
    term = Term(7, 100.0, 10, lambda: now)
    now = 109.9
    assert term.holds()
    now = 110.0
    assert not term.holds()
    term.renewed(105.0)
    assert term.holds()
    now = 115.0
    assert not term.holds()


async def test_the_road_is_closed_when_the_term_is_over() -> None:
    """Who comes later waits to be stopped: nobody is asked, and nothing fails that a breaker would count."""
    now = 0.0
    road = LeasedRoad(fetcher := FakeFetcher(a="100"), Term(1, 0.0, 10, lambda: now))
    ask = _ask(assignment("a"))
    await road.fetch(ask)
    now = 10.0
    waiting = asyncio.create_task(road.fetch(ask))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    waiting.cancel()
    await asyncio.wait([waiting])
    assert len(fetcher.asks) == 1


def _ask(one: Assignment) -> Ask:
    return Ask(one.source.name, one.base_url, "/prices")


async def test_a_fenced_leader_stands_by(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Refused by the store in the middle of its lease, it gives that up and asks for another; no error leaves it."""
    caplog.set_level("INFO")
    monkeypatch.setattr("ticker.leading.RETRY", 0.01)
    store, epochs = FakeStore(), []

    @asynccontextmanager
    async def work(term: Term) -> AsyncIterator[asyncio.Task[None]]:
        epochs.append(term.epoch)

        async def write() -> None:
            if len(epochs) < 3:
                raise ExceptionGroup("a group, as of a TaskGroup", [Fenced("too late")])
            await asyncio.Event().wait()

        task = asyncio.create_task(write())
        yield task
        task.cancel()

    candidate = Candidate(store, clock=lambda: NOW, ticks=lambda: 0.0)  # type: ignore[arg-type]
    running = asyncio.create_task(candidate.run(work))
    async with asyncio.timeout(10):
        while len(epochs) < 3:  # noqa: ASYNC110 - the work has no event
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    assert epochs == sorted(set(epochs))
    assert caplog.text.count("another, newer poller writes to this store; standing by") == 2
    assert store.lease[0] == ""


async def test_other_errors_of_the_work_are_raised() -> None:
    """What is wrong with polling itself ends the process, as it always did; the lease is given up first."""
    store = FakeStore()

    @asynccontextmanager
    async def work(_: Term) -> AsyncIterator[asyncio.Task[None]]:
        async def fail() -> None:
            raise ZeroDivisionError("a bug")

        yield asyncio.create_task(fail())

    candidate = Candidate(store, clock=lambda: NOW, ticks=lambda: 0.0)  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        await candidate.run(work)
    assert store.lease[0] == ""


async def test_a_store_that_is_down_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a store nobody leads; the log says so once, and once when it is back."""
    caplog.set_level("INFO")
    monkeypatch.setattr("ticker.leading.RETRY", 0.01)
    store, leading = FakeStore(), asyncio.Event()
    store.down = True

    @asynccontextmanager
    async def work(_: Term) -> AsyncIterator[asyncio.Task[None]]:
        leading.set()
        task = asyncio.create_task(asyncio.sleep(60))
        yield task
        task.cancel()

    candidate = Candidate(store, clock=lambda: NOW, ticks=lambda: 0.0)  # type: ignore[arg-type]
    running = asyncio.create_task(candidate.run(work))
    await asyncio.sleep(0.1)
    assert not leading.is_set()
    store.down = False
    async with asyncio.timeout(10):
        await leading.wait()
    running.cancel()
    await asyncio.wait([running])
    assert caplog.text.count("nobody can poll without it") == 1
    assert caplog.text.count("the store is back") == 1


def test_names_and_clock() -> None:
    """No two processes have one name, which fits where it is shown; the clock of leases goes on."""
    names = {name_of_process() for _ in range(100)}
    assert len(names) == 100
    assert all(name.isascii() and len(name) <= 64 for name in names)
    assert 0 < ticks() <= ticks()


async def test_a_new_leader_waits_for_each_source_s_turn() -> None:
    """What is left of an interval, by the oldest quote of the last answer; all at once where the coins are others."""
    polled = [assignment("a", 60), assignment("b", 300), assignment("c", 10)]
    rules = Rules({one: Voter("venue", one, 60) for one in SOURCES}, (CoinRule("bitcoin", SOURCES, listing="x"),))
    store = FakeStore()
    now = NOW
    poller = Poller(
        polled, rules, LISTING, store, FakeFetcher(a="1", b="1", c="1"), clock=lambda: now, publish_every=0.01
    )
    running = asyncio.create_task(poller.run())
    for name in SOURCES:
        await poller.poll(name)
    async with asyncio.timeout(10):
        await poller.quiet()
    running.cancel()
    await asyncio.wait([running])

    assert await first_turns(store, polled, rules, NOW + 20) == {"a": 40, "b": 280}
    assert await first_turns(store, polled, rules, NOW - 5) == {}
    other = Rules(rules.voters, (CoinRule("bitcoin", SOURCES, listing="y"),))
    assert await first_turns(store, polled, other, NOW + 20) == {}
    assert await first_turns(FakeStore(), polled, rules, NOW) == {}
    store.down = True
    assert await first_turns(store, polled, rules, NOW) == {}
