"""`ticker run` and its demo as a newcomer meets them."""

import json
import signal
import time
from pathlib import Path

import aiohttp
import pytest
from service import free_port, stand_ins, ticker, write_config

from ticker.commands.simulate import market_of
from ticker.config import load
from ticker.simulate import server as simulator
from ticker.sources import REGISTRY

SHIPPED = Path(__file__).resolve().parents[2] / "config"


def shipped(folder: Path) -> Path:
    """A copy of the shipped configuration."""
    folder.mkdir(parents=True)
    for name in ("ticker.toml", "coins.toml"):
        (folder / name).write_bytes((SHIPPED / name).read_bytes())
    return folder


async def test_the_demo_is_a_full_sidebar(tmp_path: Path) -> None:
    """From start to eleven agreed prices, on simulated sources, and every page says so."""
    started = time.monotonic()
    async with ticker("run", "--demo", config=shipped(tmp_path / "config")) as demo:
        prices = await demo.prices_when(lambda found: all(one["price"] for one in found.values()), "/v1/prices")
        took = time.monotonic() - started
        _, _, page = await demo.get("/")
        _, _, widget = await demo.get("/widget/list")
        _, _, body = await demo.get("/v1/prices")
        everything = await demo.prices()
        code = await demo.end()

    assert took < 15.0  # measured apart: 1.6 s on an idle machine
    assert len(prices) == 11
    assert {one["agreement"] for one in prices.values()} <= {"ok", "degraded"}
    assert everything["openvoicecoin"]["price"] is None
    assert len(everything) == 56
    assert "simulated" in page.lower()
    assert "simulated" in widget.lower()
    assert json.loads(body)["simulated"] is True
    assert code == 0


async def test_no_network_at_all_is_said_and_survived(tmp_path: Path) -> None:
    """Nobody answers: it says so and names the demo, serves an honest "—", and recovers when they do."""
    port = free_port()
    urls = {name: f"http://127.0.0.1:{port}/{name}" for name in REGISTRY}
    config = shipped(tmp_path / "config")
    async with ticker("run", config=config, environ=stand_ins(urls)) as service:
        await service.until("/readyz")
        await service.says("no source answers")
        status, _, html = await service.get("/widget/list")
        before = await service.prices("/v1/prices")
        simulation = await simulator.start(market_of(load(config, {})), port=port)
        try:
            await service.prices_when(lambda found: found["bitcoin"]["agreement"] == "ok")
        finally:
            await simulation.stop()
        log = service.log

    assert status == 200
    assert html.count('data-freshness="none"') == 11
    assert html.count("—") >= 11
    assert {one["price"] for one in before.values()} == {None}
    assert "make demo" in log
    assert log.count("no source answers") == 1
    assert "is back after" in log
    assert "Traceback" not in log


async def test_stopping_is_quick_and_clean(tmp_path: Path) -> None:
    """SIGTERM and SIGINT end it with code 0, within seconds, without a trace, while a client holds a connection."""
    for number in (signal.SIGTERM, signal.SIGINT):
        async with ticker("run", "--demo", config=shipped(tmp_path / number.name)) as demo:
            await demo.until("/readyz")
            async with aiohttp.ClientSession() as session, session.get(demo.origin + "/readyz"):
                started = time.monotonic()
                assert await demo.end(number) == 0
            assert time.monotonic() - started < 5
            assert "Traceback" not in demo.log


async def test_a_second_process_on_the_embedded_store_is_refused(tmp_path: Path) -> None:
    """By name, with exit code 3 and the way out; the first goes on."""
    config = write_config(tmp_path / "config", {"bitcoin": {"ids": {"kraken": "BTC/USD"}}})
    quiet = stand_ins({"kraken": "http://127.0.0.1:9"}, "60s")
    async with ticker("run", config=config, environ=quiet) as first:
        await first.until("/readyz")
        async with ticker("run", config=config, environ=quiet) as second:
            code = await second._process.wait()
            assert code == 3
            assert "store.sqlite3" in second.log
            assert "Redis" in second.log
        assert (await first.get("/readyz"))[0] == 200


@pytest.mark.redis
async def test_serve_before_redis_and_before_any_poller(tmp_path: Path, own_redis: object) -> None:
    """A server that starts first is alive, not ready, and ready as soon as a poller has published.

    It shows what the snapshot lists: it has no coins.toml, and would not read one that is broken.
    """
    own_redis.stop()  # type: ignore[attr-defined]
    config = write_config(tmp_path / "config", {"bitcoin": {"ids": {"kraken": "BTC/USD"}}})
    without = write_config(tmp_path / "without", {})
    (without / "coins.toml").write_text("this is no coin list")
    given = {**stand_ins({"kraken": "http://127.0.0.1:9"}), "TICKER_STORE_URL": own_redis.url}  # type: ignore[attr-defined]
    async with ticker("serve", config=without, environ=given) as server:
        await server.until("/healthz")
        assert (await server.get("/readyz"))[0] == 503
        assert (await server.get("/widget/list"))[0] == 503
        own_redis.start()  # type: ignore[attr-defined]
        async with ticker("poll", config=config, environ=given):
            await server.until("/readyz")
            assert (await server.get("/widget/list"))[0] == 200
