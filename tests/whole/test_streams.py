"""Streams in the running service: prices move between polls, soon, and go on by polls when a stream is dead."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from aiohttp import web
from service import Process, stand_ins, ticker, write_config

from ticker.simulate import server as simulator

VENUES = {"kraken": "BTC/USD", "coinbase": "BTC-USD", "bitstamp": "BTC/USD"}
STREAMING = ("kraken", "coinbase")


@asynccontextmanager
async def service(
    folder: Path,
    every: str,
    venues: Mapping[str, str] = VENUES,
    streams: Mapping[str, str] | None = None,
    environ: Mapping[str, str] = {},
) -> AsyncIterator[tuple[Process, simulator.Simulation]]:
    """The service on a simulated market of bitcoin, polled so often, and streamed from there or from elsewhere."""
    config = write_config(folder / "config", {"bitcoin": {"name": "Bitcoin", "symbol": "BTC", "ids": venues}})
    simulation = await simulator.start({name: {one: "bitcoin"} for name, one in venues.items()})
    urls = {name: simulation.base_urls[name] for name in venues}
    found = {name: simulation.stream_urls[name] for name in STREAMING} if streams is None else streams
    try:
        async with ticker("run", config=config, environ={**stand_ins(urls, every, found), **environ}) as process:
            await process.prices_when(lambda prices: prices["bitcoin"]["price"] is not None)
            yield process, simulation
    finally:
        await simulation.stop()


async def moves(process: Process, times: int, within: float = 20.0) -> None:
    """Wait until the price has changed so often."""
    seen: list[str] = []

    def another(prices: dict[str, Any]) -> bool:
        price = prices["bitcoin"]["price"]
        if price is not None and price not in seen[-1:]:
            seen.append(price)
        return len(seen) > times

    await process.prices_when(another, within=within)


async def connected(simulation: simulator.Simulation, count: int, within: float = 30.0) -> None:
    """Wait until so many streams are followed."""
    async with asyncio.timeout(within):
        while sum(simulation.streams.values()) != count:  # noqa: ASYNC110 - another process decides
            await asyncio.sleep(0.02)


async def test_prices_move_between_polls(tmp_path: Path) -> None:
    """Polled once an hour, the price moves every second or so: by what is streamed, and close to the market."""
    # Only the two that stream: a third that stands still for an hour may be the median of the three, and rightly so.
    venues = {name: VENUES[name] for name in STREAMING}
    async with service(tmp_path, "1h", venues) as (process, simulation):
        await connected(simulation, 2)
        await moves(process, 3)
        price = (await process.prices())["bitcoin"]
        true = simulation.market.price("bitcoin", time.time())
        log = process.log
        calls = dict(simulation.calls)

    assert {calls[name] for name in venues} == {1}
    assert abs(Decimal(price["price"]) / true - 1) < Decimal("0.002")
    assert price["agreement"] == "degraded"
    assert time.time() - datetime.fromisoformat(price["as_of"]).timestamp() < 5
    assert "streaming kraken, coinbase between polls" in log


async def test_dead_streams_cost_no_price(tmp_path: Path) -> None:
    """Killed streams: prices go on by polls alone, are told once a stream, and streams come back by themselves."""
    async with service(tmp_path, "1s") as (process, simulation):
        await connected(simulation, 2)
        for name in STREAMING:
            simulation.set_fault(name, "drop")
        await connected(simulation, 0)
        await process.says("the stream of kraken: ")
        await process.says("the stream of coinbase: ")
        await moves(process, 3)
        price = (await process.prices())["bitcoin"]
        for name in STREAMING:
            simulation.set_fault(name, None)
        await connected(simulation, 2)
        await process.says("the stream of kraken is back")
        await process.says("the stream of coinbase is back")
        log = process.log

    assert (price["agreement"], price["freshness"]) == ("ok", "live")
    assert log.count("the stream of kraken: ") == 1
    assert "Traceback" not in log


async def test_the_stand_in_dies_and_comes_back(tmp_path: Path) -> None:
    """Polls and streams are both cut off by the death of the other side; both go on when it lives again."""
    async with service(tmp_path, "1s") as (process, simulation):
        await connected(simulation, 2)
        port = simulation.port
        await simulation.stop()
        await process.says("the stream of kraken: ")
        await asyncio.sleep(2)
        kept = (await process.prices())["bitcoin"]["price"]
        await simulation.start(port=port)
        await connected(simulation, 2)
        await moves(process, 3)

    assert kept is not None


async def feeds(process: Process) -> dict[str, tuple[bool, bool, str | None]]:
    """What `/v1/status` says of each feed: whether it rests, is connected, has failed."""
    sources = json.loads((await process.get("/v1/status"))[2])["sources"]
    found = {one["name"]: one["stream"] for one in sources}
    return {name: (one["resting"], one["connected"], one["error"]) for name, one in found.items() if one}


async def test_feeds_rest_while_nobody_asks(tmp_path: Path) -> None:
    """Who asks how the service is does not count; prices are polled meanwhile; the first reader wakes the feeds."""
    resting = {"TICKER_SERVER_REST_AFTER": "10s"}
    async with service(tmp_path, "1s", environ=resting) as (process, simulation):
        await connected(simulation, 2)
        await process.says("live feeds rest, polls go on", within=40)
        await connected(simulation, 0)
        before = dict(simulation.calls)
        for path in ("/healthz", "/readyz", "/status", "/wp-login.php", "/"):
            await process.get(path)
        async with asyncio.timeout(20):
            while any(simulation.calls[name] < before[name] + 2 for name in VENUES):  # noqa: ASYNC110 - it is remote
                await asyncio.sleep(0.02)
        async with asyncio.timeout(20):
            while await feeds(process) != dict.fromkeys(STREAMING, (True, False, None)):  # noqa: ASYNC110 - it is remote
                await asyncio.sleep(0.1)
        assert sum(simulation.streams.values()) == 0
        price = (await process.prices())["bitcoin"]
        await connected(simulation, 2)
        await process.says("live feeds go on")
        await moves(process, 3)
    assert (price["agreement"], price["freshness"]) == ("ok", "live")


@asynccontextmanager
async def kraken() -> AsyncIterator[tuple[str, asyncio.Queue[str]]]:
    """A stream of Kraken's that says what a test puts into the queue, and otherwise only beats."""
    said: asyncio.Queue[str] = asyncio.Queue()

    async def talk(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        while not socket.closed:
            try:
                async with asyncio.timeout(1):
                    text = await said.get()
            except TimeoutError:
                text = '{"channel":"heartbeat"}'
            await socket.send_str(text)
        return socket

    app = web.Application()
    app.router.add_get("/v2", talk)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}/v2", said
    finally:
        await runner.cleanup()


async def test_a_streamed_price_is_served_within_a_second_or_so(tmp_path: Path) -> None:
    """From the exchange's word to our JSON: never more than `publish_every` and a little."""
    took: list[float] = []
    alone = {"kraken": "BTC/USD"}
    async with kraken() as (url, said), service(tmp_path, "1h", alone, {"kraken": url}) as (process, simulation):
        await process.says("streaming kraken between polls")
        price = simulation.market.price("bitcoin", time.time(), source="kraken").quantize(Decimal("0.1"))
        for number in range(1, 6):
            stamp = datetime.now(UTC).isoformat().replace("+00:00", "Z")
            wanted = price + number
            row = {"symbol": "BTC/USD", "last": float(wanted), "timestamp": stamp}
            started = time.monotonic()
            await said.put(json.dumps({"channel": "ticker", "type": "update", "data": [row]}))
            await process.prices_when(
                lambda found, wanted=wanted: Decimal(found["bitcoin"]["price"]) == wanted  # type: ignore[misc]
            )
            took.append(time.monotonic() - started)
            await asyncio.sleep(0.37)

    assert max(took) < 1.5, took
