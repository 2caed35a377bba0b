"""OKX: its recorded answers, read by hand."""

from decimal import Decimal
from typing import Any

import pytest

from ticker.errors import Malformed, NotFound, RateLimited, ServerFailed
from ticker.sources import REGISTRY, Request


def test_request() -> None:
    """One call for all spot markets."""
    assert REGISTRY["okx"].requests(["BTC-USDT"]) == [Request("/api/v5/market/tickers", (("instType", "SPOT"),))]


def test_one_market(quoted: Any, recording: Any) -> None:
    """Strings throughout, milliseconds, change from the open of 24 hours ago and not of the day."""
    found = quoted("okx", recording("okx/v5_market_ticker_BTC-USDT_2026-08-22.json"), "BTC-USDT", "ETH-USDT")
    assert set(found) == {"BTC-USDT"}
    bitcoin = found["BTC-USDT"]
    assert (bitcoin.price, bitcoin.currency, bitcoin.at) == (Decimal("77218.1"), "tether", 1787416524.064)
    assert bitcoin.change_24h is not None
    assert round(bitcoin.change_24h, 6) == Decimal("-0.136698")
    assert (bitcoin.low_24h, bitcoin.high_24h) == (Decimal(76515), Decimal("78832.2"))
    assert bitcoin.volume_24h == Decimal("652281908.20076346")


def test_message_of_the_stream(quoted: Any, recording: Any) -> None:
    """A row of the stream is a row of the list; its envelope is not."""
    message = recording("okx/ws_v5_tickers_DOGE-USDT_2021-11-12.json")
    with pytest.raises(Malformed):
        quoted("okx", message, "DOGE-USDT")
    rows = message[message.index(b'"data"') :]
    doge = quoted("okx", b'{"code": "0", ' + rows, "DOGE-USDT")["DOGE-USDT"]
    assert (doge.price, doge.at) == (Decimal("0.254381"), 1636737706.397)


def test_swaps_are_no_coins(quoted: Any, recording: Any) -> None:
    """The documentation's swaps have no currency of ours."""
    body = recording("okx/v5_market_tickers_docs_example.json")
    assert quoted("okx", body, "LTC-USD-SWAP", "BTC-USD-SWAP", "BTC-USD") == {}


@pytest.mark.parametrize("file", ["spot_v3_instruments_ticker_2020-03-27_LEGACY", "ws_v5_tickers_messages"])
def test_other_dialects(file: str, quoted: Any, recording: Any) -> None:
    """The third version of the API, and a list of messages, are refused."""
    with pytest.raises(Malformed, match=r"^okx: "):
        quoted("okx", recording(f"okx/{file}.json"), "BTC-USDT")


def test_rate_limit(quoted: Any, recording: Any) -> None:
    """What it drops for asking too often it says with HTTP 200 and no data."""
    with pytest.raises(RateLimited, match="50011: Too Many Requests"):
        quoted("okx", recording("okx/error_50011_rate_limit_2026-08-22.json"), "BTC-USDT")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"code": "51001", "msg": "Instrument ID does not exist", "data": []}', NotFound),
        (b'{"code": "50001", "msg": "Service temporarily unavailable"}', ServerFailed),
        (b'{"code": "50013", "msg": "Systems are busy"}', ServerFailed),
        (b'{"code": "50014", "msg": "Parameter can not be empty"}', Malformed),
        (b'{"code": "0", "msg": ""}', Malformed),
    ],
)
def test_codes(body: bytes, error: type[Exception], quoted: Any) -> None:
    """Errors come with HTTP 200, each with its class; a success without data is no answer."""
    with pytest.raises(error):
        quoted("okx", body, "BTC-USDT")
