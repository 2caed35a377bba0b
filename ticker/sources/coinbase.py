"""Coinbase Exchange's statistics of all products in one answer: 24-hour open and last, without times.

Its stream has the time and the number of every trade.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial

from msgspec import Raw, Struct, json

from ticker.errors import Malformed, NotFound, RateLimited, SourceError, words
from ticker.sources.base import SECOND, Limit, Plan, Request, Row, Source, Stream, Terms
from ticker.sources.rows import Answers
from ticker.sources.values import ABSENT, change_from, iso_time, number, optional, times, usd_or_stablecoin

NAME = "coinbase"


class _Day(Struct, gc=False):
    last: Raw
    open: Raw = ABSENT
    high: Raw = ABSENT
    low: Raw = ABSENT
    volume: Raw = ABSENT  # in the base coin


class _Product(Struct, gc=False):
    stats_24hour: _Day


class _Fault(Struct):
    id: str
    message: str = ""


class _Problem(Struct):
    message: str | None = None
    errors: tuple[_Fault, ...] = ()


class _Message(Struct):
    type: str


class _Refusal(Struct):
    message: str = ""
    reason: str = ""


class _Ticker(Struct):
    product_id: str
    price: Raw
    sequence: int | None = None
    time: Raw = ABSENT
    open_24h: Raw = ABSENT
    high_24h: Raw = ABSENT
    low_24h: Raw = ABSENT
    volume_24h: Raw = ABSENT  # in the base coin


_REFUSALS: Mapping[str, type[SourceError]] = {
    "not a valid product": NotFound,
    "Invalid product": NotFound,
    "delisted": NotFound,
    "rate limit": RateLimited,
    "Too many": RateLimited,
}

_problem = json.Decoder(_Problem)
_answer = Answers(json.Decoder(dict[str, _Product]), _Product, "id")
_message = json.Decoder(_Message)
_refusal = json.Decoder(_Refusal)
_ticker = json.Decoder(_Ticker)


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
    for product, stats in _answer.decode(body, wanted).items():
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


def subscribe(ids: Sequence[str]) -> list[str]:
    """One message a product, since one unknown product makes it ignore the whole message.

    Heartbeats come every second, so that a quiet market is told from a dead feed.
    """
    channels = ["ticker", "heartbeat"]
    return [json.encode({"type": "subscribe", "product_ids": [one], "channels": channels}).decode() for one in ids]


def read(message: bytes) -> Iterator[Row]:
    """A ticker, told at every trade and at first as of the last; types that we do not know are to be ignored."""
    match _message.decode(message).type:
        case "error":
            refusal = _refusal.decode(message)
            said = words(f"{refusal.message}: {refusal.reason}")
            raise next((kind for part, kind in _REFUSALS.items() if part in said), Malformed)(NAME, said)
        case "ticker":
            ticker = _ticker.decode(message)
            last = number(ticker.price)
            yield Row(
                id=ticker.product_id,
                price=last,
                currency=usd_or_stablecoin(ticker.product_id, "-"),
                at=iso_time(ticker.time) or 0.0,
                change_24h=change_from(optional(ticker.open_24h), last),
                high_24h=optional(ticker.high_24h),
                low_24h=optional(ticker.low_24h),
                volume_24h=times(optional(ticker.volume_24h), last),
                sequence=ticker.sequence,
            )


STREAM = Stream("wss://ws-feed.exchange.coinbase.com", subscribe, read, silence=15.0)

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
    stream=STREAM,
)
