"""The pages for people: the builder at `/`, the gallery, and what they are made of; icons too. Only HTTP."""

from collections.abc import Mapping

from aiohttp import web

from ticker.model import Snapshot
from ticker.server import builder, gallery, headers, icons, oembed, params, places
from ticker.server.doors import Doors
from ticker.server.params import Defaults, RequestError
from ticker.server.pictures import Pictures
from ticker.server.ready import UNKNOWN, Ready, always

_FILES: Mapping[str, Ready] = {name: always(text.encode()) for name, text in builder.FILES.items()}


class Pages:
    """`origin` is where readers reach us, `drawn` what pictures are made by, `files` the icons that ops dropped in."""

    def __init__(self, doors: Doors, drawn: Pictures, files: icons.Icons, defaults: Defaults, origin: str) -> None:
        self._doors, self._pictures, self._icons = doors, drawn, files
        self._defaults, self._origin = defaults, origin

    def routes(self) -> list[web.RouteDef]:
        """Path to handler."""
        return [
            web.get("/", self.home),
            *(web.get(f"/{name}", self.file) for name in _FILES),
            web.get("/gallery", self.gallery),
            web.get("/icons/{name}", self.icon),
        ]

    async def home(self, request: web.Request) -> web.Response:
        """The page a person sees first: pick a widget, copy the line."""
        wish = builder.asked(list(request.query.items()), self._defaults)
        usual = places.of_ask("list", None, params.widget([], None, self._defaults), self._defaults)
        described = oembed.discovery(usual, self._origin)

        def build(snapshot: Snapshot, now: float) -> bytes:
            return builder.page(wish, self._pictures, self._defaults, snapshot, now, described)

        policy = {"Content-Security-Policy": builder.policy()}
        return self._doors.answer(request, self._doors.ready(("home", wish), build), headers.HTML, policy)

    async def file(self, request: web.Request) -> web.Response:
        """The script of that page, and the mark in its tab."""
        content_type = headers.SVG if request.path.endswith(".svg") else headers.JAVASCRIPT
        return self._doors.answer(request, _FILES[request.path.rpartition("/")[2]], content_type)

    async def gallery(self, request: web.Request) -> web.Response:
        """Every widget in every look."""
        ask = gallery.asked(list(request.query.items()), self._defaults)
        ready = self._doors.ready(("gallery", ask), gallery.builder(self._pictures, ask, self._defaults))
        return self._doors.answer(request, ready, headers.HTML, {"Content-Security-Policy": gallery.policy()})

    async def icon(self, request: web.Request) -> web.Response:
        """A coin's icon that ops have dropped in."""
        icon = self._icons.get(request.match_info["name"])
        if icon is None:
            raise RequestError("not_found", "there is no such icon")
        named = request.query.get("v") == icon.version
        extra = {
            "Content-Security-Policy": icons.POLICY,
            "Cache-Control": icons.CACHE if named else icons.CACHE_UNNAMED,
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        ready = Ready(icon.body, icon.version, UNKNOWN, packed=True)
        return self._doors.answer(request, ready, icon.content_type, extra)
