"""HTX: its recorded answers, read by hand."""

from decimal import Decimal
from typing import Any

import pytest

from ticker.errors import Malformed, RateLimited
from ticker.sources import REGISTRY, Request


def test_request() -> None:
    """One call for all markets."""
    assert REGISTRY["htx"].requests(["btcusdt"]) == [Request("/market/tickers")]


def test_two_markets(quoted: Any, recording: Any) -> None:
    """Bare numbers to the last digit, one time for all, change from the open of 24 hours ago."""
    found = quoted("htx", recording("htx/market_tickers_2026-07-27.json"), "ethusdt", "nearusdt", "btcusdt")
    assert set(found) == {"ethusdt", "nearusdt"}
    ether = found["ethusdt"]
    assert (ether.price, ether.currency, ether.at) == (Decimal("1957.73"), "tether", 1785143379.9)
    assert ether.change_24h is not None
    assert round(ether.change_24h, 6) == Decimal("2.243612")
    assert (ether.low_24h, ether.high_24h) == (Decimal("1908.82"), Decimal("1981.65"))
    assert ether.volume_24h == Decimal("53932976.08442047")
    assert found["nearusdt"].volume_24h == Decimal("635633.4074736909")


def test_docs_example(quoted: Any, recording: Any) -> None:
    """A market against another coin has no currency of ours."""
    found = quoted("htx", recording("htx/market_tickers_docs_example.json"), "smtusdt", "ltcht")
    assert {one: (quote.price, quote.at) for one, quote in found.items()} == {
        "smtusdt": (Decimal("0.00468"), 1629789355.531)
    }


def test_one_market_is_another_dialect(quoted: Any, recording: Any) -> None:
    """The answer for one market has no list of them."""
    with pytest.raises(Malformed, match="no data"):
        quoted("htx", recording("htx/market_detail_merged_ethbtc_2017.json"), "ethbtc")


@pytest.mark.parametrize(
    ("code", "error"),
    [("too-many-requests", RateLimited), ("invalid-parameter", Malformed), ("bad-request", Malformed)],
)
def test_codes(code: str, error: type[Exception], quoted: Any) -> None:
    """Errors come with HTTP 200 as a status."""
    body = b'{"status": "error", "err-code": "%s", "err-msg": "no"}' % code.encode()
    with pytest.raises(error, match=f"^htx: .*{code}: no"):
        quoted("htx", body, "btcusdt")
