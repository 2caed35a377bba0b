"""The European Central Bank: its recorded documents read by hand, and XML that is no business of ours."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from source_tables import payload

from ticker.errors import Malformed
from ticker.sources import REGISTRY, Request

SOURCE = REGISTRY["ecb"]


def test_request() -> None:
    """One small document has every currency; it comes as XML, and a page of HTML is refused before it is read."""
    assert SOURCE.requests(["EUR", "GBP"]) == [Request("/stats/eurofxref/eurofxref-daily.xml")]
    assert SOURCE.content_types == ("text/xml", "application/xml")
    assert SOURCE.max_body == 65_536


@pytest.mark.parametrize(
    ("file", "day", "rates"),
    [
        (
            "eurofxref-daily_2017-03-08",
            datetime(2017, 3, 8, tzinfo=UTC),
            # dollars for a euro 1.0556; over 0.86753 pounds, 120.65 yen and 14144.80 rupiah for a euro
            {"EUR": "1.0556", "GBP": "1.216787892", "JPY": "0.008749274762", "IDR": "0.00007462813189"},
        ),
        (
            "eurofxref-daily_2018-09-12",
            datetime(2018, 9, 12, tzinfo=UTC),
            {"EUR": "1.1585", "GBP": "1.301276003", "CHF": "1.027312228", "ISK": "0.008769871310"},
        ),
    ],
)
def test_days(file: str, day: datetime, rates: dict[str, str], quoted: Any, recording: Any) -> None:
    """Each currency has its dollars for one, as of the midnight that begins the day of the rates."""
    found = quoted("ecb", recording(f"ecb/{file}.xml"), *rates)
    assert {code: f"{quote.price:.10g}" for code, quote in found.items()} == {
        code: f"{Decimal(rate):.10g}" for code, rate in rates.items()
    }
    assert {quote.at for quote in found.values()} == {day.timestamp()}
    assert {quote.currency for quote in found.values()} == {"usd"}


def test_rates_are_exact_to_28_digits(quoted: Any, recording: Any) -> None:
    """The division is decimal: no digit of it went through a float."""
    found = quoted("ecb", recording("ecb/eurofxref-daily_2017-03-08.xml"), "GBP")
    assert str(found["GBP"].price) == "1.216787892061369635632197157"


def test_a_currency_that_left_is_absent(quoted: Any, recording: Any) -> None:
    """The set changes over the years: the rouble is in the one and not in the set of today's wishes."""
    assert set(quoted("ecb", recording("ecb/eurofxref-daily_2017-03-08.xml"), "RUB", "ISK", "EUR")) == {"RUB", "EUR"}


@pytest.mark.parametrize("file", ["eurofxref-hist-90d_2019-11-29.xml", "data-api_EXR_daily_csv_2026.csv"])
def test_other_answers_of_the_bank(file: str, quoted: Any, recording: Any) -> None:
    """Ninety days at once, and its CSV, are other answers: which day would be ours is not guessed."""
    with pytest.raises(Malformed, match=r"^ecb: "):
        quoted("ecb", recording(f"ecb/{file}"), "EUR")


LAUGHS = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10 if i else "ha"}">' for i in range(10))


@pytest.mark.parametrize(
    "document_type",
    [
        "<!DOCTYPE Envelope>",
        '<!DOCTYPE Envelope SYSTEM "http://127.0.0.1/x.dtd">',
        '<!DOCTYPE Envelope [<!ENTITY xxe SYSTEM "file:///etc/passwd">]>',
        f"<!DOCTYPE Envelope [{LAUGHS}]>",
        '<!DOCTYPE Envelope [<!ENTITY % p SYSTEM "http://127.0.0.1/x"> %p;]>',
        "<!-- first -->\n<!DOCTYPE Envelope>",
    ],
    ids=["bare", "external", "file", "laughs", "parameter", "after a comment"],
)
def test_a_document_type_is_refused(document_type: str, quoted: Any) -> None:
    """Whatever it declares, it ends the parse before any entity in the document is met."""
    head, _, rest = payload("ecb").decode().partition("\n")
    with pytest.raises(Malformed, match="document type"):
        quoted("ecb", f"{head}\n{document_type}\n{rest}".encode(), "EUR")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("UTF-8", "UTF-16").encode("utf-16"),
        lambda text: text.replace("1.2500", "&rate;").encode(),
        lambda text: text.replace("<!ENTITY", "").replace("<Cube>", '<!ENTITY x "1"><Cube>').encode(),
        lambda text: text.replace("http://www.ecb.int/vocabulary/2002-08-01/eurofxref", "http://x.invalid/").encode(),
        lambda text: text.replace(" time='2026-09-21'", "").encode(),
        lambda text: text.replace("</Cube>\n\t</Cube>", "</Cube><Cube time='2026-09-18'/></Cube>").encode(),
        lambda text: text.replace("<Cube>", "<a>" * 10_000).encode(),
    ],
    ids=["utf-16", "declared utf-16", "entity", "entity in the body", "namespace", "no day", "two days", "deep"],
)
def test_what_is_not_the_document(spoil: Any, quoted: Any) -> None:
    """Another encoding, an entity, another vocabulary, no day or two: refused whole."""
    with pytest.raises(Malformed):
        quoted("ecb", spoil(payload("ecb").decode()), "EUR")


def test_no_dollar_no_rate(quoted: Any) -> None:
    """Without the dollars for a euro there is nothing to count in, and so no quote."""
    body = payload("ecb").replace(b"'USD'", b"'USX'")
    assert quoted("ecb", body, "EUR", "GBP") == {}


@pytest.mark.parametrize("twice", ["GBP", "USD"])
def test_a_currency_at_two_rates_has_none(twice: str, quoted: Any) -> None:
    """Of two rates for one currency none is believed; where it is the dollar, there is nothing left to tell."""
    body = payload("ecb").decode()
    (line,) = re.findall(rf"<Cube currency='{twice}' rate='[^']*'/>", body)
    again = re.sub("rate='", "rate='1", line)
    kept = {"EUR", "JPY"} if twice == "GBP" else set()
    assert set(quoted("ecb", body.replace(line, line + line).encode(), "EUR", "GBP", "JPY")) == {"EUR", "GBP", "JPY"}
    for lines in (line + again, again + line, line + again + line):
        assert set(quoted("ecb", body.replace(line, lines).encode(), "EUR", "GBP", "JPY")) == kept
