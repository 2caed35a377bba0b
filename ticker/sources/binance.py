"""Binance's 24-hour tickers: every market in one answer, with the time of each."""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from msgspec import Raw, Struct, json

from ticker.errors import Malformed, NotFound, RateLimited, Refused, SourceError
from ticker.sources.base import MIB, MINUTE, Limit, Plan, Request, Row, Source, Terms
from ticker.sources.rows import Answers
from ticker.sources.values import ABSENT, number, optional, stablecoin_ending, unix_milliseconds

NAME = "binance"
_ERRORS: Mapping[int, type[SourceError]] = {0: Refused, -1003: RateLimited, -1121: NotFound}  # 0: restricted location


class _Market(Struct, rename="camel", gc=False):
    symbol: str
    last_price: Raw
    close_time: Raw = ABSENT
    price_change_percent: Raw = ABSENT
    high_price: Raw = ABSENT
    low_price: Raw = ABSENT
    quote_volume: Raw = ABSENT


class _Problem(Struct):
    code: int
    msg: str


_answer = Answers(json.Decoder(list[_Market] | _Problem), _Market, "symbol")


def request(ids: Sequence[str]) -> Request:
    """All markets: one unknown symbol in a list of symbols fails them all."""
    return Request("/api/v3/ticker/24hr")


def parse(body: bytes, wanted: AbstractSet[str]) -> Iterator[Row]:
    """A delisted market stays in the list with a price of zero. Errors are an object with `code` and `msg`."""
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
                change_24h=optional(market.price_change_percent),
                high_24h=optional(market.high_price),
                low_24h=optional(market.low_price),
                volume_24h=optional(market.quote_volume),
            )


SOURCE = Source(
    name=NAME,
    title="Binance",
    kind="venue",
    group="binance",
    docs="https://developers.binance.com/docs/binance-spot-api-docs/rest-api/market-data-endpoints",
    # Where it refuses us for our location (451), https://data-api.binance.vision gives the same without a key.
    plans=(Plan("public", "https://api.binance.com", limits=(Limit(6_000, MINUTE),)),),
    terms=Terms.unread("https://www.binance.com/en/terms"),
    id_pattern=re.compile(r"(?P<base>[A-Z0-9]+)(USDT|USDC)"),
    id_example="BTCUSDT",
    request=request,
    parse=parse,
    currency_of=stablecoin_ending,
    every=2 * MINUTE,  # not 60 s: all sources together stay below 1 GB a day
    cost=80,
    max_body=4 * MIB,
    typical_bytes=225_000,
    timed=True,
)
