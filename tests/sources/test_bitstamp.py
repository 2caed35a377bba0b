"""Bitstamp: its recorded answers, read by hand."""

import json
from decimal import Decimal
from typing import Any

import pytest

from ticker.errors import Malformed
from ticker.sources import REGISTRY, Request


def test_request() -> None:
    """One call for all markets; without the slash at the end it redirects."""
    assert REGISTRY["bitstamp"].requests(["BTC/USD"]) == [Request("/api/v2/ticker/")]


def as_listed(row: bytes, pair: str) -> bytes:
    """A row that was asked for alone, as the list of all has it: with the name of its market."""
    return json.dumps([json.loads(row) | {"pair": pair, "market": pair, "market_type": "SPOT"}]).encode()


def test_row_of_2024(quoted: Any, recording: Any) -> None:
    """Change over 24 hours in percent, not since the day's open; time in seconds; volume by the average price."""
    body = as_listed(recording("bitstamp/v2_ticker_btcusdt_2024-03-13.json"), "BTC/USDT")
    bitcoin = quoted("bitstamp", body, "BTC/USDT", "BTC/USD")["BTC/USDT"]
    assert (bitcoin.price, bitcoin.change_24h, bitcoin.currency) == (Decimal(73285), Decimal("1.58"), "tether")
    assert (bitcoin.low_24h, bitcoin.high_24h, bitcoin.at) == (Decimal(68626), Decimal(73656), 1710328241.0)
    assert bitcoin.volume_24h == Decimal("135.29692054") * 70853


def test_row_of_2017(quoted: Any, recording: Any) -> None:
    """A row from before there was a change of 24 hours has a price and no change."""
    body = as_listed(recording("bitstamp/v2_ticker_btcusd_2017.json"), "BTC/USD")
    bitcoin = quoted("bitstamp", body, "BTC/USD")["BTC/USD"]
    assert (bitcoin.price, bitcoin.change_24h, bitcoin.at) == (Decimal("4402.16"), None, 1507003445.0)


def test_docs_example(quoted: Any, recording: Any) -> None:
    """The documented row reads alike."""
    body = as_listed(recording("bitstamp/v2_ticker_btcusd_docs_example.json"), "BTC/USD")
    bitcoin = quoted("bitstamp", body, "BTC/USD")["BTC/USD"]
    assert (bitcoin.price, bitcoin.change_24h, bitcoin.at) == (Decimal(2211), Decimal("13.57"), 1643640186.0)


def test_perpetual_markets(quoted: Any, recording: Any) -> None:
    """A perpetual market in the list is no price of the coin, under its own name or another."""
    row = recording("bitstamp/v2_ticker_perpetual_row_2026-09.json")
    assert quoted("bitstamp", b"[" + row + b"]", "BTC/USD-PERP", "BTC/USD") == {}
    assert quoted("bitstamp", b"[" + row.replace(b"BTC/USD-PERP", b"BTC/USD") + b"]", "BTC/USD") == {}


@pytest.mark.parametrize(
    "file",
    [
        "v2_ticker_btcusd_2017",
        "v2_ticker_btcusd_docs_example",
        "v2_ticker_btcusdt_2024-03-13",
        "v2_ticker_perpetual_row_2026-09",
    ],
)
def test_one_market_is_another_dialect(file: str, quoted: Any, recording: Any) -> None:
    """The answer for one market does not say which, and is refused."""
    with pytest.raises(Malformed, match=r"^bitstamp: "):
        quoted("bitstamp", recording(f"bitstamp/{file}.json"), "BTC/USD", "BTC/USDT")


def test_error(quoted: Any) -> None:
    """An error is an object with its reason, which is kept."""
    with pytest.raises(Malformed, match="Invalid path"):
        quoted("bitstamp", b'{"status": "error", "reason": "Invalid path.", "code": "API0000"}', "BTC/USD")
