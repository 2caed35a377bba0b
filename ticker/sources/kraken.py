"""Kraken's public ticker: every market in one answer, without times and without a 24-hour change."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import partial

from msgspec import Raw, Struct, json

from ticker.errors import Malformed, NotFound, RateLimited, ServerFailed
from ticker.sources.base import Limit, Plan, Request, Row, Source, Terms
from ticker.sources.values import number, optional, times, usd_or_stablecoin

NAME = "kraken"
_ERRORS = {
    "Too many requests": RateLimited,
    "Rate limit exceeded": RateLimited,
    "Unknown asset pair": NotFound,
    "EService:": ServerFailed,
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


_answer = json.Decoder(_Answer)
_market = json.Decoder(_Market)


def request(ids: Sequence[str]) -> Request:
    """All markets: naming all pairs makes the URL too long (414), and one unknown pair drops the whole answer."""
    return Request("/0/public/Ticker", query=(("assetVersion", "1"),))


def parse(body: bytes, wanted: AbstractSet[str]) -> Iterator[Row]:
    """Errors come with HTTP 200 in `error`."""
    answer = _answer.decode(body)
    if answer.error or answer.result is None:
        message = "; ".join(answer.error) or "neither an error nor a result"
        raise next((kind for part, kind in _ERRORS.items() if part in message), Malformed)(NAME, message)
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


SOURCE = Source(
    name=NAME,
    title="Kraken",
    kind="venue",
    group="kraken",
    docs="https://docs.kraken.com/api/docs/rest-api/get-ticker-information",
    plans=(Plan("public", "https://api.kraken.com", limits=(Limit(1, 1.0),)),),
    terms=Terms.unread("https://www.kraken.com/legal"),
    id_pattern=re.compile(r"(?P<base>[A-Z0-9.]+)/(USD|USDT|USDC)"),
    id_example="BTC/USD",
    request=request,
    parse=parse,
    currency_of=partial(usd_or_stablecoin, separator="/"),
    typical_bytes=125_000,
)
