"""Gate.io's spot tickers: every market in one answer, without times."""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial

from msgspec import Raw, Struct, json

from ticker.errors import Malformed, NotFound, RateLimited, SourceError
from ticker.sources.base import MIB, MINUTE, SECOND, Limit, Plan, Request, Row, Source, Terms
from ticker.sources.rows import Answers
from ticker.sources.values import ABSENT, number, optional, usd_or_stablecoin

NAME = "gateio"
_ERRORS: Mapping[str, type[SourceError]] = {
    "TOO_MANY_REQUESTS": RateLimited,
    "INVALID_CURRENCY": NotFound,
    "INVALID_CURRENCY_PAIR": NotFound,
}


class _Market(Struct, gc=False):
    currency_pair: str
    last: Raw
    change_percentage: Raw = ABSENT
    high_24h: Raw = ABSENT
    low_24h: Raw = ABSENT
    quote_volume: Raw = ABSENT
    etf_net_value: Raw = ABSENT


class _Problem(Struct):
    label: str
    message: str = ""


_answer = Answers(json.Decoder(list[_Market] | _Problem), _Market, "currency_pair")


def request(ids: Sequence[str]) -> Request:
    """All markets; one at a time they would be one call each."""
    return Request("/api/v4/spot/tickers")


def parse(body: bytes, wanted: AbstractSet[str]) -> Iterator[Row]:
    """Errors are an object with `label`. A leveraged token, known by its net value, is no coin and left out."""
    answer = _answer.decode(body, wanted)
    if isinstance(answer, _Problem):
        raise _ERRORS.get(answer.label, Malformed)(NAME, f"{answer.label}: {answer.message}")
    for market in answer:
        if market.currency_pair in wanted and optional(market.etf_net_value) is None:
            yield Row(
                id=market.currency_pair,
                price=number(market.last),
                currency=usd_or_stablecoin(market.currency_pair, "_"),
                change_24h=optional(market.change_percentage),
                high_24h=optional(market.high_24h),
                low_24h=optional(market.low_24h),
                volume_24h=optional(market.quote_volume),
            )


SOURCE = Source(
    name=NAME,
    title="Gate.io",
    kind="venue",
    group="gateio",
    docs="https://www.gate.com/docs/developers/apiv4/en/#get-currency-pair-ticker-information",
    plans=(Plan("public", "https://api.gateio.ws", limits=(Limit(200, 10 * SECOND),)),),
    terms=Terms.unread("https://www.gate.com/legal/user-agreement"),
    id_pattern=re.compile(r"(?P<base>[A-Z0-9]+)_(USD|USDT|USDC)"),
    id_example="BTC_USDT",
    request=request,
    parse=parse,
    currency_of=partial(usd_or_stablecoin, separator="_"),
    every=2 * MINUTE,  # not 60 s: all sources together stay below 1 GB a day
    max_body=4 * MIB,
    typical_bytes=160_000,
)
