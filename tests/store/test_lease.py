"""The lease on polling in a real Redis: one holder, an end, and nothing that could lock everybody out."""

import asyncio

import pytest
from publications import NOW, publication, snapshot
from redis_server import RedisServer
from store.following import Reader, opened

from ticker.errors import Fenced, StoreCorrupt, StoreDown
from ticker.store.envelope import seal

pytestmark = pytest.mark.redis


async def test_one_of_many_has_it(own_redis: RedisServer) -> None:
    """Fifty ask at once: one has it, the others learn when it may be over, and everybody who it is."""
    async with opened(own_redis.url) as store:
        assert await store.leader() is None
        grants = await asyncio.gather(*(store.take_lease(f"r{i}", 10, NOW) for i in range(50)))
        [winner] = [i for i, grant in enumerate(grants) if grant.epoch is not None]
        assert all(0 < grant.wait <= 10 for grant in grants if grant.epoch is None)
        assert await store.leader() == f"r{winner}"
        with own_redis.client() as client:
            assert 0 < client.pttl("{ticker}:leader") <= 10_000


async def test_it_ends_and_is_given_up(own_redis: RedisServer) -> None:
    """Not renewed, it is another's after its time; given up, at once; and nobody can give up another's."""
    async with opened(own_redis.url) as store:
        first = await store.take_lease("a", 0.3, NOW)
        await store.give_up_lease("b")
        waiting = await store.take_lease("b", 10, NOW)
        assert waiting.epoch is None
        await asyncio.sleep(waiting.wait + 0.05)
        second = await store.take_lease("b", 10, NOW)
        assert first.epoch is not None
        assert second.epoch is not None
        assert second.epoch > first.epoch
        assert not await store.renew_lease("a", 10, first.epoch)
        await store.give_up_lease("b")
        assert (await store.take_lease("a", 10, NOW)).epoch is not None


async def test_what_was_on_its_way_when_it_was_given_up(own_redis: RedisServer) -> None:
    """A renewal and a publication that Redis hears after the lease was given up bring nothing back."""
    async with opened(own_redis.url) as store:
        epoch = (await store.take_lease("a", 10, NOW)).epoch
        assert epoch is not None
        await store.give_up_lease("a")
        assert not await store.renew_lease("a", 10, epoch)
        with pytest.raises(Fenced):
            await store.publish(publication(epoch, 1))
        assert await store.leader() is None


async def test_who_was_stopped_is_refused(own_redis: RedisServer) -> None:
    """Another has led meanwhile: what the first one writes is refused, before and after the other's first word."""
    async with opened(own_redis.url) as store:
        old = (await store.take_lease("a", 0.05, NOW)).epoch
        assert old is not None
        await store.publish(publication(old, 1))
        await asyncio.sleep(0.1)
        new = (await store.take_lease("b", 10, NOW)).epoch
        assert new is not None
        with pytest.raises(Fenced, match=f"epoch {new} was given out"):
            await store.publish(publication(old, 2))
        assert await store.latest() == snapshot(old, 1)
        await store.publish(publication(new, 1))
        with pytest.raises(Fenced):
            await store.publish(publication(old, 3))
        assert not await store.renew_lease("a", 10, old)


async def test_a_lost_answer_costs_nobody_a_lease(own_redis: RedisServer) -> None:
    """Who asks again for what it has already, since it heard no answer, has it, with a newer epoch."""
    async with opened(own_redis.url) as store:
        first, again = [await store.take_lease("a", 10, NOW) for _ in range(2)]
        assert first.epoch is not None
        assert again.epoch is not None
        assert again.epoch > first.epoch


async def test_a_wipe_under_a_leader(own_redis: RedisServer) -> None:
    """FLUSHALL: the leader has its lease again when it renews, and writes on; a rival that was quicker wins instead."""
    async with opened(own_redis.url) as store:
        epoch = (await store.take_lease("a", 10, NOW)).epoch
        assert epoch is not None
        with own_redis.client() as client:
            client.flushall()
        assert await store.renew_lease("a", 10, epoch)
        assert await store.leader() == "a"
        await store.publish(publication(epoch, 1))
        with own_redis.client() as client:
            client.flushall()
        assert (await store.take_lease("b", 10, NOW + 60)).epoch is not None
        assert not await store.renew_lease("a", 10, epoch)
        with pytest.raises(Fenced):
            await store.publish(publication(epoch, 2))


