"""Live feeds rest while nobody looks: who counts as looking, and when they go on."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from fakes import Clock

from ticker.commands import polling, resting
from ticker.commands.resting import Audience, rest
from ticker.metrics.figures import Serving
from ticker.server.seen import DOORS, PRICED
from ticker.sources import Stream
from ticker.streaming import Channel
from ticker.streams import PACE, Streams

FEED = Channel("a", Stream("ws://127.0.0.1", lambda _: [], lambda _: []), "ws://127.0.0.1", ("BTC",))


class Server:
    """What a server has counted so far."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.viewers = 0

    def __call__(self) -> Serving:
        return Serving(self.requests, self.viewers, 0, 0, 0, None, store_up=True)


def test_whoever_is_given_prices_is_there() -> None:
    """Pages, JSON and open streams are somebody; probes, status, strangers' guesses and metrics are nobody."""
    clock, server = Clock(), Server()
    audience = Audience(server, clock)
    assert audience.gone_for() == 0
    nobody = {"health", "status", "other", "page", "openapi", "snippet", "oembed", "coins", "history"}
    assert nobody | PRICED == set(DOORS), "a new door: does it give prices of now?"
    for door in sorted(nobody):
        clock.now += 10
        server.requests[door, 200] += 1
        assert audience.gone_for() > 0
    server.requests["widget", 404] += 1
    assert audience.gone_for() == 10 * len(nobody)
    for door in sorted(PRICED):
        clock.now += 10
        server.requests[door, 304] += 1
        assert audience.gone_for() == 0
    clock.now += 10
    assert audience.gone_for() == 10
    server.viewers = 1
    assert audience.gone_for() == 0
    clock.now += 3600
    assert audience.gone_for() == 0
    server.viewers = 0
    clock.now += 1
    assert audience.gone_for() == 1


@asynccontextmanager
async def looking(streams: Streams, audience: Audience, after: list[float]) -> AsyncIterator[None]:
    """They are let rest, or not, until the block ends."""
    task = asyncio.create_task(rest(streams, audience, lambda: after[-1]))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def becomes(streams: Streams, *, rests: bool) -> None:
    """Wait until they rest, or do not."""
    while streams.resting is not rests:  # noqa: ASYNC110 - a look is made now and then
        await asyncio.sleep(0.001)


async def test_they_rest_and_go_on(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """After the time that is configured at present, which may be never; told at length only the first time."""
    monkeypatch.setattr(resting, "LOOK", 0.001)
    monkeypatch.setattr(resting, "LOOK_AWAKE", 0.001)
    caplog.set_level("INFO")
    clock, server, streams, after = Clock(), Server(), Streams([FEED], lambda *_: None), [600.0]
    async with looking(streams, Audience(server, clock), after):
        clock.now += 599
        await asyncio.sleep(0.02)
        assert not streams.resting
        clock.now += 1
        await becomes(streams, rests=True)
        server.requests["widget", 200] += 1
        await becomes(streams, rests=False)
        clock.now += 600
        await becomes(streams, rests=True)
        after.append(0.0)
        await becomes(streams, rests=False)
        clock.now += 1e6
        await asyncio.sleep(0.02)
        assert not streams.resting
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "nobody asked for prices for 10m",
        "live feeds go on",
    ]


async def test_however_short_it_is(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Sources count connections: a reader every few seconds does not make one each."""
    monkeypatch.setattr(resting, "LOOK", 0.001)
    caplog.set_level("INFO")
    monkeypatch.setattr(resting, "LOOK_AWAKE", 0.001)
    clock, server, streams = Clock(), Server(), Streams([FEED], lambda *_: None)
    async with looking(streams, Audience(server, clock), [0.1]):
        clock.now += PACE - 1
        await asyncio.sleep(0.02)
        assert not streams.resting
        clock.now += 1
        await becomes(streams, rests=True)
    assert "nobody asked for prices for 10s" in caplog.text


async def test_a_fault_of_ours_wakes_them(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Rather too many connections than prices that move once a minute for ever."""
    monkeypatch.setattr(resting, "LOOK", 0.001)
    monkeypatch.setattr(resting, "LOOK_AWAKE", 0.001)
    clock, streams = Clock(), Streams([FEED], lambda *_: None)
    audience = Audience(Server(), clock)
    async with looking(streams, audience, [600.0]):
        clock.now += 600
        await becomes(streams, rests=True)
        monkeypatch.setattr(audience, "_figures", None)
        await becomes(streams, rests=False)
    assert "live feeds go on" in caplog.text


async def test_without_feeds_nothing_is_said(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """There is nothing to rest."""
    monkeypatch.setattr(resting, "LOOK_AWAKE", 0.001)
    caplog.set_level("INFO")
    clock, streams = Clock(), Streams([], lambda *_: None)
    async with looking(streams, Audience(Server(), clock), [600.0]):
        clock.now += 6000
        await asyncio.sleep(0.02)
    assert (streams.resting, caplog.text) == (False, "")


@pytest.mark.parametrize(
    ("url", "serves", "rests"),
    [("embedded:a", True, True), ("embedded:a", False, False), ("redis://127.0.0.1", True, False)],
)
async def test_only_who_knows_all_readers(url: str, serves: bool, rests: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who polls for other processes never rests: they may have readers."""
    begun: list[Streams] = []

    async def rest(streams: Streams, *_: object) -> None:
        begun.append(streams)

    monkeypatch.setattr(resting, "rest", rest)
    reloader = SimpleNamespace(config=SimpleNamespace(store=SimpleNamespace(url=url)))
    seeing = SimpleNamespace(served=Server() if serves else None)
    streams = Streams([FEED], lambda *_: None)
    await polling._rest(streams, seeing, reloader)  # type: ignore[arg-type]
    assert begun == [streams] * rests
