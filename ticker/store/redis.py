"""The Redis back end, for any number of pollers and servers: Redis 6.2 or later, or Valkey.

| {PREFIX}:…         | type    | holds                                    | lifetime | bound                      |
|--------------------|---------|------------------------------------------|----------|----------------------------|
| snapshot           | string  | the snapshot, sealed (`envelope`)        | for ever | one value, ~1 KB a coin    |
| quotes             | string  | its quotes, sealed                       | for ever | one value, ~0.4 KB each    |
| memory             | string  | the poller's memory, sealed              | for ever | one value                  |
| epoch              | string  | the last epoch handed out, in digits     | for ever | 16 digits                  |
| leader             | string  | who has the lease on polling             | lease    | a short name               |
| history:COIN:1m    | string  | a price a minute (`ring`)                | for ever | 25 h in a ring, 27 KB      |
| history:COIN:1h    | string  | a price an hour                          | for ever | 8 days in a ring, 3.5 KB   |
| history:COIN:1d    | string  | a price a day                            | for ever | `keep`: 365 days, 6.6 KB   |
| decisions          | zset    | the log, by coin, moment (`redis_log`)   | 7 days;  | together 50 MB,            |
| decisions:ages     | zset    | its heads, by moment                     | a round  | the oldest go first        |
| decisions:bytes    | string  | its size, in digits                      | 24 h     | 8 digits                   |
| status             | string  | how polling stands, JSON (`bulletin`)    | for ever | one value, 256 KB          |
| notice             | channel | EPOCH-SEQ of a publication; "beat"       | none     | one message a publication  |

The braces stand in the keys as they are: one hash tag, one slot. No key but the lease expires: age is told by as-of,
never by a TTL (trust rule 26); what is too old goes when newer comes. One script checks the fence and writes; every
wait has a deadline (rule 24); nothing is tried again here, since a repeated publication could not tell its own success
from another poller's.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from decimal import Decimal
from typing import Any, TypeVar

from redis.asyncio import ConnectionPool, Redis, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.client import PubSub
from redis.asyncio.connection import Connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from ticker.errors import StoreCorrupt, StoreDown
from ticker.model import CoinId, Point, Snapshot, Step
from ticker.store.base import KEPT, SILENCE, Entry, Grant, Publication, Report
from ticker.store.envelope import Sealed, seal, unseal, unseal_snapshot
from ticker.store.redis_fence import VALUES, RedisFence
from ticker.store.redis_health import complaints
from ticker.store.redis_history import RedisHistory
from ticker.store.redis_log import RedisLog
from ticker.store.redis_pool import Pool
from ticker.store.redis_route import LEAVE, connection
from ticker.store.redis_url import Address
from ticker.store.watch import Hint, watch

log = logging.getLogger("ticker.store")

T = TypeVar("T")

BEAT = b"beat"
# uvloop refuses to write to a transport that has just been closed with a RuntimeError, which redis-py hands on.
_BROKEN = (RedisError, OSError, RuntimeError)

TIMEOUT = 0.5  # seconds to connect, to wait for each answer, and for a free connection
TLS_TIMEOUT = 1.5  # seconds to connect with a handshake: two more answers, and arithmetic
DEADLINE = 2.0  # seconds for a whole call, however many answers it takes
CONNECTIONS = 8  # for calls; each reader of `changes` has one more of its own


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
        self._channel = f"{{{prefix}}}:notice"
        self._status_key = f"{{{prefix}}}:status"
        common = {
            "socket_timeout": timeout,
            "socket_connect_timeout": TLS_TIMEOUT if address.tls else timeout,
            "retry": Retry(NoBackoff(), 0),
            # RESP2 needs no handshake, and CLIENT SETINFO no right: a user limited to our keys can do without both.
            "protocol": 2,
            "driver_info": None,
        }
        kind, own = (
            connection(address, prefix, common) if address.nodes else (_CONNECTIONS[address.scheme], address.settings)
        )
        settings = {**own, **common, "connection_class": kind}
        self._pool = Pool(CONNECTIONS, timeout=timeout, **settings)
        self._calls = Redis(connection_pool=self._pool)
        self._readers = Redis(connection_pool=ConnectionPool(**settings))
        self._fence = RedisFence(self._calls, self._call, prefix)
        self._inspected = False
        self._history = RedisHistory(self._calls, self._call, prefix, keep)
        self._log = RedisLog(self._calls, self._call, prefix)

    def __repr__(self) -> str:
        return f"RedisStore({self._address.shown!r}, prefix={self._prefix!r})"

    async def open(self) -> None:
        """Nothing: connections are made when they are needed."""

    async def close(self) -> None:
        """Close every connection; readers of `changes` have been stopped before.

        One that cannot say goodbye, such as TLS to a Redis that hangs, is closed all the same, and is nobody's error.
        """
        for pool in (self._calls.connection_pool, self._readers.connection_pool):
            with suppress(*_BROKEN):
                await pool.disconnect()

    async def new_epoch(self, now: float) -> int:
        """As the contract says, also where the keys hold what is not ours."""
        return await self._fence.new_epoch(now)

    async def take_lease(self, holder: str, seconds: float, now: float) -> Grant:
        """As the contract says."""
        await self._inspect()
        return await self._fence.take_lease(holder, seconds, now)

    async def renew_lease(self, holder: str, seconds: float, epoch: int) -> bool:
        """As the contract says."""
        return await self._fence.renew_lease(holder, seconds, epoch)

    async def give_up_lease(self, holder: str) -> None:
        """As the contract says."""
        await self._fence.give_up_lease(holder)

    async def leader(self) -> str | None:
        """As the contract says."""
        return await self._fence.leader()

    async def publish(self, publication: Publication) -> None:
        """One script that checks the fence, writes all three values and notifies."""
        await self._fence.publish(publication.snapshot, seal(publication), self._channel, self._address.shown)

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

    async def _inspect(self) -> None:
        """Once, when it first answers: say what is wrong with this Redis, where we have the right to ask."""
        if self._inspected:
            return
        try:
            found = complaints(await self._call(self._calls.info()))
        except StoreDown as error:
            self._inspected = "NOPERM" in str(error) or "no permissions" in str(error)
            return
        self._inspected = True
        for complaint in found:
            log.warning("%s: %s", self._address.shown, complaint)

    @asynccontextmanager
    async def _listen(self) -> AsyncIterator[Hint]:
        """A subscription that the server has confirmed: what is published from now on is heard, or lost loudly."""
        notices = self._readers.pubsub()
        try:
            # Who heard nothing for so long that he listens anew may be looking at a primary that is none any more.
            await self._pool.let_go()
            await self._call(self._subscribe(notices))
            await self._inspect()

            async def hint(seconds: float) -> bool:
                return await self._heard(notices, seconds)

            yield hint
        finally:
            # A broken connection may fail to close too, and what ended the listening is what counts.
            with suppress(*_BROKEN):
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
                    try:
                        return await answer
                    except LEAVE:
                        await self._pool.let_go()
                        raise
        finally:
            if task and task.cancelling() > cancelled:
                raise asyncio.CancelledError

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except (*_BROKEN, UnicodeError) as error:
            # redis-py's own errors name host and port at most; the cause is left out all the same where there is
            # a password, since a server may repeat what it was sent.
            sentence = f"{self._address.shown}: {str(error) or 'no answer in time'}"
            for secret in self._address.secrets:
                sentence = sentence.replace(secret, "…")
            foreign = isinstance(error, ResponseError) and str(error).startswith("WRONGTYPE")
            raise (StoreCorrupt if foreign else StoreDown)(sentence) from (None if self._address.secrets else error)


_CONNECTIONS: dict[str, type[Any]] = {
    "redis": Connection,
    "rediss": SSLConnection,
    "unix": UnixDomainSocketConnection,
}
