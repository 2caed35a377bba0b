"""A source's stream: one client over WebSocket, told of every price that moves, or mistreated as a fault asks for.

Knows connections, no dialect and no prices: it is given the words and the markets.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count

from aiohttp import WSCloseCode, WSMsgType, web

from ticker.simulate.dialects.wire import Live, reply
from ticker.simulate.faults import Fault
from ticker.simulate.market import Tick
from ticker.simulate.sending import GARBAGE, PAGE, abort, send

PACE = 0.5  # seconds between two looks at the market
BEAT = 1.0
BOMB_BYTES = 4 * 2**20
_FROM_CLIENTS = 64 * 1024

_numbers = count(1_000_000)  # of all that is said, by anyone: they only grow, as an exchange's do


@dataclass(slots=True)
class Talk:
    """One client's conversation: in what words, over which markets, at what time, under which fault."""

    request: web.Request
    live: Live
    known: Mapping[str, object]
    tick: Callable[[str], Tick]
    fault: Callable[[], Fault | None]
    clock: Callable[[], float]
    _told: dict[str, Decimal | None] = field(default_factory=dict)  # the price that was last told of each market
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)

    async def hold(self) -> web.StreamResponse:
        """Shake hands, and talk until either side ends it."""
        fault = self.fault()
        if fault is not None and fault.kind in ("status", "reset"):
            return await send(self.request, reply({}), fault)
        socket = web.WebSocketResponse(max_msg_size=_FROM_CLIENTS, compress=False)
        await socket.prepare(self.request)
        telling = asyncio.create_task(self._tell(socket))
        try:
            await self._hear(socket)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            await socket.close(code=WSCloseCode.GOING_AWAY)
        return socket

    async def _hear(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                heard = self.live.hear(message.data, self.known.keys(), list(self._told), self.clock())
                for one in heard.ids:
                    self._told.setdefault(one, None)
                self._stirred.set()
                await self._say(socket, heard.replies)

    async def _tell(self, socket: web.WebSocketResponse) -> None:
        await self._say(socket, self.live.greet)
        beat = 0.0
        now = asyncio.get_running_loop().time
        while not socket.closed:
            for one in list(self._told):
                tick = self.tick(one)
                if tick.price != self._told[one]:
                    first, self._told[one] = self._told[one] is None, tick.price
                    await self._say(socket, [self.live.tell(tick, first, next(_numbers))])
            if now() - beat >= BEAT:
                beat = now()
                await self._say(socket, self.live.beat(list(self._told), self.clock(), next(_numbers)))
            self._stirred.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PACE):
                    await self._stirred.wait()

    async def _say(self, socket: web.WebSocketResponse, messages: Sequence[bytes]) -> None:
        fault = self.fault()
        kind = fault.kind if fault else None
        if kind in ("drop", "status"):
            await socket.close(code=WSCloseCode.SERVICE_RESTART, message=b"simulated")
        elif kind == "reset":
            abort(self.request)
        elif kind in ("slow", "delay", "drip") and fault and fault.number is not None:
            await asyncio.sleep(float(fault.number))
        for message in messages:
            if kind == "silence" or socket.closed:
                return
            with contextlib.suppress(ConnectionError):
                await self._send(socket, message, kind)

    async def _send(self, socket: web.WebSocketResponse, message: bytes, kind: str | None) -> None:
        match kind:
            case "garbage":
                await socket.send_bytes(GARBAGE)
            case "html":
                await socket.send_str(PAGE)
            case "empty":
                await socket.send_str("")
            case "truncate":
                await socket.send_str(message[: len(message) // 2].decode())
            case "bomb":
                await socket.send_str("[" + " " * BOMB_BYTES)
            case _:
                await socket.send_str(message.decode())
