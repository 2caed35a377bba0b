"""What only the embedded store can suffer: a file, its folder, its disk and its neighbours."""

import asyncio
import os
import resource
import sqlite3
import sys
import threading
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from publications import NOW, numbers, publication, snapshot

from ticker.errors import Fenced, StoreCorrupt, StoreDown
from ticker.model import Point
from ticker.store.base import Entry
from ticker.store.envelope import seal
from ticker.store.sqlite import SqliteStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a store may be; neither file nor folder is there."""
    return tmp_path / "a" / "b" / "store.db"


def _fill(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(content)


def _content(path: Path) -> bytes:
    return path.read_bytes()


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


async def _filled(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    await store.publish(publication(1, 1))
    await store.close()


async def test_folders_are_made_and_data_stay(path: Path) -> None:
    """The folders on the way are made; what was published is there when the file is opened again."""
    await _filled(path)
    store = SqliteStore(path)
    await store.open()
    assert await store.resume() == publication(1, 1)
    await store.close()


async def test_a_second_opening_is_refused_by_name(path: Path) -> None:
    """In the same process too: the error names the file and the way out, and the first goes on."""
    first, second = SqliteStore(path), SqliteStore(path)
    await first.open()
    with pytest.raises(StoreDown) as caught:
        await second.open()
    assert str(path) in str(caught.value)
    assert f"process {os.getpid()}" in str(caught.value)
    assert "use Redis" in str(caught.value)
    await first.publish(publication(1, 1))
    await first.close()
    await second.open()
    assert await second.latest() == snapshot(1, 1)
    await second.close()


async def test_another_process_is_refused_until_it_dies(path: Path) -> None:
    """A running process has the file to itself; killed with -9, it leaves neither lock nor half a publication."""
    writer = Path(__file__).with_name("writer.py")
    environment = {**os.environ, "PYTHONPATH": f"{writer.parents[1]}{os.pathsep}{writer.parents[2]}"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(writer), f"embedded:{path}", "ticker"), stdout=asyncio.subprocess.PIPE, env=environment
    )
    assert process.stdout is not None
    await process.stdout.readline()
    store = SqliteStore(path)
    with pytest.raises(StoreDown, match=f"process {process.pid}"):
        await store.open()
    process.kill()
    await process.communicate()
    await store.open()
    found = await store.resume()
    assert found is not None
    assert len(numbers(found)) == 1
    await store.close()


async def test_a_file_of_something_else_is_refused_and_left_alone(path: Path) -> None:
    """No database at all: a clear sentence, and not one byte of it is changed."""
    _fill(path, "my shopping list\n" * 500)
    with pytest.raises(StoreCorrupt, match=r"store\.db: is not a store of ours or was damaged"):
        await SqliteStore(path).open()
    assert _content(path) == b"my shopping list\n" * 500


async def test_a_database_of_another_program_is_refused_and_left_alone(path: Path) -> None:
    """A healthy SQLite file that is not ours stays as it is."""
    _fill(path, "")
    with closing(sqlite3.connect(path)) as other:
        other.executescript("CREATE TABLE shopping (what); INSERT INTO shopping VALUES ('milk')")
    before = _content(path)
    with pytest.raises(StoreCorrupt, match="another program"):
        await SqliteStore(path).open()
    assert _content(path) == before


async def test_a_store_of_another_version_is_refused(path: Path) -> None:
    """A file of a later ticker is named as such."""
    await _filled(path)
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA user_version = 9")
    with pytest.raises(StoreCorrupt, match="version 9"):
        await SqliteStore(path).open()


async def test_a_cut_file_is_refused(path: Path) -> None:
    """A file that lost its end is found damaged, on opening or on the first look."""
    await _filled(path)
    _cut(path)
    store = SqliteStore(path)
    with pytest.raises(StoreCorrupt, match=r"store\.db"):
        await _look(store)
    await store.close()


async def _look(store: SqliteStore) -> None:
    await store.open()
    await store.resume()


@pytest.mark.parametrize("value", [b"", b"junk", "text", 5], ids=["empty", "junk", "text", "number"])
async def test_a_changed_value_is_refused_and_healed(path: Path, value: object) -> None:
    """A row that somebody edited is an error to who asks, and replaced by the next publication."""
    await _filled(path)
    with closing(sqlite3.connect(path)) as file:
        file.execute("UPDATE publication SET snapshot = ?", (value,))
        file.commit()
    store = SqliteStore(path)
    await store.open()
    with pytest.raises(StoreCorrupt, match="snapshot is not ours"):
        await store.latest()
    await store.publish(publication(1, 2))
    assert await store.latest() == snapshot(1, 2)
    await store.close()


async def test_a_folder_in_its_place_is_refused(path: Path) -> None:
    """A path that is a folder, and one below a file, fail with the reason and leave no lock behind."""
    _fill(path / "file", "")
    for _ in range(2):
        with pytest.raises(StoreDown, match="unable to open"):
            await SqliteStore(path).open()
    while any("_connection_worker_thread" in one.name for one in threading.enumerate()):  # noqa: ASYNC110
        await asyncio.sleep(0.01)  # aiosqlite's thread has a last word to our loop when it could not open a file
    with pytest.raises(StoreDown, match=r"cannot be used as a store: (Not a directory|File exists)"):
        await SqliteStore(path / "file" / "store.db").open()


async def test_a_full_disk_costs_no_price(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """No room: readers get the next publications from memory, what cannot be kept is counted, the log says so once and
    once when it is over; what is in the file stays whole.
    """
    caplog.set_level("INFO", "ticker.store")
    store = SqliteStore(path)
    await store.open()
    await store.publish(publication(1, 1))
    seen = []

    async def follow() -> None:
        async for found in store.changes():
            seen.append(found.order)  # noqa: PERF401

    following = asyncio.create_task(follow())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(_content(path.with_name("store.db-wal"))) + 5000, hard))
    try:
        for seq in (2, 3):
            await store.publish(publication(1, seq))
            assert await store.resume() == publication(1, seq)
            assert await store.latest() == snapshot(1, seq)
        with pytest.raises(Fenced):
            await store.publish(publication(1, 3))
        await store.add_points("1m", NOW, {f"coin-{i}": Decimal(i + 1) for i in range(500)})
        await store.record([Entry(NOW, "bitcoin", os.urandom(60_000))])
        epoch = await store.new_epoch(NOW)
        assert epoch > 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    await store.publish(publication(epoch, 4))
    async with asyncio.timeout(20):
        while (epoch, 4) not in seen:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await store.close()
    again = SqliteStore(path)
    await again.open()
    assert await again.resume() == publication(epoch, 4)
    await again.close()

    assert seen == sorted(seen)
    down, back = [record.message for record in caplog.records]
    assert "prices go on from memory, and nothing is kept until the disk takes it again" in down
    assert "can be written again; 501 lines" in back


async def test_a_reading_neighbour_does_not_disturb(path: Path) -> None:
    """Somebody who looks into the file with another program, in the middle of a read, blocks no publication."""
    await _filled(path)
    store = SqliteStore(path)
    await store.open()
    with closing(sqlite3.connect(path)) as neighbour:
        neighbour.execute("BEGIN")
        neighbour.execute("SELECT * FROM publication").fetchall()
        await store.publish(publication(1, 2))
        assert await store.latest() == snapshot(1, 2)
    await store.close()


async def test_a_writing_neighbour_is_reported(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who holds the file for writing makes us fail with the reason, not hang."""
    monkeypatch.setattr("ticker.store.sqlite.BUSY", 0.1)
    await _filled(path)
    store = SqliteStore(path)
    await store.open()
    with closing(sqlite3.connect(path, isolation_level=None)) as neighbour:
        neighbour.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreDown, match="database is locked"):
            await store.publish(publication(1, 2))
        neighbour.execute("ROLLBACK")
    await store.publish(publication(1, 2))
    await store.close()


