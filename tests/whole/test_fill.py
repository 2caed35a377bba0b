"""`ticker history fill` as ops run it, and the service that fills in its own new coins."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from one_command import run, type_into
from redis_server import RedisServer
from service import stand_ins, ticker, write_config

from ticker.simulate import server as simulator
from ticker.simulate.server import Simulation
from ticker.store import open_store

IDS = {
    "coingecko": {"bitcoin": "bitcoin", "nano": "nano"},
    "kraken": {"BTC/USD": "bitcoin"},
    "bitfinex": {"tBTCUSD": "bitcoin"},
}
WEEK = (167, 168)  # in the second half of an hour the last point is nearer to the next one, which is not there yet
WHOLE = [f"2 coins, {2 * count} hours from CoinGecko" for count in WEEK]
COINS = {
    "bitcoin": {
        "name": "Bitcoin",
        "symbol": "BTC",
        "ids": {"coingecko": "bitcoin", "kraken": "BTC/USD", "bitfinex": "tBTCUSD"},
    },
    "nano": {"name": "Nano", "symbol": "NANO", "ids": {"coingecko": "nano"}},
    "ark": {"name": "ARK", "symbol": "ARK", "ids": {"kraken": "ARK/USD"}},
}


@asynccontextmanager
async def market() -> AsyncIterator[tuple[Simulation, dict[str, str]]]:
    """A simulated market on three sources, and the environment that asks it."""
    simulation = await simulator.start(IDS)
    try:
        yield simulation, stand_ins({name: simulation.base_urls[name] for name in IDS})
    finally:
        await simulation.stop()


async def hours(path: Path, coin: str) -> int:
    """How many of them are in an embedded store."""
    store = open_store(f"embedded:{path}")
    await store.open()
    try:
        return len(await store.points(coin, "1h", 0, 1e12))
    finally:
        await store.close()


async def test_the_command_fills_in_and_says_what_it_did(tmp_path: Path) -> None:
    """Plain lines where there is no terminal, a bar where there is; what is not filled in has its reason."""
    config, path = write_config(tmp_path / "config", COINS), tmp_path / "store.sqlite3"
    words = ("history", "fill", "--config", str(config), "--store", f"embedded:{path}")
    async with market() as (simulation, environ):
        done = await run(*words, environ=environ)
        assert (done.code, done.err) == (0, "")
        *lines, last = done.out.splitlines()
        assert lines == [
            "asking CoinGecko for 7 days of 2 coins",
            "ark: not filled in: has no id on CoinGecko",
            "tether: not filled in: has no id on CoinGecko",
            "usd-coin: not filled in: has no id on CoinGecko",
        ]
        assert last in WHOLE
        assert simulation.calls["coingecko"] == 1
        assert (await hours(path, "fill:nano") in WEEK, await hours(path, "nano")) == (True, 0)
        drawn = await type_into("", *words, environ=environ)
        assert drawn.code == 0
        assert "100%" in drawn.out


async def test_a_source_that_is_down_or_off(tmp_path: Path) -> None:
    """Exit code 4 with its error; 1 where it may not be asked at all."""
    config = write_config(tmp_path / "config", COINS)
    words = ("history", "fill", "--config", str(config), "--store", f"embedded:{tmp_path}/store.sqlite3")
    async with market() as (simulation, environ):
        simulation.set_fault("coingecko", "status:503")
        failed = await run(*words, environ=environ)
        assert (failed.code, "coingecko: It fails on its own side" in failed.err) == (4, True)
        off = await run(*words, environ={**environ, "TICKER_SOURCES_COINGECKO_ENABLED": "false"})
        assert (off.code, "ticker: CoinGecko is where the past comes from" in off.err) == (1, True)


async def test_a_service_fills_in_its_new_coins_and_keeps_its_store(tmp_path: Path) -> None:
    """By itself, once; the command says who has the store; changes and history are our own still."""
    config = write_config(tmp_path / "config", COINS)
    async with market() as (simulation, environ):
        async with ticker("run", config=config, environ=environ) as server:
            await server.says("drawings of 2 new coins begin with 7 days of CoinGecko")
            async with asyncio.timeout(20):
                path = "/widget/chart/bitcoin?range=7d&css=none"
                while 'class="mp-told"' not in (await server.get(path))[2]:  # noqa: ASYNC110 - it is remote
                    await asyncio.sleep(0.1)
            _, _, text = await server.get("/v1/history/bitcoin?step=1h")
            assert len(json.loads(text)["points"]) <= 2
            store = f"embedded:{config}/store.sqlite3"
            busy = await run("history", "fill", "--config", str(config), "--store", store, environ=environ)
            assert busy.code == 3
            assert "already in use by another ticker" in busy.err
            assert "stop the service that has it" in busy.err
            await server.end()
        assert await hours(config / "store.sqlite3", "fill:bitcoin") in WEEK
        async with ticker("run", config=config, environ=environ) as again:
            await again.prices_when(lambda prices: prices["bitcoin"]["price"] is not None)
            calls = simulation.calls["coingecko"]
            async with asyncio.timeout(20):
                while simulation.calls["coingecko"] < calls + 2:  # noqa: ASYNC110 - two turns later
                    await asyncio.sleep(0.1)
            assert "drawings of" not in again.log


async def test_a_service_that_shall_not(tmp_path: Path) -> None:
    """`[history] fill = false`: CoinGecko is asked for prices only."""
    config = write_config(tmp_path / "config", COINS)
    async with (
        market() as (_, environ),
        ticker("run", config=config, environ={**environ, "TICKER_HISTORY_FILL": "false"}) as server,
    ):
        await server.prices_when(lambda prices: prices["bitcoin"]["price"] is not None)
        await server.end()
        assert "drawings of" not in server.log
    assert await hours(config / "store.sqlite3", "fill:bitcoin") == 0


@pytest.mark.redis
async def test_redis_is_filled_while_the_service_runs(tmp_path: Path, own_redis: RedisServer) -> None:
    """There a store serves many processes, so nothing has to stop; hours are held against settled prices."""
    config = write_config(tmp_path / "config", COINS)
    async with market() as (_, environ):
        given = {**environ, "TICKER_STORE_URL": own_redis.url, "TICKER_HISTORY_FILL": "false"}
        async with ticker("run", config=config, environ=given) as server:
            await server.prices_when(lambda prices: prices["nano"]["price"] is not None)
            done = await run("history", "fill", "--config", str(config), environ=given)
            assert (done.code, done.err) == (0, "")
            assert done.out.splitlines()[-1] in WHOLE
            async with asyncio.timeout(20):
                path = "/widget/chart/nano?range=7d&css=none"
                while 'class="mp-told"' not in (await server.get(path))[2]:  # noqa: ASYNC110 - it is remote
                    await asyncio.sleep(0.1)


async def test_a_unit_trap_is_told(tmp_path: Path) -> None:
    """CoinGecko counts in thousands of what everybody else counts: its prices are outvoted, and its hours refused."""
    config = write_config(tmp_path / "config", COINS)
    path = tmp_path / "store.sqlite3"
    words = ("--config", str(config), "--store", f"embedded:{path}")
    async with market() as (simulation, environ):
        given = {**environ, "TICKER_STORE_URL": f"embedded:{path}", "TICKER_HISTORY_FILL": "false"}
        async with ticker("run", config=config, environ=given) as server:
            await server.prices_when(lambda prices: prices["bitcoin"]["agreement"] in ("ok", "degraded"))
            await server.end()
        simulation.set_fault("coingecko", "scale:1000")
        done = await run("history", "fill", *words, environ=environ)
        assert done.code == 0
        assert "bitcoin: not filled in: its last price," in done.out
        assert await hours(path, "fill:bitcoin") == 0
