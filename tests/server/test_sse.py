"""`/v1/stream` over real sockets, on both event loops: nothing of a viewer stays, and none holds up another."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
import uvloop
from aiohttp import web
from fakes import Clock
from server.viewers import Feed, Frame, frames
from snapshots import price, snapshot

from ticker.model import Coin, Snapshot
from ticker.server import hub, stream
from ticker.server.app import STREAM, Serving, make_app
from ticker.server.stream import Limits, Stream

PATIENCE = 10.0  # seconds for what is certain to come
OTHERS = snapshot().prices[1:]
MANY = tuple(Coin(f"coin-{number}", f"Coin {number}", "C") for number in range(250))


class Browser:
    """A raw connection that reads a stream, or does not."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer, self.got = reader, writer, b""

    @property
    def frames(self) -> list[Frame]:
        return frames(self.got)

    @property
    def head(self) -> str:
        return self.got.partition(b"\r\n\r\n")[0].decode()

    async def until(self, done: Callable[[], bool]) -> None:
        """Read on until it is so."""
        async with asyncio.timeout(PATIENCE):
            while not done():
                data = await self.reader.read(65_536)
                assert data, f"the stream ended early: {self.got[-300:]!r}"
                self.got += data

    async def to_the_end(self) -> None:
        async with asyncio.timeout(PATIENCE):
            self.got += await self.reader.read()

    async def until_gone(self) -> None:
        with contextlib.suppress(ConnectionError):
            await self.to_the_end()

    async def leave(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


class Site:
    """A running server."""

    def __init__(self, feed: Feed, clock: Clock, runner: web.AppRunner) -> None:
        self.feed, self.clock, self.app, self.port = feed, clock, runner.app, runner.addresses[0][1]
        self.stop = runner.cleanup
        self.browsers: list[Browser] = []

    @property
    def stream(self) -> Stream:
        return self.app[STREAM]

    async def request(self, text: str, *, buffer: int | None = None) -> Browser:
        """Send a request, and be ready to read. With a `buffer` the kernel takes no more than so many bytes."""
        sock = socket.socket()
        if buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=sock, limit=4096)
        writer.write(text.encode())
        self.browsers.append(Browser(reader, writer))
        return self.browsers[-1]

    async def watch(self, query: str = "", *headers: str, buffer: int | None = None) -> Browser:
        return await self.request(
            "".join(f"{line}\r\n" for line in (f"GET /v1/stream{query} HTTP/1.1", "Host: a", *headers, "")),
            buffer=buffer,
        )

    async def get(self, path: str, *headers: str) -> tuple[str, dict[str, Any]]:
        """The head of an answer, and its JSON."""
        lines = (f"GET {path} HTTP/1.1", "Host: a", "Connection: close", *headers, "")
        browser = await self.request("".join(f"{line}\r\n" for line in lines))
        await browser.to_the_end()
        return browser.head, json.loads(browser.got.partition(b"\r\n\r\n")[2])

    async def so(self, done: Callable[[], bool]) -> None:
        """Wait until the server has come so far."""
        async with asyncio.timeout(PATIENCE):
            while not done():  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)


@asynccontextmanager
async def site(held: Snapshot | None = None, **serving: Any) -> AsyncIterator[Site]:
    """A server on a free port."""
    feed, clock = Feed(held or snapshot()), Clock()
    app = make_app(feed, Serving(**serving), clock)  # type: ignore[arg-type]
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", 0)
    await listener.start()
    found = Site(feed, clock, runner)
    try:
        yield found
    finally:
        await runner.cleanup()
        for browser in found.browsers:
            await browser.leave()


Play = Callable[[], Coroutine[Any, Any, None]]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def on_the_loop(request: pytest.FixtureRequest) -> Callable[[Play], None]:
    """Runs a play on one of the loops that the service runs on."""

    def run(play: Play) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(play())

    return run


def moved(seq: int, value: str) -> Snapshot:
    """A snapshot with another price of bitcoin."""
    return snapshot(seq, prices=(price("bitcoin", value), *OTHERS))


def crowded(seq: int) -> Snapshot:
    """250 coins that all have a new price: a frame of about 100 KB."""
    prices = tuple(price(coin.id, str(Decimal(seq) + number)) for number, coin in enumerate(MANY))
    return snapshot(seq, coins=MANY, shown=tuple(coin.id for coin in MANY), prices=prices)


def test_a_viewer_sees_what_changes(on_the_loop: Callable[[Play], None]) -> None:
    """Headers for proxies and pages, a retry, everything, then what changed, in text too."""

    async def play() -> None:
        async with site() as server:
            browser = await server.watch("?coins=bitcoin,ethereum&locale=de", "Origin: https://news.example")
            await browser.until(lambda: len(browser.frames) == 1)
            server.feed.tell(moved(2, "65000"))
            await browser.until(lambda: len(browser.frames) == 2)

            lines = browser.head.split("\r\n")
            assert lines[0] == "HTTP/1.1 200 OK"
            assert {
                "Content-Type: text/event-stream",
                "Cache-Control: no-store",
                "X-Accel-Buffering: no",
                "Connection: close",
                "Access-Control-Allow-Origin: *",
                "X-Content-Type-Options: nosniff",
                "Server: ticker",
                "Date: Fri, 15 Jan 2027 08:00:00 GMT",
            } <= set(lines)
            assert browser.got.partition(b"\r\n\r\n")[2].startswith(b"retry: ")
            first, second = browser.frames
            assert (first.id, first.full, set(first.prices)) == ("7-1", True, {"bitcoin", "ethereum"})
            assert (second.id, second.full, set(second.prices)) == ("7-2", False, {"bitcoin"})
            assert second.prices["bitcoin"]["text"]["price"] == "65.000,00\u00a0$"

    on_the_loop(play)


