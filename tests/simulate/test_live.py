"""The stand-in's streams over real WebSockets: each read by its adapter, and each fault as a client meets it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import aiohttp
import pytest
from simulate.stand import COINS, NOW, Stand

from ticker.errors import Malformed, NotFound, Refused, ServerFailed, SourceError, TimedOut, TooLarge, Unreachable
from ticker.simulate.server import Simulation
from ticker.sources import REGISTRY, Row, heard
from ticker.streaming import Channel, Streamer

STREAMING = [name for name, source in REGISTRY.items() if source.stream is not None]
every_stream = pytest.mark.parametrize("source", STREAMING)


@asynccontextmanager
async def following(stand: Stand, source: str, silence: float = 5.0) -> AsyncIterator[tuple[list[Row], Streamer]]:
    """Follow a stream as the service does; gives all rows."""
    stream = REGISTRY[source].stream
    assert stream is not None
    stream = type(stream)(stream.url, stream.subscribe, stream.read, silence, stream.ping, 0.2)
    rows: list[Row] = []
    url = stand.simulation.stream_urls[source]
    channel = Channel(source, stream, url, tuple(COINS[source]), allow_private=True)
    streamer = Streamer([channel], lambda _, found, __: rows.extend(found), chance=lambda: 0.05)
    task = asyncio.create_task(streamer.run())
    try:
        yield rows, streamer
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def some(rows: list[Row], count: int) -> list[Row]:
    """The rows once there are so many."""
    while len(rows) < count:  # noqa: ASYNC110 - they come from elsewhere
        await asyncio.sleep(0.01)
    return rows


async def test_the_sources_that_stream(stand: Stand) -> None:
    """Those with a stream of their own, and no other."""
    assert list(stand.simulation.stream_urls) == STREAMING


@every_stream
async def test_every_stream_is_read_by_its_adapter(stand: Stand, source: str) -> None:
    """At once every market, with the price, change, high and low that a poll has at that moment, and the time."""
    async with following(stand, source) as (rows, _):
        found = {row.id: row for row in await some(rows, len(COINS[source]))}

    assert set(found) == set(COINS[source])
    for one, coin in COINS[source].items():
        row, currency = found[one], REGISTRY[source].currency_of(one)
        assert row.currency == currency
        assert row.at is not None
        assert abs(row.at - NOW) < 0.001
        tick = stand.simulation.market.tick(one, coin, NOW, currency=str(currency), source=source)
        assert row.price == tick.price
        assert (row.high_24h, row.low_24h) == (tick.day.high, tick.day.low)
        assert row.change_24h is not None
        assert abs(row.change_24h - tick.change_24h) < Decimal("0.006")
        assert row.volume_24h is not None
        assert row.volume_24h > 0


@every_stream
async def test_prices_are_told_as_they_move(stand: Stand, source: str) -> None:
    """Nothing while the market stands, the new price of every market when it moves; numbers only grow."""
    count = len(COINS[source])
    async with following(stand, source) as (rows, streamer):
        await some(rows, count)
        await asyncio.sleep(0.7)
        assert len(rows) == count
        stand.clock.now += 60
        await some(rows, count + 1)
        assert rows[-1].at is not None
        assert abs(rows[-1].at - NOW - 60) < 0.001
        assert streamer.health[source].stale == 0


@every_stream
async def test_a_market_that_is_not_there_is_refused(stand: Stand, source: str) -> None:
    """In the words of the protocol, which the adapter understands, and the others are told."""
    stream = REGISTRY[source].stream
    assert stream is not None
    known, unknown = next(iter(COINS[source])), REGISTRY[source].id_example.replace("BTC", "NOPE")
    refused, rows = 0, []
    async with stand.session.ws_connect(stand.simulation.stream_urls[source]) as socket:
        for text in stream.subscribe([unknown, known]):
            await socket.send_str(text)
        while not (refused and rows):
            message = (await socket.receive(timeout=5)).data
            try:
                rows += heard(source, stream, message.encode())
            except NotFound as error:
                refused += unknown in error.cause
    assert [row.id for row in rows] == [known]


@every_stream
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("drop", Unreachable),
        ("reset", Unreachable),
        ("silence", TimedOut),
        ("garbage", Malformed),
        ("html", Malformed),
        ("empty", Malformed),
        ("truncate", Malformed),
        ("bomb", TooLarge),
        ("status:503", ServerFailed),
        ("status:451", Refused),
        ("slow:2s", TimedOut),
    ],
)
async def test_faults(stand: Stand, source: str, fault: str, kind: type[SourceError]) -> None:
    """Each ends the connection in its own way, and polls that are not meant do not notice."""
    only = "" if fault in ("drop", "silence", "slow:2s") else ";on=stream"
    stand.simulation.set_fault(source, fault + only)
    async with following(stand, source, silence=0.7) as (rows, streamer):
        while streamer.health[source].error is None:  # noqa: ASYNC110 - it comes from elsewhere
            await asyncio.sleep(0.01)
        assert type(streamer.health[source].error) is kind
        assert rows == []
    assert (await stand.ask(source)).status == 200


async def test_a_fault_in_the_middle_and_its_end(stand: Stand) -> None:
    """A stream that talks goes silent, is left, and is taken up again when the fault is over."""
    async with following(stand, "kraken", silence=1.5) as (rows, streamer):
        await some(rows, 3)
        stand.simulation.set_fault("kraken", "silence")
        while streamer.health["kraken"].error is None:  # noqa: ASYNC110 - it comes from elsewhere
            await asyncio.sleep(0.01)
        stand.simulation.set_fault("kraken", None)
        await some(rows, 6)
        assert streamer.health["kraken"].connected


async def test_prices_are_bent_at_one_door(stand: Stand) -> None:
    """A wrong price can be streamed while the polls are right."""
    stand.simulation.set_fault("okx", "scale:10;on=stream")
    async with following(stand, "okx") as (rows, _):
        found = {row.id: row.price for row in await some(rows, 2)}
    assert found["BTC-USDT"] == 10 * (await stand.price("okx", "BTC-USDT"))  # type: ignore[operator]


async def test_streams_are_counted_and_end_with_the_stand_in(stand: Stand) -> None:
    """Who listens is known, a connection is no poll, and stopping lets go of all of them quickly."""
    async with following(stand, "kraken") as (rows, _):
        await some(rows, 3)
        assert stand.simulation.streams == {"kraken": 1, "coinbase": 0, "okx": 0}
        assert stand.simulation.calls["kraken"] == 0
        started = asyncio.get_running_loop().time()
        await stand.simulation.stop()
        assert asyncio.get_running_loop().time() - started < 3
    assert stand.simulation.streams["kraken"] == 0


async def test_words_that_no_protocol_has(stand: Stand) -> None:
    """A client that talks nonsense gets each protocol's refusal, and nothing breaks."""
    for source, words in [("kraken", "Malformed"), ("coinbase", "Malformed"), ("okx", "60012")]:
        async with stand.session.ws_connect(stand.simulation.stream_urls[source]) as socket:
            for text in ("", "[]", "{", '{"op": 1}'):
                await socket.send_str(text)
                while words not in (await socket.receive_str(timeout=5)):
                    pass


async def test_a_poll_of_the_stream_s_path_is_no_stream(stand: Stand) -> None:
    """Without the handshake the path is none."""
    assert isinstance(stand.simulation, Simulation)
    url = stand.simulation.stream_urls["kraken"].replace("ws", "http", 1)
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 404
