"""The streaming client against a real WebSocket server that misbehaves (trust rules 17, 18, 36)."""

import asyncio
import contextlib
import gc
import logging
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec
import pytest
from aiohttp import web

from ticker.errors import (
    ForbiddenAddress,
    Malformed,
    NotFound,
    RateLimited,
    Redirected,
    Refused,
    ServerFailed,
    SourceError,
    TimedOut,
    TooLarge,
    Unreachable,
)
from ticker.sources import Row, Stream
from ticker.streaming import LARGEST_MESSAGE, Channel, Streamer, StreamHealth, pause

Talk = Callable[[web.WebSocketResponse], Awaitable[None]]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def subscribe(ids: Sequence[str]) -> list[str]:
    """One message an id."""
    return [f"want {one}" for one in ids]


def read(message: bytes) -> Iterator[Row]:
    """`{"BTC": ["100", 7]}`: id to price and number; "?ETH" an id that is refused; "." a sign of life."""
    if message.startswith(b"?"):
        raise NotFound("fake", f"no {message[1:].decode()}")
    if message == b"!limit":
        raise RateLimited("fake", retry_after=7.0)
    if message != b".":
        for one, (price, number) in msgspec.json.decode(message, type=dict[str, tuple[str, int | None]]).items():
            yield Row(one, Decimal(price), sequence=number)


def told(price: str, number: int | None = None, one: str = "BTC") -> str:
    """A message of that dialect."""
    return msgspec.json.encode({one: (price, number)}).decode()


@dataclass
class Client:
    """A streamer of one channel, and all that has come of it."""

    url: str
    silence: float = 5.0
    ping: str | None = None
    allow_private: bool = True
    retry: float = 0.0
    rows: list[Row] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    chances: list[float] = field(default_factory=lambda: [1.0])

    def __post_init__(self) -> None:
        stream = Stream(self.url, subscribe, read, silence=self.silence, ping=self.ping, ping_every=0.05)
        self.streamer = Streamer(
            [Channel("fake", stream, self.url, ("BTC", "ETH"), self.allow_private)],
            lambda _, rows, __: self.rows.extend(rows),
            user_agent="ticker/test",
            clock=lambda: 1000.0,
            chance=lambda: self.chances[min(len(self.waits), len(self.chances) - 1)],
            sleep=self._sleep,
        )

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(self.retry)

    @property
    def health(self) -> StreamHealth:
        """Of its only channel."""
        return self.streamer.health["fake"]

    @property
    def prices(self) -> list[str]:
        """All that was handed on."""
        return [str(row.price) for row in self.rows]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        """It runs until the block ends, and ends by cancellation alone."""
        task = asyncio.create_task(self.streamer.run())
        try:
            yield task
            assert not task.done()
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def until(happened: Callable[[], object]) -> None:
    """Wait until a condition holds; the test's time limit ends a wait in vain."""
    while not happened():  # noqa: ASYNC110 - it happens elsewhere
        await asyncio.sleep(0.005)


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[str]:
    """A server on a free port that answers so; gives its address."""
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}/feed"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def talking(*talks: Talk) -> AsyncIterator[str]:
    """A WebSocket server that does what the first talk says to the first client, and so on; the last for all others."""
    clients = iter(range(10**9))

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.WebSocketResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            await talks[min(next(clients), len(talks) - 1)](response)
        return response

    async with answering(answer) as url:
        yield url


def saying(*messages: str | bytes, then: Talk | None = None) -> Talk:
    """Says these, and then stays silent, or does something else."""

    async def talk(response: web.WebSocketResponse) -> None:
        for message in messages:
            await (response.send_str(message) if isinstance(message, str) else response.send_bytes(message))
        await (silence if then is None else then)(response)

    return talk


async def silence(response: web.WebSocketResponse) -> None:
    """Reads and says nothing."""
    async for _ in response:
        pass


async def leave(response: web.WebSocketResponse) -> None:
    """Closes politely."""
    await response.close(code=1012, message=b"restart\r\nnow")


async def reset(response: web.WebSocketResponse) -> None:
    """Breaks the connection off."""
    transport = response._req.transport  # type: ignore[union-attr]
    connection = transport.get_extra_info("socket")  # type: ignore[union-attr]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()  # type: ignore[union-attr]


async def failure(url: str, **more: object) -> tuple[SourceError, Client]:
    """The error of the first connection there."""
    client = Client(url, **more)  # type: ignore[arg-type]
    client.retry = 60
    async with client.running():
        await until(lambda: client.waits)
    assert client.health.error is not None
    return client.health.error, client


