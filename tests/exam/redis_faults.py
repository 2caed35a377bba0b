"""The exam on Redis: real processes, real faults, at their full length. Exit code 1 where a bound does not hold.

    python tests/exam/redis_faults.py [hang|recovery|takeover|calls ...]

hang      5 pairs of 25 s: `/widget/list` at a steady rate with Redis well, and with Redis hung (SIGSTOP)
recovery  how long readers take to show a newer price after each fault of Redis, under the same load
takeover  leaders killed (kill -9), stopped (SIGSTOP) and ended (SIGTERM): until another leads
calls     a day of three replicas in virtual time against a day of one
kills     a publisher killed (kill -9) at 1,000 random points: the store has its last publication or the next, whole
"""

import asyncio
import os
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import aiohttp
import pytest
from faults.replicas import Replicas, replicas
from publications import numbers, publication
from redis_server import RedisServer
from service import Process
from store import writer
from test_leading import all_calls
from test_leading import replicas as virtual_replicas

from ticker.store.envelope import Sealed, unseal
from ticker.store.redis_fence import VALUES

RATE = 200  # requests a second
PAIRS, SPAN = 5, 25.0
SLOWER, CONVERGE, TAKEOVER, AT_ONCE = 1.5, 15.0, 10.0, 2.0
KILLS, STOPS, ENDS = 8, 3, 8
POINTS = 1000

failed: list[str] = []


def say(line: str) -> None:
    """A line of the report."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def bound(holds: bool, what: str) -> str:
    """A bound's verdict, which is remembered."""
    if not holds:
        failed.append(what)
    return "ok" if holds else "NOT OK"


class Load:
    """`/widget/list` at a steady rate, whatever the answers take; how long each took, and what was not 200."""

    def __init__(self, server: Process) -> None:
        self._server = server
        self.took: list[float] = []
        self.bad: list[str] = []

    async def run(self) -> None:
        """Until cancelled."""
        connector = aiohttp.TCPConnector(limit=64)
        async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as asks:
            tick = time.monotonic()
            while True:
                tick += 1 / RATE
                await asyncio.sleep(max(0.0, tick - time.monotonic()))
                asks.create_task(self._ask(session))

    async def _ask(self, session: aiohttp.ClientSession) -> None:
        began = time.perf_counter()
        try:
            async with session.get(self._server.origin + "/widget/list") as response:
                await response.read()
        except aiohttp.ClientError as error:
            self.bad.append(repr(error))
            return
        self.took.append(time.perf_counter() - began)
        if response.status != 200:
            self.bad.append(str(response.status))

    async def p99(self, seconds: float) -> float:
        """Of the answers in the next so many seconds, in milliseconds."""
        first = len(self.took)
        await asyncio.sleep(seconds)
        return 1000 * statistics.quantiles(self.took[first:], n=100)[98]


@asynccontextmanager
async def stage(number: int) -> AsyncIterator[tuple[RedisServer, Replicas, Process]]:
    """A Redis, so many pollers, a server with a settled price."""
    with tempfile.TemporaryDirectory() as folder:
        redis = RedisServer(program(), Path(folder))
        redis.start()
        try:
            async with replicas(redis, Path(folder), number) as all_:
                server = await all_.serve()
                await server.prices_when(lambda found: found["bitcoin"]["agreement"] == "ok", within=60)
                yield redis, all_, server
        finally:
            redis.kill()


@asynccontextmanager
async def loaded(server: Process) -> AsyncIterator[Load]:
    """The load, until the block ends."""
    load = Load(server)
    task = asyncio.create_task(load.run())
    try:
        yield load
    finally:
        task.cancel()
        await asyncio.wait([task])


async def newer(server: Process, since: float) -> float:
    """The seconds until a price is shown that is newer than `since`."""
    began = time.monotonic()

    def is_newer(found: dict[str, dict[str, str]]) -> bool:
        as_of = found["bitcoin"]["as_of"]
        return bool(as_of) and datetime.fromisoformat(as_of).timestamp() > since

    await server.prices_when(is_newer, within=120)
    return time.monotonic() - began


async def hang() -> None:
    """Requests never wait for Redis."""
    ratios = []
    async with stage(1) as (redis, _, server), loaded(server) as load:
        await load.p99(5)
        for pair in range(PAIRS):
            well = await load.p99(SPAN)
            redis.pause()
            hung = await load.p99(SPAN)
            redis.resume()
            resumed = time.time()
            took = await newer(server, resumed)
            ratios.append(hung / well)
            say(
                f"hang {pair + 1}: p99 {well:.1f} ms well, {hung:.1f} ms hung, x {hung / well:.2f}; "
                f"newer after {took:.1f} s"
            )
            bound(took <= CONVERGE, "convergence after a hang")
        median = statistics.median(ratios)
        say(f"hang: median x {median:.2f}, at most {SLOWER}: {bound(median <= SLOWER, 'p99 while Redis hangs')}")
        verdict = bound(not load.bad, "answers while Redis hangs")
        say(f"hang: {len(load.took)} answers, {len(load.bad)} not 200: {verdict}")


