"""The fast lane: a request whose very bytes were answered before gets the same answer, before anything is parsed.

No parser of our own, so nothing to disagree with the framework's about where a request ends. What is remembered is a
request that the framework itself found to be exactly one, whole, without a body, that came in one piece on a connection
where nothing else was under way; and it is found again only in the same state. Everything else goes to the framework
untouched, and so does the connection for good, once anything came on it that was not such a piece.

The framework takes a turn of the loop to come round to waiting, after it was connected and after an answer. A reader
who asks again within that turn would have to be answered by it again, and so on for hundreds of requests after every
change of prices: so what is known is held for that one turn.

Uses private parts of the framework: `_waiter` (pending while it waits for a request), `_messages` (parsed and not
yet begun), `_paused`, `_next_keepalive_close_time`, `_keepalive_timeout`, `_logging_enabled` and `_loop`. `lane_check`
looks at the start whether they are what they were.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import web
from aiohttp.streams import EMPTY_PAYLOAD
from multidict import CIMultiDictProxy

from ticker.server.connection import END, Connection
from ticker.server.ready import Wire
from ticker.server.remembered import LONGEST, Entry, Remembered
from ticker.server.zero_copy import LONG, ZeroCopy

_NO_SOCKET = -1  # what is written is not what is sent, as under TLS

# What makes a request more than a question: whoever sends these is answered by the framework each time.
_MORE = ("Content-Length", "Transfer-Encoding", "Expect", "Upgrade", "Trailer", "TE", "Range", "Authorization")


class Lane(Connection):
    """A connection that remembers answers."""

    __slots__ = (
        "_asked",
        "_clear",
        "_clock",
        "_entry",
        "_find",
        "_held",
        "_remembered",
        "_socket",
        "_time",
        "_zero_copy",
    )

    def __init__(
        self,
        manager: web.Server,
        *,
        remembered: Remembered,
        zero_copy: ZeroCopy,
        loop: asyncio.AbstractEventLoop,
        **options: Any,  # noqa: ANN401 - the framework's own
    ) -> None:
        super().__init__(manager, loop=loop, **options)
        self._remembered, self._zero_copy, self._time = remembered, zero_copy, loop.time
        self._find, self._clock = remembered.table.get, remembered.clock
        self._clear = True  # all that came so far were whole requests without bodies, each in one piece
        self._entry: Entry | None = None  # that was given last: the same page asks the same again
        self._asked: bytes | None = None  # the request that the framework is answering, if it may be remembered
        self._socket: int | None = None  # its descriptor, once a long answer was asked for
        self._held: bytes | None = None  # a request that is known, while the framework comes round

    def data_received(self, data: bytes) -> None:
        """Bytes have come: a request that was answered before, or something for the framework."""
        if self._held is not None:
            self._hand_over_held()
        entry = self._entry
        if entry is None or data != entry.asked:
            entry = self._find(data)
        if entry is not None and self._clear and not self._paused:
            waiter = self._waiter
            if waiter is None:
                self._held = data
                self._loop.call_soon(self._come_round)
                return
            if not waiter.done() and self._answer(entry):
                return
        self._hand_over(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is over."""
        self._held = None
        super().connection_lost(exc)

    def idle(self) -> bool:
        """As for every connection; who sent what is held waits for an answer."""
        return self._held is None and super().idle()

    def close(self) -> None:
        """End it when all that came is answered: what is held came before this."""
        self._hand_over_held()
        super().close()

    def _answer(self, entry: Entry) -> bool:
        """Give the answer that is known, if it is valid."""
        transport, answer = self.transport, entry.at(self._clock())
        if answer is None or transport is None:
            return False
        self._entry = entry
        if len(answer) < LONG or not self._sent(transport, answer):
            transport.write(answer)
        self._next_keepalive_close_time = self._time() + self._keepalive_timeout
        if self._begun:
            self._head_is_whole()
        if self._logging_enabled:
            self._log(entry, answer)
        return True

    def _sent(self, transport: asyncio.Transport, answer: bytes) -> bool:
        """Send a long answer without copying it; False where it must be written as any other."""
        if self._socket is None:
            found = transport.get_extra_info("socket")
            plain = found is not None and transport.get_extra_info("sslcontext") is None
            self._socket = found.fileno() if plain else _NO_SOCKET
        # Never before what waits to be written, nor on a descriptor that may be somebody else's by now.
        if self._socket == _NO_SOCKET or transport.get_write_buffer_size() or transport.is_closing():
            return False
        sent = self._zero_copy.send(self._socket, answer)
        if 0 < sent < len(answer):
            transport.write(memoryview(answer)[sent:])
        return sent > 0

    def _come_round(self) -> None:
        """A turn later: the framework waits, or it is still at an answer, and this one waits behind it."""
        data, self._held = self._held, None
        if data is None:
            return
        entry, waiter = self._find(data), self._waiter
        if waiter is None or waiter.done() or entry is None or self._paused or not self._answer(entry):
            self._hand_over(data)

    def _hand_over_held(self) -> None:
        data, self._held = self._held, None
        if data is not None:
            self._hand_over(data)

    def _hand_over(self, data: bytes) -> None:
        """Something for the framework; note whether its answer may be remembered."""
        self._entry = None
        waiter = self._waiter
        idle = waiter is not None and not waiter.done()
        before = len(self._messages)
        super().data_received(data)
        whole = data.find(END) == len(data) - len(END)
        self._clear = self._clear and whole and self._one_question(before)
        # What comes before the last answer is through is not remembered: there might be more to its answer than to it.
        may = idle and self._clear and len(data) <= LONGEST and data.startswith(b"GET ")
        self._asked = data if may else None

    def remember(self, request: web.Request, wire: Wire) -> None:
        """As `dressing.Remember` says."""
        data, self._asked = self._asked, None
        if data is None or any(name in request.headers for name in _MORE):
            return
        resource = request.match_info.route.resource
        label = ("" if resource is None else resource.canonical, wire.status)
        what = Asked(request) if self._logging_enabled else None
        self._remembered.remember(data, wire, label, what)

    def _one_question(self, before: int) -> bool:
        """Whether the framework, too, has found one request in what just came, and nothing behind its head."""
        if len(self._messages) != before + 1:
            return False
        message, payload = self._messages[-1]
        return payload is EMPTY_PAYLOAD and getattr(message, "upgrade", True) is False

    def _log(self, entry: Entry, answer: bytes) -> None:
        """A line in the access log like any other."""
        if isinstance(entry.what, Asked) and entry.wire is not None:
            peer = self.peername
            entry.what.remote = peer[0] if isinstance(peer, tuple) else None
            self.log_access(
                cast("web.BaseRequest", entry.what),
                cast("web.StreamResponse", Answered(entry.wire.status, len(answer), dict(entry.wire.head))),
                self._time(),
            )


class Asked:
    """What a line of the access log says of a request."""

    def __init__(self, request: web.Request) -> None:
        self.method, self.path, self.path_qs = request.method, request.path, request.path_qs
        self.raw_path = request.raw_path
        self.version = request.version
        self.headers: CIMultiDictProxy[str] = request.headers
        self.remote: str | None = None

    def get(self, _: object, default: object = None) -> object:
        """What somebody noted beside the request, of which nothing is kept."""
        return default


@dataclass(frozen=True, slots=True)
class Answered:
    """What it says of the answer."""

    status: int
    body_length: int
    headers: dict[str, str]
