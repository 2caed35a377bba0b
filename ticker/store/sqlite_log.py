"""The log of decisions in the embedded store's file. Knows one table, not the file."""

from collections.abc import Iterable, Sequence

from ticker.model import CoinId
from ticker.store.base import DECISIONS_BYTES, Entry, lifetime
from ticker.store.sqlite_history import Run

SCHEMA = """
CREATE TABLE IF NOT EXISTS decisions (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, coin TEXT NOT NULL, expires REAL NOT NULL, body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS decisions_of ON decisions (coin, at);
CREATE INDEX IF NOT EXISTS decisions_by_age ON decisions (at);
CREATE INDEX IF NOT EXISTS decisions_by_expiry ON decisions (expires);
"""

OVERHEAD = 256  # bytes an entry takes beside its body, with its places in the indexes
PRUNED = 1000  # entries that go, at most, in one statement
BATCH = 500  # entries in one statement

_RECORD = """
INSERT INTO decisions (at, coin, expires, body)
SELECT column1, column2, column3, column4 FROM (VALUES {})
WHERE NOT EXISTS (SELECT 1 FROM decisions WHERE coin = column2 AND at = column1 AND body = column4)
RETURNING length(body)
"""

_EXPIRE = """
DELETE FROM decisions WHERE id IN (SELECT id FROM decisions WHERE expires < ? ORDER BY expires LIMIT ?)
RETURNING length(body)
"""

_SHRINK = """
DELETE FROM decisions WHERE id IN (
    SELECT id FROM (
        SELECT id, size, sum(size) OVER (ORDER BY at, id) AS freed
        FROM (SELECT id, at, length(body) + ?1 AS size FROM decisions ORDER BY at, id LIMIT ?2)
    ) WHERE freed - size < ?3
)
RETURNING length(body)
"""

_NEWEST = """
SELECT at, coin, body FROM decisions WHERE coin = ? AND at BETWEEN ? AND ? ORDER BY at DESC, id DESC LIMIT ?
"""


class SqliteLog:
    """The log of decisions of `ticker.store.base.Store`."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._bytes: int | None = None  # of the whole log; None until counted

    async def record(self, entries: Sequence[Entry]) -> None:
        """Adds them, then lets go of what has expired and of the oldest beyond the bound."""
        if not entries:
            return
        size, self._bytes = await self._counted(), None  # counted anew should anything below fail
        new = list(dict.fromkeys(entries))
        for first in range(0, len(new), BATCH):
            some = new[first : first + BATCH]
            values = [value for one in some for value in (one.at, one.coin, one.at + lifetime(one), one.body)]
            size += _size(await self._run(_RECORD.format(", ".join(["(?, ?, ?, ?)"] * len(some))), values))
        size -= _size(await self._run(_EXPIRE, (max(one.at for one in entries), PRUNED)))
        while size > DECISIONS_BYTES:
            size -= _size(await self._run(_SHRINK, (OVERHEAD, PRUNED, size - DECISIONS_BYTES)))
        self._bytes = size

    async def decisions(self, coin: CoinId, start: float, end: float, limit: int) -> list[Entry]:
        """As the contract says."""
        rows = await self._run(_NEWEST, (coin, start, end, limit))
        return [Entry(*row) for row in rows]

    async def _counted(self) -> int:
        if self._bytes is None:
            [(self._bytes,)] = await self._run("SELECT coalesce(sum(length(body) + ?), 0) FROM decisions", (OVERHEAD,))
        return self._bytes


def _size(lengths: Iterable[tuple[int]]) -> int:
    return sum(length + OVERHEAD for (length,) in lengths)
