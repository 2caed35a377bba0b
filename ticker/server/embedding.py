"""The doors that help to put a widget on a page: `/snippet/{door}/{kind}` and `/oembed`. Only HTTP; the lines are pure.

Both say what the widget is now, so that a frame is as high as its rows need.
"""

import msgspec
from aiohttp import web

from ticker.model import Snapshot
from ticker.server import headers, oembed, places, snippets, views
from ticker.server.doors import Doors
from ticker.server.params import Defaults
from ticker.server.places import Place


class Embedding:
    """`origin` is where readers reach us, `disclaimer` what every widget says at its foot."""

    def __init__(self, doors: Doors, defaults: Defaults, origin: str, disclaimer: str) -> None:
        self._doors = doors
        self._defaults, self._origin, self._disclaimer = defaults, origin, disclaimer

    def routes(self) -> list[web.RouteDef]:
        """Path to handler."""
        return [
            web.get("/snippet/{door}/{kind}", self.snippet),
            web.get("/snippet/{door}/{kind}/{coin}", self.snippet),
            web.get("/oembed", self.oembed),
        ]

    async def snippet(self, request: web.Request) -> web.Response:
        """The line that a site owner pastes."""
        door = snippets.checked(request.match_info["door"])
        query = list(request.query.items())
        place = places.asked(request.match_info["kind"], request.match_info.get("coin"), query, self._defaults)
        ready = self._doors.ready(
            ("snippet", door, place),
            lambda snapshot, now: snippets.line(door, self._spot(place, snapshot, now)).encode(),
        )
        return self._doors.answer(request, ready, headers.TEXT)

    async def oembed(self, request: web.Request) -> web.Response:
        """A page of ours, described."""
        wish = oembed.wished(list(request.query.items()), self._origin, self._defaults)
        ready = self._doors.ready(
            ("oembed", wish),
            lambda snapshot, now: msgspec.json.encode(oembed.answer(wish, self._spot(wish.place, snapshot, now))),
        )
        return self._doors.answer(request, ready, headers.JSON)

    def _spot(self, place: Place, snapshot: Snapshot, now: float) -> snippets.Spot:
        board = views.board(snapshot, place.ask, now, self._disclaimer)
        return snippets.Spot(place, board, self._origin, place.ask.title or self._defaults.title or "Prices")
