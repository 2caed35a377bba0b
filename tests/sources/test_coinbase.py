"""Coinbase: its recorded answers, read by hand."""

from decimal import Decimal
from typing import Any

import pytest

from ticker.errors import Malformed, RateLimited
from ticker.sources import REGISTRY, Request


def test_request() -> None:
    """One call for all products."""
    assert REGISTRY["coinbase"].requests(["BTC-USD", "ETH-USD"]) == [Request("/products/stats")]


def test_statistics(quoted: Any, recording: Any) -> None:
    """Last price of 24 hours, change from its open; a product that is not there is absent, not zero."""
    body = recording("coinbase/exchange_products_stats_bulk_2026-07-27.json")
    found = quoted("coinbase", body, "BTC-USD", "NEAR-USD", "AURORA-USD", "WAVES-USD")
    assert set(found) == {"BTC-USD", "NEAR-USD", "AURORA-USD"}
    bitcoin = found["BTC-USD"]
    assert (bitcoin.price, bitcoin.change_24h, bitcoin.currency) == (Decimal(65237), Decimal("1.9328125"), "usd")
    assert (bitcoin.low_24h, bitcoin.high_24h, bitcoin.at) == (Decimal(63800), Decimal(65500), None)
    assert bitcoin.volume_24h == Decimal("587139523.7") - Decimal(0) + Decimal(0)
    near = found["NEAR-USD"]
    assert near.price == Decimal("1.847")
    assert near.change_24h is not None
    assert round(near.change_24h, 6) == Decimal("2.611111")


@pytest.mark.parametrize(
    ("file", "error"),
    [
        ("error_429_rate_limit_docs_example", RateLimited),
        ("v2_exchange-rates_BTC", Malformed),
        ("v2_exchange-rates_USD_2019-03-20", Malformed),
        ("v2_prices_BTC-USD_spot_2019-03-20", Malformed),
        ("exchange_products_BTC-USDT_ticker_2024-03-13", Malformed),
        ("exchange_products_btc-usd_ticker_2017", Malformed),
        ("ws_ticker_2025-06-06", Malformed),
        ("ws_ticker_messages", Malformed),
    ],
)
def test_errors(file: str, error: type[Exception], quoted: Any, recording: Any) -> None:
    """The rate limit is known by its id; the other APIs of the same house are malformed here."""
    with pytest.raises(error, match=r"^coinbase: "):
        quoted("coinbase", recording(f"coinbase/{file}.json"), "BTC-USD")


@pytest.mark.parametrize(
    "body", [b'{"message": "NotFound"}', b'{"errors": [{"id": "internal", "message": "NotFound"}]}']
)
def test_messages(body: bytes, quoted: Any) -> None:
    """Any other error keeps its words."""
    with pytest.raises(Malformed, match="NotFound"):
        quoted("coinbase", body, "BTC-USD")
