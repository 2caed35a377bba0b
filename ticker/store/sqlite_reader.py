"""Reading an embedded store that belongs to another process: what it has published, without disturbing it.

Knows the file of `sqlite`; nothing can be written through it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import aiosqlite

from ticker.errors import StoreCorrupt, StoreDown
from ticker.store.base import Publication
from ticker.store.sqlite import APPLICATION, BUSY, SqliteStore
from ticker.store.watch import Hint

LOOK = 2.0  # seconds between two looks: notices do not cross processes here


class SqliteReader(SqliteStore):
    """The file at `path`, to read only, while another ticker writes to it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.expanduser(), silence=LOOK)

    async def open(self) -> None:
        """Open it as it is. Raises `StoreDown` and `StoreCorrupt` as the contract says."""
        try:
            with self._named_errors():
                address = f"file:{quote(str(self._path.absolute()))}?mode=ro"
                self._connection = await aiosqlite.connect(address, uri=True, timeout=BUSY, isolation_level=None)
            [(application,)] = await self._run("PRAGMA application_id")
        except BaseException:
            await self.close()
            raise
        if application != APPLICATION:
            await self.close()
            raise StoreCorrupt(f"{self._path}: is no store of ours")

    async def publish(self, publication: Publication) -> None:
        """Refused: raises `StoreDown`."""
        raise StoreDown(f"{self._path}: is open readonly; {publication.snapshot.id} is not written")

    @asynccontextmanager
    async def _listen(self) -> AsyncIterator[Hint]:
        async def hint(seconds: float) -> bool:
            await asyncio.sleep(seconds)
            return True

        yield hint
