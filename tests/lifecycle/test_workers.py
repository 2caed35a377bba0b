"""Several processes on one port: each answers, each has live prices, and none is missed when it dies."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import ClassVar

import pytest
from one_command import run
from redis_server import RedisServer
from seeded import seeded
from service import Process, free_port, stand_ins, ticker, write_config

from ticker.commands import workers as workers_
from ticker.simulate import server as simulator

PATIENCE = 45.0  # seconds for what is certain to come
VENUES = {"kraken": "BTC/USD", "bitfinex": "tBTCUSD", "coinbase": "BTC-USD", "bitstamp": "BTC/USD"}
COINS = {"bitcoin": {"name": "Bitcoin", "symbol": "BTC", "ids": VENUES}}


@asynccontextmanager
async def service(redis: RedisServer, folder: Path, **more: str) -> AsyncIterator[Process]:
    """`ticker serve` with two workers and prices to show."""
    await seeded(redis.url, folder.name)
    environ = {
        "TICKER_STORE_URL": redis.url,
        "TICKER_STORE_PREFIX": folder.name,
        "TICKER_SERVER_WORKERS": "2",
        "TICKER_SERVER_DRAIN": "0s",
        **more,
    }
    async with ticker("serve", config=write_config(folder / "config", {}), environ=environ) as running:
        try:
            await running.until("/readyz")
            async with asyncio.timeout(PATIENCE):
                while len(workers(running)) < 2:  # noqa: ASYNC110 - they tell nobody
                    await asyncio.sleep(0.02)
            yield running
        finally:
            for viewer in Viewer.open:
                await viewer.close()
            Viewer.open.clear()
            for pid in workers(running):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def workers(running: Process) -> dict[int, int]:
    """Process ids to numbers of those that its log says were ready, and that are there."""
    said = re.findall(r"worker (\d) \(process (\d+)\) is ready", running.log)
    return {int(pid): int(number) for number, pid in said if Path(f"/proc/{pid}").exists()}


class Viewer:
    """A browser on one of the workers."""

    open: ClassVar[list["Viewer"]] = []

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.got = b""

    @classmethod
    async def watch(cls, running: Process) -> "Viewer":
        reader, writer = await asyncio.open_connection("127.0.0.1", int(running.origin.rpartition(":")[2]))
        writer.write(b"GET /v1/stream?coins=bitcoin HTTP/1.1\r\nHost: a\r\n\r\n")
        viewer = cls(reader, writer)
        cls.open.append(viewer)
        await viewer.until(b'"price"')
        return viewer

    @property
    def port(self) -> int:
        """Of our end of the connection."""
        return int(self._writer.get_extra_info("sockname")[1])

    async def until(self, words: bytes) -> None:
        """Read on until these came."""
        async with asyncio.timeout(PATIENCE):
            while words not in self.got:
                data = await self._reader.read(65_536)
                assert data, f"ended early: {self.got[-300:]!r}"
                self.got += data

    async def to_the_end(self) -> bytes:
        """All of it."""
        async with asyncio.timeout(PATIENCE):
            return self.got + await self._reader.read()

    async def close(self) -> None:
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


def sockets(pid: int) -> set[str]:
    """The sockets that a process has open."""
    found = set()
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            found.add(str(one.readlink()))
    return {one.removeprefix("socket:[").removesuffix("]") for one in found if one.startswith("socket:[")}


def server_end(port: int, to: int) -> str | None:
    """The socket at the other end of our connection from a port to a port, as the kernel numbers it."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(f":{to:04X}") and fields[2].endswith(f":{port:04X}") and fields[3] == "01":
            return fields[9]
    return None


def whose(viewer: Viewer, running: Process) -> int | None:
    """The process id of the worker that has a viewer."""
    end = server_end(viewer.port, int(running.origin.rpartition(":")[2]))
    return next((pid for pid in workers(running) if end in sockets(pid)), None)


