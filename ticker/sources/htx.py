"""HTX's tickers: every market in one answer, with one time for all and bare JSON numbers."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from msgspec import Raw, Struct, field, json

from ticker.errors import Malformed, RateLimited
from ticker.sources.base import MINUTE, SECOND, Limit, Plan, Request, Row, Source, Terms
from ticker.sources.rows import Answers
from ticker.sources.values import ABSENT, change_from, number, optional, stablecoin_ending, unix_milliseconds

NAME = "htx"


class _Market(Struct, gc=False):
    symbol: str
    close: Raw
    open: Raw = ABSENT
    high: Raw = ABSENT
    low: Raw = ABSENT
    vol: Raw = ABSENT  # in the quote currency


class _Answer(Struct):
    status: str
    ts: Raw = ABSENT
    data: list[_Market] | None = None
    error_code: str = field(name="err-code", default="")
    error_message: str = field(name="err-msg", default="")


_answer = Answers(json.Decoder(_Answer), _Market, "symbol", "data")


def request(ids: Sequence[str]) -> Request:
    """All markets."""
    return Request("/market/tickers")


def parse(body: bytes, wanted: AbstractSet[str]) -> Iterator[Row]:
    """Errors come with HTTP 200 as a status other than "ok"."""
    answer = _answer.decode(body, wanted)
    if answer.status != "ok" or answer.data is None:
        kind = RateLimited if answer.error_code.startswith("too-many") else Malformed
        raise kind(NAME, f"{answer.error_code or answer.status}: {answer.error_message or 'no data'}")
    at = unix_milliseconds(answer.ts)
    for market in answer.data:
        if market.symbol in wanted:
            last = number(market.close)
            yield Row(
                id=market.symbol,
                price=last,
                currency=stablecoin_ending(market.symbol),
                at=at,
                change_24h=change_from(optional(market.open), last),
                high_24h=optional(market.high),
                low_24h=optional(market.low),
                volume_24h=optional(market.vol),
            )


SOURCE = Source(
    name=NAME,
    title="HTX",
    kind="venue",
    group="htx",
    docs="https://huobiapi.github.io/docs/spot/v1/en/#get-latest-tickers-for-all-pairs",
    plans=(Plan("public", "https://api.huobi.pro", limits=(Limit(10, SECOND), Limit(4_500, 5 * MINUTE))),),
    terms=Terms.unread("https://www.htx.com"),
    id_pattern=re.compile(r"(?P<base>[a-z0-9]+)(usdt|usdc)"),
    id_example="btcusdt",
    request=request,
    parse=parse,
    currency_of=stablecoin_ending,
    typical_bytes=45_000,
    timed=True,
)
