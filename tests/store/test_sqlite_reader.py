"""Reading the embedded store of a running process: all it has is seen, and what comes next; nothing is disturbed."""

import asyncio
import sqlite3
from contextlib import aclosing
from pathlib import Path

import pytest
from publications import publication

from ticker.errors import StoreBusy, StoreCorrupt, StoreDown
from ticker.store import sqlite_reader
from ticker.store.sqlite import SqliteStore
from ticker.store.sqlite_reader import SqliteReader


async def test_beside_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who would write is refused by name; who only reads sees every snapshot, and cannot write."""
    monkeypatch.setattr(sqlite_reader, "LOOK", 0.02)
    owner = SqliteStore(tmp_path / "a ?store.sqlite3")
    await owner.open()
    await owner.publish(publication(1, 1))
    with pytest.raises(StoreBusy):
        await SqliteStore(tmp_path / "a ?store.sqlite3").open()
    reader = SqliteReader(tmp_path / "a ?store.sqlite3")
    await reader.open()
    try:
        async with asyncio.timeout(10), aclosing(reader.changes()) as changes:
            assert (await anext(changes)).seq == 1
            await owner.publish(publication(1, 2))
            assert (await anext(changes)).seq == 2
        with pytest.raises(StoreDown, match="readonly"):
            await reader.publish(publication(1, 3))
        await owner.publish(publication(1, 3))
        latest = await reader.latest()
        assert latest is not None
        assert latest.seq == 3
    finally:
        await reader.close()
        await owner.close()


async def test_what_is_no_store(tmp_path: Path) -> None:
    """A file that is not there stays away; another program's is refused."""
    with pytest.raises(StoreDown):
        await SqliteReader(tmp_path / "none").open()
    assert not (tmp_path / "none").exists()
    with sqlite3.connect(tmp_path / "other") as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(StoreCorrupt, match="no store of ours"):
        await SqliteReader(tmp_path / "other").open()
