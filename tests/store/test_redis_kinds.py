"""Every kind of Redis for real: over TLS, as the least privileged user, under Sentinel, in a cluster."""

import asyncio
import re
from decimal import Decimal
from pathlib import Path

import pytest
from publications import NOW, publication, snapshot
from redis.crc import key_slot
from redis_server import Certificate, Cluster, RedisServer, Watched, free_port, least_user
from store.following import Reader, opened

from ticker.errors import Fenced, StoreDown, StoreError
from ticker.store.base import Entry, Store
from ticker.store.redis_health import complaints

pytestmark = pytest.mark.redis

ANSWERS = 30.0  # seconds for a failover: Sentinel's own, generous on a busy machine


async def until_published(store: Store, epoch: int, seq: int) -> int:
    """Publish, again with the next seq after each failure, as a poller does; the seq that went through."""
    async with asyncio.timeout(ANSWERS):
        while True:
            try:
                await store.publish(publication(epoch, seq, coins=2))
            except StoreError:
                seq += 1
                await asyncio.sleep(0.05)
            else:
                return seq


async def test_a_failover_is_followed(own_watched: Watched) -> None:
    """The primary dies: writers and readers find the new one by themselves, and no reader ever goes back."""
    async with opened(own_watched.url) as store, Reader(store) as reader:
        epoch = await store.new_epoch(NOW)
        await store.publish(publication(epoch, 1, coins=2))
        await reader.until((epoch, 1))
        first = own_watched.primary()
        first.kill()
        seq = await until_published(store, epoch, 2)
        await reader.until((epoch, seq), ANSWERS)
        assert own_watched.primary() is not first
        assert [one.order for one in reader.seen] == sorted({one.order for one in reader.seen})


async def test_a_primary_that_was_replaced_is_left(own_watched: Watched) -> None:
    """It hangs, is replaced, and comes back: what it still holds is never shown, and nothing is written to it."""
    async with opened(own_watched.url) as store, Reader(store) as reader:
        epoch = await store.new_epoch(NOW)
        await store.publish(publication(epoch, 1, coins=2))
        await reader.until((epoch, 1))
        first = own_watched.primary()
        first.pause()
        seq = await until_published(store, epoch, 2)
        await reader.until((epoch, seq), ANSWERS)
        first.resume()
        for number in range(seq + 1, seq + 21):
            last = await until_published(store, epoch, number)
            await asyncio.sleep(0.05)
        await reader.until((epoch, last), ANSWERS)
        assert [one.order for one in reader.seen] == sorted({one.order for one in reader.seen})


async def test_a_replica_is_never_taken_for_the_primary(own_watched: Watched) -> None:
    """Where Sentinel itself is wrong, ROLE tells: an error by name, and no stale answer."""
    async with opened(own_watched.url) as store:
        await store.publish(publication(1, 1, coins=2))
        with own_watched.nodes[0].client() as client:
            client.replicaof("127.0.0.1", "1")
            client.client_kill_filter(_type="normal", skipme=True)
        with pytest.raises(StoreDown):
            await store.latest()  # through the connection that was killed
        with pytest.raises(StoreDown, match="is not the primary: its role is slave"):
            await store.latest()


async def test_sentinels_that_know_nothing(own_watched: Watched) -> None:
    """A name that nobody watches, and Sentinels that are not there, are told as such."""
    async with opened(own_watched.url.replace("/main/", "/other/")) as store:
        with pytest.raises(StoreDown, match="Sentinel watches no 'other'"):
            await store.latest()
    async with opened(f"redis+sentinel://127.0.0.1:{free_port()}/main/0") as store:
        with pytest.raises(StoreDown, match="no primary is known"):
            await store.latest()


