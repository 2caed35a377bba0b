"""Bitstamp's tickers: every spot and perpetual market in one answer, with the time of each."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import partial

from msgspec import Raw, Struct, json

from ticker.errors import Malformed
from ticker.sources.base import MINUTE, SECOND, Limit, Plan, Request, Row, Source, Terms
from ticker.sources.rows import Answers
from ticker.sources.values import ABSENT, number, optional, times, unix_seconds, usd_or_stablecoin

NAME = "bitstamp"


class _Market(Struct, gc=False):
    pair: str
    last: Raw
    market_type: str = "SPOT"
    timestamp: Raw = ABSENT
    percent_change_24: Raw = ABSENT
    high: Raw = ABSENT
    low: Raw = ABSENT
    volume: Raw = ABSENT  # in the base coin
    vwap: Raw = ABSENT


class _Problem(Struct):
    reason: Raw


_answer = Answers(json.Decoder(list[_Market] | _Problem), _Market, "pair")


def request(ids: Sequence[str]) -> Request:
    """All markets."""
    return Request("/api/v2/ticker/")


def parse(body: bytes, wanted: AbstractSet[str]) -> Iterator[Row]:
    """Perpetual markets are no price of a coin and left out. Errors are an object with `reason`."""
    answer = _answer.decode(body, wanted)
    if isinstance(answer, _Problem):
        raise Malformed(NAME, str(bytes(answer.reason), "utf-8"))
    for market in answer:
        if market.pair in wanted and market.market_type == "SPOT":
            yield Row(
                id=market.pair,
                price=number(market.last),
                currency=usd_or_stablecoin(market.pair, "/"),
                at=unix_seconds(market.timestamp),
                change_24h=optional(market.percent_change_24),
                high_24h=optional(market.high),
                low_24h=optional(market.low),
                volume_24h=times(optional(market.volume), optional(market.vwap)),
            )


SOURCE = Source(
    name=NAME,
    title="Bitstamp",
    kind="venue",
    group="bitstamp",
    docs="https://www.bitstamp.net/api/#tag/Tickers",
    plans=(Plan("public", "https://www.bitstamp.net", limits=(Limit(400, SECOND), Limit(10_000, 10 * MINUTE))),),
    terms=Terms.unread("https://www.bitstamp.net/terms-of-use/"),
    id_pattern=re.compile(r"(?P<base>[A-Z0-9]+)/(USD|USDT|USDC)"),
    id_example="BTC/USD",
    request=request,
    parse=parse,
    currency_of=partial(usd_or_stablecoin, separator="/"),
    typical_bytes=16_000,
    timed=True,
)
