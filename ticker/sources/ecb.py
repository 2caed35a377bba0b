"""The European Central Bank's euro reference rates: one small XML document, one set of rates a working day."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from xml.parsers import expat

from ticker.errors import Malformed
from ticker.sources.base import DAY, HOUR, Plan, Request, Row, Source, Terms
from ticker.sources.values import day, dollars_each, in_dollars, number

NAME = "ecb"
_CUBE = "http://www.ecb.int/vocabulary/2002-08-01/eurofxref Cube"

# Rates bear only their day, which we count from its midnight in UTC, and come out at about 16:00 CET of every day on
# which TARGET works. It rests on weekends, 1 January, Good Friday, Easter Monday, 1 May, 25 and 26 December: the
# longest a set stays the newest is from a Thursday before Easter or Christmas to the Tuesday or Monday after, 5 days
# and 15 hours from its midnight. With less than that, a healthy source would lose its vote every Easter.
NEWEST_FOR = 6 * DAY
CREDIT = (
    "Converted at rates based on ECB reference rates",
    "https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/html/index.en.html",
)


def request(ids: Sequence[str]) -> Request:
    """All currencies of the newest day."""
    return Request("/stats/eurofxref/eurofxref-daily.xml")


def parse(body: bytes, wanted: AbstractSet[str]) -> Iterator[Row]:
    """Units of a currency for one euro, under their day; the euro itself is not among them.

    A document type, and with it every entity, is refused unread.
    """
    at: float | None = None
    units: dict[str, str | None] = {"EUR": "1"}
    days = 0

    def element(name: str, attributes: dict[str, str]) -> None:
        nonlocal at, days
        if name == _CUBE and "time" in attributes:
            at, days = day(attributes["time"]), days + 1
        elif name == _CUBE and "currency" in attributes:
            code, rate = attributes["currency"], attributes.get("rate")
            units[code] = rate if units.setdefault(code, rate) == rate else None  # at two rates, it has none

    def document_type(*_: object) -> None:
        raise Malformed(NAME, "it has a document type, which we do not read")

    parser = expat.ParserCreate("UTF-8", namespace_separator=" ")
    parser.StartElementHandler = element
    parser.StartDoctypeDeclHandler = document_type
    try:
        parser.Parse(str(body, "utf-8"), True)  # of one encoding only, whatever it says of itself
    except expat.ExpatError as error:
        raise Malformed(NAME, f"not XML: {error}") from error
    if days != 1:
        raise Malformed(NAME, f"the rates of one day are due, not of {days}")
    dollars = number(units.get("USD"))
    for code, rate in units.items():
        if code in wanted:
            yield Row(id=code, price=dollars_each(dollars, number(rate)), at=at)


SOURCE = Source(
    name=NAME,
    title="European Central Bank",
    kind="aggregator",
    group="ecb",
    docs="https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/html/index.en.html",
    plans=(Plan("public", "https://www.ecb.europa.eu"),),
    terms=Terms(
        "https://www.ecb.europa.eu/services/disclaimer/html/index.en.html",
        "2026-09-15",
        display=True,
        derive=True,
        redistribute=True,
        note="free to use where the ECB is cited as the source and changes are stated; read in others' quotations",
    ),
    id_pattern=re.compile(r"[A-Z]{3}"),
    id_example="EUR",
    request=request,
    parse=parse,
    currency_of=in_dollars,
    every=4 * HOUR,
    cache=NEWEST_FOR,
    max_body=64 * 2**10,
    typical_bytes=800,
    timed=True,
    content_types=("text/xml", "application/xml"),
    credit=CREDIT,
    of="currencies",
)
