"""Frankfurter: its recorded answers, read by hand."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ticker.errors import Malformed, NotFound
from ticker.sources import REGISTRY, Request

SOURCE = REGISTRY["frankfurter"]


def test_request() -> None:
    """One call, counted in euros as the bank counts."""
    assert SOURCE.requests(["EUR", "GBP"]) == [Request("/v1/latest", (("base", "EUR"),))]


@pytest.mark.parametrize(
    ("file", "day", "euro", "pound"),
    [
        # 1.1622 dollars over 0.85898 pounds for a euro; 1.1377 over 0.8561
        ("v1_latest_EUR_2026-09-04", datetime(2026, 9, 4, tzinfo=UTC), "1.1622", "1.353000069850287550350415609"),
        ("v1_latest_EUR_2026-07-24", datetime(2026, 7, 24, tzinfo=UTC), "1.1377", "1.328933535801892302301133045"),
    ],
)
def test_days(file: str, day: datetime, euro: str, pound: str, quoted: Any, recording: Any) -> None:
    """The day is the bank's, a Friday also on weekends; the base is a currency like the others."""
    found = quoted("frankfurter", recording(f"frankfurter/{file}.json"), "EUR", "GBP", "CHF")
    assert {code: str(quote.price) for code, quote in found.items()} == {"EUR": euro, "GBP": pound}
    assert {quote.at for quote in found.values()} == {day.timestamp()}


@pytest.mark.parametrize(
    ("body", "euro"),
    [
        (b'{"amount":1.0,"base":"USD","date":"2026-09-04","rates":{"EUR":0.8}}', "1.25"),
        (b'{"amount":1,"base":"GBP","date":"2026-09-04","rates":{"EUR":1.024,"USD":1.28}}', "1.25"),
    ],
)
def test_another_base_is_read_right(body: bytes, euro: str, quoted: Any) -> None:
    """A mirror that counts in another currency gives the same rates."""
    assert str(quoted("frankfurter", body, "EUR")["EUR"].price) == euro


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"message":"not found"}', NotFound),
        (b'{"message":"try later"}', Malformed),
        (b'{"amount":10.0,"base":"EUR","date":"2026-09-04","rates":{"USD":11.622}}', Malformed),
        (b'{"base":"EUR","date":"2026-09-04","rates":{"USD":1.1622}}', Malformed),
        (b'{"amount":1.0,"date":"2026-09-04","rates":{"USD":1.1622}}', Malformed),
    ],
    ids=["not found", "message", "ten euros", "no amount", "no base"],
)
def test_errors(body: bytes, error: type[Exception], quoted: Any) -> None:
    """Rates for ten euros read as rates for one would be ten times wrong."""
    with pytest.raises(error, match=r"^frankfurter: "):
        quoted("frankfurter", body, "EUR")


def test_recorded_errors(quoted: Any, recording: Any) -> None:
    """The documented error, and the list of its newer version."""
    with pytest.raises(NotFound):
        quoted("frankfurter", recording("frankfurter/error_404_docs_example.json"), "EUR")
    with pytest.raises(Malformed):
        quoted("frankfurter", recording("frankfurter/v2_rates_STUB.json"), "EUR")
