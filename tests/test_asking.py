"""Turns of sources under their limits: spaced, put off, left alone, and remembered (trust rule 19)."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from fakes import Clock, FakeFetcher, FakeStore, fake_source
from virtual import Clocks, virtually

from ticker.asking import Assignment
from ticker.commands.assembly import assignments
from ticker.config import load, shipped_folder
from ticker.consensus import CoinRule, Rules, Voter
from ticker.errors import RateLimited, ServerFailed, TimedOut
from ticker.fetch import Answer, Ask
from ticker.model import Coin
from ticker.poller import Listing, Poller
from ticker.scheduler import Scheduler
from ticker.sources.base import HOUR, MINUTE, MONTH, SECOND, Limit, Request

COINS = ("bitcoin", "ethereum", "litecoin")


def limited(name: str, *limits: Limit, every: float = 60.0, quota: str = "", **more: Any) -> Assignment:
    """A source of one request a turn under these limits."""
    return Assignment(fake_source(name, **more), "https://x", every, {"bitcoin": ("BTC",)}, limits=limits, quota=quota)


def batched(name: str, *limits: Limit, every: float = 60.0, quota: str = "") -> Assignment:
    """A source that is asked for three coins in three requests."""
    source = fake_source(name, batch=1, request=lambda ids: Request("/one", query=(("ids", ids[0]),)))
    return Assignment(source, "https://x", every, {one: (one,) for one in COINS}, limits=limits, quota=quota)


class Road(FakeFetcher):
    """Answers with a price for whatever is asked, and notes when; or fails with the error of the source."""

    def __init__(self, now: Callable[[], float], **answers: Any) -> None:
        super().__init__(**answers)
        self.now, self.times = now, []  # type: ignore[var-annotated]

    async def fetch(self, ask: Ask) -> Answer:
        self.times.append(self.now())
        if ask.source in self.answers:
            return await super().fetch(ask)
        self.asks.append(ask)
        body = b'{"%s": "100", "BTC": "100"}' % dict(ask.query).get("ids", "BTC").encode()
        return Answer(body, len(body))


def poller_of(road: FakeFetcher, clock: Callable[[], float], *assigned: Assignment, store: Any = None) -> Poller:
    """A poller of these sources."""
    voters = {one.source.name: Voter("venue", one.source.group, one.every) for one in assigned}
    rules = Rules(voters, (CoinRule("bitcoin", tuple(voters)),))
    listing = Listing((Coin("bitcoin", "Bitcoin", "BTC"),), ("bitcoin",))
    return Poller(assigned, rules, listing, store or FakeStore(), road, clock=clock, publish_every=0.01)


def test_the_requests_of_one_poll_are_spaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under one request a second a poll of three takes its time, and has all three answers."""

    async def main(clocks: Clocks) -> tuple[list[float], int]:
        road = Road(clocks.steady)
        poller = poller_of(road, clocks.wall, batched("a", Limit(1, SECOND)))
        assert await poller.poll("a") is None
        return road.times, len(poller._quotes["a"])

    times, quotes = virtually(monkeypatch, main)
    assert quotes == 3
    assert all(after - before >= 2 for before, after in pairwise(times))
    assert times[-1] < 5


async def test_a_poll_without_budget_is_put_off_and_not_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """It says when to come back, keeps the last answer, is told once, and is made when there is room."""
    caplog.set_level(logging.INFO, "ticker")
    clock = Clock()
    road = Road(clock)
    poller = poller_of(road, clock, limited("a", Limit(4, HOUR)))
    assert [await poller.poll("a") for _ in range(2)] == [None, None]
    waits = []
    for _ in range(3):
        wait = await poller.poll("a")
        assert wait is not None
        waits.append(wait)
        clock.now += 600
    assert 3600 <= waits[0] <= 3720
    assert waits[1] == waits[0] - 600
    assert poller.health["a"].hold is not None
    assert poller.health["a"].error is None
    assert [quote.poll for quote in poller._quotes["a"]] == [2]
    clock.now += waits[0]
    assert await poller.poll("a") is None
    assert poller.health["a"].hold is None
    assert len(road.asks) == 3
    assert caplog.messages == [f"a is put off for {waits[0]:.1f} s: its quota is used up for now"]


