"""CoinPaprika's tickers: every active coin in one large answer, with the time of each."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from msgspec import Raw, Struct, field, json

from ticker.errors import Malformed, NotFound
from ticker.sources.base import MIB, MINUTE, MONTH, SECOND, Limit, Plan, Request, Row, Source, Terms
from ticker.sources.rows import Answers
from ticker.sources.values import ABSENT, in_dollars, iso_time, number, optional

NAME = "coinpaprika"


class _Dollars(Struct, gc=False):
    price: Raw
    volume_24h: Raw = ABSENT
    market_cap: Raw = ABSENT
    percent_change_1h: Raw = ABSENT
    percent_change_24h: Raw = ABSENT
    percent_change_7d: Raw = ABSENT


class _Quotes(Struct, gc=False):
    usd: _Dollars = field(name="USD")


class _Coin(Struct, gc=False):
    id: str
    quotes: _Quotes
    name: str | None = None
    symbol: str | None = None
    last_updated: Raw = ABSENT


class _Problem(Struct):
    error: str


_answer = Answers(json.Decoder(list[_Coin] | _Problem), _Coin, "id")


def request(ids: Sequence[str]) -> Request:
    """All coins: the API has one coin or all, and the free plan counts calls."""
    return Request("/v1/tickers", query=(("quotes", "USD"),))


def parse(body: bytes, wanted: AbstractSet[str]) -> Iterator[Row]:
    """Errors are an object with `error` where a list is due."""
    answer = _answer.decode(body, wanted)
    if isinstance(answer, _Problem):
        raise (NotFound if "not found" in answer.error else Malformed)(NAME, answer.error)
    for coin in answer:
        if coin.id in wanted:
            dollars = coin.quotes.usd
            yield Row(
                id=coin.id,
                price=number(dollars.price),
                at=iso_time(coin.last_updated),
                change_1h=optional(dollars.percent_change_1h),
                change_24h=optional(dollars.percent_change_24h),
                change_7d=optional(dollars.percent_change_7d),
                volume_24h=optional(dollars.volume_24h),
                market_cap=optional(dollars.market_cap),
                name=coin.name,
                symbol=coin.symbol,
            )


SOURCE = Source(
    name=NAME,
    title="CoinPaprika",
    kind="aggregator",
    group="coinpaprika",
    docs="https://docs.coinpaprika.com/introduction",
    plans=(Plan("free", "https://api.coinpaprika.com", limits=(Limit(10, SECOND), Limit(20_000, MONTH))),),
    terms=Terms(
        "https://coinpaprika.com/terms-of-use",
        "2026-08-25",
        display=True,
        derive=None,
        redistribute=None,
        note="by another project's reading: commercial use without a key permitted, attribution welcome; "
        "the documentation calls the free plan one for hobby and non-commercial use",
    ),
    id_pattern=re.compile(r"[a-z0-9]+-[a-z0-9-]{1,99}"),
    id_example="btc-bitcoin",
    request=request,
    parse=parse,
    currency_of=in_dollars,
    every=10 * MINUTE,
    cache=10 * MINUTE,
    max_body=16 * MIB,
    typical_bytes=480_000,
    timed=True,
)
