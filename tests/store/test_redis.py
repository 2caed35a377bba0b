"""What only the Redis back end can suffer: a real redis-server, hurt in every way that has happened to somebody."""

import asyncio
import re
import time
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import pytest
import uvloop
from publications import NOW, publication, snapshot
from redis_server import RedisServer, least_user
from store.following import SILENCE, Reader, opened

from ticker.errors import Fenced, StoreCorrupt, StoreDown
from ticker.model import Point
from ticker.store.base import Entry, Store
from ticker.store.envelope import seal

pytestmark = pytest.mark.redis

SECRET = "p/s#s@word:ü%"


async def test_a_restart_loses_no_reader(own_redis: RedisServer) -> None:
    """Redis killed and started empty: the reader keeps what it has, hears of it, and has what comes then."""
    async with opened(own_redis.url) as store, Reader(store) as reader:
        await store.publish(publication(1, 1))
        await reader.until((1, 1))
        own_redis.kill()
        await reader.told(StoreDown)
        with pytest.raises(StoreDown):
            await store.publish(publication(1, 2))
        own_redis.start()
        await store.publish(publication(1, 3))
        await reader.until((1, 3))
        assert reader.reports[-1] is None
        assert [found.seq for found in reader.seen] == [1, 3]


async def test_what_is_published_during_an_outage_of_the_reader_arrives(own_redis: RedisServer) -> None:
    """Notices that nobody heard lose nothing, twenty restarts of the subscription in a row included."""
    async with opened(own_redis.url) as store, Reader(store) as reader:
        for seq in range(1, 21):
            with own_redis.client() as client:
                client.client_kill_filter(_type="pubsub")
            await store.publish(publication(1, seq, coins=2))
            await asyncio.sleep(0.02)
        await reader.until((1, 20))
        seqs = [found.seq for found in reader.seen]
        assert seqs == sorted(set(seqs))


async def test_a_hung_redis_is_noticed_and_survived(own_redis: RedisServer) -> None:
    """SIGSTOP raises nothing: calls fail within their deadline all the same, the reader is told, and goes on after."""
    async with opened(own_redis.url) as store, Reader(store) as reader:
        await store.publish(publication(1, 1))
        await reader.until((1, 1))
        own_redis.pause()
        began = time.monotonic()
        with pytest.raises(StoreDown):
            await store.publish(publication(1, 2))
        with pytest.raises(StoreDown):
            await store.latest()
        assert time.monotonic() - began < 2.5
        await reader.told(StoreDown)
        await asyncio.sleep(max(0.0, 3.2 - (time.monotonic() - began)))
        assert [found.seq for found in reader.seen] == [1]
        own_redis.resume()
        await store.publish(publication(1, 3))
        await reader.until((1, 3))
        assert reader.reports[-1] is None


async def test_a_lost_notice_is_made_good_by_the_next_beat(own_redis: RedisServer) -> None:
    """What was written without a word is read when the publisher gives a sign of life."""
    async with opened(own_redis.url, silence=60) as store, Reader(store) as reader:
        await store.publish(publication(1, 1))
        await reader.until((1, 1))
        await asyncio.sleep(0.2)  # until the reader has also heard the notice of what it has
        with own_redis.client() as client:
            client.set("{ticker}:snapshot", seal(publication(1, 2)).snapshot)
        await asyncio.sleep(0.2)
        assert len(reader.seen) == 1
        await store.heartbeat()
        await reader.until((1, 2))


async def test_silence_makes_a_reader_look(own_redis: RedisServer) -> None:
    """Without any message, the reader looks for itself after the silence."""
    async with opened(own_redis.url) as store, Reader(store) as reader:
        await store.publish(publication(1, 1))
        await reader.until((1, 1))
        with own_redis.client() as client:
            client.set("{ticker}:snapshot", seal(publication(1, 2)).snapshot)
        await reader.until((1, 2), within=SILENCE + 1)
        assert set(reader.reports) == {None}, "silence is no trouble"


async def test_who_listens_anew_takes_no_connection_from_who_asks(own_redis: RedisServer) -> None:
    """Readers that hear nothing listen anew, and idle connections are closed; calls at that very moment succeed."""
    async with opened(own_redis.url, silence=0.005) as store, Reader(store), Reader(store):
        await store.publish(publication(1, 1))
        for _ in range(300):
            assert await store.latest() == snapshot(1, 1)
            await asyncio.sleep(0)