def test_a_viewer_comes_back_to_what_it_missed(on_the_loop: Callable[[Play], None]) -> None:
    """With the id of the last event only what changed since; with an unknown one everything."""

    async def play() -> None:
        async with site() as server:
            browser = await server.watch()
            await browser.until(lambda: len(browser.frames) == 1)
            await browser.leave()
            server.feed.tell(moved(2, "65000"))
            back = await server.watch("", "Last-Event-ID: 7-1")
            other = await server.watch("", "Last-Event-ID: 6-99")
            for one in (back, other):
                await one.until(lambda one=one: len(one.frames) == 1)  # type: ignore[misc]

            assert [(one.full, set(one.prices)) for one in back.frames] == [(False, {"bitcoin"})]
            assert [one.full for one in other.frames] == [True]

    on_the_loop(play)


def test_nothing_of_a_viewer_stays(on_the_loop: Callable[[Play], None]) -> None:
    """No task while it watches, nothing at all when it has left, however it leaves."""

    async def play() -> None:
        async with site(limits=Limits(per_address=50)) as server:
            tasks = asyncio.all_tasks()
            browsers = [await server.watch() for _ in range(30)]
            for browser in browsers:
                await browser.until(lambda browser=browser: len(browser.frames) == 1)  # type: ignore[misc]
            assert server.stream.viewers == 30
            assert asyncio.all_tasks() == tasks, "viewers have no tasks"

            for number, browser in enumerate(browsers):
                if number % 3 == 0:
                    browser.writer.transport.abort()
                elif number % 3 == 1:
                    browser.writer.write_eof()
                else:
                    browser.writer.close()
            await server.so(lambda: server.stream.viewers == 0)
            server.feed.tell(moved(2, "65000"))
            await server.so(lambda: asyncio.all_tasks() == tasks)
            assert not server.stream._everyone()
            assert not server.stream._addresses

    on_the_loop(play)


