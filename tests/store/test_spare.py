"""The copy of the last snapshot on this machine's disk: whole or none, and never worth an error."""

import asyncio
from pathlib import Path

import pytest
from publications import publication, snapshot
from redis_server import RedisServer

from ticker.feed import Feed
from ticker.store import open_store
from ticker.store.spare import Spare, spare_of


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    """The last one, whole, in a folder that is made; nothing else is left there."""
    spare = Spare(tmp_path / "state" / "last")
    assert spare.load() is None
    for seq in (1, 2):
        spare.save(snapshot(1, seq))
    assert spare.load() == snapshot(1, 2)
    assert [one.name for one in (tmp_path / "state").iterdir()] == ["last"]


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda _: b"", lambda _: b"hello", lambda b: b.replace(b"1", b"2")]
)
def test_a_damaged_copy_is_no_copy(tmp_path: Path, damage, caplog: pytest.LogCaptureFixture) -> None:
    """Half a file, an empty one, another one, a changed one: nothing, and one line that says so."""
    spare = Spare(tmp_path / "last")
    spare.save(snapshot(1, 1))
    (tmp_path / "last").write_bytes(damage((tmp_path / "last").read_bytes()))
    assert spare.load() is None
    assert caplog.text.count("cannot be used") == 1


def test_a_folder_that_cannot_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Said once, and nothing is raised."""
    (tmp_path / "state").write_text("a file where the folder should be")
    spare = Spare(tmp_path / "state" / "last")
    for seq in (1, 2):
        spare.save(snapshot(1, seq))
    assert caplog.text.count("no copy of the last snapshot can be kept") == 1


def test_each_store_has_a_copy_of_its_own(tmp_path: Path) -> None:
    """Another address or prefix, another file; a password makes no difference and is not in it; embedded has none."""
    urls = ["redis://a/0", "redis://:secret@a/0", "redis://a/1", "redis://b/0", "redis+sentinel://a/main"]
    names = [str(spare_of(url, "ticker", tmp_path)._path) for url in urls]  # type: ignore[union-attr]
    assert names[0] == names[1]
    assert len(set(names)) == 4
    assert str(spare_of("redis://a/0", "other", tmp_path)._path) not in names  # type: ignore[union-attr]
    assert spare_of("embedded:/x", "ticker", tmp_path) is None


@pytest.mark.redis
async def test_a_server_begins_with_the_copy(own_redis: RedisServer, tmp_path: Path) -> None:
    """Redis gone: the copy of the last run, as it was; Redis back with something older: no reader goes back."""
    spare = Spare(tmp_path / "last")
    store = open_store(own_redis.url, silence=0.5)
    await store.publish(publication(5, 7, as_of=1000.0))
    feed = Feed(store, spare)
    await feed.start()
    await feed.stop()
    own_redis.kill()

    again = Feed(store, Spare(tmp_path / "last"))
    await again.start()
    assert again.snapshot == snapshot(5, 7, as_of=1000.0)
    assert again.trouble is not None
    own_redis.start()
    await store.publish(publication(4, 1, as_of=500.0))
    async with asyncio.timeout(10):
        while again.trouble is not None:  # noqa: ASYNC110 - no event covers it
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    assert again.snapshot == snapshot(5, 7, as_of=1000.0)
    await store.publish(publication(6, 1, as_of=2000.0))
    async with asyncio.timeout(10):
        while again.snapshot.order != (6, 1):  # type: ignore[union-attr]  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await again.stop()
    await store.close()
    assert Spare(tmp_path / "last").load() == snapshot(6, 1, as_of=2000.0)


async def test_the_copy_is_kept_up_to_date(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """While it runs, not only at the end: a kill -9 costs some seconds of the copy and no more."""
    monkeypatch.setattr("ticker.feed.COPY_EVERY", 0.05)
    store = open_store(f"embedded:{tmp_path}/store")
    await store.open()
    await store.publish(publication(1, 1))
    spare = Spare(tmp_path / "last")
    feed = Feed(store, spare)
    await feed.start()
    async with asyncio.timeout(10):
        while spare.load() is None:  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(0.02)
    written = (tmp_path / "last").stat().st_mtime_ns
    await asyncio.sleep(0.2)
    assert (tmp_path / "last").stat().st_mtime_ns == written, "what is copied already is not copied again"
    await feed.stop()
    await store.close()
