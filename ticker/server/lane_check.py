"""Whether the web framework works inside as the fast lane expects: tried out on a connection that leads nowhere.

Looks at its private parts, which is what it is for.
"""
# ruff: noqa: SLF001

import asyncio
from collections.abc import Callable
from contextlib import suppress

from aiohttp import web
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import RequestHandler

ONE = b"GET / HTTP/1.1\r\nHost: check\r\n\r\n"
TURNS = 50  # of the loop, at most, until a request is answered


class _Nowhere(asyncio.Transport):
    """Takes what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def why_not() -> str | None:
    """What is other than expected; None where all is well."""
    try:
        return await _tried()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


async def _tried() -> str | None:
    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text="well")

    transport = _Nowhere()
    tried = RequestHandler(web.Server(answer), loop=asyncio.get_running_loop(), keepalive_timeout=60, access_log=None)  # type: ignore[arg-type]
    tried.connection_made(transport)
    try:
        if not await _soon(lambda: _waits(tried)):
            return "a new connection does not wait for a request"
        tried.data_received(ONE[:9])
        if not _waits(tried) or tried._messages:
            return "half a request is taken for a request"
        tried.data_received(ONE[9:])
        if _waits(tried) or len(tried._messages) != 1:
            return "a request that has come is not queued"
        message, payload = tried._messages[0]
        if payload is not EMPTY_PAYLOAD or getattr(message, "upgrade", None) is not False:
            return "a question is not told from a request with a body"
        if not await _soon(lambda: b"well" in transport.sent and _waits(tried)):
            return "an answered connection does not wait for the next request"
        if tried._paused or tried._logging_enabled or tried._keepalive_timeout != 60:
            return "what it knows of itself is kept under other names"
        before = tried._next_keepalive_close_time
        if not asyncio.get_running_loop().time() < before:
            return "it does not know when an idle connection is over"
        tried.data_received(b"POST / HTTP/1.1\r\nHost: check\r\nContent-Length: 5\r\n\r\n")
        if len(tried._messages) != 1 or tried._messages[0][1] is EMPTY_PAYLOAD:
            return "a request with a body is not told from a question"
        return None
    finally:
        task = tried._task_handler
        tried.connection_lost(None)
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def _waits(tried: RequestHandler) -> bool:
    return tried._waiter is not None and not tried._waiter.done()


async def _soon(holds: Callable[[], bool]) -> bool:
    for _ in range(TURNS):
        if holds():
            return True
        await asyncio.sleep(0)
    return False
