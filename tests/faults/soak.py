"""The whole service for as long as told, with faults on every wire: is any answer ever missing, or wrong?

    PYTHONPATH=tests:. python tests/faults/soak.py MINUTES [SEED]        (60 in the exam; the suite runs two minutes)

Two pollers and two servers on one Redis, every source simulated, and a wire that can be hurt before each source and
before Redis for each process. By a schedule that a seed draws, wires slow down, stall, break and are mended, sources
lie, Redis is killed, emptied and stopped, one of the pollers is killed. Meanwhile clients ask both servers and judge
every answer. Exit code 1 where one failed or was wrong, where memory or handles grow, or where calm does not bring back
every price.
"""

import asyncio
import json
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import aiohttp
from faults.judge import Judge
from faults.wire import FINE, KINDS, Wire
from redis_server import RedisServer
from service import Process, free_port, ticker

from ticker.commands.run import demo_environment
from ticker.commands.simulate import market_of
from ticker.config import default_folder, load
from ticker.simulate import server as simulator

LIES = ("scale:10", "scale:0.1", "zero", "negative", "frozen", "garbage", "status:503", "html", "truncate", "empty")
LIARS = 2  # sources at a time, of fourteen
PATHS = ("/v1/prices?coins=all", "/widget/list", "/v1/prices/bitcoin", "/embed/list", "/v1/prices?currency=eur")
RATE = 320.0  # requests a second in all; more than a million an hour
CLIENTS = 8
VIEWERS = 20
WARM_UP = 0.25  # of the time, in which memory may still grow
CALM = 45.0  # seconds until readers have a new snapshot: the lease of a poller that was killed, and trust rule 23
WIDELY = 8  # sources
AGREED = 3
WHOLE = 300.0  # seconds that the others have: a source that failed for long is asked again in minutes
LEAK = 10  # handles or tasks more in the second half than in the first
GROWTH = 1.0  # MB in ten minutes at most


class Size(NamedTuple):
    """A process at a moment: seconds since the beginning, megabytes, open files, tasks of its loop."""

    at: float
    memory: float
    handles: int
    tasks: int


@dataclass
class Report:
    """What came of it."""

    seconds: float = 0.0
    answers: int = 0
    frames: int = 0
    failed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    worst: float = 0.0
    calm_after: float | None = None
    whole_after: float | None = None
    sizes: dict[str, list[Size]] = field(default_factory=dict)

    def growth(self, name: str) -> float:
        """MB in ten minutes that a process grew by after the warm-up: the slope of a straight line through all."""
        kept = [one for one in self.sizes[name] if one.at >= self.seconds * WARM_UP]
        if len(kept) < 2:
            return 0.0
        times, sizes = [one.at for one in kept], [one.memory for one in kept]
        middle, mean = sum(times) / len(times), sum(sizes) / len(sizes)
        across = sum((at - middle) ** 2 for at in times)
        return 600 * sum((at - middle) * (size - mean) for at, size in zip(times, sizes, strict=True)) / across

    def most(self, name: str, what: str) -> tuple[int, int]:
        """Of a process' "handles" or "tasks" the most, in the first half and in the second."""
        half = self.seconds / 2
        first = max((getattr(one, what) for one in self.sizes[name] if one.at < half), default=0)
        return first, max((getattr(one, what) for one in self.sizes[name] if one.at >= half), default=0)

    @property
    def passed(self) -> bool:
        """Whether all was well. Memory is judged where there was time to see it grow."""
        grown = any(self.growth(name) >= GROWTH for name in self.sizes) and self.seconds >= 1800
        counted = [self.most(name, what) for name in self.sizes for what in ("handles", "tasks")]
        leaked = any(second > first + LEAK for first, second in counted)
        return not (self.failed or self.wrong or grown or leaked or self.calm_after is None)

    def __str__(self) -> str:
        bad = f"{len(self.failed)} failed, {len(self.wrong)} wrong"
        lines = [
            f"{self.seconds / 60:.1f} min: {self.answers:,} answers, {bad}",
            f"stream frames {self.frames:,}; the worst settled price was {self.worst * 100:.2f} % off",
            "prices judged: " + ", ".join(f"{name} {count:,}" for name, count in self.states.most_common()),
            "faults: " + ", ".join(f"{name} {count}" for name, count in sorted(self.faults.items())),
            f"{_seconds(self.calm_after)} after the last fault a new snapshot was out, with what {WIDELY} sources list "
            f"agreed; {_seconds(self.whole_after)} after it the votes were new, too",
        ]
        for name in sorted(self.sizes):
            (files, files_after), (tasks, tasks_after) = self.most(name, "handles"), self.most(name, "tasks")
            lines.append(
                f"{name}: {self.sizes[name][-1].memory:.0f} MB, {self.growth(name):+.2f} MB/10 min, handles {files} → "
                f"{files_after}, tasks {tasks} → {tasks_after} (the most in each half)"
            )
        lines += self.failed[:10] + self.wrong[:10]
        return "\n".join(lines)