async def test_a_quota_is_shared() -> None:
    """Two sources of one operator together never take more than the share of one."""
    clock = Clock()
    road = Road(clock)
    pair = [limited(name, Limit(8, HOUR), quota="operator/demo") for name in "ab"]
    poller = poller_of(road, clock, *pair)
    said = [await poller.poll(name) for name in "ababab"]
    assert said[:4] == [None] * 4
    assert all(wait is not None and wait > 3000 for wait in said[4:])
    assert len(road.asks) == 4


async def test_a_poll_whose_budget_others_take_meanwhile_is_put_off_whole() -> None:
    """It does not sit half done for an hour: it ends, and begins anew when all of it fits."""
    clock = Clock()
    road = Road(clock)
    big, small = batched("a", Limit(6, HOUR), quota="q"), limited("b", Limit(6, HOUR), quota="q")
    poller = poller_of(road, clock, big, small)
    asking, ask = [False], road.fetch

    async def between(one: Ask) -> Answer:
        if one.source == "a" and not asking[0]:
            asking[0] = True
            assert await poller.poll("b") is None
        return await ask(one)

    road.fetch = between  # type: ignore[method-assign]
    wait = await poller.poll("a")
    assert wait is not None
    assert wait > 3000
    assert "a" not in poller._quotes
    clock.now += wait
    assert await poller.poll("a") is None
    assert len(poller._quotes["a"]) == 3


async def test_a_tripped_source_is_left_alone_and_probed_with_one_call() -> None:
    """Whoever asks, it is not called during its rest; the probe of a poll of three requests is one."""
    clock = Clock()
    road = Road(clock, a=TimedOut("a"))
    poller = poller_of(road, clock, batched("a"))
    for _ in range(5):
        clock.now += await poller.poll("a") or 0
    assert len(road.asks) == 5
    clock.now -= 30
    assert [30 - 1e-3 <= (await poller.poll("a") or 0) <= 30 + 1e-3 for _ in range(10)] == [True] * 10
    assert len(road.asks) == 5
    clock.now += 30.001
    again = await poller.poll("a")
    assert len(road.asks) == 6
    assert again is not None
    assert again >= 120
    assert poller.manners.breaker("a").tripped


def storm(monkeypatch: pytest.MonkeyPatch, error: Exception, every: float = 60.0) -> int:
    """The calls that ten minutes of one error cost, with the real scheduler and poller."""

    async def main(clocks: Clocks) -> int:
        road = Road(clocks.steady, a=error)
        poller = poller_of(road, clocks.wall, limited("a", every=every))
        scheduler = Scheduler({"a": every}, poller.poll, wall=clocks.wall, steady=clocks.steady)
        scheduler.start()
        await asyncio.sleep(600)
        scheduler.stop()
        return len(road.asks)

    found: int = virtually(monkeypatch, main)
    return found


@pytest.mark.parametrize("every", [3.0, 60.0, 300.0])
@pytest.mark.parametrize(
    "error", [RateLimited("a"), RateLimited("a", retry_after=1.0), ServerFailed("a"), TimedOut("a")], ids=repr
)
def test_ten_minutes_of_errors_cost_at_most_8_calls(
    monkeypatch: pytest.MonkeyPatch, error: Exception, every: float
) -> None:
    """A storm of 429, or of anything, through scheduler and poller (trust rule 19)."""
    assert 2 <= storm(monkeypatch, error, every) <= 8


async def resumed(poller: Poller) -> asyncio.Task[None]:
    """The publishing loop, once it has taken over."""
    task = asyncio.create_task(poller.run())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await poller._resumed.wait()
    return task


