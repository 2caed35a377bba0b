"""MEXC's 24-hour tickers: every market in one answer, as Binance's, but with the change as a fraction."""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from msgspec import Raw, Struct, json

from ticker.errors import Malformed, NotFound, RateLimited, SourceError
from ticker.sources.base import MIB, MINUTE, SECOND, Limit, Plan, Request, Row, Source, Terms
from ticker.sources.rows import Answers
from ticker.sources.values import ABSENT, number, optional, percent, stablecoin_ending, unix_milliseconds

NAME = "mexc"
_ERRORS: Mapping[int, type[SourceError]] = {429: RateLimited, -1121: NotFound}


class _Market(Struct, rename="camel", gc=False):
    symbol: str
    last_price: Raw
    close_time: Raw = ABSENT
    price_change_percent: Raw = ABSENT  # a fraction, whatever its name
    high_price: Raw = ABSENT
    low_price: Raw = ABSENT
    quote_volume: Raw = ABSENT


class _Problem(Struct):
    code: int
    msg: str


_answer = Answers(json.Decoder(list[_Market] | _Problem), _Market, "symbol")


def request(ids: Sequence[str]) -> Request:
    """All markets; the API has one or all."""
    return Request("/api/v3/ticker/24hr")


def parse(body: bytes, wanted: AbstractSet[str]) -> Iterator[Row]:
    """Errors are an object with `code` and `msg`."""
    answer = _answer.decode(body, wanted)
    if isinstance(answer, _Problem):
        raise _ERRORS.get(answer.code, Malformed)(NAME, f"{answer.code}: {answer.msg}")
    for market in answer:
        if market.symbol in wanted:
            yield Row(
                id=market.symbol,
                price=number(market.last_price),
                currency=stablecoin_ending(market.symbol),
                at=unix_milliseconds(market.close_time),
                change_24h=percent(optional(market.price_change_percent)),
                high_24h=optional(market.high_price),
                low_24h=optional(market.low_price),
                volume_24h=optional(market.quote_volume),
            )


SOURCE = Source(
    name=NAME,
    title="MEXC",
    kind="venue",
    group="mexc",
    docs="https://mexcdevelop.github.io/apidocs/spot_v3_en/#24hr-ticker-price-change-statistics",
    plans=(Plan("public", "https://api.mexc.com", limits=(Limit(20, SECOND),)),),
    terms=Terms.unread("https://www.mexc.com/terms"),
    id_pattern=re.compile(r"(?P<base>[A-Z0-9]+)(USDT|USDC)"),
    id_example="BTCUSDT",
    request=request,
    parse=parse,
    currency_of=stablecoin_ending,
    every=3 * MINUTE,  # not 60 s, the largest list of all: all sources together stay below 1 GB a day
    max_body=4 * MIB,
    typical_bytes=265_000,
    timed=True,
)
