"""A small valid configuration that a test may spoil."""

from pathlib import Path

import pytest

COINS = """\
show = ["bitcoin"]

[coins.bitcoin]
name = "Bitcoin"
symbol = "BTC"
ids = { coingecko = "bitcoin", kraken = "BTC/USD", binance = "BTCUSDT" }

[coins.tether]
name = "Tether"
symbol = "USDT"

[coins.usd-coin]
name = "USDC"
symbol = "USDC"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an empty ticker.toml, and three coins in coins.toml."""
    (tmp_path / "ticker.toml").write_text("")
    (tmp_path / "coins.toml").write_text(COINS)
    return tmp_path
