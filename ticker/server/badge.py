"""`/badge/{coin}.svg` and `/badge/{coin}.json`: one coin in a line, as an image and for shields.io.

They answer 200 to whatever is asked for, and never with an error's status: browsers draw an image that comes with 404,
but `<object>`, the image proxies that stand before READMEs and mails, and shields.io drop the body of one. What went
wrong is said in the picture, which is not stored then.
"""

from collections.abc import Callable, Sequence

import msgspec
from aiohttp import web

from ticker.model import Snapshot
from ticker.server import headers, params, views
from ticker.server.doors import Doors
from ticker.server.params import Ask, Code, Defaults, RequestError
from ticker.server.ready import Ready
from widgets import badge
from widgets.board import Board, Options

PATH = "/badge/"
SAYINGS: dict[Code, str] = {
    "unknown_coin": "unknown coin",
    "not_found": "unknown coin",
    "too_long": "address too long",
    "not_ready": "no prices yet",
    "rate_limited": "too many at once",
}

Draw = Callable[[Board, Options], bytes]


class Badges:
    """The image and the words."""

    def __init__(self, doors: Doors, defaults: Defaults, ancestors: Sequence[str]) -> None:
        self._doors, self._defaults = doors, defaults
        self._policy = policy(ancestors)

    def routes(self) -> list[web.RouteDef]:
        """Path to handler."""
        return [web.get(PATH + "{coin}.svg", self.image), web.get(PATH + "{coin}.json", self.shield)]

    async def image(self, request: web.Request) -> web.Response:
        """The image."""
        ready = self._drawn("svg", request, lambda board, options: badge.badge(board, options).encode())
        return self._doors.answer(
            request, ready, headers.SVG, {**headers.EMBED, "Content-Security-Policy": self._policy}
        )

    async def shield(self, request: web.Request) -> web.Response:
        """The words for shields.io."""
        ready = self._drawn("shield", request, lambda *drawn: msgspec.json.encode(badge.shield(*drawn)))
        return self._doors.answer(request, ready, headers.JSON)

    def _drawn(self, form: str, request: web.Request, draw: Draw) -> Ready:
        ask = params.badge(list(request.query.items()), request.match_info["coin"], self._defaults)
        return self._doors.ready((form, ask), lambda snapshot, now: draw(*self._board(snapshot, ask, now)))

    def _board(self, snapshot: Snapshot, ask: Ask, now: float) -> tuple[Board, Options]:
        return _drawn(snapshot, ask, now, self._defaults)


def files(snapshot: Snapshot, ask: Ask, now: float, defaults: Defaults) -> dict[str, bytes]:
    """The badge of an ask by the endings of its two forms, for who writes it down."""
    board, options = _drawn(snapshot, ask, now, defaults)
    return {"svg": badge.badge(board, options).encode(), "json": msgspec.json.encode(badge.shield(board, options))}


def _drawn(snapshot: Snapshot, ask: Ask, now: float, defaults: Defaults) -> tuple[Board, Options]:
    return views.board(snapshot, ask, now), views.options(ask, "", defaults.up)


def policy(ancestors: Sequence[str]) -> str:
    """The Content-Security-Policy of an image that is opened as a page."""
    return headers.policy([badge.style_hash()], ancestors, script=False)


def is_one(path: str) -> bool:
    """Whether whoever asks for this expects a badge."""
    return path.startswith(PATH) and path.endswith((".svg", ".json"))


def refusal(path: str, error: RequestError) -> tuple[int, bytes, str]:
    """Status, body and type of what cannot be shown."""
    name, _, kind = path.removeprefix(PATH).rpartition(".")
    name = name if params.is_coin_id(name) else ""
    message = SAYINGS.get(error.code) or (f"wrong {error.param}" if error.param else "cannot be shown now")
    if kind == "json":
        return 200, msgspec.json.encode(badge.failed_shield(name or "price", message)), headers.JSON
    return 200, badge.failed(name, message).encode(), headers.SVG
