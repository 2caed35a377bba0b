"""`pycoingecko` against the running service: the same prices as our own JSON has, to the last digit."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path

import pytest
from pycoingecko import CoinGeckoAPI
from service import ticker

SHIPPED = Path(__file__).resolve().parents[2] / "config"


def shipped(folder: Path) -> Path:
    """A copy of the shipped configuration."""
    folder.mkdir(parents=True)
    for name in ("ticker.toml", "coins.toml"):
        (folder / name).write_bytes((SHIPPED / name).read_bytes())
    return folder


async def test_both_languages_say_the_same(tmp_path: Path) -> None:
    """Every coin in every currency that the client is told of; a request line of 14 KiB gets through."""
    async with ticker("run", "--demo", config=shipped(tmp_path / "config")) as demo:
        await demo.prices_when(lambda found: all(one["price"] for one in found.values()), "/v1/prices")
        client = CoinGeckoAPI()
        client.api_base_url = f"{demo.origin}/api/v3/"
        ids = [coin["id"] for coin in await asyncio.to_thread(client.get_coins_list)]
        codes = await asyncio.to_thread(client.get_supported_vs_currencies)
        for _attempt in range(100):  # until no snapshot comes between the two answers
            _, before, _ = await demo.get("/v1/prices?coins=all&currency=eur")
            found = await asyncio.to_thread(client.get_price, ids, codes)
            _, after, text = await demo.get("/v1/prices?coins=all&currency=eur")
            if before["ETag"] == after["ETag"]:
                break
        else:
            pytest.fail("there was always a snapshot in between")
        padded = [*ids, *(f"not-a-coin-of-ours-{place:06}" for place in range(515 - len(ids)))]
        again = await asyncio.to_thread(client.get_price, padded, "usd")

    ours = {one["id"]: one["price"] for one in json.loads(text)["prices"] if one["agreement"] != "disputed"}
    assert set(found) == set(again) == set(ids)
    assert len(ids) == 56
    assert len(codes) > 60
    assert {coin: found[coin]["eur"] for coin in ours} == {
        coin: None if price is None else float(Decimal(price)) for coin, price in ours.items()
    }


async def test_it_can_be_switched_off(tmp_path: Path) -> None:
    """`TICKER_SERVER_DIALECT=false`: our own JSON alone."""
    environ = {"TICKER_SERVER_DIALECT": "false"}
    async with ticker("run", "--demo", config=shipped(tmp_path / "config"), environ=environ) as demo:
        await demo.until("/readyz")
        status, _, _ = await demo.get("/api/v3/ping")
        _, _, text = await demo.get("/v1/openapi.json")

    assert status == 404
    assert not any(path.startswith("/api/v3") for path in json.loads(text)["paths"])