async def published(store: FakeStore, count: int) -> None:
    """Wait for so many publications."""
    while len(store.published) < count:  # noqa: ASYNC110 - the fake store has no event
        await asyncio.sleep(0.005)


async def stopped(*tasks: asyncio.Task[None]) -> None:
    """End them."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_restart_forgets_neither_the_month_nor_a_retry_after() -> None:
    """Both go through the store: the next process has what is left, and leaves alone who asked for it."""
    clock, store = Clock(), FakeStore()
    limits = (Limit(100, MINUTE), Limit(10_000, MONTH))
    pair: Sequence[Assignment] = [limited("a", *limits), limited("b", *limits)]
    first = poller_of(Road(clock, b=RateLimited("b", retry_after=900.0)), clock, *pair, store=store)
    task = await resumed(first)
    for name in "aab":
        await first.poll(name)
    await published(store, 1)
    await asyncio.sleep(0.05)
    await stopped(task)

    clock.now += 100
    second = poller_of(road := Road(clock), clock, *pair, store=store)
    task = await resumed(second)
    assert await second.poll("a") is None
    assert await second.poll("b") == pytest.approx(800)
    await stopped(task)

    assert [ask.source for ask in road.asks] == ["a"]
    assert [window.left(clock.now) for window in second.manners.budget("a").windows] == [49, 8_997, 297]
    assert second.manners.breaker("b").hold(clock.now) == pytest.approx(800)


async def test_first_polls_wait_for_what_the_last_poller_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow store is waited for, a moment; one that is down is not, and does not stop polling."""
    monkeypatch.setattr("ticker.poller.RESUME", 0.2)
    clock, store = Clock(), FakeStore()
    first = poller_of(Road(clock, a=RateLimited("a", retry_after=900.0)), clock, limited("a"), store=store)
    task = await resumed(first)
    await first.poll("a")
    await published(store, 1)
    await stopped(task)

    release, resume = asyncio.Event(), store.resume

    async def slow() -> Any:
        await release.wait()
        return await resume()

    store.resume = slow  # type: ignore[method-assign]
    second = poller_of(road := Road(clock), clock, limited("a"), store=store)
    running = asyncio.create_task(second.run())
    await asyncio.sleep(0)
    poll = asyncio.create_task(second.poll("a"))
    await asyncio.sleep(0.05)
    assert not poll.done()
    release.set()
    assert await poll == pytest.approx(900)
    assert road.asks == []
    await stopped(running)

    store.down = True
    third = poller_of(Road(clock), clock, limited("a"), store=store)
    running = asyncio.create_task(third.run())
    await asyncio.sleep(0)
    assert await third.poll("a") is None
    await stopped(running)


async def test_the_first_round_does_not_wait_for_who_is_put_off() -> None:
    """A source that may not be asked has had its turn."""
    clock = Clock()
    poller = poller_of(Road(clock), clock, limited("a"), limited("b", Limit(2, HOUR)))
    poller.manners.take("b", clock.now)
    await poller.poll("b")
    assert not poller.first_round.is_set()
    await poller.poll("a")
    assert poller.first_round.is_set()


def test_assignments_carry_the_limits_of_their_plan_and_stand_ins_none() -> None:
    """What the budget is made of, and its name, come from the configuration's plan."""
    environ = {
        "TICKER_SOURCES_COINGECKO_KEY": "planted",
        "TICKER_SOURCES_KRAKEN_ALLOW_PRIVATE": "true",
        "TICKER_SOURCES_KRAKEN_EVERY": "1s",
    }
    made = {one.source.name: one for one in assignments(load(shipped_folder(), environ))}
    assert made["coingecko"].limits == (Limit(30, MINUTE), Limit(10_000, MONTH))
    assert made["coingecko"].quota == "coingecko/demo"
    assert made["binance"].customer.cost == 80
    assert (made["kraken"].limits, made["kraken"].quota) == ((), "")
