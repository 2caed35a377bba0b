"""CoinMarketCap's latest quotes: many coins by number in one answer, with the time of each; a key is required."""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from msgspec import Raw, Struct, field, json

from ticker.errors import Malformed, RateLimited, Refused, SourceError
from ticker.sources.base import MINUTE, MONTH, Limit, Plan, Request, Row, Source, Terms
from ticker.sources.rows import Answers
from ticker.sources.values import ABSENT, in_dollars, iso_time, number, optional

NAME = "coinmarketcap"
_ERRORS: Mapping[int, type[SourceError]] = {
    **dict.fromkeys((1001, 1002, 1005, 1006), Refused),  # key invalid, missing, required, of another plan
    **dict.fromkeys((1008, 1009, 1010, 1011), RateLimited),  # by minute, day, month, address
}


class _Dollars(Struct):
    price: Raw
    last_updated: Raw = ABSENT
    volume_24h: Raw = ABSENT
    market_cap: Raw = ABSENT
    percent_change_1h: Raw = ABSENT
    percent_change_24h: Raw = ABSENT
    percent_change_7d: Raw = ABSENT


class _Quote(Struct):
    usd: _Dollars = field(name="USD")


class _Coin(Struct):
    id: int
    quote: _Quote
    name: str | None = None
    symbol: str | None = None


class _Status(Struct):
    error_code: int
    error_message: str | None = None


class _Answer(Struct):
    status: _Status
    data: dict[str, _Coin] | list[_Coin] | None = None


_answer = Answers(json.Decoder(_Answer), _Coin, "id", "data")


def request(ids: Sequence[str]) -> Request:
    """These coins, in dollars; without `skip_invalid` one unknown number fails them all."""
    return Request(
        "/v1/cryptocurrency/quotes/latest",
        query=(("id", ",".join(ids)), ("convert", "USD"), ("skip_invalid", "true")),
    )


def parse(body: bytes, wanted: AbstractSet[str]) -> Iterator[Row]:
    """Errors come in `status`, whatever the HTTP status. By id `data` is an object, in listings a list."""
    answer = _answer.decode(body, wanted)
    code = answer.status.error_code
    if code or answer.data is None:
        message = answer.status.error_message or "no data"
        raise _ERRORS.get(code, Malformed)(NAME, f"{code}: {message}")
    for coin in answer.data.values() if isinstance(answer.data, dict) else answer.data:
        if str(coin.id) in wanted:
            dollars = coin.quote.usd
            yield Row(
                id=str(coin.id),
                price=number(dollars.price),
                at=iso_time(dollars.last_updated),
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
    title="CoinMarketCap",
    kind="aggregator",
    group="coinmarketcap",
    docs="https://coinmarketcap.com/api/documentation/v1/",
    # A call costs one credit for 100 coins, which is our batch, so calls and credits are the same.
    plans=(
        Plan(
            "basic",
            "https://pro-api.coinmarketcap.com",
            "X-CMC_PRO_API_KEY",
            limits=(Limit(30, MINUTE), Limit(10_000, MONTH)),
        ),
    ),
    terms=Terms(
        "https://coinmarketcap.com/api/pricing/",
        "2026-05-08",
        display=None,
        derive=None,
        redistribute=False,
        note="by another project's reading of the plans: the free plan is for personal use only; newer pages of "
        "CoinMarketCap say that it includes commercial use, so read them before you accept",
    ),
    id_pattern=re.compile(r"[1-9][0-9]{0,8}"),
    id_example="1",
    request=request,
    parse=parse,
    currency_of=in_dollars,
    every=5 * MINUTE,
    cache=MINUTE,
    batch=100,
    typical_bytes=8_000,
    timed=True,
)
