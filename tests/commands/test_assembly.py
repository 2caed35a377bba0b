"""From a configuration to the streams that are followed."""

from pathlib import Path

from service import write_config

from ticker.commands.assembly import channels, serving
from ticker.config import load
from ticker.server.stream import Limits
from ticker.sources import REGISTRY

COINS = {
    "bitcoin": {"ids": {"kraken": ["XBT/USD", "BTC/USD"], "okx": "BTC-USDT", "bitstamp": "BTC/USD"}},
    "ethereum": {"ids": {"kraken": "ETH/USD"}},
}


def test_only_sources_that_are_polled_and_stream_are_followed(tmp_path: Path) -> None:
    """Every id of ours, once; not a source that is off, has no coin of ours, no stream, or may not stream."""
    config = load(write_config(tmp_path, COINS), {})
    kraken, okx = channels(config)
    assert (kraken.source, kraken.url) == ("kraken", "wss://ws.kraken.com/v2")
    assert kraken.ids == ("XBT/USD", "BTC/USD", "ETH/USD")
    assert (okx.source, okx.stream, okx.ids, okx.allow_private) == ("okx", REGISTRY["okx"].stream, ("BTC-USDT",), False)

    environ = {"TICKER_SOURCES_KRAKEN_STREAM": "false", "TICKER_SOURCES_OKX_ENABLED": "false"}
    assert channels(load(tmp_path, environ)) == []


def test_a_stand_in_is_followed_where_it_may_be(tmp_path: Path) -> None:
    """The address is the given one, and private only where the source allows it."""
    environ = {
        "TICKER_SOURCES_KRAKEN_STREAM_URL": "ws://127.0.0.1:9000/kraken/v2",
        "TICKER_SOURCES_KRAKEN_ALLOW_PRIVATE": "true",
    }
    kraken, _ = channels(load(write_config(tmp_path, COINS), environ))
    assert (kraken.url, kraken.allow_private) == ("ws://127.0.0.1:9000/kraken/v2", True)


def test_the_server_is_told_its_bounds(tmp_path: Path) -> None:
    """How many may watch, from one address too, and whose word on addresses counts."""
    environ = {
        "TICKER_SERVER_MAX_VIEWERS": "500",
        "TICKER_SERVER_MAX_VIEWERS_PER_ADDRESS": "5",
        "TICKER_SERVER_TRUSTED_PROXIES": "10.0.0.0/8",
    }
    told = serving(load(write_config(tmp_path, COINS), environ))
    assert told.limits == Limits(500, 5)
    assert told.trusted_proxies == ("10.0.0.0/8",)
