"""Bitfinex's tickers: every market in one answer, as rows without names and without times."""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from msgspec import Raw, Struct, json

from ticker.errors import Malformed, NotFound, RateLimited, ServerFailed, SourceError
from ticker.sources.base import MINUTE, Limit, Plan, Request, Row, Source, Terms
from ticker.sources.rows import Answers
from ticker.sources.values import number, optional, percent, times

NAME = "bitfinex"
_ID = re.compile(r"t(?P<base>[A-Z0-9]{3}(?!:)|[A-Z0-9]{4,}(?=:)):?(?P<quote>USD|UST|UDC)")
_CURRENCIES = {"USD": "usd", "UST": "tether", "UDC": "usd-coin"}  # by Bitfinex's own short names
_ERRORS: Mapping[object, type[SourceError]] = {
    10020: NotFound,  # a symbol it does not know
    11010: RateLimited,
    20060: ServerFailed,  # maintenance
    "ERR_RATE_LIMIT": RateLimited,
}


class _Market(Struct, array_like=True, gc=False):
    """A market; the rows of funding begin alike and are longer."""

    symbol: str
    bid: Raw
    bid_size: Raw
    ask: Raw
    ask_size: Raw
    change: Raw
    change_relative: Raw  # a fraction
    last: Raw
    volume: Raw  # in the base coin
    high: Raw
    low: Raw


class _Problem(Struct):
    error: str


_answer = Answers(json.Decoder(list[_Market | str | int] | _Problem), _Market, 0)


def request(ids: Sequence[str]) -> Request:
    """All markets."""
    return Request("/v2/tickers", query=(("symbols", "ALL"),))


def parse(body: bytes, wanted: AbstractSet[str]) -> Iterator[Row]:
    """Errors are ["error", code, text], or an object with `error`."""
    answer = _answer.decode(body, wanted)
    if isinstance(answer, _Problem):
        raise _ERRORS.get(answer.error, Malformed)(NAME, answer.error)
    markets = [one for one in answer if isinstance(one, _Market)]
    if 2 * len(markets) < len(answer):
        code = next((part for part in answer if isinstance(part, int)), None)
        raise _ERRORS.get(code, Malformed)(NAME, f"{code}: {answer[-1]}")
    for market in markets:
        if market.symbol in wanted:
            last = number(market.last)
            yield Row(
                id=market.symbol,
                price=last,
                currency=currency_of(market.symbol),
                change_24h=percent(optional(market.change_relative)),
                high_24h=optional(market.high),
                low_24h=optional(market.low),
                volume_24h=times(optional(market.volume), last),
            )


def currency_of(market: str) -> str | None:
    """By the last three letters of tBTCUSD, or those behind the colon of tDOGE:USD; None for all other markets."""
    found = _ID.fullmatch(market)
    return _CURRENCIES[found["quote"]] if found else None


SOURCE = Source(
    name=NAME,
    title="Bitfinex",
    kind="venue",
    group="bitfinex",
    docs="https://docs.bitfinex.com/reference/rest-public-tickers",
    plans=(Plan("public", "https://api-pub.bitfinex.com", limits=(Limit(30, MINUTE),)),),
    terms=Terms.unread("https://www.bitfinex.com/legal/exchange/terms"),
    id_pattern=_ID,
    id_example="tBTCUSD",
    request=request,
    parse=parse,
    currency_of=currency_of,
    typical_bytes=22_000,
)
