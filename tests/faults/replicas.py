"""Replicas of the real service on one Redis, each with sources of its own, so that it shows who has asked whom."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from redis_server import RedisServer
from service import Process, stand_ins, ticker, write_config

from ticker.simulate import server as simulator

VENUES = {"kraken": "BTC/USD", "bitfinex": "tBTCUSD", "coinbase": "BTC-USD", "bitstamp": "BTC/USD"}
COINS = {"bitcoin": {"name": "Bitcoin", "symbol": "BTC", "ids": VENUES}}


class Replica:
    """One `ticker poll` and the stand-ins that only it asks."""

    def __init__(self, process: Process, sources: simulator.Simulation) -> None:
        self.process, self._sources = process, sources

    @property
    def calls(self) -> int:
        """How often it has asked its sources."""
        return sum(self._sources.calls.values())

    def send(self, number: signal.Signals) -> None:
        """Send its process a signal."""
        self.process.send(number)


class Replicas:
    """So many `ticker poll` on one Redis, started; and a way to start servers on it."""

    def __init__(self, redis: RedisServer, config: Path, every: str) -> None:
        self._redis, self._config, self._every = redis, config, every
        self._stack = AsyncExitStack()
        self.all: list[Replica] = []

    async def add(self) -> Replica:
        """Start another replica."""
        sources = await simulator.start({name: {one: "bitcoin"} for name, one in VENUES.items()})
        self._stack.push_async_callback(sources.stop)
        process = await self._stack.enter_async_context(
            ticker("poll", config=self._config, environ=self.environ(sources.base_urls))
        )
        self.all.append(Replica(process, sources))
        return self.all[-1]

    async def serve(self) -> Process:
        """Start a server."""
        server = await self._stack.enter_async_context(
            ticker("serve", config=self._config, environ={"TICKER_STORE_URL": self._redis.url})
        )
        await server.until("/healthz")
        return server

    def environ(self, base_urls: Mapping[str, str]) -> dict[str, str]:
        """What a replica is told."""
        urls = {name: base_urls[name] for name in VENUES}
        return {**stand_ins(urls, every=self._every), "TICKER_STORE_URL": self._redis.url}

    async def leader(self, *, but: Replica | None = None, within: float = 30.0) -> tuple[Replica, float]:
        """Wait until one of them leads, another than `but`; who, and after how many seconds."""
        began = time.monotonic()
        with self._redis.client() as client:
            while time.monotonic() - began < within:
                name = (client.get("{ticker}:leader") or b"").decode()
                for one in self.all:
                    if one is not but and f":{one.process.pid}:" in name:
                        return one, time.monotonic() - began
                await asyncio.sleep(0.02)
        raise AssertionError(f"nobody leads; the logs say:\n{''.join(one.process.log for one in self.all)}")

    async def close(self) -> None:
        """End all of them."""
        for one in self.all:
            with suppress(ProcessLookupError):
                one.send(signal.SIGCONT)
        await self._stack.aclose()


@asynccontextmanager
async def replicas(redis: RedisServer, folder: Path, number: int, every: str = "1s") -> AsyncIterator[Replicas]:
    """So many replicas until the block ends."""
    config = write_config(folder / "config", COINS)
    found = Replicas(redis, config, every)
    try:
        for _ in range(number):
            await found.add()
        yield found
    finally:
        await found.close()
