"""The doors of the custom elements: their script, their style, and a price in a sentence. Only HTTP."""

from collections.abc import Callable, Sequence
from functools import cache, partial

from aiohttp import web

from ticker.server import headers, params, then
from ticker.server.doors import Doors
from ticker.server.history import History
from ticker.server.params import Defaults
from ticker.server.ready import Ready, always
from widgets import render
from widgets.element.script import script


@cache
def _script() -> Ready:
    return always(script().encode())


@cache
def _sheet(kinds: tuple[str, ...], looks: tuple[str, ...]) -> Ready:
    return always(render.stylesheet(*kinds, looks=looks).encode())


class Elements:
    """`past` is the history there is, if any; `clock` gives seconds since 1970."""

    def __init__(
        self,
        doors: Doors,
        past: History | None,
        clock: Callable[[], float],
        defaults: Defaults,
        origin: str,
        frame_ancestors: Sequence[str],
    ) -> None:
        self._doors, self._past, self._clock = doors, past, clock
        self._defaults, self._origin = defaults, origin
        self._policy = headers.policy([render.style_hash("price")], frame_ancestors)

    def routes(self) -> list[web.RouteDef]:
        """Path to handler."""
        return [
            web.get("/embed.js", self.script),
            web.get("/embed.css", self.stylesheet),
            web.get("/widget/price/{coin}", self.price),
        ]

    async def script(self, request: web.Request) -> web.Response:
        """The script: the same before there is any price."""
        return self._doors.answer(request, _script(), headers.JAVASCRIPT)

    async def stylesheet(self, request: web.Request) -> web.Response:
        """The style of `css=link`: of the list and the elements, or of one kind, or in one look."""
        kinds, looks = params.stylesheet(list(request.query.items()))
        return self._doors.answer(request, _sheet(kinds, looks), headers.CSS)

    async def price(self, request: web.Request) -> web.Response:
        """A price in a sentence."""
        what = then.sentence(list(request.query.items()), request.match_info["coin"], self._defaults)
        found = await then.then(what, self._past, self._doors.snapshot, self._clock())
        build = partial(then.draw, what, found, self._origin, self._defaults.up)
        page = {**headers.EMBED, "Content-Security-Policy": self._policy}
        ready = self._doors.ready(("price", what, found), build)
        return self._doors.answer(request, ready if what.on is None else ready.alone(), headers.HTML, page)
