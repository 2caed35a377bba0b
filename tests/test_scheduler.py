"""When polls happen (trust rule 20), with a real APScheduler: in real time and short intervals, and in virtual time."""

import asyncio
import datetime as real
import logging
import time
from collections import Counter
from itertools import pairwise

import pytest
from virtual import Clocks, virtually

from ticker.scheduler import Scheduler, Turns


async def test_every_source_is_polled_at_once_and_then_in_turn() -> None:
    """First poll right away, then one an interval, independent of each other."""
    calls: Counter[str] = Counter()

    async def poll(name: str) -> None:
        calls[name] += 1

    scheduler = Scheduler({"a": 0.2, "b": 0.4}, poll)
    scheduler.start()
    await asyncio.sleep(0.15)
    assert calls["a"] >= 1
    assert calls["b"] >= 1
    await asyncio.sleep(1.65)
    scheduler.stop()

    assert 7 <= calls["a"] <= 11
    assert 4 <= calls["b"] <= 6


async def test_never_two_at_once() -> None:
    """A poll longer than its interval is not joined by another of the same source, and does not delay others."""
    running: Counter[str] = Counter()
    most: Counter[str] = Counter()
    quick = 0

    async def poll(name: str) -> None:
        nonlocal quick
        running[name] += 1
        most[name] = max(most[name], running[name])
        if name == "slow":
            await asyncio.sleep(0.5)
        else:
            quick += 1
        running[name] -= 1

    scheduler = Scheduler({"slow": 0.1, "quick": 0.1}, poll)
    scheduler.start()
    await asyncio.sleep(1.2)
    scheduler.stop()
    await asyncio.sleep(0.5)

    assert most["slow"] == 1
    assert quick >= 8


async def test_a_blocked_loop_loses_no_poll() -> None:
    """After the loop was blocked for several intervals, every source is polled at once, once."""
    calls: Counter[str] = Counter()

    async def poll(name: str) -> None:
        calls[name] += 1

    scheduler = Scheduler(dict.fromkeys("abcdefghij", 0.3), poll)
    scheduler.start()
    await asyncio.sleep(0.2)
    before = calls.copy()
    time.sleep(1.5)  # noqa: ASYNC251 - blocking the loop is the point
    await asyncio.sleep(0.15)
    scheduler.stop()

    assert all(1 <= calls[name] - before[name] <= 2 for name in "abcdefghij")
    assert scheduler.turns == Turns(late=10)


async def test_coming_back_early() -> None:
    """What a poll returns is when it is next polled; then the usual turn goes on."""
    times: list[float] = []

    async def poll(_: str) -> float | None:
        times.append(time.monotonic())
        return 0.1 if len(times) == 1 else None

    scheduler = Scheduler({"a": 1.0}, poll)
    scheduler.start()
    await asyncio.sleep(1.6)
    scheduler.stop()

    assert len(times) == 3
    assert 0.08 <= times[1] - times[0] <= 0.4
    assert 0.8 <= times[2] - times[1] <= 1.3


def schedule(
    clocks: Clocks, every: dict[str, float], again: float | None = None, takes: float = 0.0
) -> tuple[Scheduler, dict[str, list[float]]]:
    """A scheduler in virtual time whose polls note their moment, take so long, and ask to come back so."""
    times: dict[str, list[float]] = {name: [] for name in every}

    async def poll(name: str) -> float | None:
        times[name].append(clocks.steady())
        if takes:
            await asyncio.sleep(takes)
        return again

    return Scheduler(every, poll, wall=clocks.wall, steady=clocks.steady), times


def gaps(times: list[float]) -> list[float]:
    """Seconds between one poll and the next."""
    return [after - before for before, after in pairwise(times)]


@pytest.mark.parametrize("again", [None, 25.0])
@pytest.mark.parametrize("takes", [0.0, 7.0])
@pytest.mark.parametrize("hours", [1, -1, 24, -24])
def test_the_clock_may_be_set(monkeypatch: pytest.MonkeyPatch, hours: int, takes: float, again: float | None) -> None:
    """Steps of the system's clock, between polls and during them, change no interval and lose no poll."""

    async def main(clocks: Clocks) -> tuple[dict[str, list[float]], Turns]:
        scheduler, times = schedule(clocks, {"a": 60.0, "b": 300.0}, again, takes)
        scheduler.start()
        for pause in (500, 500.5, 503, 3000, 17, 4000):
            await asyncio.sleep(pause)
            clocks.step += 3600 * hours
        scheduler.stop()
        return times, scheduler.turns

    times, turns = virtually(monkeypatch, main)
    assert turns == Turns(steps=turns.steps)
    assert 3 <= turns.steps <= 5  # of two steps between two polls only the sum is seen
    for name, every in (("a", 60.0), ("b", 300.0)):
        least, most = (every, 1.1 * every) if again is None else (again + takes, again + takes)
        assert all(least - 0.01 <= gap <= most + 0.01 for gap in gaps(times[name])), gaps(times[name])
        assert len(times[name]) >= 8000 / (most + 0.01)


