"""`/v1/stream` over HTTP: takes the connection out of the hands of the web framework and gives it to a stream.

The framework has two tasks a connection for as long as its answer lasts; ours lasts an hour. So its part ends with the
request read: the transport goes over to the viewer, and the body is ended by closing, for every HTTP version alike.
"""

import contextlib
import socket
from collections.abc import Mapping
from email.utils import formatdate

from aiohttp import web

from ticker.server import headers
from ticker.server.addresses import Addresses
from ticker.server.frames import retry
from ticker.server.params import Ask
from ticker.server.stream import Stream

SEND_BUFFER = 32_768  # bytes in the kernel: a viewer that does not read is noticed by it, and costs no more
DEAD = 14.0  # seconds after which bytes that nobody acknowledged, or has room for, end a connection

HEADERS: Mapping[str, str] = {
    "Content-Type": "text/event-stream",
    "Cache-Control": headers.NO_STORE,
    "X-Accel-Buffering": "no",
    "Connection": "close",
    **headers.SECURITY,
}


class Door:
    """Lets viewers in. `clock` gives seconds since 1970."""

    def __init__(self, stream: Stream, addresses: Addresses) -> None:
        self._stream, self._addresses = stream, addresses

    def open(self, request: web.Request, ask: Ask, shared: Mapping[str, str], now: float) -> web.StreamResponse:
        """Hand the connection of a request over to a stream. `shared` are the headers of CORS. Raises `RequestError`.

        What it returns can no longer be sent: it ends the framework's part.
        """
        if request.method == "HEAD":
            return web.Response(headers={**HEADERS, **shared})
        transport = request.transport
        if transport is None:  # it is gone already
            return web.Response()
        peer = transport.get_extra_info("peername")
        address = self._addresses.reader(
            peer[0] if isinstance(peer, tuple) else None, request.headers.getall("X-Forwarded-For", [])
        )
        hub = self._stream.hub(ask, address)
        framework = request.protocol
        viewer = self._stream.seat(hub, transport, address, paused=framework.writing_paused)
        framework.transport = None  # or it would close the connection that it believes lost
        framework.connection_lost(None)
        transport.set_protocol(viewer)
        transport.set_write_buffer_limits(high=0)  # paused as soon as anything waits, resumed when nothing does
        _bound(transport.get_extra_info("socket"))
        try:
            viewer.greet(_head(shared, now) + retry(self._stream.back()), request.headers.get("Last-Event-ID"))
        except Exception:  # a fault of ours: nobody but us would ever close it
            viewer.abort()
            raise
        return web.Response()


def _head(shared: Mapping[str, str], now: float) -> bytes:
    lines = {"Date": formatdate(now, usegmt=True), **HEADERS, **shared}
    return "\r\n".join(["HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in lines.items()), "\r\n"]).encode()


def _bound(sock: socket.socket | None) -> None:
    """Let the kernel hold little for a viewer, and not for ever. Where it cannot, the stream's own bounds hold."""
    with contextlib.suppress(OSError, AttributeError):
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(DEAD * 1000))
