"""The two roads of one server, the framework's and the fast lane, driven without sockets: bytes in, bytes out."""

import asyncio
import re
from collections.abc import Callable, Sequence

from fakes import Clock
from loopback import HeldFeed
from snapshots import snapshot

from ticker.model import Snapshot
from ticker.server.app import Serving, make_app
from ticker.server.connection import Connection
from ticker.server.guard import Bounds
from ticker.server.remembered import Remembered
from ticker.server.runner import GUARD, Runner

QUIET = 12  # turns of the loop in which nothing is said: all is said
_START = re.compile(rb"(?=HTTP/1\.[01] [1-5][0-9][0-9] )")
_OF_ITS_OWN = (b"Date:", b"X-Request-ID:")

Answer = tuple[bytes, tuple[bytes, ...], bytes]


class Pipe(asyncio.Transport):
    """A connection's other end. While `stuck` it takes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = bytearray()
        self.waiting = bytearray()
        self.closed = self.aborted = self.stuck = self.held = False
        self.protocol: Connection | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.stuck:
            if not self.waiting and self.protocol is not None:
                self.protocol.pause_writing()
            self.waiting += data
        else:
            self.sent += data

    def take(self) -> None:
        """The reader reads again."""
        self.stuck = False
        waiting, self.waiting = self.waiting, bytearray()
        self.sent += waiting
        if waiting and self.protocol is not None:
            self.protocol.resume_writing()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert (high, low) == (0, None), "a pipe that is stuck takes nothing at all"

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def pause_reading(self) -> None:
        self.held = True

    def resume_reading(self) -> None:
        self.held = False

    def get_extra_info(self, name: str, default: object = None) -> object:
        return ("192.0.2.1", 4711) if name == "peername" else default


class Visit:
    """One connection to a road."""

    def __init__(self, protocol: Connection, pipe: Pipe | None = None) -> None:
        self.protocol, self.pipe = protocol, pipe or Pipe()
        self.pipe.protocol = protocol
        protocol.connection_made(self.pipe)

    async def say(self, data: bytes) -> None:
        """Bytes arrive, in one piece."""
        if not self.pipe.closed:
            self.protocol.data_received(data)

    async def quiet(self) -> bytes:
        """Everything that was answered so far."""
        still, before = 0, -1
        while still < QUIET:
            await asyncio.sleep(0)
            still = still + 1 if len(self.pipe.sent) == before else 0
            before = len(self.pipe.sent)
        return bytes(self.pipe.sent)

    async def leave(self) -> None:
        """The client goes away."""
        task = self.protocol._task_handler
        self.protocol.connection_lost(None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def ask(self, *pieces: bytes) -> list[Answer]:
        """Pieces arrive, each when all is quiet; the answers."""
        before = len(self.pipe.sent)
        for piece in pieces:
            await self.say(piece)
            await self.quiet()
        return answers(bytes(self.pipe.sent[before:]))


class Road:
    """A server, with the lane or without; nothing listens."""

    def __init__(
        self,
        *,
        lane: bool,
        held: Snapshot | None = None,
        serving: Serving | None = None,
        bounds: Bounds | None = None,
        clock: Callable[[], float] | None = None,
        feed: object = None,
        **options: object,
    ) -> None:
        self.clock = clock or Clock()
        self.remembered = Remembered(self.clock)
        app = make_app(feed or HeldFeed(held or snapshot()), serving or Serving(), self.clock)  # type: ignore[arg-type]
        self.runner = Runner(app, bounds or Bounds(), self.remembered if lane else None, **options)

    async def __aenter__(self) -> "Road":
        await self.runner.setup()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.runner.cleanup()

    @property
    def guard(self) -> object:
        """What watches its connections."""
        return self.runner.app[GUARD]

    def visit(self, pipe: Pipe | None = None) -> Visit:
        """One more connection, with this other end or a plain one."""
        server = self.runner.server
        assert server is not None
        protocol = server()
        assert isinstance(protocol, Connection)
        return Visit(protocol, pipe)

    async def warm(self, requests: Sequence[bytes]) -> None:
        """Have each of these remembered."""
        visit = self.visit()
        await visit.quiet()
        for request in requests:
            await visit.ask(request, request, request)
        await visit.leave()


def answers(sent: bytes) -> list[Answer]:
    """What was sent, answer by answer: status line, headers without their order and what is of one answer, body."""
    found = []
    for one in _START.split(sent)[1:]:
        head, _, body = one.partition(b"\r\n\r\n")
        status, *lines = head.split(b"\r\n")
        found.append((status, tuple(sorted(line for line in lines if not line.startswith(_OF_ITS_OWN))), body))
    return found
