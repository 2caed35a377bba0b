"""One server for the throughput benchmark: ours, or what a user would write instead, on the same prices.

    python tests/bench/rivals.py NAME PORT [METRICS_PORT]

`ticker` (fast lane; with a second port it has metrics there), `ticker-changing` (new prices every second),
`ticker-plain` (no fast lane), `aiohttp` (renders for every request), `flask` (a WSGI application that renders for every
request, behind gunicorn; both from PyPI). All render with the same function; what they differ in is when, and who
writes.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from decimal import Decimal

import msgspec

from ticker.model import Coin, Credit, Price, Snapshot
from ticker.server import params, views
from ticker.server.params import DEFAULTS
from ticker.server.pictures import Pictures
from widgets import render

COINS = (
    Coin("bitcoin", "Bitcoin", "BTC"),
    Coin("ethereum", "Ethereum", "ETH"),
    Coin("neo", "NEO", "NEO"),
    Coin("waves", "Waves", "WAVES"),
    Coin("monero", "Monero", "XMR"),
    Coin("nano", "Nano", "NANO"),
    Coin("ark", "ARK", "ARK"),
    Coin("pirate-chain", "Pirate Chain", "ARRR"),
    Coin("dogecoin", "Dogecoin", "DOGE"),
    Coin("litecoin", "Litecoin", "LTC"),
    Coin("cardano", "Cardano", "ADA"),
)
HOURS = 24 * 3600.0


def snapshot(seq: int = 1) -> Snapshot:
    """The reference list; every `seq` has prices of its own. They stay live longer than any benchmark runs."""
    now = time.time()
    prices = tuple(
        Price(
            coin.id,
            Decimal(10_000_000 // (number * number + 1) + seq) / 100,
            "ok",
            used=5,
            total=7,
            confidence=Decimal("0.0004"),
            as_of=now,
            live_until=now + HOURS,
            delayed_until=now + 2 * HOURS,
            gone_at=now + 3 * HOURS,
            change_24h=Decimal(number) - 5,
            sources=("coingecko", "kraken"),
        )
        for number, coin in enumerate(COINS)
    )
    credit = Credit("coingecko", "Data provided by CoinGecko", "https://www.coingecko.com")
    shown = tuple(coin.id for coin in COINS)
    return Snapshot(7, seq, now, COINS, shown, prices, credits=(credit,), config="bench")


def widget(held: Snapshot) -> str:
    """The default list, drawn now."""
    ask, pictures = params.widget([], None, DEFAULTS, "list"), Pictures("http://127.0.0.1:8080")
    board = pictures.board("list", held, ask, held.built_at)
    return render.render("list", board, pictures.options("list", ask, DEFAULTS))


def prices(held: Snapshot) -> bytes:
    """The JSON, made now."""
    return msgspec.json.encode(views.prices_json(held, params.prices([], None, DEFAULTS), held.built_at))


class Feed:
    """Holds a snapshot, and tells of a new one every second if it changes."""

    def __init__(self) -> None:
        self.snapshot, self.trouble = snapshot(), None
        self._callbacks: list[Callable[[Snapshot], None]] = []

    def subscribe(self, callback: Callable[[Snapshot], None]) -> Callable[[], None]:
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    async def change(self) -> None:
        """A new snapshot each second, for ever."""
        for seq in range(2, 10**9):
            await asyncio.sleep(1.0)
            self.snapshot = snapshot(seq)
            for callback in self._callbacks:
                callback(self.snapshot)


async def ours(port: int, *, lane: bool, changing: bool, metrics: int = 0) -> None:
    """The server as `ticker serve` runs it."""
    from aiohttp import web

    from ticker.bulletin import ConfigStanding
    from ticker.metrics.door import metrics_door
    from ticker.metrics.figures import Figures
    from ticker.server.app import Serving, make_app
    from ticker.server.guard import Bounds
    from ticker.server.remembered import Remembered
    from ticker.server.runner import Runner
    from ticker.server.seeing import FIGURES

    feed = Feed()
    app = make_app(feed, Serving(), time.time)  # type: ignore[arg-type]
    runner = Runner(app, Bounds(), Remembered(time.time) if lane else None, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    seen = app[FIGURES]
    async with metrics_door("127.0.0.1", metrics, lambda: Figures(time.time(), "", ConfigStanding(), seen())):
        await (feed.change() if changing else asyncio.Event().wait())


async def plain_aiohttp(port: int) -> None:
    """What a first version would be: a handler that renders."""
    from aiohttp import web

    held = snapshot()

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=widget(held), content_type="text/html")

    async def numbers(_: web.Request) -> web.Response:
        return web.Response(body=prices(held), content_type="application/json")

    app = web.Application()
    app.add_routes([web.get("/widget/list", page), web.get("/v1/prices", numbers)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


def flask(port: int) -> None:
    """The same with Flask, behind gunicorn's threads, which keep connections open."""
    from flask import Flask, Response
    from gunicorn.app.base import BaseApplication

    held, app = snapshot(), Flask("bench")
    app.get("/widget/list")(lambda: Response(widget(held), mimetype="text/html"))
    app.get("/v1/prices", endpoint="prices")(lambda: Response(prices(held), mimetype="application/json"))

    class Gunicorn(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for name, value in {
                "bind": f"127.0.0.1:{port}",
                "workers": 1,
                "worker_class": "gthread",
                "threads": 8,
                "worker_connections": 1000,
                "keepalive": 75,
                "loglevel": "error",
            }.items():
                self.cfg.set(name, value)

        def load(self) -> Flask:
            return app

    Gunicorn().run()


def main(name: str, port: int, metrics: int = 0) -> None:
    """Serve until killed."""
    if name == "flask":
        flask(port)
        return
    import uvloop

    match name:
        case "ticker" | "ticker-changing" | "ticker-plain":
            uvloop.run(ours(port, lane=name != "ticker-plain", changing=name == "ticker-changing", metrics=metrics))
        case "aiohttp":
            uvloop.run(plain_aiohttp(port))
        case _:
            raise SystemExit(f"there is no {name}")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
