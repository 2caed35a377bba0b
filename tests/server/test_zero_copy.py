"""Long answers that are sent from files in memory: the same bytes, whole, bounded, and never a reason not to answer."""

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvloop
from aiohttp import web
from fakes import Clock
from loopback import HeldFeed
from snapshots import snapshot

from ticker.server import zero_copy
from ticker.server.app import Serving, make_app
from ticker.server.guard import Bounds
from ticker.server.remembered import Remembered
from ticker.server.runner import Runner
from ticker.server.zero_copy import LONG, MOST, ZeroCopy

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has files in memory to send from")

ASK = b"GET /widget/list HTTP/1.1\r\nHost: a.example\r\n\r\n"


def files() -> int:
    """How many answers this process has in files."""
    links = (one.readlink() for one in Path("/proc/self/fd").iterdir() if one.is_symlink())
    return sum("memfd:answer" in str(link) for link in links)


@pytest.fixture
def sender() -> Iterator[ZeroCopy]:
    before, found = files(), ZeroCopy()
    yield found
    found.close()
    assert files() == before


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.settimeout(10)
        yield ours, theirs


def answer(seed: int, size: int = LONG) -> bytes:
    return (b"%08d" % seed) * (size // 8)


def test_the_second_in_a_row_is_sent(sender: ZeroCopy, pair: tuple[socket.socket, socket.socket]) -> None:
    """What is asked for once needs no file; from then on every byte arrives, and of each answer its own."""
    ours, theirs = pair
    one, other = answer(1), answer(2)
    assert sender.send(ours.fileno(), one) == 0
    assert sender.send(ours.fileno(), other) == 0
    assert files() == 0
    found = []
    for what in (other, one, one, other, one):
        if sender.send(ours.fileno(), what):
            assert theirs.recv(LONG, socket.MSG_WAITALL) == what
            found.append(what)
    assert found == [other, one, other, one]
    assert files() == 2


def test_no_more_than_it_takes(sender: ZeroCopy, pair: tuple[socket.socket, socket.socket]) -> None:
    """A reader who does not read: so many bytes are taken, then none, and those are the first."""
    ours, theirs = pair
    long = os.urandom(4_000_000)
    sender.send(ours.fileno(), long)
    sent = sender.send(ours.fileno(), long)
    assert 0 < sent < len(long)
    assert sender.send(ours.fileno(), long) == 0
    assert theirs.recv(sent, socket.MSG_WAITALL) == long[:sent]


def test_what_is_on_its_way_stays_whole(sender: ZeroCopy, pair: tuple[socket.socket, socket.socket]) -> None:
    """Its file is let go of before it is read."""
    ours, theirs = pair
    one = os.urandom(LONG)
    sender.send(ours.fileno(), one)
    assert sender.send(ours.fileno(), one) == LONG
    for seed in range(2 * MOST):
        kept = answer(seed)
        sender.send(-1, kept)
        sender.send(-1, kept)
    sender.close()
    assert files() == 0
    assert theirs.recv(LONG, socket.MSG_WAITALL) == one


def test_bounded(sender: ZeroCopy) -> None:
    """However many answers there are; a socket that is closed takes nothing."""
    kept = [answer(seed) for seed in range(3 * MOST)]
    for one in kept:
        assert sender.send(-1, one) == 0
        assert sender.send(-1, one) == 0
    assert files() == MOST


@pytest.mark.parametrize("fault", ["memfd_create", "write"])
def test_without_files(
    fault: str, sender: ZeroCopy, pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where none can be had, or none written, all is copied; nothing is left open."""

    def refuse(*_: object) -> int:
        raise OSError

    one = answer(1)
    monkeypatch.setattr(zero_copy.os, fault, refuse)
    assert [sender.send(pair[0].fileno(), one) for _ in range(3)] == [0, 0, 0]
    assert files() == 0


async def read(reader: asyncio.StreamReader, pause: float) -> bytes:
    """A body, read slowly."""
    head = await reader.readuntil(b"\r\n\r\n")
    left = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    body = b""
    while len(body) < left:
        await asyncio.sleep(pause)
        body += await reader.read(min(2000, left - len(body)))
    return body


async def visit(port: int, pause: float) -> list[bytes]:
    """The bodies that a reader with little room is given: some asked for in turn, then many before one is taken."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        one.setblocking(False)
        await asyncio.get_running_loop().sock_connect(one, ("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=one, limit=2048)
        found = []
        for _ in range(6):
            writer.write(ASK)
            found.append(await read(reader, pause))
        for _ in range(12):
            writer.write(ASK)
            await asyncio.sleep(0.005)
        found += [await read(reader, pause) for _ in range(12)]
        writer.close()
        await writer.wait_closed()
    return found


async def visits(room: int) -> list[list[bytes]]:
    """Twelve of them at once, some slower than others, at a server whose sockets have so many bytes of room."""
    clock = Clock()
    app = make_app(HeldFeed(snapshot()), Serving(), clock)  # type: ignore[arg-type]
    runner = Runner(app, Bounds(), Remembered(clock))
    await runner.setup()
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, room)
        listening.bind(("127.0.0.1", 0))
        await web.SockSite(runner, listening).start()
        port = listening.getsockname()[1]
        try:
            return await asyncio.gather(*(visit(port, n % 3 * 0.002) for n in range(12)))
        finally:
            await runner.cleanup()


@pytest.mark.parametrize("room", [4096, 400_000])
@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_readers_fast_and_slow(
    loop: Callable[[], asyncio.AbstractEventLoop], room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over real sockets: each gets every answer whole and in order, also those that a socket takes in part."""
    before, send = files(), ZeroCopy.send
    shares = set()

    def spied(self: ZeroCopy, descriptor: int, answer: bytes) -> int:
        sent = send(self, descriptor, answer)
        shares.add(sent / len(answer))
        return sent

    monkeypatch.setattr(ZeroCopy, "send", spied)
    with asyncio.Runner(loop_factory=loop) as runner:
        found = runner.run(visits(room))
    bodies = {body for one in found for body in one}
    assert [len(one) for one in found] == [18] * 12
    assert [len(body) > LONG for body in bodies] == [True]
    assert 1.0 in shares if room > LONG else any(0 < share < 1 for share in shares)
    assert files() == before
