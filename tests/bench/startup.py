"""How soon `ticker run` answers, how large it gets and what it costs when nobody asks it anything.

    make bench-startup            (or: PYTHONPATH=tests:. python tests/bench/startup.py [ROUNDS [MINUTES]])

Start: from the start of the process to the first widget answered with 200, and the CPU seconds that took; with an empty
store, with the store of a run before, and beside them a bare aiohttp server with one page, which is the floor that
Python and its libraries set. They take turns, ROUNDS times (7).

Size and cost: the shipped configuration on stand-ins whose bodies have the real sizes (bulk.py) and that stream. First
an hour's polls in MINUTES (5), all intervals shortened alike; then at the default intervals for MINUTES more: idle,
where nobody asks and streams rest as they are shipped to (after 10 s instead of 10 minutes, which nobody wants to wait
for); and with streams that do not rest, as while somebody watches. Memory is what the kernel says (Rss in smaps_rollup,
VmHWM), CPU is user and system of all threads. Exit code 1 where a start takes more than 0.8 s, memory more than 110 MB,
or idling more than 1 % of a core.
"""

import asyncio
import os
import signal
import socket
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple

import results
from service import free_port

from ticker.commands.run import demo_environment
from ticker.config import default_folder, load
from ticker.simulate.server import base_urls, stream_urls

READY, MEMORY, IDLE = 0.8, 110.0, 1.0
PATIENCE = 30.0
TICKS = os.sysconf("SC_CLK_TCK")
BARE = """
import uvloop
from aiohttp import web
async def page(_):
    return web.Response(text="a page")
async def main():
    app = web.Application()
    app.router.add_get("/widget/list", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", {port}).start()
    await __import__("asyncio").Event().wait()
uvloop.run(main())
"""


class Start(NamedTuple):
    """Seconds to the first answer, CPU seconds until then, megabytes then."""

    ready: float
    cpu: float
    memory: float


def answers(port: int) -> bool:
    """Whether the list is answered with 200."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5.0) as one:
            one.sendall(b"GET /widget/list HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            return one.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def cpu(pid: int) -> float:
    """CPU seconds of a process so far, user and system, all threads."""
    cells = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(cells[11]) + int(cells[12])) / TICKS


def megabytes(pid: int, file: str = "smaps_rollup", name: str = "Rss") -> float:
    """What a line of its memory says, in 10^6 bytes."""
    for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise ValueError(f"no {name} in {file}")


class Service:
    """A process that is to answer on a port."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, began: float) -> None:
        self.pid, self._process, self._port, self._began = process.pid, process, port, began

    async def ready(self) -> Start:
        """Wait for its first answer."""
        while not answers(self._port):
            if self._process.returncode is not None or time.monotonic() > self._began + PATIENCE:
                raise SystemExit("it does not answer")
            await asyncio.sleep(0.002)
        return Start(time.monotonic() - self._began, cpu(self.pid), megabytes(self.pid))

    async def end(self) -> None:
        """Stop it."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        await self._process.wait()


@asynccontextmanager
async def started(words: Sequence[str], port: int, environ: Mapping[str, str]) -> AsyncIterator[Service]:
    """Our Python with these arguments, until the block ends."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TICKER_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)  # an installation has its modules compiled
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *words), env={**kept, **environ}, stdout=-3, stderr=-3
    )
    service = Service(process, port, began)
    try:
        yield service
    finally:
        await service.end()


def ticker(port: int, stand: str, store: Path, *, rest_after: str = "0s", faster: float = 1.0) -> Mapping[str, str]:
    """The environment of `ticker run` with the shipped configuration on the stand-ins, at so many times its pace.

    Streams never rest, unless told otherwise.
    """
    config = load(default_folder(None), {})
    every = {name: config.sources[name].every for name in config.active_sources()}
    found = demo_environment(base_urls(stand), stream_urls(stand))
    found = {name: value for name, value in found.items() if not name.endswith(("_EVERY", "_ENABLED", "_TERMS"))}
    for name, seconds in every.items():
        found[f"TICKER_SOURCES_{name.upper()}_EVERY"] = f"{max(1, round(seconds / faster))}s"
    del found["TICKER_SOURCES_COINMARKETCAP_KEY"]
    found["TICKER_SERVER_REST_AFTER"] = rest_after
    return found | {"TICKER_SERVER_PORT": str(port), "TICKER_STORE_URL": f"embedded:{store}"}


RUN = ("-m", "ticker", "run")


