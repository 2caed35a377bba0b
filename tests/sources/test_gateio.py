"""Gate.io: its recorded answers, read by hand."""

from decimal import Decimal
from typing import Any

import pytest

from ticker.errors import Malformed, NotFound, RateLimited
from ticker.sources import REGISTRY, Request


def test_request() -> None:
    """One call for all markets."""
    assert REGISTRY["gateio"].requests(["BTC_USDT"]) == [Request("/api/v4/spot/tickers")]


def test_two_markets(quoted: Any, recording: Any) -> None:
    """The change is percent already, and there is no time."""
    ether = quoted("gateio", recording("gateio/v4_spot_tickers_2026-07-27.json"), "ETH_USDT", "BTC_USDT")["ETH_USDT"]
    assert (ether.price, ether.change_24h, ether.currency) == (Decimal("1958.48"), Decimal("4.04"), "tether")
    assert (ether.low_24h, ether.high_24h, ether.at) == (Decimal("1882.06"), Decimal(1981), None)
    assert ether.volume_24h == Decimal("223794044.653381")


def test_one_market(quoted: Any, recording: Any) -> None:
    """One market asked for alone is a list of one."""
    bitcoin = quoted("gateio", recording("gateio/v4_spot_tickers_BTC_USDT_2026.json"), "BTC_USDT")["BTC_USDT"]
    assert (bitcoin.price, bitcoin.change_24h) == (Decimal("67502.7"), Decimal("0.37"))


def test_leveraged_tokens(quoted: Any, recording: Any) -> None:
    """A leveraged token is no coin and gives no quote; its neighbours do, down to 0.00003885."""
    body = recording("gateio/v4_spot_tickers_2026.json")
    found = quoted("gateio", body, "SUSHI3L_USDT", "AR3S_USDT", "RATS_USDT", "TCOM_USDT", "LAVA_USDT")
    assert {one: (quote.price, quote.change_24h) for one, quote in found.items()} == {
        "RATS_USDT": (Decimal("0.00003885"), Decimal("5.17")),
        "TCOM_USDT": (Decimal("0.01255"), Decimal("0.72")),
        "LAVA_USDT": (Decimal("0.02955"), Decimal("-6.39")),
    }


@pytest.mark.parametrize("file", ["api2_1_tickers_2017_LEGACY", "ws_spot_tickers_messages"])
def test_other_dialects(file: str, quoted: Any, recording: Any) -> None:
    """The second version of the API, and messages of the stream, are refused."""
    with pytest.raises(Malformed, match=r"^gateio: "):
        quoted("gateio", recording(f"gateio/{file}.json"), "btc_usdt", "BTC_USDT")


@pytest.mark.parametrize(
    ("label", "error"),
    [
        ("TOO_MANY_REQUESTS", RateLimited),
        ("INVALID_CURRENCY_PAIR", NotFound),
        ("INVALID_CURRENCY", NotFound),
        ("SERVER_ERROR", Malformed),
    ],
)
def test_labels(label: str, error: type[Exception], quoted: Any) -> None:
    """Errors are known by their label, where a list is due."""
    with pytest.raises(error, match=f"{label}: no"):
        quoted("gateio", b'{"label": "%s", "message": "no"}' % label.encode(), "BTC_USDT")