async def test_it_subscribes_and_hands_on_rows() -> None:
    """Every id is asked for, our name is told, every price of those ids arrives in order; others are nobody's."""
    heard: list[str] = []
    agents: list[str | None] = []

    async def talk(response: web.WebSocketResponse) -> None:
        agents.append(response._req.headers.get("User-Agent"))  # type: ignore[union-attr]
        heard.extend([(await response.receive()).data, (await response.receive()).data])
        prices = (told("100"), ".", told("7", one="DOGE"), told("NaN"), told("101").encode(), told("9", one="ETH"))
        await saying(*prices)(response)

    async with talking(talk) as url:
        client = Client(url)
        async with client.running():
            await until(lambda: len(client.rows) == 3)
            health = client.health
            assert (health.connected, health.error, health.rows, health.reconnects) == (True, None, 3, 0)
            assert health.last_message_at == 1000.0
        assert not client.health.connected

    assert heard == ["want BTC", "want ETH"]
    assert agents == ["ticker/test"]
    assert [(row.id, str(row.price)) for row in client.rows] == [("BTC", "100"), ("BTC", "101"), ("ETH", "9")]


async def test_pings_are_sent_where_the_source_wants_them() -> None:
    """A text of the source's own, again and again, though nothing arrives."""
    heard: list[str] = []

    async def talk(response: web.WebSocketResponse) -> None:
        while True:
            heard.append((await response.receive()).data)

    async with talking(talk) as url:
        client = Client(url, ping="ping")
        async with client.running():
            await until(lambda: heard.count("ping") >= 3)


async def test_pings_of_the_protocol_are_answered_and_are_no_sign_of_life() -> None:
    """A server that only pings says nothing, and is left."""
    answered: list[bool] = []

    async def talk(response: web.WebSocketResponse) -> None:
        while True:
            await response.ping()
            message = await response.receive()
            answered.append(message.type == web.WSMsgType.TEXT or bool(message))
            await asyncio.sleep(0.05)

    async with talking(talk) as url:
        error, _ = await failure(url, silence=0.4)
    assert isinstance(error, TimedOut)


async def test_silence_is_death() -> None:
    """A feed that has said nothing for its time is left, whatever it said before."""
    async with talking(saying(told("100"))) as url:
        started = time.monotonic()
        error, client = await failure(url, silence=0.3)
    assert isinstance(error, TimedOut)
    assert "silent for 0.3 s" in error.cause
    assert time.monotonic() - started < 2
    assert client.prices == ["100"]


async def test_signs_of_life_keep_it() -> None:
    """Heartbeats without a price are enough."""

    async def talk(response: web.WebSocketResponse) -> None:
        for _ in range(20):
            await response.send_str(".")
            await asyncio.sleep(0.05)
        await response.send_str(told("100"))
        await silence(response)

    async with talking(talk) as url:
        client = Client(url, silence=0.4)
        async with client.running():
            await until(lambda: client.rows)
        assert client.waits == []


@pytest.mark.parametrize(
    ("talk", "kind", "cause"),
    [
        (saying(then=leave), Unreachable, "closed by it: 1012 restart now"),
        (saying(then=reset), Unreachable, "broke"),
        (saying("<html>"), Malformed, "malformed"),
        (saying(b"\x00\xff\xfe{\x9d]"), Malformed, ""),
        (saying("[" * 100_000), Malformed, ""),
        (saying("x" * (LARGEST_MESSAGE + 1)), TooLarge, "more than 1048576 bytes"),
        (saying("!limit"), RateLimited, ""),
    ],
    ids=["closes", "resets", "html", "binary", "deep", "large", "its own error"],
)
async def test_an_end_has_its_error(talk: Talk, kind: type[SourceError], cause: str) -> None:
    """Each way to misbehave ends the connection as one of our errors, with what is known of it."""
    async with talking(talk) as url:
        error, _ = await failure(url)
    assert type(error) is kind
    assert cause in error.cause


async def test_text_that_is_no_utf_8_is_malformed() -> None:
    """A text frame of other bytes, which the protocol forbids."""

    async def talk(response: web.WebSocketResponse) -> None:
        response._req.transport.write(b"\x81\x02\xff\xfe")  # type: ignore[union-attr]
        await silence(response)

    async with talking(talk) as url:
        error, _ = await failure(url)
    assert isinstance(error, Malformed)


