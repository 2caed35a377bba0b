"""The feed: what the web process knows of the store, whatever happens to the store."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable

import pytest
from publications import NOW, publication, snapshot
from redis_server import RedisServer

from ticker.errors import StoreCorrupt, StoreDown, StoreError
from ticker.feed import Feed
from ticker.model import Snapshot
from ticker.store import open_store
from ticker.store.base import Publication, Report


class FakeStore:
    """A store in the hands of a test: `down` makes it fail, `give` publishes, `break_with` is a bug in a back end."""

    def __init__(self, first: Snapshot | None = None, *, down: StoreError | None = None) -> None:
        self.first, self.down = first, down
        self.following = 0
        self._given: asyncio.Queue[Snapshot | StoreError | Exception | None] = asyncio.Queue()

    def give(self, what: Snapshot | StoreError | Exception | None) -> None:
        self._given.put_nowait(what)

    async def latest(self) -> Snapshot | None:
        if self.down is not None:
            raise self.down
        return self.first

    async def changes(self, report: Report | None = None) -> AsyncGenerator[Snapshot, None]:
        self.following += 1
        try:
            while True:
                given = await self._given.get()
                if isinstance(given, Snapshot):
                    yield given
                elif given is None or isinstance(given, StoreError):
                    assert report is not None
                    report(given)
                else:
                    raise given
        finally:
            self.following -= 1

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def new_epoch(self, now: float) -> int:
        return int(now)

    async def publish(self, publication: Publication) -> None: ...

    async def resume(self) -> Publication | None: ...

    async def heartbeat(self) -> None: ...


async def _until(feed: Feed, condition: Callable[[], bool]) -> None:
    """Wait until something the feed does makes this true."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - no event covers both snapshot and trouble
            await asyncio.sleep(0.005)


async def test_what_is_there_is_there_after_starting() -> None:
    """The stored snapshot is in memory as soon as `start` returns."""
    feed = Feed(FakeStore(snapshot(1, 1)))
    assert feed.snapshot is None
    await feed.start()
    assert feed.snapshot == snapshot(1, 1)
    await feed.stop()


async def test_subscribers_hear_of_each_newer_snapshot_once() -> None:
    """All of them, in order, never of an older one, never of the one they could read, and no more once they left."""
    store = FakeStore(snapshot(1, 1))
    feed = Feed(store)
    one: list[int] = []
    two: list[int] = []
    feed.subscribe(lambda found: one.append(found.seq))
    await feed.start()
    leave = feed.subscribe(lambda found: two.append(found.seq))
    for seq in (1, 2, 3, 2):
        store.give(snapshot(1, seq))
    await _until(feed, lambda: two == [2, 3])
    leave()
    leave()
    store.give(snapshot(1, 4))
    await _until(feed, lambda: one[-1] == 4)
    assert one == [1, 2, 3, 4]
    assert two == [2, 3]
    await feed.stop()


async def test_the_snapshot_is_there_before_subscribers_hear() -> None:
    """Who is called and looks at the feed sees what he was called with."""
    store = FakeStore()
    feed = Feed(store)
    seen: list[Snapshot | None] = []
    feed.subscribe(lambda _: seen.append(feed.snapshot))
    await feed.start()
    store.give(snapshot(1, 1))
    await _until(feed, lambda: seen == [snapshot(1, 1)])
    await feed.stop()


async def test_a_failing_subscriber_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """His error is logged with its snapshot, the others are called, and the feed goes on."""
    store = FakeStore()
    feed = Feed(store)
    heard: list[int] = []

    def fail(_: Snapshot) -> None:
        raise ZeroDivisionError

    feed.subscribe(fail)
    feed.subscribe(lambda found: heard.append(found.seq))
    await feed.start()
    store.give(snapshot(1, 1))
    store.give(snapshot(1, 2))
    await _until(feed, lambda: heard == [1, 2])
    assert [record.message for record in caplog.records] == [
        "a subscriber failed on snapshot 1-1; the others go on",
        "a subscriber failed on snapshot 1-2; the others go on",
    ]
    await feed.stop()


