"""Whether this server wants requests: said to load balancers by `/readyz`, and to clients by closing connections.

Knows nothing of prices: before the first snapshot it is `app` that says not yet.
"""

from aiohttp import web

from ticker.server.params import RequestError


class Readiness:
    """Wants requests until it is told to leave; answers all that come until the end, then too."""

    def __init__(self) -> None:
        self.leaving = False

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
