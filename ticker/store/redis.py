"""The Redis back end, for any number of pollers and servers: Redis 6.2 or later, or Valkey.

| {PREFIX}:…         | type    | holds                                    | lifetime | bound                      |
|--------------------|---------|------------------------------------------|----------|----------------------------|
| snapshot           | string  | the snapshot, sealed (`envelope`)        | for ever | one value, ~1 KB a coin    |
| quotes             | string  | its quotes, sealed                       | for ever | one value, ~0.4 KB each    |
| memory             | string  | the poller's memory, sealed              | for ever | one value                  |
| epoch              | string  | the last epoch handed out, in digits     | for ever | 16 digits                  |
| history:COIN:1m    | string  | a price a minute (`ring`)                | for ever | 25 h in a ring, 27 KB      |
| history:COIN:1h    | string  | a price an hour                          | for ever | 8 days in a ring, 3.5 KB   |
| history:COIN:1d    | string  | a price a day                            | for ever | `keep`: 365 days, 6.6 KB   |
| decisions          | zset    | the log, by coin, moment (`redis_log`)   | 7 days;  | together 50 MB,            |
| decisions:ages     | zset    | its heads, by moment                     | a round  | the oldest go first        |
| decisions:bytes    | string  | its size, in digits                      | 24 h     | 8 digits                   |
| status             | string  | how polling stands, JSON (`bulletin`)    | for ever | one value, 256 KB          |
| notice             | channel | EPOCH-SEQ of a publication; "beat"       | none     | one message a publication  |

The braces stand in the keys as they are: one hash tag, one slot. No key expires: age is told by as-of, never by a TTL
(trust rule 26); what is too old goes when newer comes. One script checks the fence and writes; every wait has a
deadline (rule 24); nothing is tried again here, since a repeated publication could not tell its own success from
another poller's.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from decimal import Decimal
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.client import PubSub
from redis.asyncio.connection import Connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from ticker.errors import Fenced, StoreCorrupt, StoreDown
from ticker.model import CoinId, Point, Snapshot, Step
from ticker.store.base import KEPT, SILENCE, Entry, Publication, Report
from ticker.store.envelope import Sealed, seal, unseal, unseal_snapshot
from ticker.store.redis_history import RedisHistory
from ticker.store.redis_log import RedisLog
from ticker.store.redis_url import Address
from ticker.store.watch import Hint, watch

T = TypeVar("T")

VALUES = ("snapshot", "quotes", "memory")
BEAT = b"beat"

TIMEOUT = 0.5  # seconds to connect, to wait for each answer, and for a free connection
DEADLINE = 2.0  # seconds for a whole call, however many answers it takes
CONNECTIONS = 8  # for calls; each reader of `changes` has one more of its own

# The fence stands in the first line of the snapshot. What is not a snapshot of ours fences nothing and is overwritten.
_FENCE = """
local function fence(key)
    local head = redis.pcall('GETRANGE', key, 0, 127)
    if type(head) ~= 'string' then return nil end
    local epoch, seq, proof = string.match(head, '^ticker/1 snapshot (%d+)%-(%d+) (%x+)\\n')
    if proof and #proof == 64 and #epoch < 16 and #seq < 16 then return epoch, seq end
end
"""

# PUBLISH comes first: should MSET fail (memory is full), a needless hint is out and nothing is written; the other way
# round, a user without the right to publish would have written and been told that he had not.
_PUBLISH = (
    _FENCE
    + """
local epoch, seq = fence(KEYS[1])
if epoch then
    local held, mine = tonumber(epoch), tonumber(ARGV[1])
    if held > mine or (held == mine and tonumber(seq) >= tonumber(ARGV[2])) then return epoch .. '-' .. seq end
end
redis.call('PUBLISH', ARGV[6], ARGV[1] .. '-' .. ARGV[2])
redis.call('MSET', KEYS[1], ARGV[3], KEYS[2], ARGV[4], KEYS[3], ARGV[5])
return false
"""
)

_NEW_EPOCH = (
    _FENCE
    + """
