"""CoinGecko's market list: many coins by id in one answer, with the time of each. Also what its other answers share."""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from msgspec import DecodeError, Raw, Struct, json

from ticker.errors import Malformed, NotFound, RateLimited, Refused, SourceError
from ticker.model import SourceName
from ticker.sources.base import MIB, MINUTE, MONTH, Archive, Catalogue, Limit, Plan, Request, Row, Source, Terms, Week
from ticker.sources.rows import Answers
from ticker.sources.values import ABSENT, in_dollars, iso_time, number, optional

NAME = "coingecko"
# 1020 is a block by its CDN, the rest are about keys.
_ERRORS: Mapping[int, type[SourceError]] = {
    429: RateLimited,
    **dict.fromkeys((401, 403, 1020, 10002, 10005, 10010, 10011), Refused),
}


class _Coin(Struct):
    id: str
    current_price: Raw
    symbol: str | None = None
    name: str | None = None
    last_updated: Raw = ABSENT
    market_cap: Raw = ABSENT
    total_volume: Raw = ABSENT
    high_24h: Raw = ABSENT
    low_24h: Raw = ABSENT
    price_change_percentage_24h: Raw = ABSENT
    price_change_percentage_1h_in_currency: Raw = ABSENT
    price_change_percentage_7d_in_currency: Raw = ABSENT
    sparkline_in_7d: Raw = ABSENT


class _Sparkline(Struct):
    price: list[Raw]


class Status(Struct):
    """An error by its code and in words."""

    error_code: int
    error_message: str = ""


class Problem(Struct):
    """What comes in place of an answer, in one of two forms."""

    status: Status | None = None
    error: str | None = None


class _Listed(Struct):
    id: str
    symbol: str | None = None
    name: str | None = None


_answer = Answers(json.Decoder(list[_Coin] | Problem), _Coin, "id")
_sparkline = json.Decoder(_Sparkline)
_list = Answers(json.Decoder(list[_Listed] | Problem), _Listed, "id")


def request(ids: Sequence[str], *, sparkline: str = "false") -> Request:
    """These coins, in dollars. A page larger than 250 is cut to 250 without a word."""
    return Request(
        "/api/v3/coins/markets",
        query=(
            ("vs_currency", "usd"),
            ("ids", ",".join(ids)),
            ("per_page", "250"),
            ("price_change_percentage", "1h,24h,7d"),
            ("sparkline", sparkline),
        ),
    )


def parse(body: bytes, wanted: AbstractSet[str]) -> Iterator[Row]:
    """An unknown id is left out. The rate limit can come with HTTP 200, as an object where a list is due."""
    answer = _answer.decode(body, wanted)
    if isinstance(answer, Problem):
        raise error_of(NAME, answer)
    for coin in answer:
        if coin.id in wanted:
            yield Row(
                id=coin.id,
                price=number(coin.current_price),
                at=iso_time(coin.last_updated),
                change_1h=optional(coin.price_change_percentage_1h_in_currency),
                change_24h=optional(coin.price_change_percentage_24h),
                change_7d=optional(coin.price_change_percentage_7d_in_currency),
                high_24h=optional(coin.high_24h),
                low_24h=optional(coin.low_24h),
                volume_24h=optional(coin.total_volume),
                market_cap=optional(coin.market_cap),
                name=coin.name,
                symbol=coin.symbol,
            )


def weeks(body: bytes, wanted: AbstractSet[str]) -> Iterator[Week]:
    """The coins that have a line of seven days, which is behind the price beside it by up to six hours."""
    answer = _answer.decode(body, wanted)
    if isinstance(answer, Problem):
        raise error_of(NAME, answer)
    for coin in answer:
        price, at = optional(coin.current_price), iso_time(coin.last_updated)
        try:
            prices = _sparkline.decode(coin.sparkline_in_7d).price
        except DecodeError:
            continue  # null, or none at all
        if coin.id in wanted and price is not None and at is not None:
            change = optional(coin.price_change_percentage_24h)
            yield Week(coin.id, at, price, change, tuple(optional(one) for one in prices))


def listed(body: bytes) -> Iterator[Row]:
    """Every coin it knows, by id, symbol and name, without prices; symbols are shared, and may be empty."""
    answer = _list.decode(body, frozenset())
    if isinstance(answer, Problem):
        raise error_of(NAME, answer)
    for coin in answer:
        yield Row(coin.id, None, name=coin.name, symbol=coin.symbol)


def error_of(source: SourceName, problem: Problem) -> SourceError:
    """Our error for what CoinGecko says went wrong."""
    if problem.status is not None:
        code = problem.status.error_code
        return _ERRORS.get(code, Malformed)(source, f"{code}: {problem.status.error_message}")
    message = problem.error or "it is not the answer to our question"
    return (NotFound if "not find" in message or "not found" in message else Malformed)(source, message)


# Keyless, the limit is shared by everyone behind the address and varies with load: the lowest figure seen is used.
# Demo by the older, lower figures. Pro by the least of the plans that can be bought.
PLANS = (
    Plan("keyless", "https://api.coingecko.com", limits=(Limit(5, MINUTE),)),
    Plan("demo", "https://api.coingecko.com", "x-cg-demo-api-key", limits=(Limit(30, MINUTE), Limit(10_000, MONTH))),
    Plan(
        "pro", "https://pro-api.coingecko.com", "x-cg-pro-api-key", limits=(Limit(250, MINUTE), Limit(100_000, MONTH))
    ),
)
TERMS = Terms(
    "https://www.coingecko.com/en/api_terms",
    "2025-09-05",
    display=True,
    derive=None,
    redistribute=None,
    note="the free plan requires attribution; deriving and redistribution not read",
)
CREDIT = ("Data provided by CoinGecko", "https://www.coingecko.com")

SOURCE = Source(
    name=NAME,
    title="CoinGecko",
    kind="aggregator",
    group="coingecko",
    docs="https://docs.coingecko.com/demo/reference/coins-markets",
    plans=PLANS,
    terms=TERMS,
    id_pattern=re.compile(r"[a-z0-9_-][a-z0-9._\[\]-]{0,99}"),
    id_example="bitcoin",
    request=request,
    parse=parse,
    currency_of=in_dollars,
    every=5 * MINUTE,
    cache=MINUTE,
    batch=250,
    typical_bytes=8_000,
    timed=True,
    listing=Catalogue(Request("/api/v3/coins/list"), listed, 8 * MIB),
    archive=Archive(lambda ids: request(ids, sparkline="true"), weeks),
    credit=CREDIT,
    quota=NAME,
)
