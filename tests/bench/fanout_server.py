"""Our server of the fan-out benchmark, a process of its own: the service's application, and a feed told over a pipe.

Everything from a sealed snapshot's bytes on is what the service does: unsealing, the feed's callbacks, streams, frames,
viewers, on its own runner and loop. Only the store's road to the feed is a pipe (standard input: four bytes of length,
then a sealed snapshot; its end is ours). Says its port first, and at the end how many viewers there are.
"""

import asyncio
import gc
import os
import sys
import time
from collections.abc import Callable

import uvloop
from aiohttp import web

from ticker.commands.serving import BACKLOG, GRACE
from ticker.model import Snapshot
from ticker.server import limits
from ticker.server.app import STREAM, Serving, make_app
from ticker.server.guard import Bounds
from ticker.server.stream import Limits
from ticker.store.envelope import unseal_snapshot


class Pipe(asyncio.Protocol):
    """A feed: what comes in by the pipe, to everyone who listens."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None
        self.ended = asyncio.Event()
        self._rest = bytearray()
        self._callbacks: list[Callable[[Snapshot], None]] = []

    def subscribe(self, callback: Callable[[Snapshot], None]) -> Callable[[], None]:
        """As `ticker.feed.Feed`."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def data_received(self, data: bytes) -> None:
        """Whole snapshots are told, at once."""
        self._rest += data
        while len(self._rest) >= 4:
            length = int.from_bytes(self._rest[:4], "big")
            if len(self._rest) < 4 + length:
                return
            found = unseal_snapshot(bytes(self._rest[4 : 4 + length]))
            del self._rest[: 4 + length]
            self.snapshot = found
            for callback in list(self._callbacks):
                callback(found)

    def connection_lost(self, _: Exception | None) -> None:
        """The benchmark is over, one way or another."""
        self.ended.set()


async def serve() -> None:
    """Until the pipe says so."""
    pipe = Pipe()
    await asyncio.get_running_loop().connect_read_pipe(lambda: pipe, os.fdopen(os.dup(0), "rb"))
    serving = Serving(limits=Limits(viewers=20_000))
    app = make_app(pipe, serving, time.time)  # type: ignore[arg-type]
    runner = web.AppRunner(
        app,
        access_log=None,
        keepalive_timeout=Bounds().keep_alive,
        shutdown_timeout=GRACE,
        max_line_size=limits.READ,
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=BACKLOG).start()
    gc.freeze()  # as the service does
    say(runner.addresses[0][1])
    await pipe.ended.wait()
    say(app[STREAM].viewers)
    await runner.cleanup()


def say(number: int) -> None:
    """One number to whoever started us."""
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(serve())
