"""A connection of the web framework, guarded: a request that has begun must be whole soon, an answer taken before long.

The framework has no deadline for the head of a request, and waits for ever for a reader that does not read (trust rule
30). Uses what it offers to subclasses; knows no path and no answer.
"""

import asyncio
from typing import Any, cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from ticker.server.guard import Guard

END = b"\r\n\r\n"
REFUSED = (
    b"HTTP/1.1 503 Service Unavailable\r\nCache-Control: no-store\r\nRetry-After: 30\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)


class Connection(RequestHandler):
    """One connection. What comes on it goes to the framework as it is."""

    __slots__ = ("_begun", "_guard", "_own_transport")

    def __init__(self, manager: web.Server, *, guard: Guard, loop: asyncio.AbstractEventLoop, **options: Any) -> None:  # noqa: ANN401
        super().__init__(manager, loop=loop, **options)
        self._guard = guard
        self._own_transport: asyncio.Transport | None = None  # the framework forgets its own when it closes it
        self._begun = True  # a request has, and its head is not whole; the first one is awaited at once

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """One more, if there is room."""
        made = cast("asyncio.Transport", transport)
        if self._guard.admit(self):
            self._own_transport = made
            made.set_write_buffer_limits(high=0)  # paused as soon as anything waits: whoever reads a little is seen too
            super().connection_made(transport)
        else:
            made.write(REFUSED)
            made.close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is over, or somebody else has it from now on."""
        self._guard.leave(self)
        self._own_transport = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        if data:
            self._note(data)
        super().data_received(data)

    def pause_writing(self) -> None:
        """The reader does not take what it was sent."""
        super().pause_writing()
        self._guard.begins(self, "taking")

    def resume_writing(self) -> None:
        """It does."""
        super().resume_writing()
        self._guard.done(self, "taking")

    def idle(self) -> bool:
        """Whether nobody waits for an answer on it, as far as the framework tells."""
        waiter = getattr(self, "_waiter", None)
        return waiter is not None and not waiter.done() and not self.writing_paused

    def end(self) -> None:
        """Close it now; what a reader does not take is dropped."""
        transport, waits = self._own_transport, self.writing_paused
        self.force_close()
        if waits and transport is not None:
            transport.abort()

    def _note(self, data: bytes) -> None:
        """Follow where heads end. One that ends in the middle of what came has another begun behind it."""
        found = data.rfind(END)
        if found >= 0:
            self._head_is_whole()
        if found != len(data) - len(END):
            self._begun = True
            self._guard.begins(self, "header")

    def _head_is_whole(self) -> None:
        if self._begun:
            self._begun = False
            self._guard.done(self, "header")