async def test_a_message_without_end_is_too_large() -> None:
    """Fragments of one message are counted together, and nothing waits for the last."""

    async def talk(response: web.WebSocketResponse) -> None:
        transport = response._req.transport  # type: ignore[union-attr]
        transport.write(b"\x01\x7f" + struct.pack(">Q", 500_000) + b" " * 500_000)  # type: ignore[union-attr]
        for _ in range(3):
            transport.write(b"\x00\x7f" + struct.pack(">Q", 500_000) + b" " * 500_000)  # type: ignore[union-attr]
        await silence(response)

    async with talking(talk) as url:
        error, _ = await failure(url)
    assert isinstance(error, TooLarge)


async def test_a_flood_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """More messages than any honest feed has end the connection within a moment, and the loop runs on meanwhile."""
    monkeypatch.setattr("ticker.streaming.FLOOD", 500)

    async def talk(response: web.WebSocketResponse) -> None:
        while True:
            await response.send_str(told("100"))

    async with talking(talk) as url:
        error, client = await failure(url)
    assert isinstance(error, Malformed)
    assert "more than 500 messages" in error.cause
    assert len(client.rows) <= 1000


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, Redirected),
        (307, Redirected),
        (403, Refused),
        (404, NotFound),
        (429, RateLimited),
        (451, Refused),
        (503, ServerFailed),
        (200, Malformed),
    ],
)
async def test_a_handshake_that_fails(status: int, kind: type[SourceError]) -> None:
    """A status means what it means for a poll; a plain page is no stream; a redirect is never followed."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status, text="no", headers={"Location": "/elsewhere", "Retry-After": "33"})

    async with answering(answer) as url:
        error, client = await failure(url)
    assert type(error) is kind
    assert asked == ["/feed"]
    if status in (429, 503):
        assert client.waits[0] >= 33


async def test_a_handshake_that_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that accepts and says nothing costs the deadline and no more."""
    monkeypatch.setattr("ticker.streaming.HANDSHAKE", 0.3)

    async def answer(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async with answering(answer) as url:
        error, _ = await failure(url)
    assert isinstance(error, TimedOut)


async def test_nobody_there() -> None:
    """A refused connection is Unreachable."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        error, _ = await failure(f"ws://127.0.0.1:{probe.getsockname()[1]}/")
    assert isinstance(error, Unreachable)


@pytest.mark.parametrize(
    "url",
    ["ws://ws.kraken.com/v2", "wss://127.0.0.1:1/", "wss://[::1]:1/", "wss://169.254.169.254/", "wss://localhost:1/"],
)
async def test_the_guard_of_addresses(url: str) -> None:
    """Only wss to public addresses unless private ones are allowed: literals, and what a name resolves to."""
    error, _ = await failure(url, allow_private=False)
    assert isinstance(error, ForbiddenAddress)


async def test_an_id_that_is_refused_leaves_the_others(caplog: pytest.LogCaptureFixture) -> None:
    """One coin that is gone does not cost the stream of all the rest."""
    caplog.set_level(logging.INFO, "ticker.streaming")
    async with talking(saying("?ETH", told("100"))) as url:
        client = Client(url)
        async with client.running():
            await until(lambda: client.rows)
        assert client.waits == []
    assert "no ETH; the others go on" in caplog.text


async def test_an_older_number_is_dropped() -> None:
    """Where a source counts, what comes late or twice is not handed on; each market counts for itself."""
    numbers = [("100", 5), ("101", 7), ("99", 6), ("98", 7), ("102", 20)]
    messages = [told(price, number) for price, number in numbers] + [told("1", 3, "ETH")]
    async with talking(saying(*messages)) as url:
        client = Client(url)
        async with client.running():
            await until(lambda: len(client.rows) == 4)
            assert client.health.stale == 2
    assert client.prices == ["100", "101", "102", "1"]


async def test_numbers_begin_anew_with_each_connection() -> None:
    """A source that starts to count again after a restart is not deaf for ever."""
    async with talking(saying(told("100", 500), then=leave), saying(told("101", 1))) as url:
        client = Client(url)
        async with client.running():
            await until(lambda: len(client.rows) == 2)
    assert client.prices == ["100", "101"]


async def test_it_comes_back_by_itself() -> None:
    """After each end there is another connection, which subscribes again."""
    async with talking(saying(told("1"), then=leave), saying(told("2"), then=reset), saying(told("3"))) as url:
        client = Client(url)
        async with client.running():
            await until(lambda: client.prices == ["1", "2", "3"])
            assert client.health.reconnects == 2


async def test_failures_in_a_row_wait_longer_and_longer() -> None:
    """1, 2, 4 … at most 60 seconds, each times a chance between 0 and 1."""
    async with talking(saying(then=leave)) as url:
        client = Client(url, chances=[1, 1, 1, 1, 0.25, 0.5, 1, 1, 0])
        async with client.running():
            await until(lambda: len(client.waits) >= 9)
    assert client.waits[:9] == [1, 2, 4, 8, 4, 16, 60, 60, 0]


async def test_one_that_held_long_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that was steady makes its end a first failure; one that only connects does not."""
    monkeypatch.setattr("ticker.streaming.STEADY", 0.2)

    async def hold(response: web.WebSocketResponse) -> None:
        await asyncio.sleep(0.3)

    async with talking(leave, leave, saying(told("1"), then=hold), leave) as url:
        client = Client(url)
        async with client.running():
            await until(lambda: len(client.waits) >= 4)
    assert client.waits[:4] == [1, 2, 1, 2]


@pytest.mark.parametrize(
    ("error", "attempt", "least", "most"),
    [
        (Unreachable("a"), 0, 0, 1),
        (Unreachable("a"), 3, 0, 8),
        (TimedOut("a"), 1000, 0, 60),
        (RateLimited("a"), 0, 0, 60),
        (RateLimited("a", retry_after=90.0), 0, 90, 90),
        (ServerFailed("a", retry_after=5.0), 0, 5, 5),
        (Refused("a"), 0, 300, 600),
        (ForbiddenAddress("a"), 9, 300, 600),
    ],
    ids=str,
)
def test_how_long_to_wait(error: SourceError, attempt: int, least: float, most: float) -> None:
    """Full jitter for what may pass; as told; ten minutes for a refusal."""
    assert (pause(error, attempt, 0.0), pause(error, attempt, 1.0)) == (least, most)


async def test_down_and_back_are_each_logged_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten ends are one warning; it is back when rows have come for a while, and not with the first of them."""
    caplog.set_level(logging.INFO, "ticker.streaming")
    monkeypatch.setattr("ticker.streaming.BACK", 0.2)
    flaps = [saying(told("1"), then=leave) for _ in range(10)]

    async def steady(response: web.WebSocketResponse) -> None:
        while True:
            await response.send_str(told("2"))
            await asyncio.sleep(0.05)

    async with talking(*flaps, steady) as url:
        client = Client(url)
        async with client.running():
            await until(lambda: client.health.reconnects == 10 and client.health.error is None)
    assert [(record.levelname, record.message) for record in caplog.records] == [
        (
            "WARNING",
            "the stream of fake: No connection to it, or the connection broke: closed by it: 1012 restart now; "
            "we go on polling, and try again",
        ),
        ("INFO", "the stream of fake is back"),
    ]


async def test_an_error_that_nobody_expected_is_survived(caplog: pytest.LogCaptureFixture) -> None:
    """A fault of our own is told with its trace, and costs that connection alone."""
    async with talking(saying(told("1")), saying(told("2"))) as url:
        client = Client(url)
        calls: list[int] = []

        def broken(_: str, rows: list[Row], __: float) -> None:
            calls.append(len(rows))
            if len(calls) == 1:
                raise ZeroDivisionError
            client.rows.extend(rows)

        client.streamer._on_rows = broken
        async with client.running():
            await until(lambda: client.prices == ["2"])
    assert "ZeroDivisionError" in caplog.text


async def test_without_channels_there_is_nothing_to_do() -> None:
    """No source streams: it returns at once."""
    await Streamer([], lambda *_: None).run()


@pytest.mark.parametrize("talk", [silence, saying(told("1")), leave], ids=["silent", "talking", "gone"])
async def test_nothing_is_left_behind(talk: Talk) -> None:
    """After cancellation: no task, no open connection, no session, at once, also in the middle of a farewell."""
    async with talking(talk) as url:
        before = asyncio.all_tasks()
        client = Client(url, retry=0.01)
        task = asyncio.create_task(client.streamer.run())
        await asyncio.sleep(0.2)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - started < 1.5
        await asyncio.sleep(0.05)
        servers = ("aiohttp", "web_protocol", "answer")
        left = [one for one in asyncio.all_tasks() - before if not any(word in repr(one) for word in servers)]
    assert left == []
    gc.collect()  # an unclosed session or transport would warn, and warnings are errors


async def test_a_server_that_never_stops_talking_cannot_hold_us() -> None:
    """Cancelled while messages pour in, it is gone within the time of a farewell."""

    async def talk(response: web.WebSocketResponse) -> None:
        while True:
            await response.send_str(".")
            await asyncio.sleep(0.001)

    async with talking(talk) as url:
        client = Client(url)
        task = asyncio.create_task(client.streamer.run())
        await until(lambda: client.health.last_message_at)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert time.monotonic() - started < 2
