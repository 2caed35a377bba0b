"""KuCoin's tickers: every market in one answer, with the 24-hour change as a fraction."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import partial

from msgspec import Raw, Struct, json

from ticker.errors import Malformed, RateLimited
from ticker.sources.base import MINUTE, SECOND, Limit, Plan, Request, Row, Source, Terms
from ticker.sources.rows import Answers
from ticker.sources.values import ABSENT, number, optional, percent, unix_milliseconds, usd_or_stablecoin

NAME = "kucoin"


class _Market(Struct, gc=False):
    symbol: str
    last: Raw
    changeRate: Raw = ABSENT  # noqa: N815 - by KuCoin's own name, a fraction
    high: Raw = ABSENT
    low: Raw = ABSENT
    volValue: Raw = ABSENT  # noqa: N815 - in the quote currency


class _Data(Struct):
    ticker: list[_Market]
    time: Raw = ABSENT


class _Answer(Struct):
    code: str
    msg: str = ""
    data: _Data | None = None


_answer = Answers(json.Decoder(_Answer), _Market, "symbol", "data", "ticker")


def request(ids: Sequence[str]) -> Request:
    """All markets."""
    return Request("/api/v1/market/allTickers")


def parse(body: bytes, wanted: AbstractSet[str]) -> Iterator[Row]:
    """Errors come in `code`, also with HTTP 200, and then `data` is missing."""
    answer = _answer.decode(body, wanted)
    if answer.code != "200000" or answer.data is None:
        kind = RateLimited if answer.code == "429000" else Malformed
        raise kind(NAME, f"{answer.code}: {answer.msg or 'no data'}")
    at = unix_milliseconds(answer.data.time)
    for market in answer.data.ticker:
        if market.symbol in wanted:
            yield Row(
                id=market.symbol,
                price=number(market.last),
                currency=usd_or_stablecoin(market.symbol, "-"),
                at=at,
                change_24h=percent(optional(market.changeRate)),
                high_24h=optional(market.high),
                low_24h=optional(market.low),
                volume_24h=optional(market.volValue),
            )


SOURCE = Source(
    name=NAME,
    title="KuCoin",
    kind="venue",
    group="kucoin",
    docs="https://www.kucoin.com/docs/rest/spot-trading/market-data/get-all-tickers",
    plans=(Plan("public", "https://api.kucoin.com", limits=(Limit(2_000, 30 * SECOND),)),),
    terms=Terms.unread("https://www.kucoin.com/legal/terms-of-use"),
    id_pattern=re.compile(r"(?P<base>[A-Z0-9]+)-(USD|USDT|USDC)"),
    id_example="BTC-USDT",
    request=request,
    parse=parse,
    currency_of=partial(usd_or_stablecoin, separator="-"),
    every=2 * MINUTE,  # not 60 s: all sources together stay below 1 GB a day
    cost=15,
    typical_bytes=85_000,
    timed=True,
)