def test_slow_drift_is_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is led back to the right time a second at a time is followed, not fought."""

    async def main(clocks: Clocks) -> tuple[dict[str, list[float]], Turns]:
        scheduler, times = schedule(clocks, {"a": 60.0})
        scheduler.start()
        await asyncio.sleep(600)
        clocks.step += 1.5
        await asyncio.sleep(600)
        scheduler.stop()
        return times, scheduler.turns

    times, turns = virtually(monkeypatch, main)
    assert turns == Turns()
    assert all(58 <= gap <= 66.1 for gap in gaps(times["a"]))


def test_five_blocked_seconds_lose_no_poll_and_raise_the_alarm(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Every source is polled right after; those that missed two intervals are counted and told, once, and once more
    when they are back."""
    caplog.set_level(logging.INFO, "ticker")

    async def main(clocks: Clocks) -> tuple[dict[str, list[float]], Turns]:
        scheduler, times = schedule(clocks, {"a": 1.0, "b": 2.0, "c": 60.0})
        scheduler.start()
        await asyncio.sleep(10)
        clocks.block(5)
        await asyncio.sleep(10)
        scheduler.stop()
        return times, scheduler.turns

    times, turns = virtually(monkeypatch, main)
    assert turns == Turns(late=2)
    assert sorted(caplog.messages) == [
        "a is polled again",
        "b is polled again",
        "no poll for two intervals: a, b; is this machine overloaded, or was it asleep?",
    ]
    for name in "ab":
        assert any(15 <= at < 15.01 for at in times[name])
    assert max(gaps(times["a"])) < 6.11
    assert max(gaps([at for at in times["a"] if at >= 15])) <= 1.11
    assert len(times["c"]) == 1


def test_a_poll_that_never_ends_raises_the_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watchdog needs no next turn to notice; the turns that came due meanwhile are counted."""

    async def main(clocks: Clocks) -> Turns:
        scheduler, _ = schedule(clocks, {"a": 60.0}, takes=1e6)
        scheduler.start()
        await asyncio.sleep(600)
        scheduler.stop()
        return scheduler.turns

    turns = virtually(monkeypatch, main)
    assert turns.late == 1
    assert turns.skipped == 9


def test_a_source_that_asked_for_time_is_not_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Retry-After of an hour is no alarm."""

    async def main(clocks: Clocks) -> tuple[dict[str, list[float]], Turns]:
        scheduler, times = schedule(clocks, {"a": 60.0}, again=3600.0)
        scheduler.start()
        await asyncio.sleep(8000)
        scheduler.stop()
        return times, scheduler.turns

    times, turns = virtually(monkeypatch, main)
    assert turns == Turns()
    assert len(times["a"]) == 3


def test_coming_back_at_once_is_soon_and_not_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The poll that says so still counts as running; the next one is made all the same."""

    async def main(clocks: Clocks) -> tuple[dict[str, list[float]], Turns]:
        scheduler, times = schedule(clocks, {"a": 60.0}, again=0.0)
        scheduler.start()
        await asyncio.sleep(1)
        scheduler.stop()
        return times, scheduler.turns

    times, turns = virtually(monkeypatch, main)
    assert turns == Turns()
    assert 14 <= len(times["a"]) <= 20


def test_a_poll_that_raises_is_counted_and_polled_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A defect of ours is in the log with its trace, and costs one turn."""

    async def main(clocks: Clocks) -> tuple[int, Turns]:
        calls = 0

        async def poll(_: str) -> None:
            nonlocal calls
            calls += 1
            raise ZeroDivisionError

        scheduler = Scheduler({"a": 60.0}, poll, wall=clocks.wall, steady=clocks.steady)
        scheduler.start()
        await asyncio.sleep(200)
        scheduler.stop()
        return calls, scheduler.turns

    calls, turns = virtually(monkeypatch, main)
    assert (calls, turns) == (4, Turns(failed=4))
    assert "ZeroDivisionError" in caplog.text


async def test_stopping_ends_a_poll_that_runs_and_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    """No trace in the log for having been stopped."""
    ended = asyncio.Event()

    async def poll(_: str) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    scheduler = Scheduler({"a": 0.1}, poll)
    scheduler.start()
    await asyncio.sleep(0.05)
    scheduler.stop()
    await asyncio.wait_for(ended.wait(), 1)
    await asyncio.sleep(0.05)

    assert scheduler.turns == Turns()
    assert "Traceback" not in caplog.text


async def test_the_real_clock_may_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same with the true clocks and no virtual time: an hour forth and back within three seconds of polls."""
    step, times = 0.0, []

    def wall() -> float:
        return time.time() + step

    class Now(real.datetime):
        @classmethod
        def now(cls, tz: real.tzinfo | None = None) -> real.datetime:  # type: ignore[override]
            return real.datetime.fromtimestamp(wall(), tz)

    async def poll(_: str) -> None:
        times.append(time.monotonic())

    monkeypatch.setattr("apscheduler.schedulers.base.datetime", Now)
    scheduler = Scheduler({"a": 0.2}, poll, wall=wall)
    scheduler.start()
    for hour in (3600.0, 0.0, -3600.0, 0.0):
        await asyncio.sleep(0.7)
        step = hour
    await asyncio.sleep(0.5)
    scheduler.stop()

    assert scheduler.turns.steps == 4
    assert 12 <= len(times) <= 17
    assert all(0.15 <= gap <= 0.45 for gap in gaps(times))
