"""What the two halves share fails: nothing younger, nothing wrong, nothing of somebody else's is ever shown."""

import asyncio
from decimal import Decimal

import pytest
from faults.conftest import Measured
from faults.stage import VENUES, Stage, settled
from msgspec.structs import replace
from redis_server import RedisServer

from ticker.errors import StoreCorrupt

THREE = VENUES[:3]


async def until_shown(stage: Stage, price: str, turns: int = 40) -> None:
    """Go on polling, and give the real store the time it needs, until a number is shown."""
    for _ in range(turns):
        await stage.turn()
        for _ in range(20):
            if await stage.number() == Decimal(price):
                return
            await asyncio.sleep(0.02)
    raise AssertionError(f"{price} was not shown")


@pytest.mark.redis
async def test_redis_is_wiped(measured: Measured, own_redis: RedisServer) -> None:
    """FLUSHALL while everything runs: pages keep what they had, and go on with the next publication."""
    async with settled("65000", sources=THREE, store=own_redis.url) as stage:
        before = await stage.price()
        with own_redis.client() as client:
            client.flushall()
        during = await stage.price()
        stage.all_say("65100")
        await until_shown(stage, "65100")
        after = await stage.price()

    assert during["price"] == before["price"]
    assert (after["price"], after["agreement"]) == ("65100", "ok")
    assert after["as_of"] > before["as_of"]
    measured(
        "Redis is wiped (FLUSHALL)",
        "pages keep the last price, then go on",
        f"{during['price']}, then {after['price']} `{after['agreement']}`",
    )


@pytest.mark.redis
async def test_an_old_dump_is_restored(measured: Measured, own_redis: RedisServer) -> None:
    """Yesterday's values are put back under a running server: nobody goes back to them."""
    async with settled("65000", sources=THREE, store=own_redis.url) as stage:
        with own_redis.client() as client:
            old = client.mget("{ticker}:snapshot", "{ticker}:quotes", "{ticker}:memory")
            stage.all_say("66000")
            await until_shown(stage, "66000")
            names = ("snapshot", "quotes", "memory")
            client.mset({f"{{ticker}}:{name}": value for name, value in zip(names, old, strict=True)})
            client.publish("{ticker}:notice", "1-1")
        await asyncio.sleep(0.3)
        shown = await stage.number()

    assert shown == 66000
    measured("an old dump is restored into Redis", "no reader goes back", f"shown {shown}, not 65000")


@pytest.mark.redis
async def test_a_foreign_value_in_redis(measured: Measured, own_redis: RedisServer) -> None:
    """Another program writes under our key: refused by every reader, and overwritten by the next publication."""
    async with settled("65000", sources=THREE, store=own_redis.url) as stage:
        await stage.price()
        for value in (b"hello", b'{"prices":[{"coin":"bitcoin","price":"1"}]}', b"\x80\x04pickle"):
            with own_redis.client() as client:
                client.set("{ticker}:snapshot", value)
            with pytest.raises(StoreCorrupt):
                await stage.store.latest()
        kept = await stage.number()
        stage.all_say("65100")
        await until_shown(stage, "65100")

    assert kept == 65000
    measured(
        "another program's value under our key",
        "refused; healed by the next publication",
        "3 of 3 refused, 65000 kept, then 65100",
    )


@pytest.mark.redis
async def test_redis_is_full(measured: Measured, own_redis: RedisServer) -> None:
    """Writes are refused for want of memory: pages keep the last price with its age, and it heals."""
    async with settled("65000", sources=THREE, store=own_redis.url) as stage:
        with own_redis.client() as client:
            client.config_set("maxmemory", "1")
            stage.all_say("65100")
            await stage.turn()
            during = await stage.price()
            client.config_set("maxmemory", "0")
        await until_shown(stage, "65100")

    assert during["price"] == "65000"
    measured(
        "Redis has no memory left",
        "the last price with its age, then healed",
        f"{during['price']} {during['freshness']}, then 65100",
    )


async def test_a_rival_poller(measured: Measured) -> None:
    """A newer poller takes over: the old one is fenced off at its next word and writes no more; readers never go back."""  # noqa: E501
    async with settled("65000", sources=THREE) as stage:
        rival, running = stage.poller, stage.running
        await stage.start_poller()
        stage.all_say("65100")
        await stage.turn()
        last = stage.store.last
        stage.all_say("64000")
        for source in THREE:
            await rival.poll(source)
        async with asyncio.timeout(5):
            await stage.store.until(lambda: stage.store.fenced)
        shown, unchanged = await stage.number(), stage.store.last is last
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert unchanged
    assert shown == 65100
    measured(
        "two pollers on one store", "the older one writes nothing any more", f"fenced off; shown {shown}, not 64000"
    )


async def test_memory_of_another_version(measured: Measured) -> None:
    """The store holds a memory that cannot be read: the poller starts afresh, with the quotes that are there."""
    async with settled("65000", sources=THREE) as stage:
        await stage.stop_poller()
        last = await stage.store.resume()
        snapshot = replace(last.snapshot, seq=last.snapshot.seq + 1)
        await stage.store.publish(replace(last, snapshot=snapshot, memory=b"not a memory"))
        await stage.start_poller()
        await stage.turn(2)
        price = await stage.price()

    assert (price["price"], price["agreement"]) == ("65000", "ok")
    measured(
        "the stored memory cannot be read", "starts afresh, prices go on", f"`{price['agreement']}` in the first turn"
    )


async def test_a_restart_takes_no_vote_away(measured: Measured) -> None:
    """The poller is killed and started 20 times: the page never shows fewer sources or a younger time than is true."""
    async with settled("65000", sources=THREE) as stage:
        seen = []
        for _ in range(20):
            await stage.restart()
            await stage.turn()
            seen.append(await stage.price())

    assert {(price["agreement"], price["price"]) for price in seen} == {("ok", "65000")}
    measured(
        "the poller is killed and restarted 20 times", "`ok` throughout", f"`ok` {len(seen)} of 20 times; {stage.error}"
    )


async def test_the_store_is_down_for_an_hour(measured: Measured) -> None:
    """Pages grow old honestly, from live to none, and are live again when it is back."""
    async with settled("65000", sources=THREE) as stage:
        stage.store.down = True
        rungs = []
        for _ in range(65):
            await stage.turn()
            rungs.append((await stage.price())["freshness"])
        stage.store.down = False
        await until_shown(stage, "65000")
        after = await stage.price()

    assert list(dict.fromkeys(rungs)) == ["live", "delayed", "stale", "none"]
    assert after["freshness"] == "live"
    measured(
        "the store is down for 65 minutes",
        "live → delayed → stale → none → live",
        " → ".join([*dict.fromkeys(rungs), after["freshness"]]),
    )
