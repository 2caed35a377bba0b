"""The real service, seen from outside: its status, its metrics and its log, with secrets planted in its settings."""

import asyncio
import contextlib
import json
from decimal import Decimal
from pathlib import Path

import aiohttp
from service import free_port, stand_ins, ticker, write_config

from ticker.commands.simulate import market_of
from ticker.config import load
from ticker.simulate import server as simulator
from ticker.simulate.faults import Fault

COINS = {"bitcoin": {"ids": {"coingecko": "bitcoin", "kraken": "BTC/USD", "coinbase": "BTC-USD"}}}
SECRETS = {
    "TICKER_SOURCES_COINGECKO_KEY": "planted-coingecko-key",
    "TICKER_SOURCES_COINMARKETCAP_KEY": "planted-coinmarketcap-key",
    "TICKER_ALERTS_WEBHOOK": "https://hooks.example.org/planted-webhook",
}


async def test_one_service_from_all_sides(tmp_path: Path) -> None:
    """A source that fails is down on every side; no secret and no address is on any."""
    config = write_config(tmp_path / "config", COINS)
    faults = {"kraken": Fault("status", Decimal(503))}
    simulation = await simulator.start(market_of(load(config, {})), faults=faults)
    port = free_port()
    urls = {name: simulation.base_urls[name] for name in ("coingecko", "kraken", "coinbase")}
    environ = {
        **stand_ins(urls),
        **SECRETS,
        "TICKER_SERVER_METRICS_PORT": str(port),
        "TICKER_SERVER_ACCESS_LOG": "true",
        "TICKER_HISTORY_FILL": "false",
    }
    sides: list[str] = []
    try:
        async with ticker("run", "--log-format", "json", config=config, environ=environ) as service:
            async with asyncio.timeout(40):
                while True:
                    with contextlib.suppress(aiohttp.ClientError):
                        status, _, text = await service.get("/v1/status")
                        found = json.loads(text)
                        states = {one["name"]: one["condition"] for one in found["sources"]}
                        if status == 200 and states.get("kraken") == "down" and states.get("coinbase") == "up":
                            break
                    await asyncio.sleep(0.05)
            sides += [text, (await service.get("/status"))[2]]
            refused, headers, text = await service.get("/v1/prices?coins=nope")
            address = f"http://127.0.0.1:{port}/metrics"
            async with aiohttp.ClientSession() as session, session.get(address) as response:
                metrics = await response.text()
            sides += [text, metrics]
            assert await service.end() == 0
            sides.append(service.log)
    finally:
        await simulation.stop()

    assert found["verdict"] == "ok"
    assert found["poller"]["instance"] == found["server"]["instance"]
    assert {one["name"]: one["error"] and one["error"]["code"] for one in found["sources"]}["kraken"] == "server_failed"
    assert 'ticker_source_up{source="kraken"} 0.0' in metrics
    assert 'ticker_requests_total{door="prices",status="404"} 1.0' in metrics
    lines = [json.loads(line) for line in service.log.splitlines()]
    (line,) = [one for one in lines if "/v1/prices?coins=nope" in one["message"]]
    assert refused == 404
    assert line["request"] == headers["X-Request-ID"]
    for side in sides:
        assert "planted" not in side
    assert not [one for one in lines if one["logger"] == "ticker.access" and "127.0.0.1" in one["message"]]
