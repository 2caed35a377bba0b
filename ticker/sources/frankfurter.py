"""Frankfurter: the European Central Bank's reference rates once more, as JSON, from a host that anyone may run."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from msgspec import Raw, Struct, json

from ticker.errors import Malformed, NotFound
from ticker.sources.base import HOUR, Plan, Request, Row, Source, Terms
from ticker.sources.ecb import CREDIT, NEWEST_FOR
from ticker.sources.values import ABSENT, day, dollars_each, in_dollars, number

NAME = "frankfurter"


class _Answer(Struct):
    base: str = ""
    amount: Raw = ABSENT
    rates: dict[str, Raw] | None = None
    date: Raw = ABSENT
    message: str | None = None


_answer = json.Decoder(_Answer)


def request(ids: Sequence[str]) -> Request:
    """All currencies of the newest day, for one euro: those are the bank's own digits."""
    return Request("/v1/latest", query=(("base", "EUR"),))


def parse(body: bytes, wanted: AbstractSet[str]) -> Iterator[Row]:
    """Units of a currency for one of the base, which is not among them, under the bank's day."""
    answer = _answer.decode(body)
    if answer.rates is None or not answer.base:
        raise (NotFound if answer.message == "not found" else Malformed)(NAME, answer.message or "no rates")
    if number(answer.amount) != 1:
        raise Malformed(NAME, "the rates are not for one unit")
    units = {answer.base: Raw(b"1"), **answer.rates}
    dollars, at = number(units.get("USD")), day(answer.date)
    for code, rate in units.items():
        if code in wanted:
            yield Row(id=code, price=dollars_each(dollars, number(rate)), at=at)


SOURCE = Source(
    name=NAME,
    title="Frankfurter",
    kind="aggregator",
    group="ecb",
    docs="https://frankfurter.dev/v1/",
    plans=(Plan("public", "https://api.frankfurter.dev"),),
    terms=Terms(
        "https://frankfurter.dev/license/",
        "2026-10-04",
        display=True,
        derive=True,
        redistribute=True,
        note="free also for commercial use, under the terms of the provider of the rates, here the ECB; read in "
        "others' quotations",
    ),
    id_pattern=re.compile(r"[A-Z]{3}"),
    id_example="EUR",
    request=request,
    parse=parse,
    currency_of=in_dollars,
    every=4 * HOUR,
    cache=NEWEST_FOR,
    typical_bytes=500,
    timed=True,
    credit=CREDIT,
    of="currencies",
)
