"""What systemd hears of the service, over the socket that it gives us."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from service import stand_ins, ticker, write_config

from ticker.commands.lifecycle import Vitals, signs_of_life
from ticker.commands.notify import Notifier
from ticker.scheduler import Scheduler
from ticker.simulate import server as simulator


class Supervisor:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.heard: list[str] = []

    def listen(self) -> list[str]:
        """Every line heard so far."""
        while True:
            try:
                self.heard += self._socket.recv(4096).decode().split("\n")
            except BlockingIOError:
                return self.heard

    async def until(self, line: str, times: int = 1) -> None:
        """Wait until a line was heard so often."""
        async with asyncio.timeout(20):
            while self.listen().count(line) < times:  # noqa: ASYNC110 - a socket of another process's words
                await asyncio.sleep(0.02)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    """One that listens at a path."""
    listening = Supervisor(str(tmp_path / "notify"))
    yield listening
    listening.close()


async def test_a_service_tells_its_life(tmp_path: Path, supervisor: Supervisor) -> None:
    """READY once it serves and polls, with a line for people; signs of life; STOPPING before it goes."""
    config = write_config(
        tmp_path / "config", {"bitcoin": {"symbol": "BTC", "ids": {"kraken": "BTC/USD", "bitstamp": "BTC/USD"}}}
    )
    simulation = await simulator.start({"kraken": {"BTC/USD": "bitcoin"}, "bitstamp": {"BTC/USD": "bitcoin"}})
    environ = stand_ins({name: simulation.base_urls[name] for name in ("kraken", "bitstamp")}) | {
        "NOTIFY_SOCKET": supervisor.address,
        "WATCHDOG_USEC": "300000",
    }
    try:
        async with ticker("run", config=config, environ=environ) as running:
            await supervisor.until("READY=1")
            assert (await running.get("/healthz"))[0] == 200
            await supervisor.until("WATCHDOG=1", 3)
            assert await running.end() == 0
    finally:
        await simulation.stop()

    heard = supervisor.listen()
    assert f"STATUS=polling 2 sources for 3 coins, serving on {running.origin}/" in heard
    assert heard.index("READY=1") < heard.index("WATCHDOG=1") < heard.index("STOPPING=1")


async def test_the_watchdog_hears_nothing_of_rounds_that_stopped(supervisor: Supervisor) -> None:
    """The loop runs, but no source has had a turn for two intervals: silence, so that we are started anew."""
    now = [0.0]
    stuck = asyncio.Event()

    async def poll(_: str) -> None:
        await stuck.wait()

    scheduler = Scheduler({"kraken": 0.2}, poll, steady=lambda: now[0])
    vitals = Vitals()
    vitals.watch("rounds", lambda: scheduler.alive)
    scheduler.start()
    living = asyncio.create_task(signs_of_life(Notifier(supervisor.address, 0.1), vitals))
    try:
        await supervisor.until("WATCHDOG=1", 2)
        now[0] += 10.0
        async with asyncio.timeout(20):
            while scheduler.alive:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert vitals.ill() == ["rounds"]
        await asyncio.sleep(0.2)
        told = supervisor.listen().count("WATCHDOG=1")
        await asyncio.sleep(0.3)
        assert supervisor.listen().count("WATCHDOG=1") == told
    finally:
        living.cancel()
        scheduler.stop()
        stuck.set()


def test_an_abstract_socket(tmp_path: Path) -> None:
    """An address that begins with @ has no file."""
    listening = Supervisor(f"@ticker-test-{tmp_path.name}")
    notifier = Notifier.of({"NOTIFY_SOCKET": listening.address, "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "7"}, pid=7)
    notifier.reloading()
    notifier.ready("back")
    heard = listening.listen()
    listening.close()

    assert notifier.watchdog == 3.0
    assert [line.partition("=")[0] for line in heard] == ["RELOADING", "MONOTONIC_USEC", "READY", "STATUS"]


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"NOTIFY_SOCKET": ""},
        {"NOTIFY_SOCKET": "vsock:2:1"},
        {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "many"},
        {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"},
    ],
)
def test_no_watchdog_is_no_watchdog(environ: dict[str, str]) -> None:
    """Nobody there, or a watchdog that waits for another process: nothing is promised."""
    assert Notifier.of(environ, pid=7).watchdog is None


def test_a_supervisor_that_is_gone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Told once, and the service goes on."""
    notifier = Notifier(str(tmp_path / "nobody"))
    for _ in range(3):
        notifier.alive()

    assert [record.message for record in caplog.records] == [
        "the supervisor cannot be told how we are (NOTIFY_SOCKET): No such file or directory"
    ]
