"""CoinGecko's exchange rates: what one bitcoin costs in every currency it knows, so that two of them give a rate."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from msgspec import Raw, Struct, json

from ticker.sources.base import HOUR, MINUTE, Request, Row, Source
from ticker.sources.coingecko import CREDIT, PLANS, TERMS, Problem, error_of
from ticker.sources.rows import Answers
from ticker.sources.values import ABSENT, dollars_each, in_dollars, number

NAME = "coingeckorates"


class _Rate(Struct):
    value: Raw = ABSENT


class _Answer(Problem):
    rates: dict[str, _Rate] | None = None


_answer = Answers(json.Decoder(_Answer), _Rate, "code", "rates")


def request(ids: Sequence[str]) -> Request:
    """All currencies."""
    return Request("/api/v3/exchange_rates")


def parse(body: bytes, wanted: AbstractSet[str]) -> Iterator[Row]:
    """Dollars for one bitcoin over units for one bitcoin. Codes are in lower case there."""
    answer = _answer.decode(body, {code.lower() for code in wanted})
    if answer.rates is None or "usd" not in answer.rates:
        raise error_of(NAME, answer)
    dollars = number(answer.rates["usd"].value)
    for code, rate in answer.rates.items():
        if code.upper() in wanted:
            yield Row(id=code.upper(), price=dollars_each(dollars, number(rate.value)))


SOURCE = Source(
    name=NAME,
    title="CoinGecko exchange rates",
    kind="aggregator",
    group="coingecko",
    docs="https://docs.coingecko.com/demo/reference/exchange-rates",
    plans=PLANS,
    terms=TERMS,
    id_pattern=re.compile(r"[A-Z]{3}"),
    id_example="EUR",
    request=request,
    parse=parse,
    currency_of=in_dollars,
    # Of the 9,000 calls a month that we let ourselves spend of CoinGecko's 10,000, the coins every five minutes take
    # 8,640: this is 180 of the other 360, and leaves as many for tries after a failure.
    every=4 * HOUR,
    cache=5 * MINUTE,
    typical_bytes=2_000,
    credit=CREDIT,
    of="currencies",
    quota="coingecko",
)