async def test_the_file_stays_small(path: Path) -> None:
    """A hundred publications take hardly more room than twenty."""
    store = SqliteStore(path)
    await store.open()
    for seq in range(1, 21):
        await store.publish(publication(1, seq))
    few = _size(path.parent)
    for seq in range(21, 101):
        await store.publish(publication(1, seq))
    assert _size(path.parent) < 1.2 * few
    await store.close()


async def test_a_store_that_is_not_open_says_so(path: Path) -> None:
    """Before opening and after closing, calls fail by name."""
    store = SqliteStore(path)
    with pytest.raises(StoreDown, match="not open"):
        await store.latest()
    await store.open()
    assert await store.new_epoch(NOW) == NOW * 1000
    await store.close()
    with pytest.raises(StoreDown, match="not open"):
        await store.publish(publication(1, 1))


_FIRST_SCHEMA = """
CREATE TABLE publication (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
    snapshot BLOB NOT NULL, quotes BLOB NOT NULL, memory BLOB NOT NULL
);
CREATE TABLE epoch (only INTEGER PRIMARY KEY CHECK (only = 1), last INTEGER NOT NULL);
PRAGMA application_id = 1953063787;
PRAGMA user_version = 1;
"""


async def test_a_file_from_before_history_goes_on(path: Path) -> None:
    """A file that the first version made keeps its publication, and has a history and a log from now on."""
    path.parent.mkdir(parents=True)
    written = publication(1, 1)
    with closing(sqlite3.connect(path)) as file:
        file.executescript(_FIRST_SCHEMA)
        file.execute("INSERT INTO publication VALUES (1, 1, 1, ?, ?, ?)", tuple(seal(written)))
        file.commit()
    for _ in range(2):
        store = SqliteStore(path)
        await store.open()
        assert await store.resume() == written
        await store.add_points("1m", NOW, {"bitcoin": Decimal(1)})
        await store.record([Entry(NOW, "x", b"1")])
        assert await store.points("bitcoin", "1m", 0, NOW) == [Point(NOW, Decimal(1))]
        assert await store.decisions("x", 0, NOW, 9) == [Entry(NOW, "x", b"1")]
        await store.close()
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA user_version").fetchone() == (1,)


