"""Streams: one WebSocket a source, kept open, and every row that arrives handed on.

The other road out beside `fetch`, under the same guard: only secure connections to public addresses unless the caller
allows others, no redirect, no compression, bounded messages. Knows no source's dialect, no quote and no poller.
Whatever happens to a connection, polls do not hear of it: a stream that is down costs freshness, never a price.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, ClientWebSocketResponse, WSMsgType
from yarl import URL

from ticker.errors import Malformed, NotFound, RateLimited, SourceError, TimedOut, TooLarge, Unreachable, words
from ticker.model import SourceName
from ticker.outside import client, error_of_failure, error_of_status, guard
from ticker.sources import Row, Stream, heard

log = logging.getLogger("ticker.streaming")

HANDSHAKE = 8.0
LARGEST_MESSAGE = 2**20
FIRST_RETRY, LONGEST_RETRY = 1.0, 60.0
REFUSED_RETRY = 600.0  # after an error that trying again does not mend
STEADY = 60.0  # seconds a connection must have lasted for the next failure to count as a first one
BACK = 5.0  # seconds of rows after which a stream that was down is said to be back, so that a flapping one is told once
FLOOD = 5_000  # messages in one second, of which an honest feed of all our coins has some hundreds
_SAYING = 0.02  # seconds between two of our messages: Coinbase refuses more than 100 a second
_FAREWELL = 1.0
_TURN = 64  # messages after which others have their turn, since a feed that is never silent never waits

OnRows = Callable[[SourceName, list[Row], float], None]


@dataclass(frozen=True, slots=True)
class Channel:
    """A stream to keep open: of which source, where, for which of its ids."""

    source: SourceName
    stream: Stream
    url: str
    ids: tuple[str, ...]
    allow_private: bool = False


@dataclass(slots=True)
class StreamHealth:
    """How a stream is doing. `error` is what ended the last connection, None once it is back; times are our clock's.

    `stale` counts rows that came after a newer one of the same market, `reconnects` the connections after a failed one.
    `failures` in a row and `not_before`, the moment by the monotonic clock before which the source is left alone,
    outlast a stream that is closed and opened again.
    """

    connected: bool = False
    last_message_at: float | None = None
    error: SourceError | None = None
    reconnects: int = 0
    rows: int = 0
    stale: int = 0
    failures: int = 0
    not_before: float = 0.0


class Streamer:
    """All streams. `on_rows(source, rows, received)` is called on the event loop with what each message holds.

    It must not block. Rows are usable, of the ids asked for, and in order: where a source numbers what it says of a
    market (Coinbase), a row with a number that is not above the last one of this connection is dropped. Numbers that
    are left out are no gap to mend: they count orders too, and every row is the whole state of its market, so that the
    next one makes good for any that were lost; after a reconnect the source begins with the present state.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        on_rows: OnRows,
        *,
        user_agent: str = "ticker",
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._channels = tuple(channels)
        self._on_rows, self._user_agent = on_rows, user_agent
        self._clock, self._chance, self._sleep = clock, chance, sleep
        self.health = {channel.source: StreamHealth() for channel in channels}

    async def run(self) -> None:
        """Keep all streams open until cancelled. Raises nothing else; returns at once where there are none."""
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
            headers = {"User-Agent": self._user_agent}
            for channel in self._channels:
                session = client(headers, allow_private=channel.allow_private, middlewares=(_no_redirect,))
                await stack.enter_async_context(session)
                tasks.create_task(self._keep(channel, session), name=f"stream of {channel.source}")

    async def _keep(self, channel: Channel, session: aiohttp.ClientSession) -> None:
        health = self.health[channel.source]
        if (rest := health.not_before - time.monotonic()) > 0:
            await self._sleep(rest)
        while True:
            started = time.monotonic()
            try:
                await self._connection(channel, session)
            except SourceError as failure:
                error = failure
            except Exception as failure:
                log.exception("the stream of %s failed in a way that should not be; trying again", channel.source)
                error = Unreachable(channel.source, type(failure).__name__)
            if time.monotonic() - started >= STEADY:
                health.failures = 0
            if health.error is None:
                log.warning("the stream of %s; we go on polling, and try again", error)
            elif health.error.slug != error.slug:
                log.info("the stream of %s", error)
            health.error = error
            seconds = pause(error, health.failures, self._chance())
            health.failures, health.not_before = health.failures + 1, time.monotonic() + seconds
            await self._sleep(seconds)
            health.reconnects += 1

    async def _connection(self, channel: Channel, session: aiohttp.ClientSession) -> None:
        """One connection, from its handshake to its end, which is always a `SourceError`."""
        health = self.health[channel.source]
        socket = await self._connected(channel, session)
        speaking = asyncio.create_task(_speak(socket, channel))
        health.connected = True
        try:
            await self._listen(channel, socket)
        finally:
            health.connected = False
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)  # if it failed, so did listening
            with contextlib.suppress(TimeoutError):  # one that goes on talking is cut off
                async with asyncio.timeout(_FAREWELL):
                    await socket.close()

    async def _connected(self, channel: Channel, session: aiohttp.ClientSession) -> ClientWebSocketResponse:
        source, url = channel.source, URL(channel.url, encoded=True)
        guard(source, url, allow_private=channel.allow_private, secure="wss")
        try:
            async with asyncio.timeout(HANDSHAKE):
                return await session.ws_connect(
                    url, max_msg_size=LARGEST_MESSAGE, timeout=aiohttp.ClientWSTimeout(ws_close=_FAREWELL)
                )
        except TimeoutError as error:
            raise TimedOut(source, f"no handshake within {HANDSHAKE:g} s") from error
        except aiohttp.WSServerHandshakeError as error:
            if error.status in (101, 200):
                raise Malformed(source, f"no WebSocket there: {words(error.message)}") from error
            raise error_of_status(source, error.status, error.headers or {}, b"", self._clock()) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise error_of_failure(source, error) from error

    async def _listen(self, channel: Channel, socket: ClientWebSocketResponse) -> None:
        source, health, wanted = channel.source, self.health[channel.source], frozenset(channel.ids)
        numbers: dict[str, int] = {}
        opened = second = time.monotonic()
        count = 0
        while True:
            message = await _message(channel, socket)
            health.last_message_at = received = self._clock()
            now = time.monotonic()
            if now - second >= 1.0:
                second, count = now, 0
            count += 1
            if count > FLOOD:
                raise Malformed(source, f"more than {FLOOD} messages in a second")
            if count % _TURN == 0:
                await asyncio.sleep(0)
            try:
                rows = [row for row in heard(source, channel.stream, message) if row.id in wanted]
            except NotFound as error:
                log.info("the stream of %s; the others go on", error)
                continue
            fresh = [row for row in rows if _in_order(row, numbers)]
            health.stale += len(rows) - len(fresh)
            if fresh:
                health.rows += len(fresh)
                self._on_rows(source, fresh, received)
                if health.error is not None and now - opened >= BACK:
                    log.info("the stream of %s is back", source)
                    health.error = None


