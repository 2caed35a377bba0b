"""When polls happen (trust rule 20), with a real APScheduler and short intervals."""

import asyncio
import time
from collections import Counter

from ticker.scheduler import Scheduler


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
