"""Kraken's public ticker: every market in one answer, without times and without a 24-hour change.

Its stream (WebSocket v2) has both, but older versions of it had no times.
"""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import partial

from msgspec import Raw, Struct, json

from ticker.errors import Malformed, NotFound, RateLimited, ServerFailed, SourceError, words
from ticker.sources.base import Limit, Plan, Request, Row, Source, Stream, Terms
from ticker.sources.values import ABSENT, iso_time, number, optional, times, usd_or_stablecoin

NAME = "kraken"
_ERRORS = {
    "Too many requests": RateLimited,
    "Rate limit exceeded": RateLimited,
    "Unknown asset pair": NotFound,
    "EService:": ServerFailed,
    "Currency pair not supported": NotFound,
    "rate limit": RateLimited,
    "msg rate": RateLimited,
}


class _Market(Struct):
    c: tuple[Raw, Raw]  # last price, lot
    v: tuple[Raw, Raw]  # volume in the base coin: today, 24 h
    p: tuple[Raw, Raw]  # volume-weighted average price: today, 24 h
    h: tuple[Raw, Raw]  # high: today, 24 h
    l: tuple[Raw, Raw]  # noqa: E741 - low, by Kraken's own name


class _Answer(Struct):
    error: list[str]
    result: dict[str, Raw] | None = None


class _Message(Struct):
    channel: str = ""
    success: bool | None = None  # of a subscription
    error: str | None = None
    data: Raw = ABSENT


class _Ticker(Struct):
    symbol: str
    last: Raw
    timestamp: Raw = ABSENT
    change_pct: Raw = ABSENT  # of 24 hours, as all that follows
    high: Raw = ABSENT
    low: Raw = ABSENT
    volume: Raw = ABSENT  # in the base coin
    vwap: Raw = ABSENT


class _Status(Struct):
    system: str = ""


_answer = json.Decoder(_Answer)
_market = json.Decoder(_Market)
_message = json.Decoder(_Message)
_tickers = json.Decoder(list[_Ticker])
_statuses = json.Decoder(list[_Status])


def request(ids: Sequence[str]) -> Request:
    """All markets: naming all pairs makes the URL too long (414), and one unknown pair drops the whole answer."""
    return Request("/0/public/Ticker", query=(("assetVersion", "1"),))


def parse(body: bytes, wanted: AbstractSet[str]) -> Iterator[Row]:
    """Errors come with HTTP 200 in `error`."""
    answer = _answer.decode(body)
    if answer.error or answer.result is None:
        raise _error("; ".join(answer.error) or "neither an error nor a result")
    for pair in wanted & answer.result.keys():
        market = _market.decode(answer.result[pair])
        yield Row(
            id=pair,
            price=number(market.c[0]),
            currency=usd_or_stablecoin(pair, "/"),
            high_24h=optional(market.h[1]),
            low_24h=optional(market.l[1]),
            volume_24h=times(optional(market.v[1]), optional(market.p[1])),
        )


def subscribe(ids: Sequence[str]) -> list[str]:
    """All pairs at once: each is acknowledged, or refused, by itself."""
    wanted = {"method": "subscribe", "params": {"channel": "ticker", "symbol": list(ids)}}
    return [json.encode(wanted).decode()]


def read(message: bytes) -> Iterator[Row]:
    """A snapshot or an update, which are of one shape: whole tickers, told at every trade."""
    heard = _message.decode(message)
    if heard.error or heard.success is False:
        raise _error(words(heard.error or "") or "refused without a reason")
    if heard.channel == "status" and any(one.system == "maintenance" for one in _statuses.decode(heard.data)):
        raise ServerFailed(NAME, "in maintenance")
    if heard.channel != "ticker":
        return
    for ticker in _tickers.decode(heard.data):
        timeless = ticker.timestamp == ABSENT
        yield Row(
            id=ticker.symbol,
            price=number(ticker.last),
            currency=usd_or_stablecoin(ticker.symbol, "/"),
            at=None if timeless else iso_time(ticker.timestamp) or 0.0,
            change_24h=optional(ticker.change_pct),
            high_24h=optional(ticker.high),
            low_24h=optional(ticker.low),
            volume_24h=times(optional(ticker.volume), optional(ticker.vwap)),
        )


def _error(message: str) -> SourceError:
    return next((kind for part, kind in _ERRORS.items() if part in message), Malformed)(NAME, message)


# While nothing else is said, Kraken sends a heartbeat every second or so.
STREAM = Stream("wss://ws.kraken.com/v2", subscribe, read, silence=15.0)

SOURCE = Source(
    name=NAME,
    title="Kraken",
    kind="venue",
    group="kraken",
    docs="https://docs.kraken.com/api/docs/rest-api/get-ticker-information",
    plans=(Plan("public", "https://api.kraken.com", limits=(Limit(1, 1.0),)),),
    terms=Terms.unread("https://www.kraken.com/legal"),
    id_pattern=re.compile(r"[A-Z0-9.]+/(USD|USDT|USDC)"),
    id_example="BTC/USD",
    request=request,
    parse=parse,
    currency_of=partial(usd_or_stablecoin, separator="/"),
    typical_bytes=125_000,
    stream=STREAM,
)