def pause(error: SourceError, attempt: int, chance: float) -> float:
    """Seconds before the next connection after `attempt` failures in a row: exponential, with full jitter.

    `chance` is from 0 to 1. A source that limits us is given the longest pause at once, or what it asks for; one that
    refuses us, ten minutes.
    """
    if error.permanent:
        return max(REFUSED_RETRY * (0.5 + chance / 2), error.retry_after or 0.0)
    longest = LONGEST_RETRY if isinstance(error, RateLimited) else FIRST_RETRY * 2 ** min(attempt, 16)
    return max(chance * min(longest, LONGEST_RETRY), error.retry_after or 0.0)


async def _speak(socket: ClientWebSocketResponse, channel: Channel) -> None:
    """Subscribe, then ping for ever where the source wants that."""
    for text in channel.stream.subscribe(channel.ids):
        await socket.send_str(text)
        await asyncio.sleep(_SAYING)
    while channel.stream.ping is not None:
        await asyncio.sleep(channel.stream.ping_every)
        await socket.send_str(channel.stream.ping)


async def _message(channel: Channel, socket: ClientWebSocketResponse) -> bytes:
    """The next message. Pings of the protocol are answered underneath and are no message."""
    source = channel.source
    try:
        async with asyncio.timeout(channel.stream.silence):
            message = await socket.receive()
    except TimeoutError as error:
        raise TimedOut(source, f"silent for {channel.stream.silence:g} s") from error
    match message.type:
        case WSMsgType.TEXT:
            return str(message.data).encode()
        case WSMsgType.BINARY:
            return bytes(message.data)
        case WSMsgType.ERROR if isinstance(message.data, aiohttp.WebSocketError):
            if message.data.code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
                raise TooLarge(source, f"a message of more than {LARGEST_MESSAGE} bytes")
            raise Malformed(source, words(str(message.data)))
        case WSMsgType.CLOSE:
            raise Unreachable(source, f"closed by it: {message.data} {words(message.extra or '')}".rstrip())
        case _:
            raise Unreachable(source, "the connection broke")


def _in_order(row: Row, numbers: dict[str, int]) -> bool:
    if row.sequence is None:
        return True
    if row.sequence <= numbers.get(row.id, -1):
        return False
    numbers[row.id] = row.sequence
    return True


async def _no_redirect(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """End a handshake at a redirect, which would otherwise be followed past the guard of addresses."""
    response = await handler(request)
    if 300 <= response.status < 400:
        response.close()
        raise aiohttp.WSServerHandshakeError(
            response.request_info, response.history, status=response.status, headers=response.headers
        )
    return response
