"""From ready bytes to the response to a request: coding, ETag, caching, sharing, and 304 where the reader has it.

On a connection that remembers answers, the usual kind of request is given whole bytes that were put together before,
and the connection is told; every other request is answered by the web framework, with the same headers.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from multidict import getversion

from ticker.server import headers
from ticker.server.readiness import READINESS
from ticker.server.ready import ALWAYS, Edition, Headers, Ready, Wire


class Remember(Protocol):
    """What a connection that remembers answers has as `remember`."""

    def __call__(self, request: web.Request, wire: Wire) -> None:
        """This request is being answered with these bytes."""
        ...


class Dresser:
    """As `doors.Answer` says. `origins` are the sites whose scripts may read us; `clock` gives seconds since 1970."""

    def __init__(self, origins: Sequence[str], clock: Callable[[], float]) -> None:
        self._origins, self._clock = tuple(origins), clock
        self._vary = headers.vary(origins)
        self._open = tuple(headers.sharing(origins, None).items()) if "*" in origins else None
        self._always = Edition()  # of answers that stay the same for as long as these settings are in use

    def __call__(
        self, request: web.Request, ready: Ready, content_type: str, extra: dict[str, str] | None = None
    ) -> web.Response:
        """The response, 304 where the reader has it."""
        given = request.headers
        coding, body = ready.coded(headers.codings(given.getall("Accept-Encoding", ())))
        etag = ready.etag(coding)
        status = 304 if headers.not_modified(", ".join(given.getall("If-None-Match", ())) or None, etag) else 200
        shared = self._open
        if shared is None:
            shared = tuple(headers.sharing(self._origins, given.get("Origin")).items())
        key = (self._always, status, coding, content_type, self._vary, shared, tuple(extra.items()) if extra else ())
        wire = ready.wire(key)
        if wire is None:
            head = self._head(etag, shared, extra or {})
            if status == 200:
                head = (*head, *headers.body(len(body), content_type, coding))
            edition = self._always if ready.edition is ALWAYS else ready.edition
            wire = ready.keep(key, Wire(status, head, body if status == 200 else b"", edition, coding))
        wire.at(self._clock())  # which notes that it was given
        remember: Remember | None = getattr(request.protocol, "remember", None)
        if (
            remember is None
            or _leaving(request)
            or request.method != "GET"
            or request.version != (1, 1)
            or not request.keep_alive
        ):
            return web.Response(status=status, headers=wire.head, body=wire.body if status == 200 else None)
        return _Whole(wire, self._clock(), remember)

    def retire(self) -> None:
        """Other settings are in use: nothing that was dressed by these is given again unasked."""
        self._always.over = True

    def _head(self, etag: str, shared: Headers, extra: Mapping[str, str]) -> Headers:
        common = {"ETag": etag, "Cache-Control": headers.CACHE, "Vary": self._vary, **dict(shared)}
        return tuple({**common, **headers.SECURITY, **extra}.items())


def _leaving(request: web.Request) -> bool:
    """Whether connections are to be ended, which answers that stay the same do not."""
    readiness = request.app.get(READINESS)
    return readiness is not None and readiness.leaving


class _Whole(web.Response):
    """A response that is sent as ready bytes, unless somebody has changed it on its way."""

    def __init__(self, wire: Wire, now: float, remember: Remember) -> None:
        super().__init__(status=wire.status, headers=wire.head, body=wire.body if wire.status == 200 else None)
        self._wire, self._now, self._remember = wire, now, remember
        self._was = self._now_is()
        self._sent: AbstractStreamWriter | None = None

    def _now_is(self) -> tuple[object, ...]:
        """What is other than before when somebody has changed it."""
        return self.status, id(self.body), getversion(self.headers)  # type: ignore[arg-type]  # it takes any of them

    @property
    def keep_alive(self) -> bool | None:
        return True if self._sent is not None else super().keep_alive

    @property
    def prepared(self) -> bool:
        return self._sent is not None or super().prepared

    @property
    def body_length(self) -> int:
        return len(self._wire.at(self._now)) if self._sent is not None else super().body_length

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        if self.prepared:
            return self._sent or await super().prepare(request)
        if (
            not isinstance(request, web.Request)
            or self.cookies
            or self._keep_alive is False
            or self._now_is() != self._was
        ):
            return await super().prepare(request)
        self._remember(request, self._wire)
        self._sent = request.writer
        await self._sent.write(self._wire.at(self._now))
        return self._sent

    async def write_eof(self, data: bytes = b"") -> None:
        if self._sent is None:
            await super().write_eof(data)
        else:
            await self._sent.drain()