async def test_a_cluster_is_one_store(own_cluster: Cluster) -> None:
    """Smoke: lease, publication, notice, history and log, whichever node has the prefix; and its slot may move."""
    for prefix in ("ticker", "other"):
        async with opened(own_cluster.url, prefix) as store, Reader(store) as reader:
            grant = await store.take_lease("me", 10, NOW)
            assert grant.epoch is not None
            await store.publish(publication(grant.epoch, 1, coins=2))
            await reader.until((grant.epoch, 1))
            await store.add_points("1m", NOW, {"bitcoin": Decimal(1)})
            assert len(await store.points("bitcoin", "1m", 0, 2 * NOW)) == 1
            await store.record([Entry(NOW, "x", b"1")])
            assert await store.decisions("x", 0, 2 * NOW, 9) == [Entry(NOW, "x", b"1")]
            slot = key_slot(prefix.encode())
            own_cluster.move(slot, own_cluster.nodes[slot < Cluster.SLOTS // 2])
            seq = await until_published(store, grant.epoch, 2)
            await reader.until((grant.epoch, seq), ANSWERS)


async def test_a_certificate_that_nobody_vouches_for(redis_program: str, tmp_path: Path) -> None:
    """Without the file of its authority, and under another name, a server is refused."""
    port = free_port()
    certificate = Certificate(tmp_path)
    server = RedisServer(redis_program, tmp_path, *certificate.options(port))
    server.start()
    try:
        async with opened(f"rediss://127.0.0.1:{port}?ssl_ca_certs={certificate.file}") as store:
            await store.publish(publication(1, 1, coins=2))
        async with opened(f"rediss://127.0.0.1:{port}") as store:
            with pytest.raises(StoreDown, match=r"(?i)certificate"):
                await store.latest()
        async with opened(f"rediss://localhost:{port}?ssl_ca_certs={certificate.file}") as store:
            with pytest.raises(StoreDown, match=r"(?i)certificate"):
                await store.latest()
    finally:
        server.kill()


async def use_all(store: Store, *, within: float) -> None:
    """Every call of a poller and of a server, and all that their scripts do."""
    grant = await store.take_lease("me", 10, NOW)
    assert grant.epoch is not None
    assert (await store.take_lease("you", 10, NOW)).epoch is None
    assert await store.renew_lease("me", 10, grant.epoch)
    assert await store.leader() == "me"
    await store.publish(publication(grant.epoch, 1, coins=2))
    with pytest.raises(Fenced):
        await store.publish(publication(grant.epoch, 1, coins=2))
    async with Reader(store) as reader:
        await reader.until((grant.epoch, 1), within)
        assert reader.reports[-1] is None
    await store.heartbeat()
    assert await store.resume() == publication(grant.epoch, 1, coins=2)
    await store.add_points("1d", NOW, {"bitcoin": Decimal(1)})
    await store.add_points("1d", NOW + 86_400, {"bitcoin": Decimal(1)})
    assert len(await store.points_near(["bitcoin"], "1d", NOW, 60)) == 1
    assert len(await store.points("bitcoin", "1d", 0, 2 * NOW)) == 2
    await store.record([Entry(NOW + 60 * i, "", b"x" * 100) for i in range(3)])
    await store.record([Entry(NOW + 30 * 86_400, "x", b"")])
    assert await store.decisions("", 0, NOW + 86_400, 9) == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ticker.store.redis_log.DECISIONS_BYTES", 1)
        await store.record([Entry(NOW + 30 * 86_400, "y", b"")])
    assert await store.decisions("x", 0, 2 * NOW, 9) == []
    await store.give_up_lease("me")


# What a poller can do without, and why it is in the line all the same.
OPTIONAL = {
    "+info": "warns of old versions and of eviction",
    "+select": "for a database other than 0",
    "+role": "under Sentinel and in a cluster",
    "+cluster|slots": "in a cluster",
}


async def test_the_documented_user_has_every_right_it_needs_and_no_other(own_redis: RedisServer) -> None:
    """As the user of docs/redis.md everything works; take any one command away, and something does not."""
    words = least_user("ours", "secret", "ticker")
    commands = [word for word in words if word.startswith("+")]
    assert len(commands) == len(set(commands)) > 20
    useless = []
    for missing in [None, *(one for one in commands if one not in OPTIONAL)]:
        with own_redis.client() as client:
            client.flushall()
            client.script_flush()
            client.execute_command("ACL", "DELUSER", "ours")
            client.execute_command(*(word for word in words if word != missing))
        async with opened(own_redis.url_as("ours:secret")) as store:
            try:
                await use_all(store, within=1.0 if missing else ANSWERS)
            except (AssertionError, StoreError, TimeoutError):
                assert missing is not None
            else:
                useless.append(missing)
    assert useless == [None]


async def test_the_user_of_another_prefix_sees_nothing_of_ours(own_redis: RedisServer) -> None:
    """The least privileged user reads and writes under its own prefix only, and hears its own channel only."""
    with own_redis.client() as client:
        client.execute_command(*least_user("ours", "secret", "ticker"))
    async with opened(own_redis.url_as("ours:secret"), "other") as store:
        for call in (store.latest(), store.new_epoch(NOW), store.heartbeat(), store.publish(publication(1, 1))):
            with pytest.raises(StoreDown, match=r"(?i)no permissions|can't"):
                await call
    with own_redis.client() as client:
        assert client.keys() == []


async def test_the_documented_reader_reads_and_writes_nothing(own_redis: RedisServer) -> None:
    """The user for `ticker serve` follows, reads history and log, and can change neither price nor lease."""
    with own_redis.client() as client:
        client.execute_command(*least_user("reads", "secret", "ticker", kind="ticker-serve"))
    async with opened(own_redis.url) as writer, opened(own_redis.url_as("reads:secret")) as store:
        epoch = await writer.new_epoch(NOW)
        await writer.publish(publication(epoch, 1, coins=2))
        await writer.add_points("1d", NOW, {"bitcoin": Decimal(1)})
        await writer.record([Entry(NOW, "x", b"1")])
        async with Reader(store) as reader:
            await reader.until((epoch, 1))
            await writer.publish(publication(epoch, 2, coins=2))
            await reader.until((epoch, 2))
            assert set(reader.reports) == {None}
        assert len(await store.points("bitcoin", "1d", 0, 2 * NOW)) == 1
        assert len(await store.points_near(["bitcoin"], "1d", NOW, 60)) == 1
        assert await store.decisions("x", 0, 2 * NOW, 9) == [Entry(NOW, "x", b"1")]
        assert await store.leader() is None
        for call in (
            store.publish(publication(epoch, 3, coins=2)),
            store.take_lease("me", 10, NOW),
            store.heartbeat(),
            store.add_points("1d", NOW, {"bitcoin": Decimal(2)}),
            store.record([Entry(NOW, "y", b"1")]),
        ):
            with pytest.raises(StoreDown, match=r"(?i)no permissions|can't"):
                await call
        assert await writer.latest() == snapshot(epoch, 2, coins=2)


async def test_another_database(own_redis: RedisServer) -> None:
    """As the least privileged user too: the number after the address is the database."""
    with own_redis.client() as client:
        client.execute_command(*least_user("ours", "secret", "ticker"))
    async with opened(own_redis.url_as("ours:secret", 3)) as store:
        await store.publish(publication(1, 1, coins=2))
    with own_redis.client() as client:
        assert client.keys() == []
        client.select(3)
        assert client.exists("{ticker}:snapshot")


@pytest.mark.parametrize(
    ("info", "told"),
    [
        ({"redis_version": "7.0.15"}, "Redis 7.0.15 has known holes .* take a newer line"),
        ({"redis_version": "7.4.8"}, "Redis 7.4.8 has known holes .* take 7.4.9"),
        ({"redis_version": "8.0.6"}, "Redis 8.0.6 has known holes .* take a newer line"),
        ({"redis_version": "6.0.16"}, "Redis 6.0.16 is older than we know how to use; take 8.10"),
        ({"redis_version": "7.2.4", "valkey_version": "8.0.5"}, "Valkey 8.0.5 has known holes .* take 8.0.6"),
        ({"redis_version": "8.10.1", "maxmemory_policy": "allkeys-lru"}, "allkeys-lru throws prices and history away"),
        *(
            ({"redis_version": fine}, None)
            for fine in ("7.4.9", "8.10.1", "8.12.0", "9.0.0", "unstable", "255.255.255")
        ),
        ({"redis_version": "7.2.4", "valkey_version": "9.0.0", "maxmemory_policy": "volatile-ttl"}, None),
        ({}, None),
    ],
)
def test_what_is_complained_of(info: dict[str, str], told: str | None) -> None:
    """Versions with holes that are known, and policies that throw prices away; nothing of what is new or unknown."""
    found = complaints(info)
    assert bool(found) == bool(told)
    if told:
        assert re.search(told, found[0])


async def test_a_redis_that_evicts_is_told_of_once(own_redis: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    """The first time it answers, to pollers and to readers; also where it was absent at first."""
    own_redis.kill()
    async with opened(own_redis.url) as store, Reader(store) as reader:
        await reader.told(StoreDown)
        own_redis.start()
        with own_redis.client() as client:
            client.config_set("maxmemory-policy", "allkeys-lru")
        await store.publish(publication(1, 1, coins=2))
        await reader.until((1, 1))
        await store.take_lease("me", 10, NOW)
    assert caplog.text.count("maxmemory-policy allkeys-lru throws prices and history away") == 1


async def test_sentinels_and_servers_with_logins(own_watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    """The least privileged user follows a failover behind Sentinels that want a password; neither is ever told."""
    caplog.set_level("DEBUG")
    for node in own_watched.nodes:
        with node.client() as client:
            client.execute_command(*least_user("ours", "planted-1", "ticker"))
    with own_watched.sentinel.client() as client:
        client.execute_command("ACL", "SETUSER", "default", "resetpass", ">planted-2")
    url = own_watched.url.replace("://", "://ours:planted-1@")
    texts = []
    async with opened(f"{url}?sentinel_password=planted-2") as store, Reader(store) as reader:
        epoch = await store.new_epoch(NOW)
        await store.publish(publication(epoch, 1, coins=2))
        await reader.until((epoch, 1))
        own_watched.nodes[0].kill()
        seq = await until_published(store, epoch, 2)
        await reader.until((epoch, seq), ANSWERS)
        texts += [repr(store), *(str(one) for one in reader.reports)]
    for wrong in (
        f"{url}?sentinel_password=planted-2x",
        url,
        f"{url.replace('ours', 'nobody')}?sentinel_password=planted-2",
    ):
        async with opened(wrong) as store:
            with pytest.raises(StoreDown) as caught:
                await store.latest()
            texts += [str(caught.value), repr(caught.value.__cause__), repr(store)]
    assert "planted" not in "".join(texts)
    assert "planted" not in caplog.text
