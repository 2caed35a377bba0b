"""open.er-api.com: its recorded answer, read by hand, and its documented errors."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ticker.errors import Malformed, NotFound, RateLimited, Refused
from ticker.sources import REGISTRY, Request

SOURCE = REGISTRY["openerapi"]


def test_request_and_terms() -> None:
    """One call, counted in dollars; off until ops accept its terms, and then with the link that they require."""
    assert SOURCE.requests(["EUR"]) == [Request("/v6/latest/USD")]
    assert SOURCE.terms.forbid
    assert SOURCE.credit == ("Rates By Exchange Rate API", "https://www.exchangerate-api.com")


def test_recorded_answer(quoted: Any, recording: Any) -> None:
    """Recorded for the pound: 1.342952 dollars over what a pound is in each currency, as of the daily update."""
    found = quoted("openerapi", recording("openerapi/v6_latest_GBP_2026-03-02.json"), "GBP", "EUR", "JPY", "XDR", "LBP")
    assert {code: f"{quote.price:.10g}" for code, quote in found.items()} == {
        "GBP": "1.342952",
        "EUR": "1.177619003",  # over 1.140396
        "JPY": "0.006400123832",  # over 209.83219
        "XDR": "1.367874677",  # over 0.98178
        "LBP": "0.00001117325547",  # over 120193.439058
    }
    assert {quote.at for quote in found.values()} == {datetime(2026, 3, 2, 0, 2, 32, tzinfo=UTC).timestamp()}


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("unsupported-code", NotFound),
        ("malformed-request", Malformed),
        ("invalid-key", Refused),
        ("inactive-account", Refused),
        ("quota-reached", RateLimited),
        ("something-new", Malformed),
    ],
)
def test_errors(kind: str, error: type[Exception], quoted: Any) -> None:
    """An error stands in the body, whatever the status."""
    with pytest.raises(error, match=rf"^openerapi: .*{kind}"):
        quoted("openerapi", f'{{"result": "error", "error-type": "{kind}"}}'.encode(), "EUR")


def test_success_without_rates(quoted: Any) -> None:
    """A success that says nothing is none."""
    with pytest.raises(Malformed):
        quoted("openerapi", b'{"result": "success"}', "EUR")
