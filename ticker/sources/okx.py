"""OKX's spot tickers: every market in one answer, with the time of each."""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial

from msgspec import Raw, Struct, json

from ticker.errors import Malformed, NotFound, RateLimited, ServerFailed, SourceError
from ticker.sources.base import SECOND, Limit, Plan, Request, Row, Source, Terms
from ticker.sources.values import ABSENT, change_from, number, optional, unix_milliseconds, usd_or_stablecoin

NAME = "okx"
_ERRORS: Mapping[str, type[SourceError]] = {
    "50001": ServerFailed,
    "50011": RateLimited,
    "50013": ServerFailed,
    "51001": NotFound,
}


class _Market(Struct):
    instId: str  # noqa: N815 - by OKX's own name
    last: Raw
    ts: Raw = ABSENT
    open24h: Raw = ABSENT
    high24h: Raw = ABSENT
    low24h: Raw = ABSENT
    volCcy24h: Raw = ABSENT  # noqa: N815 - in the quote currency


class _Answer(Struct):
    code: str
    msg: str = ""
    data: list[_Market] | None = None


_answer = json.Decoder(_Answer)


def request(ids: Sequence[str]) -> Request:
    """All spot markets."""
    return Request("/api/v5/market/tickers", query=(("instType", "SPOT"),))


def parse(body: bytes, wanted: AbstractSet[str]) -> Iterator[Row]:
    """Errors come with HTTP 200 in `code`, and then `data` may be missing."""
    answer = _answer.decode(body)
    if answer.code != "0" or answer.data is None:
        raise _ERRORS.get(answer.code, Malformed)(NAME, f"{answer.code}: {answer.msg or 'no data'}")
    for market in answer.data:
        if market.instId in wanted:
            last = number(market.last)
            yield Row(
                id=market.instId,
                price=last,
                currency=usd_or_stablecoin(market.instId, "-"),
                at=unix_milliseconds(market.ts),
                change_24h=change_from(optional(market.open24h), last),
                high_24h=optional(market.high24h),
                low_24h=optional(market.low24h),
                volume_24h=optional(market.volCcy24h),
            )


SOURCE = Source(
    name=NAME,
    title="OKX",
    kind="venue",
    group="okx",
    docs="https://www.okx.com/docs-v5/en/#order-book-trading-market-data-get-tickers",
    plans=(Plan("public", "https://www.okx.com", limits=(Limit(20, 2 * SECOND),)),),
    terms=Terms.unread("https://www.okx.com/help/terms-of-service"),
    id_pattern=re.compile(r"(?P<base>[A-Z0-9]+)-(USD|USDT|USDC)"),
    id_example="BTC-USDT",
    request=request,
    parse=parse,
    currency_of=partial(usd_or_stablecoin, separator="-"),
    typical_bytes=55_000,
    timed=True,
)