def test_stalled_readers_hold_up_nobody(on_the_loop: Callable[[Play], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """200 viewers of whom 40 do not read: the others see every snapshot, the 40 hold one frame each, and are cut."""
    monkeypatch.setattr(stream, "BEAT", 0.1)

    async def play() -> None:
        monkeypatch.setattr(hub, "STALLED", 3600.0)  # until all are in, on however slow a machine
        async with site(crowded(1)) as server:
            tasks = asyncio.all_tasks()
            stalled = [await server.watch(buffer=4096) for _ in range(40)]
            readers = [await server.watch("?coins=coin-1,coin-2") for _ in range(160)]
            await server.so(lambda: server.stream.viewers == 200)
            monkeypatch.setattr(hub, "STALLED", 4.0)  # of which a reader that is only slow has some
            for reader in readers:
                await reader.until(lambda reader=reader: len(reader.frames) == 1)  # type: ignore[misc]
            for seq in range(2, 22):
                server.feed.tell(crowded(seq))
                for reader in readers:
                    await reader.until(lambda reader=reader, seq=seq: reader.frames[-1].id == f"7-{seq}")  # type: ignore[misc]
                for viewer in server.stream._everyone():
                    assert viewer._transport.get_write_buffer_size() < 2 * 250 * 500, "one frame at most waits"
            assert all(len(reader.frames) == 21 for reader in readers)
            await server.so(lambda: server.stream.viewers == 160)
            assert asyncio.all_tasks() == tasks
            for one in stalled:
                one.writer.transport.abort()

    on_the_loop(play)


def test_a_slow_reader_gets_the_latest_and_no_backlog(on_the_loop: Callable[[Play], None]) -> None:
    """It reads nothing during a hundred snapshots, then gets the last one, whole, after what was on its way."""

    async def play() -> None:
        async with site(crowded(1)) as server:
            slow = await server.watch(buffer=4096)
            await server.so(lambda: server.stream.viewers == 1)
            for seq in range(2, 102):
                server.feed.tell(crowded(seq))
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            await slow.until(lambda: bool(slow.frames) and slow.frames[-1].id == "7-101")

            assert slow.frames[-1].full
            assert len(slow.frames) < 20

    on_the_loop(play)


def test_a_stop_says_when_to_come_back(on_the_loop: Callable[[Play], None]) -> None:
    """A retry between half a second and four, the end of the stream, and no viewer left."""

    async def play() -> None:
        async with site() as server:
            browsers = [await server.watch() for _ in range(5)]
            for browser in browsers:
                await browser.until(lambda browser=browser: len(browser.frames) == 1)  # type: ignore[misc]
            await server.stop()
            for browser in browsers:
                await browser.to_the_end()
                last = browser.got.decode().split("\n\n")[-2]
                assert last.startswith("retry: ")
                assert 500 <= int(last.removeprefix("retry: ")) <= 4000
            assert server.stream.viewers == 0

    on_the_loop(play)


def test_a_connection_that_was_used_before(on_the_loop: Callable[[Play], None]) -> None:
    """Kept alive after another answer; what is sent after the request for the stream is ignored."""

    async def play() -> None:
        async with site() as server:
            browser = await server.request(
                "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
                "GET /v1/stream HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
            )
            await browser.until(lambda: b"]}\n\n" in browser.got)
            browser.writer.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            server.feed.tell(moved(2, "65000"))
            await browser.until(lambda: b"id: 7-2\n" in browser.got)
            assert browser.got.count(b"HTTP/1.1 200 OK") == 2

    on_the_loop(play)


def test_an_old_proxy_may_ask(on_the_loop: Callable[[Play], None]) -> None:
    """HTTP/1.0 has no chunks; neither have we."""

    async def play() -> None:
        async with site() as server:
            browser = await server.request("GET /v1/stream HTTP/1.0\r\nHost: a\r\n\r\n")
            await browser.until(lambda: len(browser.frames) == 1)
            assert "Transfer-Encoding" not in browser.head

    on_the_loop(play)


def test_our_own_fault_leaves_no_viewer(
    on_the_loop: Callable[[Play], None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What goes wrong once the connection is ours ends it."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(hub.Viewer, "greet", broken)

    async def play() -> None:
        async with site() as server:
            browser = await server.watch()
            await browser.until_gone()
            await server.so(lambda: server.stream.viewers == 0)

    on_the_loop(play)
    assert "cannot answer /v1/stream" in caplog.text


def test_head_only(on_the_loop: Callable[[Play], None]) -> None:
    """The headers, and no viewer."""

    async def play() -> None:
        async with site() as server:
            browser = await server.request("HEAD /v1/stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            await browser.to_the_end()
            assert "Content-Type: text/event-stream" in browser.head
            assert server.stream.streams == 0

    on_the_loop(play)


@pytest.mark.parametrize(
    ("query", "status", "code", "param"),
    [
        ("?coins=dogecoin", 404, "unknown_coin", "coins"),
        ("?currency=zzz", 400, "bad_parameter", "currency"),
        ("?locale=klingon", 400, "bad_parameter", "locale"),
        ("?coins=" + ",".join(["a"] * 251), 400, "too_many", "coins"),
    ],
)
async def test_refusals_are_json(query: str, status: int, code: str, param: str) -> None:
    """As everywhere, never stored."""
    async with site() as server:
        head, body = await server.get(f"/v1/stream{query}")
        assert head.startswith(f"HTTP/1.1 {status} ")
        assert "Cache-Control: no-store" in head
        assert (body["error"]["code"], body["error"]["param"]) == (code, param)


async def test_no_room_is_503_and_when_to_try_again() -> None:
    """In all, and from one address behind a trusted proxy; the proxy and this machine are not counted by address."""
    async with site(limits=Limits(viewers=4, per_address=1), trusted_proxies=("127.0.0.0/8",)) as server:

        async def enters(*headers: str) -> None:
            browser = await server.watch("", *headers)
            await browser.until(lambda: len(browser.frames) == 1)

        await enters("X-Forwarded-For: 203.0.113.1")
        for address in ("203.0.113.1", "198.51.100.1, 203.0.113.1"):
            head, body = await server.get("/v1/stream", f"X-Forwarded-For: {address}")
            assert head.startswith("HTTP/1.1 503 ")
            assert body["error"]["code"] == "busy"
            (after,) = (line for line in head.split("\r\n") if line.startswith("Retry-After: "))
            assert 20 <= int(after.partition(": ")[2]) <= 60
        await enters("X-Forwarded-For: 203.0.113.2")
        await enters()
        await enters()
        head, _ = await server.get("/v1/stream", "X-Forwarded-For: 203.0.113.3")
        assert head.startswith("HTTP/1.1 503 ")


async def test_pages_that_poll_get_the_same_text() -> None:
    """`/v1/prices?locale=de` says each Price as the stream does; without a locale there is no text."""
    async with site() as server:
        browser = await server.watch("?locale=de")
        await browser.until(lambda: len(browser.frames) == 1)
        _, polled = await server.get("/v1/prices?locale=de")
        _, plain = await server.get("/v1/prices")

        assert {one["id"]: one for one in polled["prices"]} == browser.frames[0].prices
        assert "text" not in plain["prices"][0]


async def test_other_doors_answer_while_streams_are_told() -> None:
    """A request gets its turn between slices of viewers."""
    async with site() as server:
        browser = await server.watch()
        await browser.until(lambda: len(browser.frames) == 1)
        server.feed.tell(moved(2, "65000"))
        asking: list[Awaitable[Any]] = [server.get("/v1/prices") for _ in range(5)]
        for _, body in await asyncio.gather(*asking):
            assert body["id"] == "7-2"
