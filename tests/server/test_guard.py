"""Slow and crowding connections: closed in time, on both roads, and nobody else notices (trust rule 30)."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import uvloop
from aiohttp import web
from fakes import Clock
from loopback import HeldFeed
from server.roads import Road
from snapshots import snapshot

from ticker.server.app import Serving, make_app
from ticker.server.guard import Bounds, Guard
from ticker.server.remembered import Remembered
from ticker.server.runner import GUARD, Runner

QUESTION = b"GET /v1/prices HTTP/1.1\r\nHost: a.example\r\n\r\n"
PATIENCE = 30.0


@asynccontextmanager
async def served(bounds: Bounds, *, lane: bool) -> AsyncIterator[tuple[int, Guard]]:
    """A server on a real port, by its port and its guard."""
    clock = Clock()
    app = make_app(HeldFeed(snapshot()), Serving(), clock)  # type: ignore[arg-type]
    runner = Runner(app, bounds, Remembered(clock) if lane else None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=2048).start()
    try:
        yield int(runner.addresses[0][1]), app[GUARD]
    finally:
        await runner.cleanup()


async def opened(port: int, first: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that has said this much."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(first)
    return reader, writer


async def over(reader: asyncio.StreamReader) -> bytes:
    """What came until it was closed."""
    async with asyncio.timeout(PATIENCE):
        with suppress(ConnectionError):
            return await reader.read()
    return b""


@pytest.mark.parametrize("lane", [True, False], ids=["lane", "no lane"])
async def test_a_thousand_half_heads_are_closed_and_nobody_else_notices(lane: bool) -> None:
    """Half a head, or nothing: all closed without an answer, while healthy requests are answered, every one."""
    halves = (b"", b"G", b"GET /v1/prices HTTP/1.1\r\nHost: a", QUESTION[:-2], QUESTION + QUESTION[:30])
    async with served(Bounds(header=1.0), lane=lane) as (port, guard):
        reader, writer = await opened(port, QUESTION)
        await reader.readuntil(b"}]}")
        slow = [await opened(port, halves[i % len(halves)]) for i in range(1000)]
        answered = 0
        ends = asyncio.gather(*(over(one) for one, _ in slow))
        while not ends.done():
            writer.write(QUESTION)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            length = next(int(line[16:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length: "))
            await reader.readexactly(length)
            answered += 1
            await asyncio.sleep(0.005)
        sent = await ends

        assert [one for i, one in enumerate(sent) if i % 5 != 4] == [b""] * 800
        assert all(one.startswith(b"HTTP/1.1 200 ") for one in sent[4::5])
        assert guard.ended["header"] == 1000
        assert guard.connections == 1
        assert answered > 3
        for _, one in [*slow, (reader, writer)]:
            one.close()


@pytest.mark.parametrize("lane", [True, False], ids=["lane", "no lane"])
async def test_a_head_in_drops_is_closed(lane: bool) -> None:
    """That something keeps coming does not help."""
    async with served(Bounds(header=0.5), lane=lane) as (port, guard):
        reader, writer = await opened(port, b"GET /v1/prices HTTP/1.1\r\n")
        ended = asyncio.create_task(over(reader))
        while not ended.done():
            with suppress(ConnectionError):
                writer.write(b"X: y\r\n")
            await asyncio.sleep(0.02)
        assert await ended == b""
        assert guard.ended["header"] == 1
        writer.close()


@pytest.mark.parametrize("lane", [True, False], ids=["lane", "no lane"])
async def test_an_idle_connection_is_closed(lane: bool) -> None:
    """After the time for keeping it alive, counted from its last answer, whichever road gave that."""
    loop = asyncio.get_running_loop()
    async with Road(lane=lane, bounds=Bounds(keep_alive=500.0)) as road:
        visit = road.visit()
        for _ in range(8):
            await visit.ask(QUESTION)
            visit.protocol._next_keepalive_close_time -= 400.0  # so much time has passed
            began = loop.time()
            await visit.ask(QUESTION)
            assert visit.protocol._next_keepalive_close_time >= began + 500.0
        assert bool(road.remembered.answered) == lane
        await visit.leave()
    async with Road(lane=lane, bounds=Bounds(keep_alive=0.2)) as road:
        visit = road.visit()
        await visit.ask(QUESTION, QUESTION, QUESTION, QUESTION)
        async with asyncio.timeout(PATIENCE):
            while not visit.pipe.closed:  # noqa: ASYNC110 - a transport has no event
                await asyncio.sleep(0.02)
        await visit.leave()


async def test_a_reader_that_does_not_read_is_ended() -> None:
    """It has so long to take an answer, then what waits for it is dropped."""
    async with Road(lane=True, bounds=Bounds(taking=0.2, header=600.0)) as road:
        visit = road.visit()
        await visit.quiet()
        visit.pipe.stuck = True
        await visit.say(QUESTION)
        async with asyncio.timeout(PATIENCE):
            while not visit.pipe.aborted:  # noqa: ASYNC110 - a transport has no event
                await asyncio.sleep(0.02)
        await visit.leave()


@pytest.mark.parametrize("lane", [True, False], ids=["lane", "no lane"])
@pytest.mark.parametrize(("keep_alive", "taking"), [(2.0, 3.0), (600.0, 0.5)], ids=["closed first", "kept"])
@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_one_that_leaves_a_little_is_ended(
    loop: Callable[[], asyncio.AbstractEventLoop], keep_alive: float, taking: float, lane: bool
) -> None:
    """However little it does not take, and also where its time to be kept alive is over first: closing alone would wait
    for it, and it would keep others out for as long as it likes.
    """

    async def leave_a_little() -> None:
        async with served(Bounds(taking=taking, keep_alive=keep_alive, connections=1), lane=lane) as (port, guard):
            with socket.socket() as one:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                one.setblocking(False)
                await asyncio.get_running_loop().sock_connect(one, ("127.0.0.1", port))
                async with asyncio.timeout(PATIENCE):
                    waits = 0
                    while not waits:
                        await asyncio.get_running_loop().sock_sendall(one, QUESTION)
                        await asyncio.sleep(0.001)
                        for connection in guard._there:
                            waits = connection.transport.get_write_buffer_size()
                    assert waits < 64 * 1024  # less than what anybody else calls much
                    while guard.connections:  # noqa: ASYNC110 - a guard has no event
                        await asyncio.sleep(0.02)
                assert guard.ended["taking"] == 1
                reader, writer = await opened(port, QUESTION)
                assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
                writer.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(leave_a_little())


async def test_one_that_reads_in_time_stays() -> None:
    """The time begins anew each time."""
    async with Road(lane=True, bounds=Bounds(taking=600.0)) as road:
        visit = road.visit()
        await visit.quiet()
        for _ in range(3):
            visit.pipe.stuck = True
            await visit.say(QUESTION)
            await visit.quiet()
            visit.pipe.take()
        assert road.runner.app[GUARD]._since["taking"] == {}
        assert not visit.pipe.closed
        await visit.leave()


@pytest.mark.parametrize("lane", [True, False], ids=["lane", "no lane"])
async def test_too_many_connections_push_out_the_idle(lane: bool) -> None:
    """At the cap, one more gets the place of one on which nobody waits: the longest there goes first."""
    async with served(Bounds(connections=3), lane=lane) as (port, guard):
        first = [await opened(port, b"") for _ in range(3)]
        async with asyncio.timeout(PATIENCE):
            while guard.connections < 3:  # noqa: ASYNC110 - it is in another task
                await asyncio.sleep(0.01)
        reader, writer = await opened(port, QUESTION)
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200")
        assert await over(first[0][0]) == b""
        assert (guard.connections, guard.ended["room"]) == (3, 1)
        for _, one in [*first, (reader, writer)]:
            one.close()


async def test_where_all_are_at_work_one_more_is_refused() -> None:
    """With 503, at once, and told when to come back; and when one has gone there is room again."""
    async with Road(lane=True, bounds=Bounds(connections=2)) as road:
        visits = [road.visit() for _ in range(2)]
        for visit in visits:
            await visit.quiet()
            visit.pipe.stuck = True
            await visit.say(QUESTION)
            await visit.quiet()
        late = road.visit()
        assert bytes(late.pipe.sent).startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 30\r\n" in late.pipe.sent
        assert late.pipe.closed
        late.protocol.connection_lost(None)
        assert road.runner.app[GUARD].ended["refused"] == 1
        await visits[0].leave()
        again = road.visit()
        assert not again.pipe.closed
        for visit in (visits[1], again):
            await visit.leave()
        assert road.runner.app[GUARD].connections == 0


@pytest.mark.parametrize("lane", [True, False], ids=["lane", "no lane"])
async def test_heads_that_end_anywhere_in_a_packet_are_heads(lane: bool) -> None:
    """A client whose packets never end where its requests do is not slow: each whole head sets it right again."""
    async with Road(lane=lane) as road:
        guard, visit = road.runner.app[GUARD], road.visit()
        await visit.ask(QUESTION[:10])
        since = guard._since["header"][visit.protocol]
        for _ in range(5):
            assert len(await visit.ask(QUESTION[10:] + QUESTION[:10])) == 1
            assert guard._since["header"][visit.protocol] > since
            since = guard._since["header"][visit.protocol]
            await asyncio.sleep(0.001)
        await visit.ask(QUESTION[10:])
        assert guard._since["header"] == {}
        await visit.leave()


async def test_a_large_body_is_refused_on_both_roads() -> None:
    """Nobody has anything to send us; what is longer than a kilobyte is not read."""
    for lane in (True, False):
        async with served(Bounds(), lane=lane) as (port, _):
            reader, writer = await opened(
                port, b"POST /v1/prices HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\nConnection: close\r\n\r\n"
            )
            writer.write(b"x" * 5000)
            assert (await over(reader)).startswith(b"HTTP/1.1 405 ")
            writer.close()


async def test_viewers_are_no_longer_guarded() -> None:
    """A connection that went over to a live stream counts there, and has no deadline here."""
    async with served(Bounds(), lane=True) as (port, guard):
        reader, writer = await opened(port, b"GET /v1/stream HTTP/1.1\r\nHost: a.example\r\n\r\n")
        assert (await reader.readuntil(b"\n\n")).startswith(b"HTTP/1.1 200 OK")
        assert guard.connections == 0
        assert guard._since == {"header": {}, "taking": {}}
        writer.close()


async def test_the_timer_stops_where_there_is_nothing_to_watch() -> None:
    """An idle server has none."""
    async with Road(lane=True, bounds=Bounds(header=0.1)) as road:
        guard = road.runner.app[GUARD]
        visit = road.visit()
        await visit.ask(QUESTION)
        async with asyncio.timeout(PATIENCE):
            while guard._timer is not None:  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.02)
        assert not visit.pipe.closed
        await visit.leave()


async def test_whatever_is_due_first_is_ended_first() -> None:
    """A short time that begins while a long one runs is not kept waiting by it."""
    async with Road(lane=True, bounds=Bounds(taking=600.0, header=0.1)) as road:
        stuck = road.visit()
        await stuck.ask(QUESTION)
        stuck.pipe.stuck = True
        await stuck.ask(QUESTION)
        late = road.visit()
        async with asyncio.timeout(PATIENCE):
            while not late.pipe.closed:  # noqa: ASYNC110 - a transport has no event
                await asyncio.sleep(0.02)
        assert not stuck.pipe.closed
        for visit in (stuck, late):
            await visit.leave()