async def test_an_old_dump_under_a_leader(own_redis: RedisServer) -> None:
    """An old epoch and an old holder come back: the leader loses nothing but time, and no reader goes back."""
    async with opened(own_redis.url) as store, Reader(store) as reader:
        old = (await store.take_lease("old", 60, NOW)).epoch
        assert old is not None
        await store.publish(publication(old, 5))
        await reader.until((old, 5))
        with own_redis.client() as client:
            dump = {key: client.dump(key) for key in client.scan_iter()}
            client.flushall()
        new = (await store.take_lease("new", 10, NOW + 60)).epoch
        assert new is not None
        await store.publish(publication(new, 1, as_of=NOW + 60))
        await reader.until((new, 1))
        with own_redis.client() as client:
            client.flushall()
            for key, value in dump.items():
                client.restore(key, 1000 if key.endswith(b"leader") else 0, value)
        assert not await store.renew_lease("new", 10, new)
        await asyncio.sleep(1.1)
        again = (await store.take_lease("new", 10, NOW + 61)).epoch
        assert again is not None
        assert again > new
        await store.publish(publication(again, 1, as_of=NOW + 61))
        await reader.until((again, 1))
        assert [one.order for one in reader.seen] == [(old, 5), (new, 1), (again, 1)]


@pytest.mark.parametrize("value", ["text", "list", "for a year"])
async def test_what_is_not_ours_locks_nobody_out(own_redis: RedisServer, value: str) -> None:
    """A key without an end, of another type, or with an end in a year is no lease."""
    async with opened(own_redis.url) as store:
        with own_redis.client() as client:
            if value == "list":
                client.lpush("{ticker}:leader", "x")
            else:
                client.set("{ticker}:leader", "x", ex=None if value == "text" else 365 * 86_400)
        grant = await store.take_lease("a", 10, NOW)
        assert grant.epoch is not None
        assert await store.leader() == "a"
        with own_redis.client() as client:
            client.delete("{ticker}:leader")
            client.lpush("{ticker}:leader", "x")
        with pytest.raises(StoreCorrupt):
            await store.leader()
        await store.give_up_lease("a")
        assert await store.renew_lease("a", 10, grant.epoch)


async def test_a_redis_that_hangs_gives_no_lease(own_redis: RedisServer) -> None:
    """Every call fails in time; what Redis does of them when it wakes is the asker's own lease, and no other's."""
    async with opened(own_redis.url) as store:
        own_redis.pause()
        for call in (store.take_lease("a", 10, NOW), store.renew_lease("a", 10, 1), store.leader()):
            with pytest.raises(StoreDown):
                await call
        own_redis.resume()
        async with asyncio.timeout(10):
            while (await store.take_lease("a", 10, NOW)).epoch is None:  # noqa: ASYNC110 - it is remote
                await asyncio.sleep(0.05)
        assert await store.leader() == "a"


async def test_subscribers_that_are_cut_off_converge(own_redis: RedisServer) -> None:
    """Redis closes a subscriber for what it has not read (output buffer): it comes back and has what it missed."""
    async with opened(own_redis.url) as store, Reader(store) as reader:
        await store.publish(publication(1, 1))
        await reader.until((1, 1))
        with own_redis.client() as client:
            client.config_set("client-output-buffer-limit", "pubsub 1kb 1kb 1")
            client.publish("{ticker}:notice", b"x" * 4_000_000)
            client.config_set("client-output-buffer-limit", "pubsub 32mb 8mb 60")
        await store.publish(publication(1, 2))
        await reader.until((1, 2))


async def test_another_s_answer_is_refused() -> None:
    """A connection that answers what somebody else asked, as happened to others: refused, and nothing is shown."""
    sealed = seal(publication(1, 1))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            writer.write(b"$%d\r\n%b\r\n" % (len(sealed.quotes), sealed.quotes))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with opened(f"redis://127.0.0.1:{port}") as store:
        with pytest.raises(StoreCorrupt, match="the stored snapshot is a quotes"):
            await store.latest()
    server.close()
