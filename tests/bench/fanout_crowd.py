"""The viewers of the fan-out benchmark: many raw sockets on one epoll, and nothing else, so that they cost little.

Every viewer that reads notes how long after its publication it had the last byte of each snapshot. Those that stall
take 4 KiB at most and read nothing. Knows neither server, only that events end with an empty line and that their data
begins with the snapshot's id.
"""

import contextlib
import select
import socket
import struct
import time
from array import array
from collections.abc import Callable

MARK = b'{"id":"1-'
_GONE = struct.pack("ii", 1, 0)  # closed with a reset: nothing of a round stays in the kernel for the next
_BATCH = 250
_PATIENCE = 30.0  # seconds


class Crowd:
    """Viewers of `path` on a port of this machine. `delays` are in nanoseconds, one a viewer and snapshot."""

    def __init__(self, port: int, path: str) -> None:
        self._port = port
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n\r\n".encode()
        self._epoll = select.epoll()
        self._buffer = bytearray(1 << 18)
        self._readers: dict[int, socket.socket] = {}
        self._stalled: list[socket.socket] = []
        self._rests: dict[int, bytes] = {}
        self._told: dict[int, int] = {}
        self._greeted: set[int] = set()
        self._others: dict[int, Callable[[], None]] = {}
        self.delays = array("q")
        self.received: dict[int, int] = {}
        self.lost = 0

    @property
    def size(self) -> int:
        """How many of those that read are still there."""
        return len(self._readers)

    def enter(self, readers: int, stalled: int) -> None:
        """Connect them all; returns when each reader has the head of its answer."""
        count = readers + stalled
        kinds = [number * stalled // count != (number + 1) * stalled // count for number in range(count)]
        for start in range(0, len(kinds), _BATCH):
            for stalls in kinds[start : start + _BATCH]:
                self._connect(stalls=stalls)
            until = time.monotonic() + _PATIENCE
            while len(self._greeted) < len(self._readers) + self.lost:
                self.turn(0.1)
                if time.monotonic() > until:
                    raise TimeoutError(f"{len(self._greeted)} of {len(self._readers)} viewers were let in")

    def also(self, sock: socket.socket, readable: Callable[[], None]) -> None:
        """One more socket to look after."""
        self._others[sock.fileno()] = readable
        self._epoll.register(sock.fileno(), select.EPOLLIN)

    def told(self, seq: int) -> None:
        """Snapshot `seq` is about to be published: from now on its delay counts."""
        self.received[seq] = 0
        self._told[seq] = time.monotonic_ns()

    def turn(self, seconds: float) -> None:
        """Read what there is; wait for so long at most."""
        for fd, _ in self._epoll.poll(seconds, 256):
            if fd in self._others:
                self._others[fd]()
            else:
                self._read(fd)

    def leave(self) -> None:
        """Close them all."""
        for one in (*self._readers.values(), *self._stalled):
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _GONE)
            one.close()
        self._readers, self._stalled = {}, []
        self._epoll.close()

    def _connect(self, *, stalls: bool) -> None:
        sock = socket.socket()
        if stalls:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", self._port))
        sock.sendall(self._request)
        if stalls:
            self._stalled.append(sock)
            return
        sock.setblocking(False)
        self._readers[sock.fileno()], self._rests[sock.fileno()] = sock, b""
        self._epoll.register(sock.fileno(), select.EPOLLIN)

    def _read(self, fd: int) -> None:
        buffer = self._buffer
        try:
            size = self._readers[fd].recv_into(buffer)
        except BlockingIOError:
            return
        except OSError:
            size = 0
        now = time.monotonic_ns()
        if not size:
            self._readers.pop(fd).close()
            self.lost += 1
            return
        rest = self._rests.pop(fd, None)
        if rest is None and buffer[size - 2 : size] == b"\n\n":
            self._note(buffer, size, now)
            return
        data = (rest or b"") + buffer[:size]
        if fd not in self._greeted:
            data, ends, events = data.partition(b"\r\n\r\n")
            if not ends:
                self._rests[fd] = data
                return
            self._greeted.add(fd)
            data = events
        whole, _, rest = data.rpartition(b"\n\n")
        self._note(whole, len(whole), now)
        if rest:
            self._rests[fd] = rest

    def _note(self, buffer: bytes | bytearray, size: int, now: int) -> None:
        at = buffer.find(MARK, 0, size)
        while at >= 0:
            start = at + len(MARK)
            seq = int(buffer[start : buffer.index(b'"', start)])
            if seq in self._told:
                self.delays.append(now - self._told[seq])
                self.received[seq] += 1
            at = buffer.find(MARK, start, size)
