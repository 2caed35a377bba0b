"""Bitfinex: its recorded answers, read by hand."""

from decimal import Decimal
from typing import Any

import pytest

from ticker.errors import Malformed, NotFound, RateLimited, ServerFailed
from ticker.sources import REGISTRY, Request
from ticker.sources.bitfinex import currency_of


def test_request() -> None:
    """One call for all markets."""
    assert REGISTRY["bitfinex"].requests(["tBTCUSD"]) == [Request("/v2/tickers", (("symbols", "ALL"),))]


def test_all_markets(quoted: Any, recording: Any) -> None:
    """Cells by their place, change as a fraction (-0.0028 is -0.28 %); funding, futures and yuan give nothing."""
    body = recording("bitfinex/v2_tickers_ALL_2019-11-01.json")
    ids = (
        "tBTCUSD",
        "tBTCUST",
        "tUSTUSD",
        "tUDCUSD",
        "tDUSK:USD",
        "tNEOUSD",
        "fUSD",
        "tBTC:CNHT",
        "tBTCF0:USTF0",
        "tETHBTC",
    )
    found = quoted("bitfinex", body, *ids)
    assert set(found) == {"tBTCUSD", "tBTCUST", "tUSTUSD", "tUDCUSD", "tDUSK:USD", "tNEOUSD"}
    bitcoin = found["tBTCUSD"]
    assert (bitcoin.price, bitcoin.change_24h, bitcoin.currency) == (Decimal(9137), Decimal("-0.28"), "usd")
    assert (bitcoin.low_24h, bitcoin.high_24h, bitcoin.at) == (Decimal("8982.1"), Decimal("9467.1"), None)
    assert bitcoin.volume_24h == Decimal("5723.038617") * 9137
    assert (found["tBTCUST"].price, found["tBTCUST"].currency) == (Decimal("9088.7"), "tether")
    assert (found["tUSTUSD"].price, found["tUSTUSD"].change_24h, found["tUSTUSD"].currency) == (
        Decimal("1.004"),
        0,
        "usd",
    )
    assert found["tUDCUSD"].price == 1
    assert (found["tDUSK:USD"].price, found["tDUSK:USD"].currency) == (Decimal("0.05679"), "usd")
    assert (found["tNEOUSD"].price, found["tNEOUSD"].change_24h) == (Decimal("10.453"), Decimal("-3.75"))


@pytest.mark.parametrize(
    ("market", "currency"),
    [
        ("tBTCUSD", "usd"),
        ("tBTCUST", "tether"),
        ("tBTCUDC", "usd-coin"),
        ("tDOGE:USD", "usd"),
        ("tDOGE:UST", "tether"),
        ("tTESTBTC:TESTUSD", None),
        ("tBTCF0:USTF0", None),
        ("tBTCEUR", None),
        ("fUSD", None),
        ("BTCUSD", None),
        ("tDOGEUSD", None),
    ],
)
def test_currency(market: str, currency: str | None) -> None:
    """UST is Tether and UDC is USDC here; longer names have a colon, and nothing is guessed without one."""
    assert currency_of(market) == currency


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'["error", 11010, "ratelimit: error"]', RateLimited),
        (b'["error", 10020, "symbols: invalid"]', NotFound),
        (b'["error", 20060, "maintenance"]', ServerFailed),
        (b'["error", 10000, "unknown"]', Malformed),
        (b'["error"]', Malformed),
        (b'{"error": "ERR_RATE_LIMIT"}', RateLimited),
        (b'{"error": "ERR_OTHER"}', Malformed),
        (b'[["tBTCUSD", 1, 2, 3]]', Malformed),
    ],
)
def test_errors(body: bytes, error: type[Exception], quoted: Any) -> None:
    """Errors are a list of words or an object; a row that is too short is no row."""
    with pytest.raises(error, match=r"^bitfinex: "):
        quoted("bitfinex", body, "tBTCUSD")


def test_stream_messages(quoted: Any, recording: Any) -> None:
    """Messages of the stream are another dialect."""
    with pytest.raises(Malformed):
        quoted("bitfinex", recording("bitfinex/ws_v2_ticker_messages.json"), "tBFTUSD")


@pytest.mark.parametrize(
    ("market", "symbol"),
    [("tBTCUSD", "BTC"), ("tDOGE:USD", "DOGE"), ("tUSTUSD", "UST"), ("tBTC:USD", None), ("tBTCEUR", None)],
)
def test_the_symbol_in_a_market(market: str, symbol: str | None) -> None:
    """Three letters stand together, more have a colon; everything else is no market of ours."""
    assert REGISTRY["bitfinex"].symbol_of(market) == symbol