class Soak:
    """One run. `redis` is a server that nobody else has; `folder` takes logs and states."""

    def __init__(self, redis: RedisServer, folder: Path, seconds: float, seed: int, patience: float = WHOLE) -> None:
        self._redis, self._folder, self._seconds, self._patience = redis, folder, seconds, patience
        self._rng = random.Random(seed)
        self.report = Report(seconds=seconds)
        self._wires: dict[str, Wire] = {}
        self._lying: set[str] = set()
        self._processes: dict[str, Process] = {}
        self._metrics: dict[str, int] = {}
        self._over = asyncio.Event()

    async def run(self) -> Report:
        """The whole run."""
        config = load(default_folder(None), {}, {})
        simulation = await simulator.start(market_of(config))
        async with AsyncExitStack() as stack:
            stack.push_async_callback(simulation.stop)
            await self._stretch(simulation, stack)
            for name in ("poll-a", "serve-a", "serve-b"):
                self._processes[name] = await stack.enter_async_context(self._process(name, simulation))
            judge = Judge(simulation.market, self.report)
            servers = [self._processes[name] for name in ("serve-a", "serve-b")]
            for one in servers:
                await one.until("/readyz")
                await one.prices_when(lambda found: found["bitcoin"]["agreement"] == "ok", within=60)
            self._began = time.monotonic()
            work = [
                *(asyncio.create_task(judge.ask(servers, PATHS, CLIENTS / RATE, self._over)) for _ in range(CLIENTS)),
                *(asyncio.create_task(judge.watch(servers[n % 2], self._over)) for n in range(VIEWERS)),
                asyncio.create_task(self._measure()),
            ]
            trouble = [asyncio.create_task(self._hurt(name)) for name in self._wires]
            trouble += [asyncio.create_task(one(simulation)) for one in (self._lie, self._second_poller)]
            trouble += [asyncio.create_task(self._hurt_redis())]
            await asyncio.wait([*work, *trouble], timeout=self._seconds, return_when=asyncio.FIRST_EXCEPTION)
            for task in trouble:
                task.cancel()
            await asyncio.gather(*trouble, return_exceptions=True)
            self._mend(simulation)
            since = datetime.now(UTC)
            self.report.calm_after = await _until(servers, since, WIDELY, CALM, votes=False)
            self.report.whole_after = await _until(servers, since, AGREED, self._patience, votes=True)
            self._over.set()
            await asyncio.gather(*work)
        return self.report

    async def _stretch(self, simulation: simulator.Simulation, stack: AsyncExitStack) -> None:
        """A wire before every source, and before Redis one for each process."""
        port = int(simulation.origin.rsplit(":", 1)[1])
        redis = {f"redis:{name}": self._redis.port for name in ("poll-a", "poll-b", "serve-a", "serve-b")}
        for name, behind in {**dict.fromkeys(simulation.base_urls, port), **redis}.items():
            wire = self._wires[name] = Wire(behind)
            await wire.start()
            stack.push_async_callback(wire.stop)

    def _process(self, name: str, simulation: simulator.Simulation) -> "ticker":  # type: ignore[valid-type]
        def through(urls: dict[str, str]) -> dict[str, str]:
            own = f":{simulation.origin.rsplit(':', 1)[1]}/"
            return {one: url.replace(own, f":{self._wires[one].port}/") for one, url in urls.items()}

        environ = demo_environment(through(simulation.base_urls), through(simulation.stream_urls))
        environ["TICKER_STORE_URL"] = self._redis.url_at(self._wires[f"redis:{name}"].port)
        self._metrics[name] = free_port()
        environ["TICKER_SERVER_METRICS_PORT"] = str(self._metrics[name])
        environ["XDG_STATE_HOME"] = str(self._folder / name)
        config = self._folder / name
        config.mkdir(exist_ok=True)
        for file in ("coins.toml", "ticker.toml"):
            (config / file).write_bytes((default_folder(None) / file).read_bytes())
        return ticker(name.partition("-")[0], config=config, environ=environ, port=free_port())

    async def _hurt(self, name: str) -> None:
        """Now and then something is wrong with a wire."""
        rng, wire = random.Random(self._rng.random()), self._wires[name]
        while True:
            await asyncio.sleep(min(rng.expovariate(1 / 40), 180))
            kind = rng.choice(list(KINDS))
            self.report.faults[kind] += 1
            wire.trouble = KINDS[kind](rng)
            if rng.random() < 0.3:
                wire.cut()
            await asyncio.sleep(min(rng.expovariate(1 / 10), 60))
            wire.trouble = FINE
            if kind == "timeout":
                wire.cut()

    async def _lie(self, simulation: simulator.Simulation) -> None:
        """A minority of sources says what is not so."""
        rng = random.Random(self._rng.random())
        while True:
            await asyncio.sleep(rng.uniform(2, 20))
            for one in self._lying:
                simulation.set_fault(one, None)
            self._lying = set(rng.sample(sorted(simulation.base_urls), rng.randint(0, LIARS)))
            for one in self._lying:
                lie = rng.choice(LIES)
                self.report.faults[f"source {lie}"] += 1
                simulation.set_fault(one, lie)

    async def _second_poller(self, simulation: simulator.Simulation) -> None:
        """Comes, is killed without a word, and comes again."""
        rng = random.Random(self._rng.random())
        while True:
            async with self._process("poll-b", simulation) as process:
                await asyncio.sleep(rng.uniform(10, 90))
                self.report.faults["kill -9 of a poller"] += 1
                await process.end(signal.SIGKILL)
            await asyncio.sleep(rng.uniform(1, 10))

    async def _hurt_redis(self) -> None:
        """It is killed and comes back empty, is emptied, or stands still."""
        rng = random.Random(self._rng.random())
        while True:
            await asyncio.sleep(rng.uniform(15, 90))
            kind = rng.choice(("kill -9 of Redis", "FLUSHALL", "SIGSTOP of Redis"))
            self.report.faults[kind] += 1
            if kind == "FLUSHALL":
                with self._redis.client() as client:
                    client.flushall()
                continue
            stopping = kind == "SIGSTOP of Redis"
            (self._redis.pause if stopping else self._redis.kill)()
            try:
                await asyncio.sleep(rng.uniform(0.5, 25))
            finally:
                (self._redis.resume if stopping else self._redis.start)()

    def _mend(self, simulation: simulator.Simulation) -> None:
        for wire in self._wires.values():
            wire.trouble = FINE
            wire.cut()
        for one in self._lying:
            simulation.set_fault(one, None)

    async def _measure(self) -> None:
        """Memory, handles and tasks of the processes that stay, every few seconds."""
        while not self._over.is_set():
            for name, process in self._processes.items():
                process.must_run()
                memory, handles = _size(process.pid)
                size = Size(time.monotonic() - self._began, memory, handles, await _tasks(self._metrics[name]))
                self.report.sizes.setdefault(name, []).append(size)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), 2.0)