def test_a_connection_that_has_just_gone_is_a_store_that_is_down(own_redis: RedisServer) -> None:
    """uvloop, on which the service runs, says so in a way of its own: by name for us, and the next call is well."""

    async def gone(*_: object) -> None:
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")

    async def main() -> None:
        async with opened(own_redis.url) as store:
            await store.publish(publication(1, 1))
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("redis.asyncio.connection.AbstractConnection._send_packed_command", gone)
                for call in (store.publish(publication(1, 2)), store.latest(), store.heartbeat()):
                    with pytest.raises(StoreDown, match=f"127.0.0.1:{own_redis.port}/0: unable to perform"):
                        await call
            assert await store.latest() == snapshot(1, 1)
            with own_redis.client() as client:
                for seq in range(2, 30):
                    client.client_kill_filter(_type="normal", skipme=True)
                    with suppress(StoreDown):
                        await store.publish(publication(1, seq))
            await store.publish(publication(1, 30))

    uvloop.run(main())


async def test_a_wiped_redis_takes_nothing_from_readers(own_redis: RedisServer) -> None:
    """FLUSHALL: the reader keeps what it has; the poller goes on; scripts come back by themselves."""
    async with opened(own_redis.url) as store, Reader(store) as reader:
        epoch = await store.new_epoch(NOW)
        await store.publish(publication(epoch, 5))
        await reader.until((epoch, 5))
        with own_redis.client() as client:
            client.flushall()
            client.script_flush()
        await asyncio.sleep(2 * SILENCE)
        assert await store.latest() is None
        await store.publish(publication(epoch, 6))
        await reader.until((epoch, 6))
        assert await store.new_epoch(NOW) == epoch + 1


async def test_a_wipe_with_the_clock_set_back_locks_no_reader_out(own_redis: RedisServer) -> None:
    """A lower epoch with newer prices is taken, and readers go on from there."""
    async with opened(own_redis.url) as store, Reader(store) as reader:
        high = await store.new_epoch(NOW + 86_400)
        await store.publish(publication(high, 9))
        await reader.until((high, 9))
        with own_redis.client() as client:
            client.flushall()
        low = await store.new_epoch(NOW)
        assert low < high
        await store.publish(publication(low, 1, as_of=NOW + 60))
        await reader.until((low, 1))
        await store.publish(publication(low, 2, as_of=NOW + 60))
        await reader.until((low, 2))


async def test_an_old_dump_takes_no_reader_back(own_redis: RedisServer) -> None:
    """Old values restored under a running reader are never shown; the next publication is."""
    async with opened(own_redis.url) as store, Reader(store) as reader:
        old = await store.new_epoch(NOW)
        await store.publish(publication(old, 7))
        new = await store.new_epoch(NOW + 60)
        with own_redis.client() as client:
            dump = {key: client.dump(key) for key in client.scan_iter()}
            await store.publish(publication(new, 1, as_of=NOW + 60))
            await reader.until((new, 1))
            client.flushall()
            for key, value in dump.items():
                client.restore(key, 0, value)
        await store.heartbeat()
        await asyncio.sleep(2 * SILENCE)
        found = await store.latest()
        assert found is not None
        assert found.order == (old, 7)
        assert reader.seen[-1].order == (new, 1)
        await store.publish(publication(new, 2, as_of=NOW + 60))
        await reader.until((new, 2))


_FOREIGN = {
    "garbage": b"hello",
    "empty": b"",
    "cut": seal(publication(1, 1)).snapshot[:-10],
    "one changed digit": seal(publication(1, 1)).snapshot.replace(b'"seq":1', b'"seq":2'),
    "another value of ours": seal(publication(1, 1)).quotes,
    "another version": seal(publication(1, 1)).snapshot.replace(b"ticker/1", b"ticker/2"),
    "not text": b"\xff\x00" * 100,
}


@pytest.mark.parametrize("value", _FOREIGN.values(), ids=_FOREIGN.keys())
async def test_a_foreign_value_is_refused_and_healed(own_redis: RedisServer, value: bytes) -> None:
    """What is not ours is an error by name to who asks, nothing to who follows, and overwritten by who publishes."""
    async with opened(own_redis.url) as store, Reader(store) as reader:
        await store.publish(publication(1, 2))
        await reader.until((1, 2))
        with own_redis.client() as client:
            client.set("{ticker}:snapshot", value)
        with pytest.raises(StoreCorrupt):
            await store.latest()
        with pytest.raises(StoreCorrupt):
            await store.resume()
        await store.heartbeat()
        await reader.told(StoreCorrupt)
        assert [found.order for found in reader.seen] == [(1, 2)]
        await store.publish(publication(1, 3))
        await reader.until((1, 3))


