"""Past prices of the real service: kept while it polls, handed out over HTTP, still there after a kill."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from redis_server import RedisServer
from service import Process, stand_ins, ticker, write_config

from ticker.simulate import server as simulator

VENUES = {"kraken": "BTC/USD", "bitfinex": "tBTCUSD", "coinbase": "BTC-USD", "bitstamp": "BTC/USD"}
COINS = {"bitcoin": {"name": "Bitcoin", "symbol": "BTC", "ids": VENUES}}


@asynccontextmanager
async def market() -> AsyncIterator[dict[str, str]]:
    """A simulated market of bitcoin on four dollar venues, as the environment that polls it."""
    simulation = await simulator.start({name: {one: "bitcoin"} for name, one in VENUES.items()})
    try:
        yield stand_ins({name: simulation.base_urls[name] for name in VENUES})
    finally:
        await simulation.stop()


async def points(server: Process, step: str) -> list[list[str]]:
    """What `/v1/history` has, once it has something."""
    await server.until("/readyz")
    async with asyncio.timeout(25):
        while True:
            status, _, text = await server.get(f"/v1/history/bitcoin?step={step}")
            if status == 200 and json.loads(text)["points"]:
                found: list[list[str]] = json.loads(text)["points"]
                return found
            await asyncio.sleep(0.2)


async def test_run_keeps_history_over_a_kill(tmp_path: Path) -> None:
    """`ticker run`, killed and started again: the point of the day is the first one still."""
    config = write_config(tmp_path / "config", COINS)
    async with market() as environ:
        async with ticker("run", config=config, environ=environ) as first:
            before = await points(first, "1d")
            await first.end(signal.SIGKILL)
        async with ticker("run", config=config, environ=environ) as second:
            await second.prices_when(lambda prices: prices["bitcoin"]["agreement"] == "ok")
            assert (await points(second, "1d"))[0] == before[0]
            assert Decimal(before[0][1]) > 0


@pytest.mark.redis
async def test_poll_keeps_and_serve_hands_out(tmp_path: Path, own_redis: RedisServer) -> None:
    """The two halves on one Redis; while it is away, history says so and prices go on."""
    config = write_config(tmp_path / "config", COINS)
    async with market() as environ:
        given = {**environ, "TICKER_STORE_URL": own_redis.url}
        async with (
            ticker("poll", config=config, environ=given),
            ticker("serve", config=config, environ=given) as server,
        ):
            for step in ("1m", "1h"):
                assert len(await points(server, step)) >= 1
            own_redis.kill()
            status, _, text = await server.get("/v1/history/bitcoin?step=1d")
            assert (status, json.loads(text)["error"]["code"]) == (503, "not_ready")
            assert (await server.prices())["bitcoin"]["price"] is not None
