"""What tests of live streams look through: a transport that a test blocks, frames read back, a feed of many ears."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ticker.model import Snapshot
from ticker.server.hub import Viewer


class FakeTransport:
    """Keeps what was sent. While `blocked`, bytes wait; `take` lets some of them go, like a reader that reads."""

    def __init__(self) -> None:
        self.sent = b""
        self.waiting = b""
        self.blocked = self.closed = self.aborted = False
        self.viewer: Viewer | None = None

    def write(self, data: bytes) -> None:
        if not self.blocked:
            self.sent += data
            return
        first = not self.waiting
        self.waiting += data
        if first and self.viewer is not None:
            self.viewer.pause_writing()

    def take(self, most: int | None = None) -> None:
        """The reader reads."""
        taken, self.waiting = self.waiting[:most], self.waiting[len(self.waiting[:most]) :]
        self.sent += taken
        if not self.waiting:
            self.blocked = False
            if self.viewer is not None:
                self.viewer.resume_writing()

    def _end(self) -> None:
        self.closed = True
        if self.viewer is not None:
            self.viewer.connection_lost(None)

    def close(self) -> None:
        self._end()

    def abort(self) -> None:
        self.aborted = True
        self._end()

    def get_write_buffer_size(self) -> int:
        return len(self.waiting)


@dataclass(frozen=True)
class Frame:
    """One event as a browser sees it."""

    id: str
    full: bool
    prices: dict[str, dict[str, Any]]


def frames(sent: bytes) -> list[Frame]:
    """The whole events in what was sent, read as the standard says: comments, retry and half events leave none."""
    found = []
    body = sent.partition(b"\r\n\r\n")[2] if sent.startswith(b"HTTP/") else sent
    *events, _ = body.decode().split("\n\n")
    for event in events:
        fields = dict(line.split(": ", 1) for line in event.split("\n") if not line.startswith(":"))
        if "data" in fields:
            data = json.loads(fields["data"])
            assert fields["event"] == "prices"
            assert set(data) - {"list"} == {"id", "full", "prices"}
            assert data["id"] == fields["id"]
            found.append(Frame(data["id"], data["full"], {one["id"]: one for one in data["prices"]}))
    return found


class Feed:
    """A feed that says what a test says, to everyone who listens."""

    def __init__(self, held: Snapshot | None) -> None:
        self.snapshot = held
        self._callbacks: list[Callable[[Snapshot], None]] = []

    def subscribe(self, callback: Callable[[Snapshot], None]) -> Callable[[], None]:
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def tell(self, found: Snapshot) -> None:
        """A newer snapshot."""
        self.snapshot = found
        for callback in list(self._callbacks):
            callback(found)
