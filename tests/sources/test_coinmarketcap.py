"""CoinMarketCap: its recorded answers, read by hand."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ticker.errors import Malformed, RateLimited, Refused
from ticker.sources import REGISTRY, Request


def test_request() -> None:
    """One call for a hundred numbers, in dollars; an unknown number must not fail the others."""
    (request,) = REGISTRY["coinmarketcap"].requests(["1", "1027"])
    assert request == Request(
        "/v1/cryptocurrency/quotes/latest", (("id", "1,1027"), ("convert", "USD"), ("skip_invalid", "true"))
    )
    assert REGISTRY["coinmarketcap"].plans[0].key_header == "X-CMC_PRO_API_KEY"


def test_quotes_by_number(quoted: Any, recording: Any) -> None:
    """By id the data is an object of coins."""
    found = quoted("coinmarketcap", recording("coinmarketcap/quotes_latest_10coins_2019-02-04.json"), "1", "2", "74")
    assert set(found) == {"1", "2"}
    assert (found["1"].price, found["1"].change_24h) == (Decimal("3475.55287338"), Decimal("-0.139657"))
    assert found["1"].at == datetime(2019, 2, 4, 8, 22, 25, tzinfo=UTC).timestamp()
    assert (found["2"].price, found["2"].change_24h) == (Decimal("33.8041552743"), Decimal("-0.460642"))
    assert found["2"].at == datetime(2019, 2, 4, 8, 22, 6, tzinfo=UTC).timestamp()


def test_listings(quoted: Any, recording: Any) -> None:
    """In listings the data is a list of the same rows."""
    body = recording("coinmarketcap/listings_latest_top100_2022-01-29.json")
    found = quoted("coinmarketcap", body, "1", "1376", "1274", "825")
    bitcoin = found["1"]
    assert (bitcoin.price, bitcoin.change_24h, bitcoin.currency) == (
        Decimal("38012.17476016029"),
        Decimal("0.74837533"),
        "usd",
    )
    assert (bitcoin.change_1h, bitcoin.change_7d) == (Decimal("-0.48344956"), Decimal("8.6761659"))
    assert (bitcoin.volume_24h, bitcoin.market_cap) == (Decimal("17121455404.06376"), Decimal("720082188106.4556"))
    assert bitcoin.at == datetime(2022, 1, 29, 23, 26, tzinfo=UTC).timestamp()
    assert (bitcoin.name, bitcoin.symbol) == ("Bitcoin", "BTC")
    assert (found["1376"].price, found["1274"].price) == (Decimal("19.24568411025493"), Decimal("9.820116082770117"))
    assert found["825"].price == Decimal("1.0002644161687164")


def test_one_row(quoted: Any, recording: Any) -> None:
    """A row that was recorded without its envelope reads like the others."""
    row = recording("coinmarketcap/one_listing_row_2021-08-28.json")
    found = quoted("coinmarketcap", b'{"status": {"error_code": 0}, "data": [' + row + b"]}", "1")
    assert (found["1"].price, found["1"].change_24h) == (Decimal("48827.989730634145"), Decimal("1.25693894"))


@pytest.mark.parametrize(
    ("file", "error"),
    [
        ("error_1002_key_missing", Refused),
        ("error_403_code1006_plan", Refused),
        ("error_410_old_public_api_gone", Malformed),
        ("listings_latest_KRW_top5_2022-12-24", Malformed),
        ("v2_quotes_latest_BTC_by_symbol_2022-06-16", Malformed),
        ("one_listing_row_2021-08-28", Malformed),
    ],
)
def test_errors(file: str, error: type[Exception], quoted: Any, recording: Any) -> None:
    """Keys and plans refuse; the notice of the dead API, another currency and another version are malformed."""
    with pytest.raises(error, match=r"^coinmarketcap: "):
        quoted("coinmarketcap", recording(f"coinmarketcap/{file}.json"), "1")


@pytest.mark.parametrize(
    ("code", "error"),
    [(1001, Refused), (1005, Refused), *((code, RateLimited) for code in range(1008, 1012)), (400, Malformed)],
)
def test_codes(code: int, error: type[Exception], quoted: Any) -> None:
    """Every documented code has its class, and the message is kept."""
    body = b'{"status": {"error_code": %d, "error_message": "because"}}' % code
    with pytest.raises(error, match=f"{code}: because"):
        quoted("coinmarketcap", body, "1")


def test_success_without_data(quoted: Any) -> None:
    """A success with nothing in it is no answer."""
    with pytest.raises(Malformed, match="no data"):
        quoted("coinmarketcap", b'{"status": {"error_code": 0, "error_message": null}}', "1")


def test_the_largest_coins(recording: Any) -> None:
    """Listings are of the quotes' shape, so that a person can look a number up."""
    listing = REGISTRY["coinmarketcap"].listing
    assert listing is not None
    rows = {row.id: row for row in listing.parse(recording("coinmarketcap/listings_latest_top100_2022-01-29.json"))}
    assert len(rows) == 100
    assert (rows["1274"].name, rows["1274"].symbol) == ("Waves", "WAVES")
    assert dict(listing.request.query)["convert"] == "USD"
