"""Replay of recorded answers over real HTTP: the bytes of the recording, with only the times moved to now.

The newest time in a body becomes now (to the second, or to the day), and all others keep their distance to it. Every
other byte stays as recorded; numbers are never read and written again. On demand the prices of named ids are multiplied
by a stated factor, exactly, so that recordings of different years can stand beside each other.

Some sources were recorded one market at a time. Such a body is served in the bulk envelope only where the index of the
recordings says that there is a bulk form, and only as `ENVELOPES` says; anything else is served as it is:

    mexc      api_v3_ticker_24hr_BTCUSDT_*       a bare object; in bulk a list (api_v3_ticker_24hr_5rows)
    binance   api_v3_ticker_24hr_DOGEUSDT        a bare object; in bulk a list (api_v3_ticker_24hr_all)
    bitstamp  v2_ticker_perpetual_row            one row of the bulk list, without the list
    bitstamp  v2_ticker_btcusd_2017, _btcusdt_*  a bare object; in bulk a list whose rows name their market: ADDED
    okx       v5_market_ticker_BTC-USDT          has the envelope of the bulk answer already
    coinmarketcap  listings_latest_*             `data` is a list; served at the path of quotes/latest as it is
"""

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, Inexact
from pathlib import Path
from typing import Literal, NamedTuple, Self

from aiohttp import web

Step = str | int
Unit = Literal["s", "ms", "iso", "day"]

ANY = "*"


@dataclass(frozen=True)
class Shape:
    """Where an answer has what. Steps are keys and positions, `*` is any. In XML every element is a row of the top, by
    its name without prefix and its position; its attributes are its cells.

    `path` is asked under the source's prefix. `row` leads to a market; `id` from there to its id, and () means that
    the row's own key is the id. `prices` lead from the row to what is counted in its currency, `times` from the top.
    """

    path: str
    row: tuple[Step, ...]
    id: tuple[Step, ...]
    prices: tuple[tuple[Step, ...], ...]
    times: tuple[tuple[tuple[Step, ...], Unit], ...] = ()
    content_type: str = "application/json"


def _cells(names: str) -> tuple[tuple[Step, ...], ...]:
    return tuple((name,) for name in names.split())


_TICKER_24HR = "lastPrice bidPrice askPrice openPrice highPrice lowPrice prevClosePrice weightedAvgPrice"
_TICKER_TIMES: tuple[tuple[tuple[Step, ...], Unit], ...] = (((ANY, "openTime"), "ms"), ((ANY, "closeTime"), "ms"))

SHAPES: Mapping[str, Shape] = {
    "coingecko": Shape(
        "/api/v3/coins/markets",
        (ANY,),
        ("id",),
        _cells("current_price high_24h low_24h"),
        (((ANY, "last_updated"), "iso"),),
    ),
    "coinpaprika": Shape(
        "/v1/tickers", (ANY,), ("id",), (("quotes", "USD", "price"),), (((ANY, "last_updated"), "iso"),)
    ),
    "coinlore": Shape("/api/tickers/", ("data", ANY), ("id",), _cells("price_usd"), ((("info", "time"), "s"),)),
    "coinmarketcap": Shape(
        "/v1/cryptocurrency/quotes/latest",
        ("data", ANY),
        ("id",),
        (("quote", "USD", "price"),),
        (
            (("status", "timestamp"), "iso"),
            (("data", ANY, "last_updated"), "iso"),
            (("data", ANY, "quote", ANY, "last_updated"), "iso"),
        ),
    ),
    "kraken": Shape(
        "/0/public/Ticker",
        ("result", ANY),
        (),
        (("a", 0), ("b", 0), ("c", 0), ("p", ANY), ("l", ANY), ("h", ANY), ("o",)),
    ),
    "coinbase": Shape(
        "/products/stats", (ANY,), (), tuple(("stats_24hour", name) for name in ("open", "high", "low", "last"))
    ),
    "okx": Shape(
        "/api/v5/market/tickers",
        ("data", ANY),
        ("instId",),
        _cells("last askPx bidPx open24h high24h low24h sodUtc0 sodUtc8"),
        ((("data", ANY, "ts"), "ms"),),
    ),
    "kucoin": Shape(
        "/api/v1/market/allTickers",
        ("data", "ticker", ANY),
        ("symbol",),
        _cells("last high low buy sell averagePrice"),
        ((("data", "time"), "ms"),),
    ),
    "gateio": Shape(
        "/api/v4/spot/tickers",
        (ANY,),
        ("currency_pair",),
        _cells("last lowest_ask highest_bid high_24h low_24h"),
    ),
    "binance": Shape("/api/v3/ticker/24hr", (ANY,), ("symbol",), _cells(_TICKER_24HR), _TICKER_TIMES),
    "mexc": Shape("/api/v3/ticker/24hr", (ANY,), ("symbol",), _cells(_TICKER_24HR), _TICKER_TIMES),
    "htx": Shape(
        "/market/tickers", ("data", ANY), ("symbol",), _cells("open high low close bid ask"), ((("ts",), "ms"),)
    ),
    "bitfinex": Shape("/v2/tickers", (ANY,), (0,), ((1,), (3,), (7,), (9,), (10,))),
    "bitstamp": Shape(
        "/api/v2/ticker/",
        (ANY,),
        ("pair",),
        _cells("open high low last vwap bid ask open_24"),
        (((ANY, "timestamp"), "s"),),
    ),
    "ecb": Shape(
        "/stats/eurofxref/eurofxref-daily.xml",
        ("Cube", ANY),
        ("currency",),
        _cells("rate"),
        ((("Cube", ANY, "time"), "day"),),
        "text/xml",
    ),
    "frankfurter": Shape("/v1/latest", ("rates", ANY), (), ((),), ((("date",), "day"),)),
    "openerapi": Shape(
        "/v6/latest/USD",
        ("rates", ANY),
        (),
        ((),),
        ((("time_last_update_unix",), "s"),),  # its next update lies ahead of any now, and nobody reads it
    ),
    "coingeckorates": Shape("/api/v3/exchange_rates", ("rates", ANY), (), _cells("value")),
}