async def one_on_each(running: Process) -> dict[int, Viewer]:
    """A viewer on each of two workers: the kernel deals them out, so some are asked for and let go."""
    found: dict[int, Viewer] = {}
    for _ in range(60):
        viewer = await Viewer.watch(running)
        pid = whose(viewer, running)
        assert pid is not None
        if pid in found:
            await viewer.close()
        else:
            found[pid] = viewer
        if len(found) == 2:
            return found
    raise AssertionError("sixty connections in a row came to one of two workers")


@pytest.mark.redis
@pytest.mark.timeout(240)
async def test_two_workers_share_a_port(shared_redis: RedisServer, tmp_path: Path) -> None:
    """Both are live. kill -9 of one: all connections are answered, the other's viewer stays, a new one comes. SIGHUP
    ends nobody, SIGTERM all, in good order.
    """
    async with service(shared_redis, tmp_path) as running:
        viewers = await one_on_each(running)
        await seeded(shared_redis.url, tmp_path.name, "65000")
        for viewer in viewers.values():
            await viewer.until(b'"65000"')

        (killed, _), (_, stays) = viewers.items()
        number = workers(running)[killed]
        os.kill(killed, signal.SIGKILL)
        await running.says(
            f"worker {number} (process {killed}) was ended by SIGKILL; starting another in 0.5 s", PATIENCE
        )
        asked, failed = 0, []
        async with asyncio.timeout(PATIENCE):
            while len(workers(running)) < 2:
                status, _, _ = await running.get("/v1/prices/bitcoin")
                asked += 1
                await asyncio.sleep(0.02)
                if status != 200:
                    failed.append(status)
        assert (asked > 0, failed) == (True, [])
        assert set(workers(running).values()) == {1, 2}
        another = next(viewer for pid, viewer in (await one_on_each(running)).items() if pid not in viewers)

        before = set(workers(running))
        running.send(signal.SIGHUP)
        await seeded(shared_redis.url, tmp_path.name, "65001")
        for viewer in (stays, another):
            await viewer.until(b'"65001"')
        assert set(workers(running)) == before

        running.send(signal.SIGTERM)
        heard = [await viewer.to_the_end() for viewer in (stays, another)]
        assert await running.ended() == 0
        assert [text[-200:] for text in heard if not re.search(rb"retry: \d+\n\n$", text)] == []
        assert workers(running) == {}
        assert "Traceback" not in running.log


@pytest.mark.redis
async def test_workers_end_with_their_supervisor(shared_redis: RedisServer, tmp_path: Path) -> None:
    """kill -9 of the supervisor: they send their viewers away and go, so that the port is free for the next one."""
    async with service(shared_redis, tmp_path) as running:
        viewer = await Viewer.watch(running)
        await running.end(signal.SIGKILL)
        assert re.search(rb"retry: \d+\n\n$", await viewer.to_the_end())
        async with asyncio.timeout(PATIENCE):
            while workers(running):  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@pytest.mark.redis
async def test_run_polls_once_for_all_workers(own_redis: RedisServer, tmp_path: Path) -> None:
    """`ticker run`: the supervisor polls, the workers serve. Port 0 is any free one, the same for all."""
    config = write_config(tmp_path / "config", COINS)
    simulation = await simulator.start({name: {one: "bitcoin"} for name, one in VENUES.items()})
    try:
        urls = {name: simulation.base_urls[name] for name in VENUES}
        environ = {
            **stand_ins(urls),
            "TICKER_STORE_URL": own_redis.url,
            "TICKER_SERVER_WORKERS": "2",
            "TICKER_SERVER_PORT": "0",
        }
        async with ticker("run", config=config, environ=environ, port=1) as running:
            for number in (1, 2):
                await running.says(f"worker {number} (process", PATIENCE)
            one, other = re.findall(r"serving on (http://\S+)/", running.log)
            assert one == other
            running.origin = one
            found = await running.prices_when(lambda found: found["bitcoin"]["agreement"] == "ok")
            assert found["bitcoin"]["sources"]["used"] == 4
            assert running.log.count("polling ") == 1
            assert await running.end() == 0
    finally:
        await simulation.stop()


