"""Viewers of one stream, and who of them is told what: each has a slot for the latest only, and none waits for another.

A viewer is a protocol on a transport, without a task or a queue of its own: what its transport cannot take at once is
not kept for it, it gets everything when it can take bytes again. Knows no HTTP and no clock but its loop's.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from ticker.server.frames import PING, Frames, retry
from ticker.server.pen import Moment

STALLED = 10.0  # seconds in which a viewer whose bytes are waiting must take some of them


class Transport(Protocol):
    """As much of an asyncio transport as a viewer needs."""

    def write(self, data: bytes) -> None: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102
    def abort(self) -> None: ...  # noqa: D102
    def get_write_buffer_size(self) -> int: ...  # noqa: D102


class Viewer(asyncio.Protocol):
    """One open browser. `at` is the generation of frames that it has; `gone` is called once, when it is gone."""

    __slots__ = ("_behind", "_gone", "_hub", "_paused", "_transport", "_waiting_since", "_waits", "at")

    def __init__(
        self, transport: Transport, hub: "Hub", gone: Callable[["Viewer"], None], *, paused: bool = False
    ) -> None:
        self._transport, self._hub, self._gone = transport, hub, gone
        self.at = -1
        self._behind = False
        self._paused = paused
        self._waits: int | None = None  # bytes when last looked at
        self._waiting_since = 0.0

    def greet(self, head: bytes, event: str | None) -> None:
        """The first bytes, and what it misses, or everything."""
        self._transport.write(head)
        self._hub.viewers.add(self)
        frames = self._hub.frames
        self.at, self._behind = frames.generation, self._paused
        if not self._paused:
            self._transport.write(frames.since(event))

    def tell(self) -> None:
        """Bring it up to the present, unless bytes still wait for it: then later, and everything."""
        frames = self._hub.frames
        if self.at == frames.generation and not self._behind:
            return
        if self._paused:
            self._behind = True
            self._hub.skipped += 1
            return
        self._transport.write(frames.full() if self._behind else frames.after(self.at))
        self.at, self._behind = frames.generation, False

    def ping(self) -> None:
        """Show that the connection lives."""
        if not self._paused:
            self._transport.write(PING)

    def stalled(self, now: float) -> bool:
        """Whether not one byte of those waiting was taken for too long. To be asked about once a second."""
        if not self._paused:
            return False
        waits = self._transport.get_write_buffer_size()
        if self._waits is None or waits != self._waits:
            self._waits, self._waiting_since = waits, now
        return now - self._waiting_since >= STALLED

    def farewell(self, seconds: float) -> None:
        """End it cleanly, to come back after so many seconds; at once where bytes wait for it."""
        self._hub.viewers.discard(self)
        if self._paused:
            self._transport.abort()
            return
        self._transport.write(retry(seconds))
        self._transport.close()

    def abort(self) -> None:
        """End it at once."""
        self._transport.abort()

    @property
    def paused(self) -> bool:
        """Whether bytes wait to be taken."""
        return self._paused

    def pause_writing(self) -> None:
        """The transport has bytes that it cannot send yet."""
        self._paused, self._waits = True, None

    def resume_writing(self) -> None:
        """The transport has sent all it had."""
        self._paused = False
        if self._behind:
            self.tell()

    def data_received(self, data: bytes) -> None:
        """A viewer has nothing to say."""

    def connection_lost(self, _: Exception | None) -> None:
        """It is gone."""
        self._hub.viewers.discard(self)
        self._gone(self)


class Hub:
    """The viewers of one ask."""

    def __init__(self, frames: Frames) -> None:
        self.frames = frames
        self.viewers: set[Viewer] = set()
        self.skipped = 0  # times a viewer was not told of something new, since bytes still waited for it
        self._to_tell: deque[Viewer] = deque()

    def take(self, at: Moment) -> None:
        """Go over to another moment; those who must hear of it are told by `deliver`. May raise `RequestError`."""
        if self.frames.take(at):
            self._to_tell = deque(self.viewers)

    def deliver(self, most: int) -> bool:
        """Tell so many viewers; True where others wait for it."""
        for _ in range(min(most, len(self._to_tell))):
            viewer = self._to_tell.popleft()
            if viewer in self.viewers:
                viewer.tell()
        return bool(self._to_tell)
