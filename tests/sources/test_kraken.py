"""Kraken: its recorded answers, read by hand."""

from decimal import Decimal
from typing import Any

import pytest

from ticker.errors import Malformed, NotFound, RateLimited, ServerFailed
from ticker.sources import REGISTRY, Request


def test_request() -> None:
    """One call for all markets, under their readable names."""
    assert REGISTRY["kraken"].requests(["BTC/USD"]) == [Request("/0/public/Ticker", (("assetVersion", "1"),))]


def test_all_markets(quoted: Any, recording: Any) -> None:
    """Last price, 24-hour high, low and volume, no change and no time; synthetic and dead markets give nothing."""
    body = recording("kraken/Ticker_all_assetVersion1_2026-07-23.json")
    ids = ("BTC/USD", "BTC/USDT", "NANO/USD", "USDT/USD", "USDC/USD", "XNO/USD", "AI16Z/USD", "0G/EUR", "ADA/USD:BTNL")
    found = quoted("kraken", body, *ids)
    assert set(found) == {"BTC/USD", "BTC/USDT", "NANO/USD", "USDT/USD", "USDC/USD"}
    bitcoin = found["BTC/USD"]
    assert (bitcoin.price, bitcoin.currency) == (Decimal("65670.3"), "usd")
    assert (bitcoin.low_24h, bitcoin.high_24h) == (Decimal("65287.2"), Decimal("66351.2"))
    assert bitcoin.volume_24h == Decimal("1163.24971332") * Decimal("65805.64322")
    assert (bitcoin.change_24h, bitcoin.at) == (None, None)
    assert (found["BTC/USDT"].price, found["BTC/USDT"].currency) == (Decimal(65718), "tether")
    assert (found["NANO/USD"].price, found["NANO/USD"].high_24h) == (Decimal("0.399580"), Decimal("0.493989"))
    assert (found["USDT/USD"].price, found["USDC/USD"].price) == (Decimal("0.99937"), Decimal("0.9999"))


def test_old_names(quoted: Any, recording: Any) -> None:
    """The answer of 2017 has the same shape; its only market is in euro and under its old name, so it is no quote."""
    assert quoted("kraken", recording("kraken/Ticker_BCHEUR_2017.json"), "BCHEUR", "BCH/EUR", "BTC/USD") == {}


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("EGeneral:Too many requests", RateLimited),
        ("EAPI:Rate limit exceeded", RateLimited),
        ("EService:Unavailable", ServerFailed),
        ("EGeneral:Invalid arguments", Malformed),
    ],
)
def test_messages(message: str, error: type[Exception], quoted: Any) -> None:
    """Errors come with HTTP 200, each with its class."""
    with pytest.raises(error, match=message):
        quoted("kraken", b'{"error": ["%s"]}' % message.encode(), "BTC/USD")


def test_unknown_pair(quoted: Any, recording: Any) -> None:
    """One unknown pair drops the whole answer, which says so."""
    with pytest.raises(NotFound, match=r"^kraken: .*EQuery:Unknown asset pair"):
        quoted("kraken", recording("kraken/error_unknown_pair_http200.json"), "BTC/USD")


@pytest.mark.parametrize("body", [b'{"error": []}', b'{"error": [], "result": null}'])
def test_neither_error_nor_result(body: bytes, quoted: Any) -> None:
    """No error and no result is no answer."""
    with pytest.raises(Malformed, match="neither"):
        quoted("kraken", body, "BTC/USD")


def test_stream_messages(quoted: Any, recording: Any) -> None:
    """Messages of the stream are another dialect."""
    with pytest.raises(Malformed):
        quoted("kraken", recording("kraken/ws_v1_ticker_messages.json"), "XMR/USD")
