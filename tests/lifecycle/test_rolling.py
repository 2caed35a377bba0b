"""Two servers behind nginx are restarted one after the other under load: nobody's GET fails, viewers come back."""

import asyncio
import contextlib
import re
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from nginx import nginx
from redis_server import RedisServer
from seeded import seeded
from service import Process, free_port, ticker, write_config

HTTP = """
    upstream ticker {{
        server 127.0.0.1:{first} max_fails=0;
        server 127.0.0.1:{second} max_fails=0;
        keepalive 16;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://ticker;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_next_upstream error timeout http_503;
            proxy_read_timeout 60s;
        }}
    }}
"""
PATHS = ("/widget/list", "/v1/prices", "/embed/label/bitcoin", "/badge/bitcoin.svg", "/embed.js")
READERS, VIEWERS = 8, 4


class Crowd:
    """Readers who ask without a pause, and viewers who come back as a browser does, after their `retry`."""

    def __init__(self, origin: str, session: aiohttp.ClientSession) -> None:
        self._origin, self._session = origin, session
        self.answered, self.failed = 0, list[str]()
        self.watching, self.returns = 0, list[int]()

    async def let_in(self) -> None:
        """Wait until somebody answers."""
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with self._session.get(f"{self._origin}/healthz") as response:
                        if response.status == 200:
                            return
                await asyncio.sleep(0.02)

    async def goes_on(self) -> None:
        """Wait until all viewers watch, and a hundred more are answered."""
        seen = self.answered
        async with asyncio.timeout(30):
            while self.answered < seen + 100 or self.watching < VIEWERS:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def read(self, number: int) -> None:
        path = PATHS[number % len(PATHS)]
        while True:
            try:
                async with self._session.get(self._origin + path) as response:
                    body = await response.read()
                    if response.status != 200 or not body:
                        self.failed.append(f"{path}: {response.status}")
            except aiohttp.ClientError as error:
                self.failed.append(f"{path}: {error!r}")
            self.answered += 1
            await asyncio.sleep(0.005)

    async def watch(self) -> None:
        retry = 3000
        while True:
            async with self._session.get(f"{self._origin}/v1/stream") as response:
                assert response.status == 200
                self.watching += 1
                async for line in response.content:
                    if told := re.match(rb"retry: (\d+)", line):
                        retry = int(told[1])
                self.watching -= 1
            self.returns.append(retry)
            await asyncio.sleep(retry / 1000)


@pytest.mark.redis
async def test_a_rolling_restart(shared_redis: RedisServer, tmp_path: Path) -> None:
    """0 failed GETs of thousands; every viewer is told to be back within 4 s, and is."""
    ports = (free_port(), free_port())
    front = free_port()
    config = write_config(tmp_path / "config", {})
    prefix = tmp_path.name
    await seeded(shared_redis.url, prefix)
    environ = {
        "TICKER_STORE_URL": shared_redis.url,
        "TICKER_STORE_PREFIX": prefix,
        "TICKER_SERVER_DRAIN": "500ms",
        "TICKER_SERVER_TRUSTED_PROXIES": "127.0.0.1",
    }
    async with (
        AsyncExitStack() as stack,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
    ):

        async def started(port: int) -> Process:
            running = await stack.enter_async_context(ticker("serve", config=config, environ=environ, port=port))
            await running.until("/readyz")
            return running

        servers = [await started(port) for port in ports]
        stack.enter_context(nginx(tmp_path, HTTP.format(first=ports[0], second=ports[1], port=front)))
        crowd = Crowd(f"http://127.0.0.1:{front}", session)
        await crowd.let_in()
        tasks = [asyncio.create_task(crowd.read(number)) for number in range(READERS)]
        tasks += [asyncio.create_task(crowd.watch()) for _ in range(VIEWERS)]
        await crowd.goes_on()
        for port, old in zip(ports, servers, strict=True):
            old.send(signal.SIGTERM)
            assert await old.ended() == 0
            await started(port)
            await crowd.goes_on()
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)

    assert crowd.failed == []
    assert [one for one in ended if not isinstance(one, asyncio.CancelledError)] == []
    assert len(crowd.returns) >= VIEWERS
    assert max(crowd.returns) <= 4000
