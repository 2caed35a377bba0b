"""The running service and its configuration: edited under load, by every way there is, in both halves."""

import asyncio
import signal
from pathlib import Path

import pytest
from exam.edits import sit
from one_command import run
from redis_server import RedisServer
from service import stand_ins, ticker, write_config

BITCOIN = {"name": "Bitcoin", "symbol": "BTC", "ids": {"kraken": "BTC/USD"}}
NANO = {"name": "Nano", "symbol": "NANO", "ids": {"kraken": "NANO/USD"}}
NOBODY = stand_ins({"kraken": "http://127.0.0.1:9"}, "60s")


@pytest.mark.timeout(240)
async def test_forty_edits_under_load(tmp_path: Path) -> None:
    """Every list shown was valid when it was asked for, every valid one is shown with its prices, nothing fails."""
    outcome = await sit(40, 7, tmp_path)

    assert outcome.problems == []
    assert len(outcome.shown) + outcome.refused == 40
    assert outcome.refused > 3
    assert outcome.answers > 200


async def test_commands_and_a_signal_change_a_running_service(tmp_path: Path) -> None:
    """`ticker coins remove` is shown by the service that runs; SIGHUP is no end of it."""
    config = write_config(tmp_path / "config", {"bitcoin": BITCOIN, "nano": NANO})
    async with ticker("run", config=config, environ=NOBODY) as service:
        await service.until("/readyz")
        assert 'data-coin="nano"' in (await service.get("/widget/list"))[2]
        done = await run("coins", "remove", "nano", "--yes", "--config", str(config))
        assert done.code == 0, done.err
        await service.prices_when(lambda found: "nano" not in found)
        assert (await service.get("/v1/prices/nano"))[0] == 404
        await service.says("nano is gone; no longer in the list: nano")
        service.send(signal.SIGHUP)
        await service.says("the configuration is as it was")
        assert (await service.get("/readyz"))[0] == 200
        assert await service.end() == 0


@pytest.mark.redis
async def test_two_halves_have_a_folder_each(tmp_path: Path, own_redis: RedisServer) -> None:
    """Coins come from the poller's folder, what pages look like from the server's."""
    polls = write_config(tmp_path / "polls", {"bitcoin": BITCOIN})
    serves = write_config(tmp_path / "serves", {})
    environ = {**NOBODY, "TICKER_STORE_URL": own_redis.url}
    async with (
        ticker("poll", config=polls, environ=environ),
        ticker("serve", config=serves, environ=environ) as server,
    ):
        await server.until("/readyz")
        write_config(polls, {"nano": NANO, "bitcoin": BITCOIN})
        (serves / "ticker.toml").write_text('[display]\ntitle = "Kurse"\n')
        async with asyncio.timeout(20):
            while True:
                page = (await server.get("/widget/list"))[2]
                if "Kurse" in page and page.find('data-coin="nano"') in range(1, page.find('data-coin="bitcoin"')):
                    break
                await asyncio.sleep(0.05)
