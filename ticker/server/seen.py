"""What a server counts of its own work: answers by door and status, for metrics and `/status`.

A count is one addition; whatever costs more is worked out when somebody looks. Others who answer beside the web
framework, such as a fast lane, hand in their counts as a function. Knows no page and no metric.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from ticker.bulletin import ConfigStanding
from ticker.request_id import CURRENT, made, well_formed
from ticker.server.near import Near

Counts = Mapping[tuple[str, int], int]  # (door, or route, and status) to answers

HEADER = "X-Request-ID"
_DOORS = {
    "/widget/price": "element",
    "/widget": "widget",
    "/embed.": "element",
    "/embed": "embed",
    "/snippet": "snippet",
    "/badge": "badge",
    "/oembed": "oembed",
    "/api/v3": "dialect",
    "/v1/prices": "prices",
    "/v1/coins": "coins",
    "/v1/stream": "stream",
    "/v1/history": "history",
    "/v1/explain": "explain",
    "/v1/openapi": "openapi",
    "/v1/status": "status",
    "/status": "status",
    "/healthz": "health",
    "/readyz": "health",
    "/gallery": "page",
    "/icons": "page",
    "/builder": "page",
    "/mark": "page",
}
# Where prices of now are given; `/embed.js` with them, since a reader comes behind it.
PRICED = frozenset({"widget", "embed", "element", "badge", "prices", "stream", "dialect", "explain"})
DOORS = tuple(dict.fromkeys((*_DOORS.values(), "page", "other")))


@lru_cache(maxsize=256)
def door_of(route: str | None) -> str:
    """The door that a route belongs to, of which there are few; "other" for what is no route of ours."""
    if route is None:
        return "other"
    if route == "/":
        return "page"
    return next((door for path, door in _DOORS.items() if route.startswith(path)), "other")


class Seen:
    """The counts of a process. `others` are functions that give more of them by route ("" = none of ours) and status.

    `config` tells which configuration is in use.
    """

    def __init__(self) -> None:
        self.started_at = time.time()
        self.others: list[Callable[[], Counts]] = []
        self.config: Callable[[], ConfigStanding] = ConfigStanding
        self._counts: Counter[tuple[str, int]] = Counter()

    @property
    def requests(self) -> Counts:
        """Answers so far, by door and status."""
        total = Counter(self._counts)
        for other in self.others:
            for (route, status), count in other().items():
                total[door_of(route or None), status] += count
        return total

    def count(self, door: str, status: int) -> None:
        """One more answer."""
        self._counts[door, status] += 1


SEEN = web.AppKey("seen", Seen)


def observing(seen: Seen, near: Near) -> Middleware:
    """The outermost layer: counts every answer, and names a request to the log, and to its reader where it fails."""

    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        token = CURRENT.set(lambda: request_id(request, near))
        try:
            response = await handler(request)
        finally:
            CURRENT.reset(token)
        resource = request.match_info.route.resource
        seen.count(door_of(None if resource is None else resource.canonical), response.status)
        if response.status >= 400 and not response.prepared:
            response.headers[HEADER] = request_id(request, near)
        return response

    return observe


_KEY = web.RequestKey("request_id", str)


def named(request: web.BaseRequest) -> Callable[[], str] | None:
    """What gives the name of a request that has been answered; None where it never had one."""
    name = request.get(_KEY)
    return None if name is None else lambda: name


def request_id(request: web.Request, near: Near) -> str:
    """The name of a request: what a proxy that we trust calls it, if that is well-formed, else one of ours."""
    if _KEY not in request:
        given = request.headers.get(HEADER)
        trusted = given is not None and well_formed(given) and near.trusts(peer_of(request))
        request[_KEY] = given if trusted and given is not None else made()
    return request[_KEY]


def peer_of(request: web.Request) -> str | None:
    """The address at the other end of the connection; None where there is none any more, or a local socket."""
    peer = None if request.transport is None else request.transport.get_extra_info("peername")
    return peer[0] if isinstance(peer, tuple) else None
