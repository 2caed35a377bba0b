"""CoinLore: its recorded answer, read by hand."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ticker.errors import Malformed
from ticker.sources import REGISTRY, Request


def test_request() -> None:
    """One call for the first hundred coins."""
    assert REGISTRY["coinlore"].requests(["90"]) == [Request("/api/tickers/", (("start", "0"), ("limit", "100")))]


def test_first_page(quoted: Any, recording: Any) -> None:
    """Numbers in strings, one time for all, ids that are digits; a coin below rank 100 is absent."""
    found = quoted(
        "coinlore", recording("coinlore/tickers_top100_2024-11.json"), "90", "2", "518", "28", "45088", "1234"
    )
    assert set(found) == {"90", "2", "518", "28", "45088"}
    at = datetime(2024, 11, 4, 15, 28, 3, tzinfo=UTC).timestamp()
    assert {quote.at for quote in found.values()} == {at}
    bitcoin = found["90"]
    assert (bitcoin.price, bitcoin.change_24h, bitcoin.currency) == (Decimal("68345.81"), Decimal("1.05"), "usd")
    assert (bitcoin.change_1h, bitcoin.change_7d) == (Decimal("-0.33"), Decimal("-0.38"))
    assert (bitcoin.volume_24h, bitcoin.market_cap) == (Decimal("32368265258.2067"), Decimal("1350570219118.40"))
    assert (bitcoin.name, bitcoin.symbol) == ("Bitcoin", "BTC")
    assert (found["2"].price, found["2"].change_24h) == (Decimal("0.156416"), Decimal("8.29"))
    assert (found["518"].price, found["28"].price) == (Decimal("1.00"), Decimal("160.60"))
    assert str(found["45088"].price) == "0.000017"


def test_a_list_of_ids_is_another_dialect(quoted: Any) -> None:
    """The answer to a call that names ids has no time, and is refused."""
    with pytest.raises(Malformed):
        quoted("coinlore", b'[{"id": "90", "price_usd": "1"}]', "90")