def in_list(body: bytes) -> bytes:
    """A bare object as the only row of a list."""
    return b"[" + body + b"]"


def in_list_named(market: str) -> Callable[[bytes], bytes]:
    """The same, with the cells that a row of Bitstamp's bulk list has and the answer for one market has not."""
    added = f'{{"market_type":"SPOT","pair":"{market}","market":"{market}",'.encode()
    return lambda body: in_list(body.replace(b"{", added, 1))


ENVELOPES: Mapping[str, Callable[[bytes], bytes]] = {
    "mexc/api_v3_ticker_24hr_BTCUSDT_2025-12-31.json": in_list,
    "mexc/api_v3_ticker_24hr_BTCUSDT_2024-03-13.json": in_list,
    "binance/api_v3_ticker_24hr_DOGEUSDT.json": in_list,
    "bitstamp/v2_ticker_perpetual_row_2026-09.json": in_list,
    "bitstamp/v2_ticker_btcusd_2017.json": in_list_named("BTC/USD"),
    "bitstamp/v2_ticker_btcusdt_2024-03-13.json": in_list_named("BTC/USDT"),
}

_TOKEN = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<scalar>[-+0-9.eE]+|true|false|null)|(?P<mark>[\[\]{},:]))'
)
_ELEMENT = re.compile(r"<(?:[\w-]+:)?(?P<name>\w+)(?P<rest>[^<>]*)>")
_ATTRIBUTE = re.compile(r"""(?P<name>[\w:-]+)=(?:'(?P<one>[^']*)'|"(?P<two>[^"]*)")""")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_EXACT = Context(prec=200, traps=[Inexact])


class Cell(NamedTuple):
    """A scalar of a JSON text: where it stands in the tree, and its span in the text, without a string's quotes."""

    path: tuple[Step, ...]
    start: int
    end: int


def cells(text: str) -> Iterator[Cell]:
    """All scalars of a JSON text, or all attributes of an XML one, in order. The text is read, not checked."""
    if text.startswith("<"):
        yield from _attributes(text)
        return
    path: list[Step] = []
    key_is_due = False
    at = 0
    while (token := _TOKEN.match(text, at)) is not None:
        at = token.end()
        mark = token["mark"]
        if mark in ("{", "["):
            path.append("" if mark == "{" else 0)
            key_is_due = mark == "{"
        elif mark in ("}", "]"):
            path.pop()
        elif mark == ",":
            inside = path[-1]
            key_is_due = isinstance(inside, str)
            if isinstance(inside, int):
                path[-1] = inside + 1
        elif mark == ":":
            key_is_due = False
        elif token["string"] is None:
            yield Cell(tuple(path), token.start("scalar"), at)
        elif key_is_due:
            path[-1] = token["string"][1:-1]
        else:
            yield Cell(tuple(path), token.start("string") + 1, at - 1)


def _attributes(text: str) -> Iterator[Cell]:
    for index, element in enumerate(_ELEMENT.finditer(text)):
        for attribute in _ATTRIBUTE.finditer(text, element.start("rest"), element.end("rest")):
            if attribute["name"].startswith("xmlns"):
                continue
            group = "one" if attribute["one"] is not None else "two"
            yield Cell((element["name"], index, attribute["name"]), attribute.start(group), attribute.end(group))


def matches(path: tuple[Step, ...], pattern: tuple[Step, ...]) -> bool:
    """Whether a path is one that the pattern means."""
    if len(path) != len(pattern) or (path and pattern[-1] not in (ANY, path[-1])):  # most differ at the end
        return False
    return all(want in (ANY, have) for have, want in zip(path, pattern, strict=True))