async def test_keys_of_another_type_are_refused_and_healed(own_redis: RedisServer) -> None:
    """A list where our snapshot should be, and words where our epoch should be, stop nobody."""
    async with opened(own_redis.url) as store:
        with own_redis.client() as client:
            client.lpush("{ticker}:snapshot", "x")
            client.set("{ticker}:epoch", "inf")
        with pytest.raises(StoreCorrupt):
            await store.latest()
        epoch = await store.new_epoch(NOW)
        assert epoch == NOW * 1000
        await store.publish(publication(epoch, 1))
        assert await store.latest() == snapshot(epoch, 1)
        with own_redis.client() as client:
            client.delete("{ticker}:epoch")
            client.lpush("{ticker}:epoch", "x")
        assert await store.new_epoch(NOW) == epoch + 1


async def test_parts_of_different_publications_are_never_mixed(own_redis: RedisServer) -> None:
    """Quotes of another publication, or none, make what is stored unusable to resume, and the error says so."""
    async with opened(own_redis.url) as store:
        await store.publish(publication(1, 2))
        with own_redis.client() as client:
            client.set("{ticker}:quotes", seal(publication(1, 1)).quotes)
            with pytest.raises(StoreCorrupt, match="snapshot 1-2, quotes 1-1"):
                await store.resume()
            client.delete("{ticker}:quotes")
            with pytest.raises(StoreCorrupt, match="quotes is gone"):
                await store.resume()


async def test_full_memory_is_reported_and_recovered_from(own_redis: RedisServer) -> None:
    """noeviction and no room: the writer is told, nothing is half written, readers keep the last, all goes on after."""
    async with opened(own_redis.url) as store, Reader(store) as reader:
        await store.publish(publication(1, 1))
        await reader.until((1, 1))
        with own_redis.client() as client:
            client.config_set("maxmemory", "1")
            with pytest.raises(StoreDown, match="maxmemory"):
                await store.publish(publication(1, 2))
            with pytest.raises(StoreDown, match="maxmemory"):
                await store.new_epoch(NOW)
            assert await store.resume() == publication(1, 1)
            client.config_set("maxmemory", "0")
        await store.publish(publication(1, 3))
        await reader.until((1, 3))
        assert [found.seq for found in reader.seen] == [1, 3]


async def test_a_replica_is_refused_with_its_reason(own_redis: RedisServer) -> None:
    """A primary that became a replica refuses writes, and says why."""
    async with opened(own_redis.url) as store:
        with own_redis.client() as client:
            client.replicaof("127.0.0.1", 1)
        with pytest.raises(StoreDown, match="read only"):
            await store.publish(publication(1, 1))


async def test_an_absent_redis_fails_fast_and_by_name(own_redis: RedisServer) -> None:
    """Nobody listens: opening is no error, each call is, soon, with the address and without a password."""
    own_redis.kill()
    async with opened(own_redis.url) as store:
        began = time.monotonic()
        with pytest.raises(StoreDown, match=re.escape(f"://127.0.0.1:{own_redis.port}/0: ")):
            await store.latest()
        assert time.monotonic() - began < 5


async def test_a_reader_may_be_there_before_redis(own_redis: RedisServer) -> None:
    """Redis absent when the reader starts: it has the snapshot when there is one."""
    own_redis.kill()
    async with opened(own_redis.url) as store, Reader(store) as reader:
        await reader.told(StoreDown)
        own_redis.start()
        await store.publish(publication(1, 1))
        await reader.until((1, 1))


async def test_many_calls_at_once_queue(own_redis: RedisServer) -> None:
    """A hundred calls share a few connections, and none fails for lack of one."""
    async with opened(own_redis.url) as store:
        await store.publish(publication(1, 1, coins=2))
        found = await asyncio.gather(*(store.latest() for _ in range(100)))
        assert {one.order for one in found if one is not None} == {(1, 1)}
        with own_redis.client() as client:
            assert len(client.client_list()) <= 10


async def test_cancelled_readers_leave_no_connections(own_redis: RedisServer) -> None:
    """Ten readers come and go, and so do their connections."""
    async with opened(own_redis.url) as store:
        await store.publish(publication(1, 1, coins=2))
        for _ in range(10):
            async with Reader(store) as reader:
                await reader.until((1, 1))
        with own_redis.client() as client:
            assert client.client_list(_type="pubsub") == []
    with own_redis.client() as client:
        assert len(client.client_list()) == 1


