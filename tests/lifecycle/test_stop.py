"""How a process ends: it says so first, loses nobody's answer, and is gone soon (trust rule 37)."""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from redis_server import RedisServer
from seeded import seeded
from service import Process, ticker, write_config

pytestmark = pytest.mark.redis


@asynccontextmanager
async def server(redis: RedisServer, folder: Path, drain: str) -> AsyncIterator[Process]:
    """`ticker serve` with prices to show, and this long to leave in."""
    prefix = folder.name
    await seeded(redis.url, prefix)
    environ = {"TICKER_STORE_URL": redis.url, "TICKER_STORE_PREFIX": prefix, "TICKER_SERVER_DRAIN": drain}
    async with ticker("serve", config=write_config(folder / "config", {}), environ=environ) as running:
        await running.until("/readyz")
        yield running


async def test_it_says_so_and_goes_on(shared_redis: RedisServer, tmp_path: Path) -> None:
    """After SIGTERM `/readyz` is 503 at once while everything else is answered, each answer ending its connection."""
    async with server(shared_redis, tmp_path, "60s") as running, aiohttp.ClientSession() as session:
        async with session.get(f"{running.origin}/widget/list") as before:
            assert "Connection" not in before.headers
        running.send(signal.SIGTERM)
        await running.until("/readyz", 503)
        async with session.get(f"{running.origin}/widget/list") as during:
            assert (during.status, during.headers["Connection"]) == (200, "close")
            assert "64,250.12" in await during.text()
        assert (await running.get("/healthz"))[0] == 200
        assert "leaving in 60 s; /readyz says so" in running.log


async def test_viewers_are_sent_elsewhere(shared_redis: RedisServer, tmp_path: Path) -> None:
    """Whoever watches is told when to come back, not all at once, and is let go; the exit code is 0."""
    async with server(shared_redis, tmp_path, "200ms") as running, aiohttp.ClientSession() as session:
        viewers = [await session.get(f"{running.origin}/v1/stream") for _ in range(5)]
        running.send(signal.SIGTERM)
        heard = [await viewer.text() for viewer in viewers]
        code = await running.ended()

    back = [int(re.findall(r"retry: (\d+)", text)[-1]) for text in heard]
    assert code == 0
    assert all(500 <= one <= 4000 for one in back)
    assert len(set(back)) > 1
    assert "Traceback" not in running.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_it_at_once(
    shared_redis: RedisServer, tmp_path: Path, number: signal.Signals
) -> None:
    """Whoever does not want to wait for the drain need not: the kernel ends it."""
    async with server(shared_redis, tmp_path, "60s") as running:
        running.send(number)
        await running.until("/readyz", 503)
        assert await running.end(number) == -number


async def test_without_a_drain_it_goes_at_once(shared_redis: RedisServer, tmp_path: Path) -> None:
    """The default, for a laptop: one Ctrl-C, and the prompt is back."""
    async with server(shared_redis, tmp_path, "0s") as running:
        assert await running.end(signal.SIGINT) == 0
        assert "leaving in" not in running.log


async def test_it_lives_and_ends_without_its_store(own_redis: RedisServer, tmp_path: Path) -> None:
    """Liveness asks nobody: with Redis hung the process is well, keeps its prices, and ends as quickly."""
    async with server(own_redis, tmp_path, "0s") as running:
        own_redis.pause()
        assert (await running.get("/healthz"))[0] == (await running.get("/readyz"))[0] == 200
        async with asyncio.timeout(20):
            assert await running.end() == 0
        own_redis.resume()


SCRIPT = """
import sys, threading, time
from ticker.commands import lifecycle
lifecycle.LONGEST_END = 0.2
ending = lifecycle.Ending()
ending.begin()
{}
threading.Thread(target=time.sleep, args=(60,)).start()
"""


@pytest.mark.parametrize(("orderly", "code", "said"), [("", 70, "not ended within 0.2 s"), ("ending.orderly()", 0, "")])
def test_an_end_that_hangs_is_cut_short(orderly: str, code: int, said: str) -> None:
    """A thread that never comes back holds no process; where all that matters had ended, that is no failure."""
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(orderly)], capture_output=True, text=True, check=False, timeout=30
    )

    assert ended.returncode == code
    assert said in ended.stderr