def load(recordings: Path, name: str) -> bytes:
    """A recording such as `htx/market_tickers_2026-07-27.json`, in its bulk envelope where it has lost it."""
    body = (recordings / name).read_bytes()
    return ENVELOPES[name](body) if name in ENVELOPES else body


class Recording:
    """A recorded answer that can be told at any moment. Raises KeyError for a rebased id that is not in it."""

    def __init__(self, source: str, body: bytes, rebase: Mapping[str, Decimal] | None = None) -> None:
        shape = SHAPES[source]
        found = list(cells(text := body.decode()))
        self._text, found = _rebased(text, found, shape, rebase) if rebase else (text, found)
        self._times = [
            (cell.start, cell.end, unit)
            for cell in found
            for pattern, unit in shape.times
            if matches(cell.path, pattern)
        ]
        self.newest = max((_seconds(self._text[start:end], unit) for start, end, unit in self._times), default=None)

    def at(self, now: float) -> bytes:
        """The body as the source would have sent it at `now`."""
        if self.newest is None:
            return self._text.encode()
        shift = math.floor(now - self.newest)
        parts, last = [], 0
        for start, end, unit in self._times:
            parts += [self._text[last:start], _moved(self._text[start:end], unit, shift)]
            last = end
        return "".join([*parts, self._text[last:]]).encode()


def _rebased(text: str, found: list[Cell], shape: Shape, rebase: Mapping[str, Decimal]) -> tuple[str, list[Cell]]:
    depth = len(shape.row)
    inside = [cell for cell in found if len(cell.path) >= depth and matches(cell.path[:depth], shape.row)]
    names = {
        cell.path[:depth]: text[cell.start : cell.end] if shape.id else str(cell.path[depth - 1])
        for cell in inside
        if not shape.id or cell.path[depth:] == shape.id
    }
    missing = rebase.keys() - set(names.values())
    if missing:
        raise KeyError(f"not in the recording: {', '.join(sorted(missing))}")
    parts, last = [], 0
    for cell in inside:
        factor = rebase.get(names.get(cell.path[:depth], ""))
        number = text[cell.start : cell.end]
        if factor is None or not any(matches(cell.path[depth:], price) for price in shape.prices):
            continue
        if _NUMBER.fullmatch(number):
            parts += [text[last : cell.start], format(_EXACT.multiply(Decimal(number), factor), "f")]
            last = cell.end
    text = "".join([*parts, text[last:]])
    return text, list(cells(text))


def _seconds(text: str, unit: Unit) -> float:
    if unit == "iso":
        return datetime.fromisoformat(text).timestamp()
    if unit == "day":
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    return float(text) / (1000 if unit == "ms" else 1)


def _moved(text: str, unit: Unit, shift: int) -> str:
    """A time moved by whole seconds, in the form it had."""
    if unit == "day":
        return (datetime.fromisoformat(text) + timedelta(seconds=shift)).date().isoformat()
    if unit != "iso":
        return str(int(text) + shift * (1000 if unit == "ms" else 1))
    moved = datetime.fromisoformat(text[:19]) + timedelta(seconds=shift)
    return moved.isoformat(timespec="seconds") + text[19:]


@dataclass
class Served:
    """What one path answers."""

    recording: Recording | bytes
    status: int
    content_type: str


@dataclass
class Replay:
    """The server: `async with Replay() as replay`, then `serve`. A source or path that is not served answers 404."""

    clock: Callable[[], float] = time.time
    calls: Counter[str] = field(default_factory=Counter)
    origin: str = ""
    _served: dict[tuple[str, str], Served] = field(default_factory=dict)
    _runner: web.AppRunner | None = None

    @property
    def base_urls(self) -> dict[str, str]:
        """The base address of every source that has a shape, served or not."""
        return {source: f"{self.origin}/{source}" for source in SHAPES}

    def serve(
        self,
        source: str,
        body: bytes,
        *,
        rebase: Mapping[str, Decimal] | None = None,
        status: int = 200,
        path: str | None = None,
        content_type: str = "",
    ) -> None:
        """Answer the source's path with this body from now on; an answer that is no success is served untouched."""
        told = Recording(source, body, rebase) if status == 200 else body
        self._served[source, path or SHAPES[source].path] = Served(
            told, status, content_type or SHAPES[source].content_type
        )

    def silence(self, *sources: str) -> None:
        """Serve nothing for these sources any more; without names, for none at all."""
        for source, path in list(self._served):
            if source in sources or not sources:
                del self._served[source, path]

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/{source}/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.origin = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        source, path = request.match_info["source"], "/" + request.match_info["path"]
        self.calls[source] += 1
        served = self._served.get((source, path))
        if served is None:
            return web.json_response({"error": "not served"}, status=404)
        told = served.recording
        body = told.at(self.clock()) if isinstance(told, Recording) else told
        return web.Response(body=body, status=served.status, content_type=served.content_type)
