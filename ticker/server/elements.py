"""The doors of the custom elements: `/embed.js`, and `/widget/price/{coin}` for a price in a sentence. Only HTTP."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from aiohttp import web

from ticker.model import Snapshot
from ticker.server import headers, then
from ticker.server.history import History
from ticker.server.params import Defaults, RequestError
from ticker.server.shelf import Build, Ready, ready
from widgets import render
from widgets.element.script import script

_SCRIPT = ready(script().encode())


class Doors(Protocol):
    """How all doors keep and send what they have drawn."""

    def ready(self, key: object, build: Build) -> Ready: ...  # noqa: D102
    def answer(  # noqa: D102
        self, request: web.Request, ready: Ready, content_type: str, extra: dict[str, str] | None = None
    ) -> web.Response: ...


class Elements:
    """`latest` gives the snapshot there is, `past` its history if there is one, `clock` seconds since 1970."""

    def __init__(
        self,
        doors: Doors,
        latest: Callable[[], Snapshot | None],
        past: History | None,
        clock: Callable[[], float],
        defaults: Defaults,
        origin: str,
        frame_ancestors: Sequence[str],
    ) -> None:
        self._doors, self._latest, self._past, self._clock = doors, latest, past, clock
        self._defaults, self._origin = defaults, origin
        self._policy = headers.policy([render.style_hash("price")], frame_ancestors)

    def routes(self) -> list[web.RouteDef]:
        """Path to handler."""
        return [web.get("/embed.js", self.script), web.get("/widget/price/{coin}", self.price)]

    async def script(self, request: web.Request) -> web.Response:
        """The script: the same before there is any price."""
        return self._doors.answer(request, _SCRIPT, headers.JAVASCRIPT)

    async def price(self, request: web.Request) -> web.Response:
        """A price in a sentence."""
        what = then.sentence(list(request.query.items()), request.match_info["coin"], self._defaults)
        snapshot = self._latest()
        if snapshot is None:
            raise RequestError("not_ready", "no prices have been settled yet; try again in a moment")
        found = await then.then(what, self._past, snapshot, self._clock())
        build = partial(then.draw, what, found, self._origin, self._defaults.up)
        page = {**headers.EMBED, "Content-Security-Policy": self._policy}
        return self._doors.answer(request, self._doors.ready(("price", what, found), build), headers.HTML, page)
