"""Streams that are wanted change while they run: those that nothing changes for stay open."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from test_streaming import read, saying, silence, subscribe, talking, told, until

from ticker import streams
from ticker.sources import Row, Stream
from ticker.streaming import Channel
from ticker.streams import Streams


def channel(name: str, url: str, *ids: str) -> Channel:
    """A stream of these ids."""
    return Channel(name, FAKE, url, ids, allow_private=True)


FAKE = Stream("ws://127.0.0.1", subscribe, read, silence=5.0)


@asynccontextmanager
async def running(found: Streams) -> AsyncIterator[None]:
    """They run until the block ends."""
    task = asyncio.create_task(found.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_other_coins_other_places_other_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is new is opened, one that is gone closed, one with other coins opened anew, the rest stay open."""
    monkeypatch.setattr(streams, "PACE", 0.0)
    rows: list[tuple[str, Row]] = []
    async with talking(saying(told("1"), told("2", one="ETH"), then=silence)) as url:
        found = Streams(
            [channel("stays", url, "BTC"), channel("other", url, "BTC")],
            lambda name, many, _: rows.extend((name, row) for row in many),
        )
        async with running(found):
            await until(lambda: len(rows) == 2)
            other, new = channel("other", url, "BTC", "ETH"), channel("new", url, "ETH")
            found.reconfigure([channel("stays", url, "BTC"), other, new])
            await until(lambda: len(rows) == 5)
            assert {(name, row.id) for name, row in rows[2:]} == {("other", "BTC"), ("other", "ETH"), ("new", "ETH")}
            assert found.health["other"].rows == 3  # its counts go on
            found.reconfigure([channel("stays", url, "BTC")])
            await until(lambda: set(found._open) == {"stays"})
            assert set(found.health) == {"stays"}
            assert found.health["stays"].connected
            assert found.health["stays"].rows == 1


async def test_many_changes_are_few_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a list is edited, a source is connected to now and then; what is elsewhere is left at once."""
    monkeypatch.setattr(streams, "PACE", 3600.0)
    rows: list[Row] = []
    async with talking(saying(told("1"), then=silence)) as url, talking(saying(told("7"), then=silence)) as elsewhere:
        found = Streams([channel("a", url, "BTC")], lambda _, many, __: rows.extend(many))
        async with running(found):
            await until(lambda: len(rows) == 1)
            for number in range(50):
                found.reconfigure([channel("a", url, "BTC", f"C{number}")])
                await asyncio.sleep(0)
            await asyncio.sleep(0.05)
            assert len(rows) == 1
            found.reconfigure([channel("a", elsewhere, "BTC")])
            await until(lambda: [str(row.price) for row in rows] == ["1", "7"])


async def test_they_rest() -> None:
    """All are closed, and opened again with what is wanted by then; their counts go on."""
    rows: list[Row] = []
    async with talking(saying(told("1"), then=silence)) as url:
        found = Streams([channel("a", url, "BTC")], lambda _, many, __: rows.extend(many))
        async with running(found):
            await until(lambda: len(rows) == 1)
            found.rest()
            found.rest()
            await until(lambda: not found._open)
            assert (found.resting, found.health["a"].connected, found.health["a"].error) == (True, False, None)
            found.reconfigure([channel("a", url, "BTC"), channel("b", url, "BTC")])
            await asyncio.sleep(0.05)
            assert len(rows) == 1
            found.wake()
            found.wake()
            await until(lambda: len(rows) == 3)
            assert not found.resting
            assert {name: one.rows for name, one in found.health.items()} == {"a": 2, "b": 1}


async def test_who_told_us_to_wait_is_left_alone() -> None:
    """However often they rest and wake; another place has said nothing yet."""
    asked = 0

    async def refuse(_: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        return web.Response(status=429, headers={"Retry-After": "7200"})

    async with talking(refuse) as url, talking(saying(told("1"), then=silence)) as elsewhere:
        found = Streams([channel("a", url, "BTC")], lambda *_: None)
        async with running(found):
            await until(lambda: found.health["a"].error)
            for _ in range(5):
                found.rest()
                await until(lambda: not found._open)
                found.wake()
                await until(lambda: found._open)
                await asyncio.sleep(0.01)
            assert asked == 1
            found.reconfigure([channel("a", elsewhere, "BTC")])
            await until(lambda: found.health["a"].rows == 1)


@pytest.mark.parametrize("turns", range(12))
async def test_what_is_wanted_changes_while_one_is_closed(turns: int) -> None:
    """Closing takes some turns of the loop, in each of which a source may go: nothing ends by it."""
    async with talking(saying(told("1"), then=silence)) as url, talking(saying(told("2"), then=silence)) as elsewhere:
        found = Streams([channel("a", url, "BTC"), channel("b", url, "BTC")], lambda *_: None)
        async with running(found):
            await until(lambda: found.health["a"].rows + found.health["b"].rows == 2)
            found.reconfigure([channel("a", elsewhere, "BTC"), channel("b", url, "BTC")])
            for _ in range(turns):
                await asyncio.sleep(0)
            found.reconfigure([channel("b", url, "BTC")])
            await until(lambda: set(found._open) == {"b"})
            found.reconfigure([channel("b", url, "BTC"), channel("c", url, "BTC")])
            await until(lambda: found.health["c"].rows == 1)
            assert found.health["b"].connected