local held = redis.pcall('GET', KEYS[1])
local last = type(held) == 'string' and #held < 16 and string.match(held, '^%d+$') and tonumber(held) or 0
local epoch = math.max(last + 1, tonumber(fence(KEYS[2]) or 0) + 1, tonumber(ARGV[1]))
local digits = string.format('%.0f', epoch)
redis.call('SET', KEYS[1], digits)
return digits
"""
)


class RedisStore:
    """`ticker.store.base.Store` under `prefix` in one Redis."""

    def __init__(
        self,
        address: Address,
        prefix: str,
        *,
        silence: float = SILENCE,
        timeout: float = TIMEOUT,
        keep: float = KEPT["1d"],
    ) -> None:
        self._address, self._prefix, self._silence, self._timeout = address, prefix, silence, timeout
        self._keys = [f"{{{prefix}}}:{name}" for name in VALUES]
        self._epoch_key, self._channel = f"{{{prefix}}}:epoch", f"{{{prefix}}}:notice"
        self._status_key = f"{{{prefix}}}:status"
        settings = {
            **address.settings,
            "connection_class": _CONNECTIONS[address.scheme],
            "socket_timeout": timeout,
            "socket_connect_timeout": timeout,
            "retry": Retry(NoBackoff(), 0),
            # RESP2 needs no handshake, and CLIENT SETINFO no right: a user limited to our keys can do without both.
            "protocol": 2,
            "driver_info": None,
        }
        self._calls = Redis(connection_pool=BlockingConnectionPool(CONNECTIONS, timeout=timeout, **settings))
        self._readers = Redis(connection_pool=ConnectionPool(**settings))
        self._publish = self._calls.register_script(_PUBLISH)
        self._new_epoch = self._calls.register_script(_NEW_EPOCH)
        self._history = RedisHistory(self._calls, self._call, prefix, keep)
        self._log = RedisLog(self._calls, self._call, prefix)

    def __repr__(self) -> str:
        return f"RedisStore({self._address.shown!r}, prefix={self._prefix!r})"

    async def open(self) -> None:
        """Nothing: connections are made when they are needed."""

    async def close(self) -> None:
        """Close every connection; readers of `changes` have been stopped before."""
        with self._named_errors():
            await self._calls.connection_pool.disconnect()
            await self._readers.connection_pool.disconnect()

    async def new_epoch(self, now: float) -> int:
        """As the contract says, also where the keys hold what is not ours."""
        return int(await self._call(self._new_epoch(keys=[self._epoch_key, self._keys[0]], args=[int(now * 1000)])))

    async def publish(self, publication: Publication) -> None:
        """One script that checks the fence, writes all three values and notifies."""
        snapshot = publication.snapshot
        arguments: list[bytes | str | int] = [*snapshot.order, *seal(publication), self._channel]
        held = await self._call(self._publish(keys=self._keys, args=arguments))
        if held is not None:
            raise Fenced(f"{self._address.shown}: it holds {held.decode()}, which is not older than {snapshot.id}")

    async def resume(self) -> Publication | None:
        """The last publication whole; None in an empty store."""
        values: list[Any] = await self._call(self._calls.mget(self._keys))
        if values == [None, None, None]:
            return None
        for name, value in zip(VALUES, values, strict=True):
            if value is None:
                raise StoreCorrupt(f"{self._address.shown}: the stored {name} is gone, the rest is there")
        return unseal(Sealed(*values))

    async def latest(self) -> Snapshot | None:
        """The last snapshot; None in an empty store."""
        sealed: Any = await self._call(self._calls.get(self._keys[0]))
        return None if sealed is None else unseal_snapshot(sealed)

    def changes(self, report: Report | None = None) -> AsyncGenerator[Snapshot, None]:
        """As the contract says."""
        return watch(self.latest, self._listen, silence=self._silence, report=report)

    async def heartbeat(self) -> None:
        """A message that makes every reader look: so one that missed a notice has it within `HEARTBEAT`."""
        await self._call(self._calls.publish(self._channel, BEAT))

    async def add_points(self, step: Step, at: float, prices: Mapping[CoinId, Decimal]) -> None:
        """As the contract says."""
        await self._history.add_points(step, at, prices)

    async def points(self, coin: CoinId, step: Step, start: float, end: float) -> list[Point]:
        """As the contract says."""
        return await self._history.points(coin, step, start, end)

    async def points_near(
        self, coins: Sequence[CoinId], step: Step, at: float, within: float
    ) -> Mapping[CoinId, Point]:
        """As the contract says."""
        return await self._history.points_near(coins, step, at, within)

    async def record(self, entries: Sequence[Entry]) -> None:
        """As the contract says."""
        await self._log.record(entries)

    async def decisions(self, coin: CoinId, start: float, end: float, limit: int) -> list[Entry]:
        """As the contract says."""
        return await self._log.decisions(coin, start, end, limit)

    async def write_bulletin(self, bulletin: bytes) -> None:
        """As the contract says."""
        await self._call(self._calls.set(self._status_key, bulletin))

    async def read_bulletin(self) -> bytes | None:
        """As the contract says."""
        found: Any = await self._call(self._calls.get(self._status_key))
        return None if found is None else bytes(found)

    @asynccontextmanager
    async def _listen(self) -> AsyncIterator[Hint]:
        """A subscription that the server has confirmed: what is published from now on is heard, or lost loudly."""
        notices = self._readers.pubsub()
        try:
            await self._call(self._subscribe(notices))

            async def hint(seconds: float) -> bool:
                return await self._heard(notices, seconds)

            yield hint
        finally:
            # A broken connection may fail to close too, and what ended the listening is what counts.
            with suppress(RedisError, OSError):
                await notices.aclose()  # type: ignore[no-untyped-call]

    async def _subscribe(self, notices: PubSub) -> None:
        await notices.subscribe(self._channel)
        if await notices.get_message(timeout=self._timeout) is None:
            raise StoreDown(f"{self._address.shown}: does not confirm the subscription")

    async def _heard(self, notices: PubSub, seconds: float) -> bool:
        """Whether a message came. A hung Redis raises nothing here, it is only silent: hence a deadline of our own."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (left := until - loop.time()) > 0:
            message = notices.get_message(ignore_subscribe_messages=True, timeout=left)
            if await self._call(message, left + self._timeout) is not None:
                return True
        return False

    async def _call(self, answer: Awaitable[T], deadline: float = DEADLINE) -> T:
        """Its answer within the deadline, or the contract's errors. Cancellation passes through, whatever happens.

        redis-py sends with `asyncio.wait_for`, which before Python 3.12 forgets a cancellation that comes as it ends.
        """
        task = asyncio.current_task()
        cancelled = task.cancelling() if task else 0
        try:
            with self._named_errors():
                async with asyncio.timeout(deadline):
                    return await answer
        finally:
            if task and task.cancelling() > cancelled:
                raise asyncio.CancelledError

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except (RedisError, OSError, UnicodeError) as error:
            # redis-py's own errors name host and port at most; the cause is left out all the same where there is
            # a password, since a server may repeat what it was sent.
            sentence = f"{self._address.shown}: {str(error) or 'no answer in time'}"
            if self._address.secret:
                sentence = sentence.replace(self._address.secret, "…")
            foreign = isinstance(error, ResponseError) and str(error).startswith("WRONGTYPE")
            raise (StoreCorrupt if foreign else StoreDown)(sentence) from (None if self._address.secret else error)


_CONNECTIONS: dict[str, type[Any]] = {
    "redis": Connection,
    "rediss": SSLConnection,
    "unix": UnixDomainSocketConnection,
}
