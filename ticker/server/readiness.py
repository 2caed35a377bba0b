"""Whether this server lives, and whether it wants requests: `/healthz`, `/readyz`, and connections that are ended.

Neither depends on a source, a poller or a store: a server that has prices wants requests, whatever happens behind it.
"""

from collections.abc import Callable

from aiohttp import web

from ticker.server import headers
from ticker.server.params import RequestError


class Readiness:
    """Wants requests until it is told to leave; answers all that come until the end, then too.

    `prices` raises `RequestError` while there are none.
    """

    def __init__(self, prices: Callable[[], object]) -> None:
        self._prices = prices
        self.leaving = False

    def routes(self) -> list[web.RouteDef]:
        """Path to handler."""
        return [web.get("/healthz", self.healthz), web.get("/readyz", self.readyz)]

    async def healthz(self, _: web.Request) -> web.Response:
        """Alive: depends on nothing but this process."""
        return web.Response(text="ok\n", headers={"Cache-Control": headers.NO_STORE})

    async def readyz(self, _: web.Request) -> web.Response:
        """Ready: there is a snapshot, even an empty one, and we are not about to stop."""
        self.check()
        self._prices()
        return web.Response(text="ready\n", headers={"Cache-Control": headers.NO_STORE})

    def leave(self) -> None:
        """Want no more: `/readyz` is 503 from now on, and every answer ends its connection."""
        self.leaving = True

    def check(self) -> None:
        """Raises `RequestError` once we are leaving."""
        if self.leaving:
            raise RequestError("not_ready", "this server is about to stop; ask another")

    def dress(self, response: web.StreamResponse) -> None:
        """Where we are leaving, ask the client for a new connection, which another server will have."""
        if self.leaving:
            response.force_close()
            response.headers["Connection"] = "close"


READINESS = web.AppKey("readiness", Readiness)
