"""Published charts of a coin that was redenominated begin with its present unit."""

import json
import time
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace
from past_store import CountingStore
from snapshots import COINS, price, snapshot

from ticker.commands.publish import _Publisher
from ticker.server.app import Serving
from ticker.static_folder import StaticFolder


@pytest.mark.parametrize("redenominated", [True, False])
async def test_no_line_goes_through_two_units(tmp_path: Path, redenominated: bool) -> None:
    """A thousandfold price of before is in no chart of a coin whose unit has changed since, and in all others."""
    now, store = time.time(), CountingStore()
    since = now - 3600 if redenominated else None
    coins = tuple(replace(coin, since=since) if coin.id == "bitcoin" else coin for coin in COINS)
    for minutes, value in ((180, "65000000"), (120, "64000000"), (30, "65000"), (15, "64900")):
        await store.add_points("1m", now - 60 * minutes, {"bitcoin": Decimal(value)})
    prices = (price("bitcoin", "64950", as_of=now), *snapshot().prices[1:])
    publisher = _Publisher(StaticFolder(tmp_path), Serving(), compress=False)
    publisher.folder.open()
    publisher.remember(store)
    await publisher.write(snapshot(coins=coins, prices=prices, built_at=now))
    publisher.folder.close()

    chart = (tmp_path / "widget" / "chart" / "bitcoin.html").read_text()
    assert ("65,000,000" in chart) is not redenominated
    assert json.loads((tmp_path / "v1" / "prices" / "bitcoin.json").read_text())["prices"][0]["price"] == "64950"