async def refused(tmp_path: Path, **environ: str) -> tuple[int, str]:
    """The exit code and the words of a `ticker serve` with two workers that cannot start."""
    config = write_config(tmp_path / "config", {})
    given = {"TICKER_STORE_URL": "redis://127.0.0.1:1/0", "TICKER_SERVER_WORKERS": "2", **environ}
    ended = await run("serve", "--config", str(config), environ=given)
    assert "Traceback" not in ended.err
    return ended.code, ended.err


async def test_an_embedded_store_is_for_one(tmp_path: Path) -> None:
    """Refused by name, before anything starts."""
    code, said = await refused(tmp_path, TICKER_STORE_URL=f"embedded:{tmp_path}/store.sqlite3")
    assert code == 1
    assert "TICKER_SERVER_WORKERS" in said
    assert "more than one worker needs a store they can share: set [store] url to a Redis" in said


@pytest.mark.parametrize("shares", [False, True])
async def test_a_port_that_is_taken(shares: bool, tmp_path: Path) -> None:
    """Named, also where whoever has it would share it: two services never share a port by accident."""
    with socket.socket() as taken:
        if shares:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = await refused(tmp_path, TICKER_SERVER_PORT=str(port))
    assert code == 1
    assert f"cannot listen on 127.0.0.1:{port}" in said


async def test_a_worker_that_cannot_start_ends_all(tmp_path: Path) -> None:
    """Its own sentence, ours, and an exit code; the workers that could are not left behind."""
    started = tmp_path / "started"
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import os, time\n"
        "worker = os.environ.get('TICKER_WORKER')\n"
        "if worker == '1': os.symlink(f'/proc/{os.getpid()}', " + repr(str(started)) + ")\n"
        "while worker == '2' and not os.path.lexists(" + repr(str(started)) + "): time.sleep(0.01)\n"
        "if worker == '2': os._exit(7)\n"
    )
    code, said = await refused(tmp_path, TICKER_SERVER_PORT=str(free_port()), PYTHONPATH=f"{site}:{Path.cwd()}")
    assert code == 1
    assert "worker 2 ended with exit code 7 before it served anything" in said
    assert "its reason is above" in said
    assert started.is_symlink()
    assert not started.exists()


async def test_a_worker_that_is_stuck_is_replaced(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It served and then says nothing any more: it is killed, and another one comes in its place."""
    caplog.set_level("INFO")
    monkeypatch.setattr(workers_, "SILENCE", 0.2)
    serves_once = "import os, time; os.write(0, b'x'); time.sleep(60)"
    crew = workers_.Crew(1, [sys.executable, "-S", "-c", serves_once], dict(os.environ), 5.0)
    async with crew.at_work() as task, asyncio.timeout(PATIENCE):
        while caplog.text.count("is ready") < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        assert not task.done()
    assert "has said nothing for 0.2 s; it is killed" in caplog.text
    assert "was ended by SIGKILL; starting another in 0.5 s" in caplog.text


async def test_a_worker_that_does_not_end_is_killed(caplog: pytest.LogCaptureFixture) -> None:
    """One that ignores SIGTERM has its time, and no more."""
    deaf = "import os, signal, time; signal.signal(15, signal.SIG_IGN); os.write(0, b'x'); time.sleep(60)"
    crew = workers_.Crew(2, [sys.executable, "-S", "-c", deaf], dict(os.environ), 0.2)
    async with crew.at_work() as task:
        assert not task.done()
    assert "2 workers have not ended within 0.2 s; they are killed" in caplog.text


async def test_the_number_of_a_worker_is_not_for_people(tmp_path: Path) -> None:
    """Set by hand it is refused, with the reason."""
    code, said = await refused(tmp_path, TICKER_WORKER="1")
    assert code == 1
    assert "TICKER_WORKER is set, which ticker itself does for its workers; unset it" in said
