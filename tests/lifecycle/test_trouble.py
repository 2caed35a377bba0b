"""A process short of what a machine gives: memory, disk, file handles. It says so, and its store stays whole."""

import asyncio
import os
import resource
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

import aiohttp
import pytest
from one_command import run
from seeded import seeded
from service import Process, stand_ins, ticker, write_config

from ticker.simulate import server as simulator
from ticker.store.sqlite import SqliteStore

VENUES = {"kraken": "BTC/USD", "bitstamp": "BTC/USD", "bitfinex": "tBTCUSD"}
TEN = aiohttp.ClientTimeout(10)
COINS = {"bitcoin": {"symbol": "BTC", "ids": VENUES}}


@asynccontextmanager
async def running(folder: Path, environ: Mapping[str, str] | None = None) -> AsyncIterator[Process]:
    """`ticker run` on a moving market, with a price."""
    simulation = await simulator.start({name: {one: "bitcoin"} for name, one in VENUES.items()})
    urls = stand_ins({name: simulation.base_urls[name] for name in VENUES}, "200ms")
    try:
        config = write_config(folder / "config", COINS)
        async with ticker("run", config=config, environ={**urls, **(environ or {})}) as process:
            await process.prices_when(lambda prices: bool(prices["bitcoin"]["price"]))
            yield process
    finally:
        await simulation.stop()


def limit(process: Process, what: int, value: int) -> None:
    """From now on the process may have so much of it, and no more."""
    resource.prlimit(process.pid, what, (value, resource.prlimit(process.pid, what)[1]))


async def newest(process: Process) -> str:
    """The number of the snapshot that is served."""
    _, _, text = await process.get("/v1/prices")
    return text.partition('"id":"')[2].partition('"')[0]


async def goes_on(process: Process) -> None:
    """Wait until there is a newer snapshot."""
    before = await newest(process)
    async with asyncio.timeout(20):
        while await newest(process) == before:  # noqa: ASYNC110 - it is remote
            await asyncio.sleep(0.05)


async def whole(path: Path) -> None:
    """The store at this path can be read, all of it."""
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    store = SqliteStore(path)
    await store.open()
    try:
        assert await store.resume() is not None
    finally:
        await store.close()


async def test_a_full_disk(tmp_path: Path) -> None:
    """Prices go on from memory, which the log says once; when there is room again it says that, and keeps them."""
    async with running(tmp_path) as process:
        store = tmp_path / "config" / "store.sqlite3"
        largest = max(file.stat().st_size for file in store.parent.glob("store.sqlite3*"))
        limit(process, resource.RLIMIT_FSIZE, max(largest // 2, len(process.log) + 50_000))
        await process.says("nothing is kept until the disk takes it again")
        await goes_on(process)
        await goes_on(process)
        limit(process, resource.RLIMIT_FSIZE, resource.RLIM_INFINITY)
        await process.says("it can be written again")
        assert await process.end() == 0
        assert process.log.count("nothing is kept until") == 1
        assert "Traceback" not in process.log
    await whole(store)


async def test_a_place_that_is_no_folder(tmp_path: Path) -> None:
    """Refused in a sentence; exit code 3."""
    config = write_config(tmp_path / "config", COINS)
    ended = await run(
        *("run", "--config", str(config), "--port", "0", "--store", "embedded:/dev/full/store.sqlite3"), environ={}
    )

    assert ended.code == 3
    assert ended.err.startswith("ticker: /dev/full/store.sqlite3: cannot be used as a store: ")
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("place", ["/sys/kernel/ticker/store.sqlite3", "/proc/ticker/store.sqlite3"])
async def test_a_disk_that_cannot_be_written(place: str, tmp_path: Path) -> None:
    """A read-only state folder, or one that cannot be made: named, with the reason; exit code 3, no trace."""
    config = write_config(tmp_path / "config", COINS)
    ended = await run("run", "--config", str(config), "--port", "0", "--store", f"embedded:{place}", environ={})

    assert ended.code == 3
    assert f"ticker: {place}: cannot be used as a store: " in ended.err
    assert "Traceback" not in ended.err


async def test_the_state_folder_is_missing_and_goes_missing(tmp_path: Path) -> None:
    """It is made, all the way; one that is deleted under us costs no price."""
    state = tmp_path / "a" / "b"
    async with running(tmp_path, {"TICKER_STORE_URL": f"embedded:{state}/store.sqlite3"}) as process:
        assert (state / "store.sqlite3").is_file()
        shutil.rmtree(state)
        await goes_on(process)
        assert await process.end() == 0


def _processor(process: Process) -> float:
    """Seconds of processor time it has had."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("fast_loop", [True, False], ids=["uvloop", "asyncio"])
async def test_no_file_handles_left(fast_loop: bool, tmp_path: Path) -> None:
    """Connections wait, accepting them does not spin, the log says why; when there are handles, all is well."""
    config = write_config(tmp_path / "config", COINS)
    environ = {}
    if not fast_loop:
        (tmp_path / "none" / "uvloop").mkdir(parents=True)
        (tmp_path / "none" / "uvloop" / "__init__.py").write_text("raise ImportError('not today')")
        environ["PYTHONPATH"] = f"{tmp_path / 'none'}:{os.environ.get('PYTHONPATH', '')}:{Path.cwd()}"
    await seeded(f"embedded:{config}/store.sqlite3")
    async with AsyncExitStack() as stack:
        process = await stack.enter_async_context(ticker("serve", config=config, environ=environ))
        await process.until("/readyz")
        limit(process, resource.RLIMIT_NOFILE, 30)
        port = int(process.origin.rpartition(":")[2])
        crowd = [stack.enter_context(socket.socket()) for _ in range(60)]
        for one in crowd:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        await process.says("no file handles left (limit 30)")
        before = _processor(process)
        await asyncio.sleep(1)
        spent = _processor(process) - before
        for one in crowd:
            one.close()
        await process.until("/readyz")
        await process.says("there are file handles again")
        assert await process.end() == 0, process.log

    assert spent < 1.0
    assert len(process.log) < 20_000


async def test_no_memory_left(tmp_path: Path) -> None:
    """It may be ended, by us or by the system; the store is whole, and the next start goes on from it."""
    async with running(tmp_path) as process, aiohttp.ClientSession() as session:
        limit(process, resource.RLIMIT_AS, _memory(process) + 1_000_000)
        for number in range(60):
            try:
                await session.get(f"{process.origin}/embed/table?title={'x' * 40}{number}", timeout=TEN)
            except (aiohttp.ClientError, TimeoutError):
                break
    await whole(tmp_path / "config" / "store.sqlite3")
    async with running(tmp_path) as again:
        await goes_on(again)


def test_memory_that_ends_is_told_in_a_sentence() -> None:
    """Where Python itself notices: a word, an exit code, and no trace of a hundred lines."""
    script = "import ticker.__main__ as one\none.app = lambda: bytearray(1 << 62)\none.main()"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert ended.stderr.startswith("ticker: out of memory: ")
    assert ended.stderr.count("\n") == 1


def _memory(process: Process) -> int:
    """Bytes of address space it has."""
    return int(Path(f"/proc/{process.pid}/statm").read_text().split()[0]) * resource.getpagesize()
