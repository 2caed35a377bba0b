"""Ordinary requests while viewers are told: one at a time on one connection, timed by the kernel.

The end of a request is when its answer came to our socket (SO_TIMESTAMPING), not when this process, which is busy with
the crowd, came to look at it. Knows nothing of streams.
"""

import socket
import struct
import time

_TIMESTAMPING = 37  # SO_TIMESTAMPING and SCM_TIMESTAMPING of Linux, which Python does not name
_RECEIVED = 8 | 16  # by software, and told in software's clock
_SPAN = struct.Struct("qq")
EVERY = 0.004  # seconds


class Probe:
    """Asks for `path` on a port of this machine. `delays` are in nanoseconds."""

    def __init__(self, port: int, path: str) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.SOL_SOCKET, _TIMESTAMPING, _RECEIVED)
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        self._asked = 0
        self._came = 0
        self._got = b""
        self._next = 0.0
        self.delays: list[int] = []

    def tick(self) -> None:
        """Ask, if it is time to and nothing is asked."""
        now = time.monotonic()
        if not self._asked and now >= self._next:
            self._next = now + EVERY
            self._asked = time.time_ns()
            self.sock.sendall(self._request)

    def readable(self) -> None:
        """Some of the answer is here."""
        data, extra, _, _ = self.sock.recvmsg(1 << 18, 256)
        self._got += data
        for level, kind, told in extra:
            if (level, kind) == (socket.SOL_SOCKET, _TIMESTAMPING):
                seconds, nanoseconds = _SPAN.unpack(told[: _SPAN.size])
                self._came = 1_000_000_000 * seconds + nanoseconds
        head, ends, body = self._got.partition(b"\r\n\r\n")
        if not ends:
            return
        if not head.startswith(b"HTTP/1.1 200 "):
            raise ValueError(f"an ordinary request was answered: {head[:60]!r}")
        lines = head.lower().split(b"\r\n")
        length = int(next(one for one in lines if one.startswith(b"content-length:")).partition(b":")[2])
        if len(body) >= length:
            self.delays.append((self._came or time.time_ns()) - self._asked)
            self._asked, self._came, self._got = 0, 0, b""
