"""A TCP wire that can be hurt: a proxy before any server, with the faults that real networks have.

One `Trouble` at a time, for connections that are open and for those to come; it hits what the server sends, as slow and
broken answers do. Knows no protocol.
"""

import asyncio
import random
import socket
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

CHUNK = 65_536
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no seconds: closing sends RST


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with the wire. Times are in seconds, sizes in bytes."""

    latency: float = 0.0  # before every piece
    jitter: float = 0.0  # so much more, at most
    rate: float = 0.0  # bytes a second at most; 0: as fast as it comes
    piece: int = 0  # bytes a piece at most; 0: as it comes
    gap: float = 0.0  # between pieces
    limit: int | None = None  # bytes, and then the connection ends
    hole: bool = False  # nothing arrives any more, and nothing ends
    reset: float | None = None  # after so long the connection is reset
    lingers: float = 0.0  # the end of an answer arrives so late
    down: bool = False  # whoever connects is reset at once


FINE = Trouble()

# By the names that such faults have elsewhere, each with a strength drawn at random.
KINDS: Mapping[str, Callable[[random.Random], Trouble]] = {
    "latency": lambda rng: Trouble(latency=rng.uniform(0.05, 1.5), jitter=rng.uniform(0, 1.0)),
    "bandwidth": lambda rng: Trouble(rate=rng.choice((2_000, 20_000, 200_000))),
    "slow_close": lambda rng: Trouble(lingers=rng.uniform(1, 12)),
    "timeout": lambda _: Trouble(hole=True),
    "reset_peer": lambda rng: Trouble(reset=rng.uniform(0, 0.05)),
    "slicer": lambda rng: Trouble(piece=rng.choice((1, 7, 64)), gap=0.001),
    "limit_data": lambda rng: Trouble(limit=rng.choice((0, 1, 100, 700, 5_000))),
    "down": lambda _: Trouble(down=True),
}


class Wire:
    """A proxy on a port of its own, before the server on `port`. `trouble` may be changed at any time."""

    def __init__(self, port: int) -> None:
        self.trouble = FINE
        self.connections = 0  # ever
        self._behind = port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)

    async def stop(self) -> None:
        """End, with all that is open."""
        assert self._server is not None
        self._server.close()
        self.cut()
        if self._open:
            await asyncio.wait(self._open)

    def cut(self) -> None:
        """End all that is open."""
        for task in self._open:
            task.cancel()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.ensure_future(self._join(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_writer: asyncio.StreamWriter | None = None
        try:
            if self.trouble.down:
                return _abort(writer)
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._behind)
            there = asyncio.ensure_future(_pass_on(reader, far_writer))
            back = asyncio.ensure_future(self._hurt(far_reader, writer))
            try:
                await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in (there, back):
                    one.cancel()
                await asyncio.gather(there, back, return_exceptions=True)
        except OSError:
            _abort(writer)
        finally:
            writer.close()
            if far_writer is not None:
                far_writer.close()

    async def _hurt(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what the server says, as the trouble of the moment lets it."""
        sent = 0
        while data := await reader.read(CHUNK):
            now = self.trouble
            if now.down or now.reset is not None:
                await asyncio.sleep(now.reset or 0.0)
                return _abort(writer)
            if now.latency or now.jitter:
                await asyncio.sleep(now.latency + random.random() * now.jitter)
            step = now.piece or (max(1, int(now.rate / 20)) if now.rate else CHUNK)
            for at in range(0, len(data), step):
                now = self.trouble
                if now.hole:
                    await asyncio.Event().wait()  # what is swallowed is swallowed, until the connection is cut
                piece = data[at : at + step]
                if now.limit is not None and sent + len(piece) > now.limit:
                    writer.write(piece[: max(0, now.limit - sent)])
                    await writer.drain()
                    return None
                writer.write(piece)
                await writer.drain()
                sent += len(piece)
                if now.rate:
                    await asyncio.sleep(len(piece) / now.rate)
                elif now.gap and now.piece:
                    await asyncio.sleep(now.gap)
        await asyncio.sleep(self.trouble.lingers)
        return None


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    await asyncio.Event().wait()  # half closed: the answer is still to come


def _abort(writer: asyncio.StreamWriter) -> None:
    """Reset it, as a peer that is gone does."""
    own = writer.get_extra_info("socket")
    with suppress(OSError):
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