def _seconds(passed: float | None) -> str:
    return "NOT in time" if passed is None else f"{passed:.0f} s"


def _size(pid: int) -> tuple[float, int]:
    """Megabytes in memory, and open files."""
    own = Path(f"/proc/{pid}")
    pages = int((own / "statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6, len(list((own / "fd").iterdir()))


async def _tasks(port: int) -> int:
    """Tasks of the loop of the process with its metrics there."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as answer:
        found = re.search(r"^ticker_tasks (\S+)$", await answer.text(), re.MULTILINE)
    assert found is not None
    return int(float(found[1]))


async def _until(servers: list[Process], since: datetime, sources: int, most: float, *, votes: bool) -> float | None:
    """Seconds until all servers show a snapshot of since then, where what so many sources list is agreed and live.

    With `votes` its prices are as of a moment since then, which takes half of their sources. None where it
    takes longer.
    """
    while (passed := (datetime.now(UTC) - since).total_seconds()) < most:
        found = [json.loads((await server.get("/v1/prices?coins=all"))[2]) for server in servers]
        prices = [price for one in found for price in one["prices"] if price["sources"]["total"] >= sources]
        new = all(datetime.fromisoformat(one["built_at"]) > since for one in found)
        well = all((price["freshness"], price["agreement"]) == ("live", "ok") for price in prices)
        if new and well and not (votes and any(datetime.fromisoformat(price["as_of"]) < since for price in prices)):
            return passed
        await asyncio.sleep(0.2)
    return None


def main() -> int:
    """Run and tell."""
    minutes, seed = float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**6)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        redis = RedisServer("redis-server", Path(folder))
        redis.start()
        try:
            report = asyncio.run(Soak(redis, Path(folder), 60 * minutes, seed).run())
        finally:
            redis.kill()
    sys.stdout.write(f"seed {seed}\n{report}\n")
    return int(not report.passed)


if __name__ == "__main__":
    sys.exit(main())
