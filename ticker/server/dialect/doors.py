"""The paths of the dialect: what is asked for, looked up and answered, with CoinGecko's bodies for what is refused.

Has a shelf of its own beside the others', since one of its answers may be a hundred times as large as any other: so
many different ones neither fill the memory nor push the widgets off theirs.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from ticker.model import Coin, Snapshot
from ticker.server import headers
from ticker.server.dialect import answers, asks
from ticker.server.dialect.sparks import Sparklines
from ticker.server.doors import Answer, not_ready
from ticker.server.history import Past
from ticker.server.params import STATUS, RequestError, coin_id
from ticker.server.shelf import Build, Ready, Shelf
from widgets.marks import picture

PATH = "/api/v3"
MOST_VARIANTS = 128
NOWHERE = (
    "Incorrect path. There are ping, simple/price, simple/supported_vs_currencies, coins/list and coins/markets here"
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Dialect:
    """The doors. `answer` dresses ready bytes as a response; `origin` is where readers reach us."""

    def __init__(
        self, shelf: Shelf, answer: Answer, origin: str, clock: Callable[[], float], past: Past | None
    ) -> None:
        self._answer, self._origin = answer, origin
        self._sparks = Sparklines(past, clock)
        self._known: tuple[Snapshot, asks.Known] | None = None
        self._shelf = shelf.beside(MOST_VARIANTS)

    def routes(self) -> list[web.RouteDef]:
        """Path to handler; whatever else is below `PATH` is refused as CoinGecko refuses it."""
        doors: dict[str, Handler] = {
            "/ping": self.ping,
            "/simple/price": self.simple_price,
            "/simple/supported_vs_currencies": self.currencies,
            "/coins/list": self.coin_list,
            "/coins/markets": self.markets,
            "/coins/{coin}/image.svg": self.image,
        }
        return [web.get(PATH + path, door) for path, door in doors.items()]

    async def ping(self, request: web.Request) -> web.Response:
        """Whether there is somebody, with something to say."""
        return self._json(request, "ping", lambda *_: answers.ping())

    async def currencies(self, request: web.Request) -> web.Response:
        """What prices can be counted in."""
        return self._json(request, "currencies", lambda snapshot, _: answers.currencies(snapshot))

    async def coin_list(self, request: web.Request) -> web.Response:
        """Every coin."""
        ask = asks.coin_list(list(request.query.items()))
        return self._json(request, ask, lambda snapshot, _: answers.coin_list(snapshot, ask))

    async def simple_price(self, request: web.Request) -> web.Response:
        """Prices of some coins in some currencies."""
        ask = asks.simple_price(list(request.query.items()), self._there())
        return self._json(request, ask, lambda snapshot, now: answers.simple_price(snapshot, ask, now))

    async def markets(self, request: web.Request) -> web.Response:
        """A page of coins with what is known of them."""
        ask = asks.markets(list(request.query.items()), self._there())
        if ask.sparkline and ask.currency == "usd":
            await self._sparks.read(answers.on_page(self._snapshot(), ask))

        def build(snapshot: Snapshot, now: float) -> bytes:
            return answers.markets(snapshot, ask, now, self._origin, self._sparks.of)

        return self._json(request, ask, build)

    async def image(self, request: web.Request) -> web.Response:
        """The mark of a coin, where a row of `coins/markets` says its `image` is."""
        coin = coin_id(request.match_info["coin"])

        def build(snapshot: Snapshot, _: float) -> bytes:
            return picture(_coin(snapshot, coin).id, _coin(snapshot, coin).symbol).encode()

        policy = {"Content-Security-Policy": headers.policy((), (), script=False)}
        return self._answer(request, self._ready(("image", coin), build), headers.SVG, policy)

    def _json(self, request: web.Request, key: object, build: Build) -> web.Response:
        return self._answer(request, self._ready(key, build), headers.JSON)

    def _ready(self, key: object, build: Build) -> Ready:
        self._snapshot()
        return self._shelf.get(key, build)

    def _snapshot(self) -> Snapshot:
        if self._shelf.snapshot is None:
            raise not_ready()
        return self._shelf.snapshot

    def _there(self) -> asks.Known:
        snapshot = self._snapshot()
        if self._known is None or self._known[0] is not snapshot:
            self._known = snapshot, asks.known(snapshot)
        return self._known[1]


def _coin(snapshot: Snapshot, name: str) -> Coin:
    found = next((coin for coin in snapshot.coins if coin.id == name), None)
    if found is None:
        raise RequestError("unknown_coin", "coin not found", "coin")
    return found


def refusal(error: RequestError) -> bytes:
    """The body of a refusal in CoinGecko's shapes."""
    if error.code == "rate_limited":
        body: dict[str, Any] = {"status": {"error_code": STATUS[error.code], "error_message": error.message}}
    else:
        body = {"error": NOWHERE if error.code == "not_found" else error.message}
    return msgspec.json.encode(body)