async def test_prefixes_are_apart(own_redis: RedisServer) -> None:
    """Two tickers on one Redis do not see each other, and every key bears its prefix as hash tag."""
    async with opened(own_redis.url, "one") as one, opened(own_redis.url, "two") as two:
        await one.publish(publication(await one.new_epoch(NOW), 1))
        assert await two.latest() is None
        assert await two.new_epoch(0) == 1
        with own_redis.client() as client:
            keys = {f"{{one}}:{name}".encode() for name in ("snapshot", "quotes", "memory", "epoch")}
            assert set(client.keys()) == {*keys, b"{two}:epoch"}
            assert {client.ttl(key) for key in keys} == {-1}


async def test_a_socket_of_this_machine(own_redis: RedisServer) -> None:
    """unix:// reaches the same store."""
    async with opened(f"unix://{own_redis.socket}") as here, opened(own_redis.url) as there:
        await here.publish(publication(1, 1))
        assert await there.latest() == snapshot(1, 1)


async def test_a_user_who_may_not_publish_writes_nothing(own_redis: RedisServer) -> None:
    """Without the right to our channel a poller learns it, and what was stored stays."""
    with own_redis.client() as client:
        words = least_user("mute", "secret", "ticker")
        client.execute_command(*(word for word in words if not word.startswith("&")))
    async with opened(own_redis.url) as store, opened(own_redis.url_as("mute:secret")) as mute:
        await store.publish(publication(1, 1))
        with pytest.raises(StoreDown, match="can't publish"):
            await mute.publish(publication(1, 2))
        assert await store.latest() == snapshot(1, 1)


async def _filled_days(store: Store, days: int) -> list[Point]:
    """A price a day for so many days and the day before, and what the store then has."""
    for day in range(days + 1):
        await store.add_points("1d", NOW + 86_400 * day, {"bitcoin": Decimal(day + 1)})
    near = await store.points_near(["bitcoin"], "1d", NOW, 60)
    assert near == {"bitcoin": Point(NOW, Decimal(1))}
    return await store.points("bitcoin", "1d", 0, 2 * NOW)


_STRANGE = {"list": ("lpush", "x"), "words": ("set", "hello"), "empty": ("set", ""), "junk": ("set", b"\xff" * 36)}


@pytest.mark.parametrize(("command", "value"), _STRANGE.values(), ids=_STRANGE.keys())
async def test_strange_history_is_no_history(own_redis: RedisServer, command: str, value: str | bytes) -> None:
    """What is not ours where points should be is nothing to who asks, and overwritten by who adds."""
    async with opened(own_redis.url) as store:
        with own_redis.client() as client:
            getattr(client, command)("{ticker}:history:bitcoin:1d", value)
        assert await store.points("bitcoin", "1d", 0, 2 * NOW) == []
        assert await store.points_near(["bitcoin"], "1d", NOW, 60) == {}
        assert len(await _filled_days(store, 3)) == 4


@pytest.mark.parametrize("broken", ["", ":ages", ":bytes"])
async def test_a_strange_log_is_begun_anew(own_redis: RedisServer, broken: str) -> None:
    """Where a part of the log is not ours or gone, the log begins again, and is bounded again."""
    async with opened(own_redis.url) as store:
        await store.record([Entry(NOW, "x", b"old")])
        for strange in (True, False):
            with own_redis.client() as client:
                client.delete(f"{{ticker}}:decisions{broken}")
                if strange:
                    client.lpush(f"{{ticker}}:decisions{broken}", "x")
            await store.record([Entry(NOW + 1, "x", b"new")])
            assert Entry(NOW + 1, "x", b"new") in await store.decisions("x", 0, 2 * NOW, 9)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("ticker.store.redis_log.DECISIONS_BYTES", 1)
                await store.record([Entry(NOW + 2, "x", b"last")])
            assert await store.decisions("x", 0, 2 * NOW, 9) == []


async def test_a_wiped_redis_begins_a_new_history(own_redis: RedisServer) -> None:
    """FLUSHALL between two minutes: nothing is there and no error, and what comes then is kept."""
    async with opened(own_redis.url) as store:
        await store.add_points("1m", NOW, {"bitcoin": Decimal(1)})
        await store.record([Entry(NOW, "x", b"1")])
        with own_redis.client() as client:
            client.flushall()
            client.script_flush()
        assert await store.points("bitcoin", "1m", 0, 2 * NOW) == []
        assert await store.decisions("x", 0, 2 * NOW, 9) == []
        await store.add_points("1m", NOW + 60, {"bitcoin": Decimal(2)})
        await store.record([Entry(NOW + 60, "x", b"2")])
        assert await store.points("bitcoin", "1m", 0, 2 * NOW) == [Point(NOW + 60, Decimal(2))]
        assert await store.decisions("x", 0, 2 * NOW, 9) == [Entry(NOW + 60, "x", b"2")]