async def test_a_store_that_is_down_is_logged_once_and_once_when_back(caplog: pytest.LogCaptureFixture) -> None:
    """However often it is tried: one line down, one when the trouble is another, one back; the snapshot stays."""
    caplog.set_level(logging.INFO, "ticker.feed")
    store = FakeStore(snapshot(1, 1), down=StoreDown("redis://cache: refused"))
    feed = Feed(store)
    await feed.start()
    assert feed.snapshot is None
    assert isinstance(feed.trouble, StoreDown)
    for _ in range(5):
        store.give(StoreDown("redis://cache: refused"))
    store.give(None)
    store.give(snapshot(1, 1))
    await _until(feed, lambda: feed.snapshot is not None)
    assert feed.trouble is None
    for _ in range(3):
        store.give(StoreCorrupt("not ours"))
    await _until(feed, lambda: isinstance(feed.trouble, StoreCorrupt))
    store.give(None)
    store.give(None)
    await _until(feed, lambda: feed.trouble is None)
    assert feed.snapshot == snapshot(1, 1)
    assert [record.message for record in caplog.records] == [
        "redis://cache: refused; nothing to show yet; trying again",
        "the store is back",
        "not ours; snapshot 1-1 stays; trying again",
        "the store is back",
    ]
    await feed.stop()


async def test_a_bug_in_a_back_end_does_not_stop_the_feed(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that nobody expected is logged with its trace, and the feed follows anew."""
    monkeypatch.setattr("ticker.feed.RESTART", 0.01)
    store = FakeStore()
    feed = Feed(store)
    await feed.start()
    store.give(ZeroDivisionError("a bug"))
    store.give(snapshot(1, 1))
    await _until(feed, lambda: feed.snapshot is not None)
    assert "a bug" in caplog.text
    await feed.stop()


async def test_a_slow_store_does_not_hold_up_the_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A store that never answers costs a moment, and one line that says so."""
    monkeypatch.setattr("ticker.feed.FIRST_LOOK", 0.05)
    store = FakeStore()
    monkeypatch.setattr(store, "latest", asyncio.Event().wait)
    feed = Feed(store)
    async with asyncio.timeout(1):
        await feed.start()
    assert "has not answered within 0.05 s" in caplog.text
    await feed.stop()


async def test_stopping_leaves_nothing() -> None:
    """One task while it runs however often it was started, none after; what is in memory stays; twice is safe."""
    store = FakeStore(snapshot(1, 1))
    feed = Feed(store)
    before = asyncio.all_tasks()
    await feed.start()
    await feed.start()
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks() - before) == 1
    assert store.following == 1
    await feed.stop()
    await feed.stop()
    assert asyncio.all_tasks() == before
    assert store.following == 0
    assert feed.snapshot == snapshot(1, 1)


@pytest.mark.redis
async def test_on_a_real_redis_that_comes_and_goes(own_redis: RedisServer) -> None:
    """Absent at the start, then there, then wiped by a restart: the feed has the newest it could have, all the time."""
    own_redis.kill()
    store = open_store(own_redis.url, silence=0.5)
    feed = Feed(store)
    await feed.start()
    assert isinstance(feed.trouble, StoreDown)
    own_redis.start()
    epoch = await store.new_epoch(NOW)
    await store.publish(publication(epoch, 1))
    await _until(feed, lambda: feed.snapshot == snapshot(epoch, 1))
    own_redis.kill()
    await _until(feed, lambda: feed.trouble is not None)
    own_redis.start()
    await _until(feed, lambda: feed.trouble is None)
    assert feed.snapshot == snapshot(epoch, 1)
    await store.publish(publication(epoch, 2))
    await _until(feed, lambda: feed.snapshot == snapshot(epoch, 2))
    await feed.stop()
    await store.close()
