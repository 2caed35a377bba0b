"""MEXC: its recorded answers, read by hand."""

from decimal import Decimal
from typing import Any

import pytest

from ticker.errors import Malformed, NotFound, RateLimited
from ticker.sources import REGISTRY, Request


def test_request() -> None:
    """One call for all markets."""
    assert REGISTRY["mexc"].requests(["BTCUSDT"]) == [Request("/api/v3/ticker/24hr")]


def test_five_markets(quoted: Any, recording: Any) -> None:
    """The field named percent is a fraction: -0.0159 is -1.59 %."""
    found = quoted("mexc", recording("mexc/api_v3_ticker_24hr_5rows_2025-12-31.json"), "METALUSDT", "AOUSDT", "BTCUSDT")
    assert set(found) == {"METALUSDT", "AOUSDT"}
    metal = found["METALUSDT"]
    assert (metal.price, metal.change_24h, metal.currency) == (Decimal("0.16254"), Decimal("-1.59"), "tether")
    assert (metal.low_24h, metal.high_24h, metal.at) == (Decimal("0.16"), Decimal("0.16807"), 1767206027.17)
    assert metal.volume_24h == Decimal("8996.36581")
    assert (found["AOUSDT"].price, found["AOUSDT"].change_24h) == (Decimal("5.354"), Decimal("0.22"))


@pytest.mark.parametrize(
    ("file", "price", "change", "at"),
    [
        ("api_v3_ticker_24hr_BTCUSDT_2025-12-31", "87904", "-0.55", 1767206031.677),
        ("api_v3_ticker_24hr_BTCUSDT_2024-03-13", "73397.77", "1.73", 1710328251.172),
    ],
)
def test_one_market(file: str, price: str, change: str, at: float, quoted: Any, recording: Any) -> None:
    """A row asked for alone reads like a row of the list, its time a number or a string; bare it is not our answer."""
    row = recording(f"mexc/{file}.json")
    bitcoin = quoted("mexc", b"[" + row + b"]", "BTCUSDT")["BTCUSDT"]
    assert (bitcoin.price, bitcoin.change_24h, bitcoin.at) == (Decimal(price), Decimal(change), at)
    with pytest.raises(Malformed):
        quoted("mexc", row, "BTCUSDT")


def test_docs_example(quoted: Any, recording: Any) -> None:
    """A volume of null and empty quantities cost no price."""
    bitcoin = quoted("mexc", recording("mexc/api_v3_ticker_24hr_docs_example.json"), "BTCUSDT")["BTCUSDT"]
    assert (bitcoin.price, bitcoin.change_24h) == (Decimal("46263.71"), Decimal("0.400048"))
    assert (bitcoin.volume_24h, bitcoin.at) == (None, 1641349582.808)


@pytest.mark.parametrize(
    "file", ["open_api_v1_ticker_2019_LEGACY", "api_v3_ticker_price_2026-07-27", "api_v3_ticker_price_5rows_2025-12-31"]
)
def test_other_dialects(file: str, quoted: Any, recording: Any) -> None:
    """The first version of the API, and the list of bare prices, are refused."""
    with pytest.raises(Malformed, match=r"^mexc: "):
        quoted("mexc", recording(f"mexc/{file}.json"), "BTCUSDT", "METALUSDT")


@pytest.mark.parametrize(("code", "error"), [(429, RateLimited), (-1121, NotFound), (500, Malformed)])
def test_codes(code: int, error: type[Exception], quoted: Any) -> None:
    """Errors are an object where a list is due."""
    with pytest.raises(error, match=f"{code}: no"):
        quoted("mexc", b'{"code": %d, "msg": "no"}' % code, "BTCUSDT")