async def test_pruning_reaches_every_row(path: Path) -> None:
    """What is older than its step is kept goes from the file, of all coins, a stretch with each addition."""
    store = SqliteStore(path)
    await store.open()
    prices = {f"coin-{i}": Decimal(1) for i in range(50)}
    for i in range(40):
        await store.add_points("1m", NOW + 60 * i, prices)
    counts = []
    for i in range(5):
        await store.add_points("1m", NOW + 86_400 * 3 + 60 * i, {"coin-0": Decimal(2)})
        with closing(sqlite3.connect(path)) as file:
            counts.append(file.execute("SELECT count(*) FROM history").fetchone()[0])
    await store.close()
    assert counts == [1501, 1002, 503, 4, 5]


@pytest.mark.parametrize("price", ["junk", "-1", "0", "NaN", "Infinity", ""])
async def test_an_edited_price_is_refused(path: Path, price: str) -> None:
    """A price that somebody edited into none is an error by name, never shown."""
    store = SqliteStore(path)
    await store.open()
    await store.add_points("1m", NOW, {"bitcoin": Decimal(1)})
    with closing(sqlite3.connect(path)) as file:
        file.execute("UPDATE history SET price = ?", (price,))
        file.commit()
    with pytest.raises(StoreCorrupt, match="is no price"):
        await store.points("bitcoin", "1m", 0, NOW)
    with pytest.raises(StoreCorrupt, match="is no price"):
        await store.points_near(["bitcoin"], "1m", NOW, 60)
    await store.close()


async def test_a_failed_record_is_counted_right(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that could not be written in the middle is counted anew, so its bound holds."""
    monkeypatch.setattr("ticker.store.sqlite_log.DECISIONS_BYTES", 10_000)
    monkeypatch.setattr("ticker.store.sqlite_log.BATCH", 10)
    monkeypatch.setattr("ticker.store.sqlite.BUSY", 0.05)
    store = SqliteStore(path)
    await store.open()
    for i in range(20):
        entries = [Entry(NOW + i + j / 100, "x", b"x" * 100) for j in range(20)]
        with closing(sqlite3.connect(path, isolation_level=None)) as neighbour:
            if i % 2:
                neighbour.execute("BEGIN IMMEDIATE")
                with pytest.raises(StoreDown, match="locked"):
                    await store.record(entries)
                neighbour.execute("ROLLBACK")
        await store.record(entries)
    assert len(await store.decisions("x", 0, 2 * NOW, 999)) == 10_000 // 356
    await store.close()