async def starts(stand: str, folder: Path, rounds: int) -> dict[tuple[str, str], list[Start]]:
    """Every kind of start, in turn."""
    found: dict[tuple[str, str], list[Start]] = defaultdict(list)
    before = folder / "before.sqlite3"
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
    async with started(RUN, port := free_port(), ticker(port, stand, before)) as one:
        await one.ready()
        await asyncio.sleep(3.0)
    async with started(("-c", BARE.format(port=port)), port, {}) as one:
        await one.ready()
    for number in range(rounds):
        port = free_port()
        kinds = [
            (("a page", "aiohttp, bare"), ("-c", BARE.format(port=port)), {}),
            (("empty store", "ticker run"), RUN, ticker(port, stand, folder / f"{number}.sqlite3")),
            (("store from before", "ticker run"), RUN, ticker(port, stand, before)),
        ]
        for kind, words, environ in kinds if number % 2 else reversed(kinds):
            async with started(words, port, environ) as one:
                found[kind].append(await one.ready())
    return found


class Stay(NamedTuple):
    """How it was to run for a while: megabytes every few seconds, the most ever, and CPU in percent of a core."""

    memory: list[float]
    most: float
    percent: float


async def stay(environ: Mapping[str, str], port: int, seconds: float, after: float) -> Stay:
    """Run for so long, from `after` seconds behind the first answer."""
    async with started(RUN, port, environ) as one:
        await one.ready()
        await asyncio.sleep(after)
        spent, began, memory = cpu(one.pid), time.monotonic(), []
        while (left := began + seconds - time.monotonic()) > 0:
            await asyncio.sleep(min(left, 5.0))
            memory.append(megabytes(one.pid))
        percent = 100 * (cpu(one.pid) - spent) / (time.monotonic() - began)
        return Stay(memory, megabytes(one.pid, "status", "VmHWM"), percent)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Say what is being done, since it takes minutes."""
    sys.stdout.write(f"{what} …\n")
    sys.stdout.flush()
    yield


async def measure(rounds: int, minutes: float) -> bool:
    """Measure all, keep it, and judge."""
    stand_in = await asyncio.create_subprocess_exec(
        *(sys.executable, Path(__file__).with_name("bulk.py")), stdin=-1, stdout=-1, stderr=-3
    )
    assert stand_in.stdin is not None
    assert stand_in.stdout is not None
    stand = f"http://127.0.0.1:{int(await asyncio.wait_for(stand_in.stdout.readline(), PATIENCE))}"
    cases, faster = [], 60 / minutes
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with told(f"{rounds} starts of each kind"):
            found = await starts(stand, folder, rounds)
        for (case, who), several in found.items():
            cases.append(results.case(case, who, "ready", "s", [one.ready for one in several]))
            cases.append(results.case(case, who, "CPU until ready", "s", [one.cpu for one in several]))
            cases.append(results.case(case, who, "memory when ready", "MB", [one.memory for one in several]))
        stays = {}
        for case, rest_after, pace, after in (
            ("an hour's polls", "0s", faster, 0.0),
            ("idle", "10s", 1.0, 40.0),
            ("streams at work", "0s", 1.0, 40.0),
        ):
            with told(f"{case}, {minutes:g} minutes"):
                port = free_port()
                environ = ticker(port, stand, folder / f"{case}.sqlite3", rest_after=rest_after, faster=pace)
                one = stays[case] = await stay(environ, port, 60 * minutes, after)
            cases.append(results.case(case, "ticker run", "memory", "MB", [one.memory[-1]]))
            cases.append(results.case(case, "ticker run", "most memory", "MB", [one.most]))
            cases.append(results.case(case, "ticker run", "CPU", "% of a core", [one.percent]))
    stand_in.stdin.close()
    await stand_in.wait()
    for one in cases:
        sys.stdout.write(f"{one.case:<24} {one.contestant:<14} {one.metric:<18} {one.median:>8g} {one.unit}\n")
    note = (
        f"{rounds} starts of each kind, in turn; an hour's polls in {minutes:g} minutes; "
        f"then {minutes:g} minutes at the default intervals, the first 40 s not counted; load of the machine "
        f"{os.getloadavg()[1]:.1f} on {os.cpu_count()} cores"
    )
    results.save("startup", f"python tests/bench/startup.py {rounds} {minutes:g}", note, cases)
    ready = max(one.median for one in cases if one.metric == "ready")
    return ready <= READY and stays["an hour's polls"].memory[-1] <= MEMORY and stays["idle"].percent <= IDLE


def main(arguments: list[str]) -> int:
    """0 = good enough."""
    rounds = int(arguments[0]) if arguments else 7
    minutes = float(arguments[1]) if arguments[1:] else 5.0
    if not (1 <= rounds <= 50 and 0.1 <= minutes <= 60):
        raise SystemExit("from 1 to 50 rounds, and from 0.1 to 60 minutes")
    return 0 if asyncio.run(measure(rounds, minutes)) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
