"""KuCoin: its recorded answers, read by hand."""

from decimal import Decimal
from typing import Any

import pytest

from ticker.errors import Malformed, RateLimited
from ticker.sources import REGISTRY, Request


def test_request() -> None:
    """One call for all markets."""
    assert REGISTRY["kucoin"].requests(["BTC-USDT"]) == [Request("/api/v1/market/allTickers")]


def test_all_markets(quoted: Any, recording: Any) -> None:
    """The change is a fraction (0.0129 is 1.29 %); rows without high and low are rows."""
    body = recording("kucoin/v1_market_allTickers_2019-02-21.json")
    found = quoted("kucoin", body, "BTC-USDT", "NANO-USDT", "NEO-USDT", "LTC-USDT", "XNO-USDT", "OMX-ETH")
    assert set(found) == {"BTC-USDT", "NANO-USDT", "NEO-USDT", "LTC-USDT"}
    assert {quote.at for quote in found.values()} == {1550733025.332}
    assert {quote.currency for quote in found.values()} == {"tether"}
    bitcoin = found["BTC-USDT"]
    assert (bitcoin.price, bitcoin.change_24h) == (Decimal("3962.704301"), Decimal("1.29"))
    assert (bitcoin.low_24h, bitcoin.high_24h) == (Decimal("3900.38490728"), Decimal(4050))
    assert bitcoin.volume_24h is None
    assert (found["NANO-USDT"].price, found["NANO-USDT"].change_24h) == (Decimal("0.910819"), Decimal("1.01"))
    assert (found["NEO-USDT"].price, found["NEO-USDT"].change_24h) == (Decimal("8.97633"), Decimal("4.17"))
    assert (found["LTC-USDT"].price, found["LTC-USDT"].change_24h) == (Decimal("50.400418"), Decimal("5.66"))


def test_docs_example(quoted: Any, recording: Any) -> None:
    """The documented row of 2020 reads alike, with its volume in the quote currency."""
    bitcoin = quoted("kucoin", recording("kucoin/v1_market_allTickers_docs_example.json"), "BTC-USDT")["BTC-USDT"]
    assert (bitcoin.price, bitcoin.change_24h) == (Decimal("11328.9"), Decimal("-0.55"))
    assert (bitcoin.at, bitcoin.volume_24h) == (1602832092.06, Decimal("25984946.157790431"))


def test_rate_limit(quoted: Any, recording: Any) -> None:
    """The rate limit has a code of its own and no data."""
    with pytest.raises(RateLimited, match=r"^kucoin: .*429000"):
        quoted("kucoin", recording("kucoin/error_429000_rate_limit.json"), "BTC-USDT")


@pytest.mark.parametrize("body", [b'{"code": "400100", "msg": "Bad"}', b'{"code": "200000"}'])
def test_codes(body: bytes, quoted: Any) -> None:
    """Any other code, and a success without data, is malformed."""
    with pytest.raises(Malformed):
        quoted("kucoin", body, "BTC-USDT")


def test_stream_messages(quoted: Any, recording: Any) -> None:
    """Messages of the stream are another dialect."""
    with pytest.raises(Malformed):
        quoted("kucoin", recording("kucoin/ws_market_ticker_messages.json"), "SNX-BTC")
