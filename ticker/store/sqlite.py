"""The embedded store: one SQLite file, one process, and the notice inside that process.

A publication is one statement, so a kill at any moment leaves the old one or the new one. A lock file beside the
database keeps a second process out by name. SQLite's work happens on a thread of aiosqlite's.
"""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiosqlite

from ticker.errors import Fenced, StoreBusy, StoreCorrupt, StoreDown
from ticker.model import CoinId, Point, Snapshot, Step
from ticker.store import sqlite_history, sqlite_log
from ticker.store.base import KEPT, SILENCE, Entry, Publication, Report
from ticker.store.envelope import Sealed, seal, unseal, unseal_snapshot
from ticker.store.watch import Hint, watch

APPLICATION = 0x7469636B  # "tick", in the file's header: how we know a file of ours
VERSION = 1
BUSY = 2.0  # seconds to wait for somebody who looks into the file with another program

_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE publication (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
    snapshot BLOB NOT NULL, quotes BLOB NOT NULL, memory BLOB NOT NULL
);
CREATE TABLE epoch (only INTEGER PRIMARY KEY CHECK (only = 1), last INTEGER NOT NULL);
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
COMMIT;
"""

# Tables that came later, without a new version: an older ticker that opens the file does not look at them.
_BULLETIN = """
CREATE TABLE IF NOT EXISTS bulletin (only INTEGER PRIMARY KEY CHECK (only = 1), body BLOB NOT NULL);
"""
_LATER = f"BEGIN IMMEDIATE;\n{sqlite_history.SCHEMA}{sqlite_log.SCHEMA}{_BULLETIN}COMMIT;"

_PUBLISH = """
INSERT INTO publication VALUES (1, ?, ?, ?, ?, ?)
ON CONFLICT (only) DO UPDATE SET
    epoch = excluded.epoch, seq = excluded.seq,
    snapshot = excluded.snapshot, quotes = excluded.quotes, memory = excluded.memory