async def test_history_takes_the_room_it_says(own_redis: RedisServer) -> None:
    """A coin's rings are as large in the beginning as ever, and nothing else is made for them; no key expires."""
    sizes = []
    async with opened(own_redis.url) as store:
        for minute in (0, 1, 5000):
            for step in ("1m", "1h", "1d"):
                await store.add_points(step, NOW + 60 * minute, {"bitcoin": Decimal("64250.12")})  # type: ignore[arg-type]
            with own_redis.client() as client:
                keys = sorted(key.decode() for key in client.scan_iter())
                sizes.append({key: client.memory_usage(key) for key in keys})
                assert {client.ttl(key) for key in keys} == {-1}
    assert sizes[0] == sizes[1] == sizes[2]
    most = {"1d": 8_000, "1h": 5_000, "1m": 29_000}
    assert {key.rpartition(":")[0] for key in sizes[0]} == {"{ticker}:history:bitcoin"}
    assert all(sizes[0][f"{{ticker}}:history:bitcoin:{step}"] <= most[step] for step in most)


async def test_the_log_takes_the_room_it_says(own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an entry is counted as is what it takes, within a fifth, for small entries and large ones."""
    monkeypatch.setattr("ticker.store.redis_log.DECISIONS_BYTES", 5_000_000)
    async with opened(own_redis.url) as store:
        for size in (10, 5000):
            with own_redis.client() as client:
                client.flushall()
                before = client.info("memory")["used_memory"]
                for first in range(0, 25_000, 500):
                    body = b"x" * size
                    entries = [Entry(NOW + i, f"some-coin-{i % 9}", body) for i in range(first, first + 500)]
                    await store.record(entries)
                assert client.info("memory")["used_memory"] - before < 6_000_000
                assert int(client.get("{ticker}:decisions:bytes")) > 4_990_000


async def test_an_absent_redis_fails_history_fast(own_redis: RedisServer) -> None:
    """Every call is an error by name within its deadline, with Redis gone and with Redis hung."""
    async with opened(own_redis.url) as store:
        for hurt in (own_redis.pause, own_redis.kill):
            hurt()
            for call in (
                store.add_points("1m", NOW, {"bitcoin": Decimal(1)}),
                store.points("bitcoin", "1m", 0, NOW),
                store.points_near(["bitcoin"], "1m", NOW, 60),
                store.record([Entry(NOW, "x", b"")]),
                store.decisions("x", 0, NOW, 1),
            ):
                began = time.monotonic()
                with pytest.raises(StoreDown):
                    await call
                assert time.monotonic() - began < 5


async def test_secrets_are_never_told(
    redis_program: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """A password works with any sign in it, and is in no error, repr, log or output, right or wrong, up or down."""
    caplog.set_level("DEBUG")
    server = RedisServer(redis_program, tmp_path, "--requirepass", SECRET)
    server.start()
    address = f"127.0.0.1:{server.port}"
    texts = []
    try:
        async with opened(f"redis://:{quote(SECRET, safe='')}@{address}/0") as store:
            await store.publish(publication(1, 1))
            texts.append(repr(store))
        async with opened(f"redis://:{quote(SECRET, safe='')}wrong@{address}/0") as store:
            for user in (store.latest(), store.publish(publication(1, 2)), store.new_epoch(NOW)):
                with pytest.raises(StoreDown) as caught:
                    await user
                texts += [str(caught.value), repr(caught.value.__cause__), repr(store)]
            async with Reader(store) as reader:
                texts.append(str(await reader.told(StoreDown)))
    finally:
        server.kill()
    async with opened(f"redis://:{quote(SECRET, safe='')}@{address}/0") as store:
        with pytest.raises(StoreDown) as caught:
            await store.latest()
        texts.append(str(caught.value))
    out, err = capfd.readouterr()
    for text in [*texts, caplog.text, out, err]:
        assert SECRET not in text
        assert quote(SECRET, safe="") not in text


async def test_the_fence_names_what_holds(own_redis: RedisServer) -> None:
    """Who is fenced learns by what."""
    async with opened(own_redis.url) as store:
        await store.publish(publication(1_763_845_200_123, 12))
        with pytest.raises(Fenced, match=r"1763845200123-12.*1763845200122-99"):
            await store.publish(publication(1_763_845_200_122, 99))
