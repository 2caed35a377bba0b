"""Coinbase Exchange's statistics of all products in one answer: 24-hour open and last, without times."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import partial

from msgspec import Raw, Struct, json

from ticker.errors import Malformed, RateLimited
from ticker.sources.base import SECOND, Limit, Plan, Request, Row, Source, Terms
from ticker.sources.values import ABSENT, change_from, number, optional, times, usd_or_stablecoin

NAME = "coinbase"


class _Day(Struct):
    last: Raw
    open: Raw = ABSENT
    high: Raw = ABSENT
    low: Raw = ABSENT
    volume: Raw = ABSENT  # in the base coin


class _Product(Struct):
    stats_24hour: _Day


class _Fault(Struct):
    id: str
    message: str = ""


class _Problem(Struct):
    message: str | None = None
    errors: tuple[_Fault, ...] = ()


_problem = json.Decoder(_Problem)
_answer = json.Decoder(dict[str, _Product])


def request(ids: Sequence[str]) -> Request:
    """All products; one at a time they would be one call each."""
    return Request("/products/stats")


def parse(body: bytes, wanted: AbstractSet[str]) -> Iterator[Row]:
    """A delisted product is left out. Errors are an object of `message` or `errors` instead of products."""
    problem = _problem.decode(body)
    if problem.errors:
        fault = problem.errors[0]
        raise (RateLimited if fault.id == "rate_limit_exceeded" else Malformed)(NAME, f"{fault.id}: {fault.message}")
    if problem.message is not None:
        raise Malformed(NAME, problem.message)
    for product, stats in _answer.decode(body).items():
        if product in wanted:
            day = stats.stats_24hour
            last = number(day.last)
            yield Row(
                id=product,
                price=last,
                currency=usd_or_stablecoin(product, "-"),
                change_24h=change_from(optional(day.open), last),
                high_24h=optional(day.high),
                low_24h=optional(day.low),
                volume_24h=times(optional(day.volume), last),
            )


SOURCE = Source(
    name=NAME,
    title="Coinbase",
    kind="venue",
    group="coinbase",
    docs="https://docs.cdp.coinbase.com/exchange/reference/exchangerestapi_getproductstats",
    plans=(Plan("public", "https://api.exchange.coinbase.com", limits=(Limit(10, SECOND),)),),
    terms=Terms.unread("https://www.coinbase.com/legal/market_data"),
    id_pattern=re.compile(r"(?P<base>[A-Z0-9]+)-(USD|USDT|USDC)"),
    id_example="BTC-USD",
    request=request,
    parse=parse,
    currency_of=partial(usd_or_stablecoin, separator="-"),
    typical_bytes=40_000,
)