async def recovery() -> None:
    """From the end of a fault to a newer price, as a reader sees it."""
    async with stage(2) as (redis, _, server), loaded(server) as load:

        def wipe() -> None:
            with redis.client() as client:
                client.flushall()
                client.script_flush()

        def kill_clients() -> None:
            with redis.client() as client:
                client.client_kill_filter(_type="normal", skipme=True)
                client.client_kill_filter(_type="pubsub")

        def overflow() -> None:
            """Subscribers are cut off for what they have not read."""
            with redis.client() as client:
                client.config_set("client-output-buffer-limit", "pubsub 1kb 1kb 1")
                client.publish("{ticker}:notice", b"x" * 1_000_000)
                client.config_set("client-output-buffer-limit", "pubsub 32mb 8mb 60")

        def full() -> None:
            with redis.client() as client:
                client.config_set("maxmemory", "1")

        def not_full() -> None:
            with redis.client() as client:
                client.config_set("maxmemory", "0")

        def foreign() -> None:
            with redis.client() as client:
                client.delete("{ticker}:snapshot")
                client.lpush("{ticker}:snapshot", "x")

        nothing: Callable[[], None] = lambda: None  # noqa: E731
        faults: dict[str, tuple[Callable[[], None], float, Callable[[], None]]] = {
            "hung 12 s (SIGSTOP)": (redis.pause, 12, redis.resume),
            "gone 5 s, back empty": (redis.kill, 5, redis.start),
            "restarted empty at once": (redis.restart, 0, nothing),
            "FLUSHALL": (wipe, 0, nothing),
            "all clients killed": (kill_clients, 0, nothing),
            "subscribers cut off (output buffer)": (overflow, 0, nothing),
            "no memory for 5 s (maxmemory)": (full, 5, not_full),
            "another type under our key": (foreign, 0, nothing),
        }
        for name, (hurt, seconds, mend) in faults.items():
            hurt()
            await asyncio.sleep(seconds)
            mend()
            took = await newer(server, time.time())
            say(f"recovery: {name}: newer after {took:.1f} s, at most {CONVERGE:g}: {bound(took <= CONVERGE, name)}")
            await asyncio.sleep(3)
        say(
            f"recovery: {len(load.took)} answers, {len(load.bad)} not 200: {bound(not load.bad, 'answers in recovery')}"
        )


async def takeover() -> None:
    """From the end of a leader to the next."""
    async with stage(3) as (_, all_, server):
        for name, number, how, most in (
            ("killed (kill -9)", KILLS, signal.SIGKILL, TAKEOVER),
            ("stopped (SIGSTOP)", STOPS, signal.SIGSTOP, TAKEOVER),
            ("ended (SIGTERM)", ENDS, signal.SIGTERM, AT_ONCE),
        ):
            took = []
            for turn in range(number):
                leader, _ = await all_.leader()
                await asyncio.sleep(4 + 0.4 * turn)  # so that the lease is of any age
                leader.send(how)
                took.append((await all_.leader(but=leader))[1])
                asked = leader.calls
                if how is signal.SIGSTOP:
                    leader.send(signal.SIGCONT)
                    await leader.process.says("standing by", within=60)
                    await asyncio.sleep(2)
                    say(
                        f"takeover: the stopped one asked {leader.calls - asked} times after SIGCONT: "
                        f"{bound(leader.calls == asked, 'calls of a stopped leader')}"
                    )
                else:
                    await leader.process.end()
                    all_.all.remove(leader)
                    await all_.add()
                await server.prices_when(lambda found: found["bitcoin"]["freshness"] == "live")
            say(
                f"takeover: leader {name} {number} times: after {min(took):.2f} to {max(took):.2f} s, median "
                f"{statistics.median(took):.2f}, at most {most:g}: {bound(max(took) <= most, f'takeover, {name}')}"
            )


def calls() -> None:
    """A day in virtual time."""
    with pytest.MonkeyPatch.context() as patch:
        one = len(all_calls(virtual_replicas(patch, 1, 24)))
    with pytest.MonkeyPatch.context() as patch:
        three = len(all_calls(virtual_replicas(patch, 3, 24)))
    say(
        f"calls: in 24 h, one replica {one}, three replicas {three}, x {three / one:.4f}, at most 1.01: "
        f"{bound(abs(three / one - 1) <= 0.01, 'calls of three replicas')}"
    )


def kills() -> None:
    """Publishers that write as fast as they can, each killed at a random moment."""
    with tempfile.TemporaryDirectory() as folder:
        redis = RedisServer(program(), Path(folder))
        redis.start()
        wrong = 0
        try:
            with redis.client() as client:
                for _ in range(POINTS):
                    said = killed(redis.url)
                    found = unseal(Sealed(*client.mget(*(f"{{ticker}}:{name}" for name in VALUES))))
                    epoch, seq = found.snapshot.order
                    whole = numbers(found) == {seq} and found == publication(epoch, seq)
                    wrong += not (whole and (epoch, seq) in (said, (said[0], said[1] + 1)))
        finally:
            redis.kill()
    verdict = bound(not wrong, "publisher killed")
    say(
        f"kills: {POINTS:,} publishers killed, {wrong} times something else than the last or the next, whole: {verdict}"
    )


def killed(url: str) -> tuple[int, int]:
    """Start a publisher, kill it at a random moment after its first word; the last number that it said."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(writing, 1)
        try:
            asyncio.run(writer.main(url, "ticker"))
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as words:
        said = [words.readline()]
        time.sleep(random.uniform(0, 0.05))
        os.kill(child, signal.SIGKILL)
        said += words.readlines()
    os.waitpid(child, 0)
    epoch, seq = [line for line in said if line.endswith(b"\n")][-1].split()
    return int(epoch), int(seq)


def program() -> str:
    """The path of redis-server."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is None:
        raise SystemExit("no redis-server or valkey-server program here")
    return found


def main(names: list[str]) -> int:
    """Sit these parts, all if none; 0 = every bound holds."""
    parts = {"hang": hang, "recovery": recovery, "takeover": takeover}
    for name, part in parts.items():
        if not names or name in names:
            asyncio.run(part())
    for name, plain in {"calls": calls, "kills": kills}.items():
        if not names or name in names:
            plain()
    if failed:
        say(f"not held: {', '.join(sorted(set(failed)))}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