WHERE (excluded.epoch, excluded.seq) > (epoch, seq)
RETURNING 1
"""

_NEW_EPOCH = """
INSERT INTO epoch VALUES (1, max(?1, (SELECT coalesce(max(epoch), 0) + 1 FROM publication)))
ON CONFLICT (only) DO UPDATE SET last = max(last + 1, excluded.last)
RETURNING last
"""


class SqliteStore:
    """`ticker.store.base.Store` in the file at `path`. Its folder is made; `path`.lock is the lock."""

    def __init__(self, path: Path, *, silence: float = SILENCE, keep: float = KEPT["1d"]) -> None:
        self._path, self._silence = path, silence
        self._history = sqlite_history.SqliteHistory(self._run, keep)
        self._log = sqlite_log.SqliteLog(self._run)
        self._lock: int | None = None
        self._connection: aiosqlite.Connection | None = None
        self._news = asyncio.Event()

    def __repr__(self) -> str:
        return f"SqliteStore({str(self._path)!r})"

    async def open(self) -> None:
        """Lock the file, know it or make it. Raises `StoreDown` and `StoreCorrupt` as the contract says."""
        try:
            self._take_lock()
            with self._named_errors():
                self._connection = await aiosqlite.connect(self._path, timeout=BUSY, isolation_level=None)
            await self._prepare()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of the file, then of its lock."""
        connection, self._connection = self._connection, None
        try:
            if connection is not None:
                with self._named_errors():
                    await connection.close()
        finally:
            lock, self._lock = self._lock, None
            if lock is not None:
                os.close(lock)

    async def new_epoch(self, now: float) -> int:
        """As the contract says; the number is in the file before it is in use."""
        [(epoch,)] = await self._run(_NEW_EPOCH, (int(now * 1000),))
        return int(epoch)

    async def publish(self, publication: Publication) -> None:
        """One statement that checks the fence and writes all."""
        snapshot = publication.snapshot
        if not await self._run(_PUBLISH, (*snapshot.order, *seal(publication))):
            raise Fenced(f"{self._path}: it already holds a publication that is not older than {snapshot.id}")
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def resume(self) -> Publication | None:
        """The last publication whole; None in an empty store."""
        rows = await self._run("SELECT snapshot, quotes, memory FROM publication")
        return unseal(Sealed(*map(_blob, rows[0]))) if rows else None

    async def latest(self) -> Snapshot | None:
        """The last snapshot; None in an empty store."""
        rows = await self._run("SELECT snapshot FROM publication")
        return unseal_snapshot(_blob(rows[0][0])) if rows else None

    def changes(self, report: Report | None = None) -> AsyncGenerator[Snapshot, None]:
        """As the contract says."""
        return watch(self.latest, self._listen, silence=self._silence, report=report)

    async def heartbeat(self) -> None:
        """Nothing: publisher and readers are one process, and live and die together."""

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
        statement = "INSERT INTO bulletin VALUES (1, ?) ON CONFLICT (only) DO UPDATE SET body = excluded.body"
        await self._run(statement, (bulletin,))

    async def read_bulletin(self) -> bytes | None:
        """As the contract says."""
        rows = await self._run("SELECT body FROM bulletin")
        return _blob(rows[0][0]) if rows else None

    @asynccontextmanager
    async def _listen(self) -> AsyncIterator[Hint]:
        news = self._news  # from before the reader looks, so that what comes while it looks is heard

        async def hint(seconds: float) -> bool:
            nonlocal news
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await news.wait()
            heard, news = news.is_set(), self._news
            return heard

        yield hint

    def _take_lock(self) -> None:
        lock_path = self._path.with_name(self._path.name + ".lock")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreDown(f"{self._path}: cannot be used as a store: {error.strerror} ({lock_path})") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(lock, 20).decode(errors="replace").strip()
            os.close(lock)
            by = f" (process {holder})" if holder else ""
            raise StoreBusy(
                f"{self._path}: already in use by another ticker{by}; an embedded store serves one process, "
                "use Redis (--store redis://…) for several"
            ) from error
        self._lock = lock
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)

    async def _prepare(self) -> None:
        """Refuses a foreign file before anything is written to it, and makes a new one ours."""
        [(application,)] = await self._run("PRAGMA application_id")
        [(version,)] = await self._run("PRAGMA user_version")
        [(tables,)] = await self._run("SELECT count(*) FROM sqlite_master")
        new = application == 0 and version == 0 and tables == 0
        if not new and application != APPLICATION:
            raise StoreCorrupt(f"{self._path}: is a database of another program; choose another path for the store")
        if not new and version != VERSION:
            raise StoreCorrupt(f"{self._path}: is a store of version {version}; this ticker reads version {VERSION}")
        [(journal,)] = await self._run("PRAGMA journal_mode = WAL")
        # In WAL mode NORMAL loses nothing to kill -9, and after a power cut it has an older publication, whole and with
        # its true age: not worth a disk flush every second. Where the file system has no WAL, only FULL is as safe.
        await self._run(f"PRAGMA synchronous = {'NORMAL' if journal == 'wal' else 'FULL'}")
        with self._named_errors():
            if new:
                await self._open_connection().executescript(_SCHEMA)
            await self._open_connection().executescript(_LATER)

    async def _run(self, statement: str, values: Sequence[object] = ()) -> list[Any]:
        """One statement, which is one transaction, and its rows."""
        with self._named_errors():
            return list(await self._open_connection().execute_fetchall(statement, values))

    def _open_connection(self) -> aiosqlite.Connection:
        if self._connection is None:
            raise StoreDown(f"{self._path}: the store is not open")
        return self._connection

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            # Python raises some errors of its own, without SQLite's code; all codes of damage have these low bits.
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                raise StoreCorrupt(
                    f"{self._path}: is not a store of ours or was damaged ({error}); move it away or choose another"
                ) from error
            raise StoreDown(f"{self._path}: {error}") from error
        except ValueError as error:  # aiosqlite's word for a connection that was closed meanwhile
            raise StoreDown(f"{self._path}: the store is closed: {error}") from error


def _blob(value: object) -> bytes:
    """A value that came as something else was not written by us; what it looks like is told by who unseals it."""
    return value if isinstance(value, bytes) else repr(value).encode()
