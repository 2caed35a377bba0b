"""Sending an answer, whole or broken in the way a fault asks for.

Knows connections and bytes, no prices. Every fault is what the client of a real source has met: half an answer, a page
of a bot guard with status 200, a reset, bytes that trickle, a body that unpacks to far more than it weighs.
"""

import asyncio
import gzip
import socket
import struct
import zlib
from functools import cache

from aiohttp import web

from ticker.simulate.dialects.wire import Reply
from ticker.simulate.faults import Fault

HTML_TYPE = "text/html"
BOMB_BYTES = 64 * 2**20

GARBAGE = b"\x00\xff\xfe{\x9d]\x1b[" * 64
_REDIRECTS = range(300, 400)
_LINGER_NOT = struct.pack("ii", 1, 0)  # close with a reset instead of a goodbye
PAGE = """<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title></head><body>
<h1>Checking if the site connection is secure</h1><noscript>Enable JavaScript and cookies to continue</noscript>
</body></html>"""


async def send(request: web.Request, reply: Reply, fault: Fault | None) -> web.StreamResponse:
    """Send the reply, packed if the client asked for gzip, broken if there is a fault."""
    kind = fault.kind if fault else None
    seconds = float(fault.number) if fault and fault.number is not None else 0.0
    match kind:
        case "status" if fault:
            return _failed(int(seconds), fault.retry_after)
        case "garbage":
            return web.Response(body=GARBAGE, content_type=reply.content_type)
        case "html":
            return web.Response(text=PAGE, content_type=HTML_TYPE)
        case "empty":
            return web.Response(body=b"", content_type=reply.content_type)
        case "bomb":
            return _coded(bomb(), reply.content_type)
        case "reset":
            return _reset(request)
    response = _packed(request, reply)
    match kind:
        case "delay":
            await asyncio.sleep(seconds)
        case "truncate":
            return await _piecewise(request, response, part=0.5, pause=0)
        case "drip":
            return await _piecewise(request, response, part=1, pause=seconds)
    return response


@cache
def bomb() -> bytes:
    """A list that opens and never ends: BOMB_BYTES of it, packed to a thousandth."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    chunk = b" " * 2**20
    parts = [packer.compress(b"["), *(packer.compress(chunk) for _ in range(BOMB_BYTES // len(chunk))), packer.flush()]
    return b"".join(parts)


def _packed(request: web.Request, reply: Reply) -> web.Response:
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        response = _coded(gzip.compress(reply.body, 6, mtime=0), reply.content_type)
    else:
        response = web.Response(body=reply.body, content_type=reply.content_type)
    response.set_status(reply.status)
    response.headers["Vary"] = "Accept-Encoding"
    return response


def _coded(body: bytes, content_type: str) -> web.Response:
    return web.Response(body=body, content_type=content_type, headers={"Content-Encoding": "gzip"})


def _failed(status: int, retry_after: float | None) -> web.Response:
    response = web.json_response({"error": f"simulated status {status}"}, status=status)
    if retry_after is not None:
        response.headers["Retry-After"] = f"{retry_after:g}"
    if status in _REDIRECTS:
        response.headers["Location"] = "https://moved.invalid/"
    return response


def _reset(request: web.Request) -> web.Response:
    abort(request)
    return web.Response()


def abort(request: web.Request) -> None:
    """Reset its connection."""
    transport = request.transport
    if transport is None:
        return
    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    transport.abort()


async def _piecewise(request: web.Request, whole: web.Response, *, part: float, pause: float) -> web.StreamResponse:
    """The first `part` of the body, byte for byte with a pause in between if there is one, then no more."""
    body = whole.body if isinstance(whole.body, bytes) else b""
    response = web.StreamResponse(status=whole.status, headers=whole.headers)
    response.content_length = len(body)
    await response.prepare(request)
    sent = body[: int(len(body) * part)]
    step = 1 if pause else len(sent)
    for start in range(0, len(sent), max(step, 1)):
        await response.write(sent[start : start + step])
        await asyncio.sleep(pause)
    if len(sent) < len(body) and request.transport is not None:
        request.transport.close()
    return response
