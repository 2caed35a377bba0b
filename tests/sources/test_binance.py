"""Binance: its recorded answers, read by hand."""

from decimal import Decimal
from typing import Any

import pytest

from ticker.errors import Malformed, NotFound, RateLimited, Refused
from ticker.sources import REGISTRY, Request, quotes


def test_request() -> None:
    """One call for all markets, since one unknown symbol fails a list of them."""
    assert REGISTRY["binance"].requests(["BTCUSDT"]) == [Request("/api/v3/ticker/24hr")]


def test_all_markets(quoted: Any, recording: Any) -> None:
    """Price, change in percent and time of each; of 1,235 rows with a price of zero not one is a quote."""
    body = recording("binance/api_v3_ticker_24hr_all_2024-01-05.json")
    ids = ("BTCUSDT", "BTCUSDC", "XNOUSDT", "NANOUSDT", "ARKUSDT", "WAVESUSDT", "USDCUSDT", "ARKBTC", "ARRRUSDT")
    found = quoted("binance", body, *ids)
    assert set(found) == {"BTCUSDT", "BTCUSDC", "XNOUSDT", "ARKUSDT", "WAVESUSDT", "USDCUSDT"}
    bitcoin = found["BTCUSDT"]
    assert (bitcoin.price, bitcoin.change_24h, bitcoin.currency) == (Decimal("43714.03"), Decimal("-1.198"), "tether")
    assert (bitcoin.low_24h, bitcoin.high_24h) == (Decimal(42450), Decimal("44729.58"))
    assert (bitcoin.volume_24h, bitcoin.at) == (Decimal("2167538240.48367050"), 1704489129.548)
    assert (found["BTCUSDC"].price, found["BTCUSDC"].currency) == (Decimal("43752.29"), "usd-coin")
    assert (found["XNOUSDT"].price, found["XNOUSDT"].change_24h) == (Decimal("1.129"), Decimal("-1.655"))
    assert (found["ARKUSDT"].price, found["ARKUSDT"].change_24h) == (Decimal("0.787"), Decimal("-6.765"))
    assert (found["WAVESUSDT"].price, found["WAVESUSDT"].change_24h) == (Decimal("2.498"), Decimal("-7.584"))
    assert (found["USDCUSDT"].price, found["USDCUSDT"].currency) == (Decimal("0.9992"), "tether")


def test_a_renamed_coin(recording: Any) -> None:
    """Listed under its old name at zero and under its new name at a price, a coin has the price."""
    body = recording("binance/api_v3_ticker_24hr_all_2024-01-05.json")
    found = quotes(REGISTRY["binance"], [body], {"nano": ("NANOUSDT", "XNOUSDT")}, received=0.0, poll=1)
    assert [(quote.coin, quote.price) for quote in found] == [("nano", Decimal("1.129"))]


def test_other_dollars(quoted: Any, recording: Any) -> None:
    """First Digital's, True's and Binance's own dollar are not the dollar: no quote, not even by mistake."""
    body = recording("binance/api_v3_ticker_24hr_all_2024-01-05.json")
    assert quoted("binance", body, "BTCFDUSD", "BTCTUSD", "BTCBUSD", "BTCUSD", "ETHBTC") == {}


@pytest.mark.parametrize(
    ("file", "one", "price", "change", "at"),
    [
        ("api_v1_ticker_24hr_all_2019-08-22", "BTCUSDT", "9912.33", "-4.322", 1566445106.532),
        ("api_v3_ticker_24hr_symbols_BTC_ETH", "BTCUSDT", "69624", "-3.691", 1730439018.472),
        ("api_v3_ticker_24hr_symbols_BTC_ETH", "ETHUSDT", "2509.72", "-5.165", 1730439018.420),
    ],
)
def test_other_lists(file: str, one: str, price: str, change: str, at: float, quoted: Any, recording: Any) -> None:
    """The first version's list, and the list of some symbols, have the same rows."""
    quote = quoted("binance", recording(f"binance/{file}.json"), one)[one]
    assert (quote.price, quote.change_24h, quote.at) == (Decimal(price), Decimal(change), at)


def test_one_symbol(quoted: Any, recording: Any) -> None:
    """One symbol asked for alone is a bare row, which is not what we ask for; in a list it reads."""
    row = recording("binance/api_v3_ticker_24hr_DOGEUSDT.json")
    with pytest.raises(Malformed):
        quoted("binance", row, "DOGEUSDT")
    doge = quoted("binance", b"[" + row + b"]", "DOGEUSDT")["DOGEUSDT"]
    assert (doge.price, doge.change_24h, doge.at) == (Decimal("0.2705"), Decimal("-3.14"), 1630042422.749)


@pytest.mark.parametrize(
    ("file", "error"),
    [
        ("error_451_restricted_location", Refused),
        ("error_418_ip_banned_2026-08-24", RateLimited),
        ("error_invalid_symbol", NotFound),
        ("ws_bookTicker_messages", Malformed),
        ("ws_miniTicker_combined_2025-06-06", Malformed),
    ],
)
def test_errors(file: str, error: type[Exception], quoted: Any, recording: Any) -> None:
    """A blocked place is a refusal, a ban is a rate limit; messages of the stream are another dialect."""
    with pytest.raises(error, match=r"^binance: "):
        quoted("binance", recording(f"binance/{file}.json"), "BTCUSDT")


def test_unknown_code(quoted: Any) -> None:
    """A code nobody has seen is malformed, with its words kept."""
    with pytest.raises(Malformed, match="-1000: unknown"):
        quoted("binance", b'{"code": -1000, "msg": "unknown"}', "BTCUSDT")
