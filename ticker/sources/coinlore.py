"""CoinLore's tickers: the hundred largest coins in one answer, with one time for all."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from msgspec import Raw, Struct, json

from ticker.sources.base import MINUTE, SECOND, Limit, Plan, Request, Row, Source, Terms
from ticker.sources.rows import Answers
from ticker.sources.values import ABSENT, in_dollars, number, optional, unix_seconds

NAME = "coinlore"


class _Coin(Struct):
    id: str
    price_usd: Raw
    name: str | None = None
    symbol: str | None = None
    market_cap_usd: Raw = ABSENT
    volume24: Raw = ABSENT
    percent_change_1h: Raw = ABSENT
    percent_change_24h: Raw = ABSENT
    percent_change_7d: Raw = ABSENT


class _Info(Struct):
    time: Raw = ABSENT


class _Answer(Struct):
    data: list[_Coin]
    info: _Info


_answer = Answers(json.Decoder(_Answer), _Coin, "id", "data")


def request(ids: Sequence[str]) -> Request:
    """The first page, which is all that one call gives; naming ids gives no time."""
    return Request("/api/tickers/", query=(("start", "0"), ("limit", "100")))


def parse(body: bytes, wanted: AbstractSet[str]) -> Iterator[Row]:
    """A coin below rank 100 is left out."""
    answer = _answer.decode(body, wanted)
    at = unix_seconds(answer.info.time)
    for coin in answer.data:
        if coin.id in wanted:
            yield Row(
                id=coin.id,
                price=number(coin.price_usd),
                at=at,
                change_1h=optional(coin.percent_change_1h),
                change_24h=optional(coin.percent_change_24h),
                change_7d=optional(coin.percent_change_7d),
                volume_24h=optional(coin.volume24),
                market_cap=optional(coin.market_cap_usd),
                name=coin.name,
                symbol=coin.symbol,
            )


SOURCE = Source(
    name=NAME,
    title="CoinLore",
    kind="aggregator",
    group="coinlore",
    docs="https://www.coinlore.com/cryptocurrency-data-api",
    # No limit is documented; about one call a second is advised.
    plans=(Plan("public", "https://api.coinlore.net", limits=(Limit(1, SECOND),)),),
    terms=Terms.unread("https://www.coinlore.com/cryptocurrency-data-api"),
    id_pattern=re.compile(r"[1-9][0-9]{0,8}"),
    id_example="90",
    request=request,
    parse=parse,
    currency_of=in_dollars,
    every=5 * MINUTE,
    typical_bytes=10_000,
    timed=True,
)
