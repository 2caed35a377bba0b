"""What every store promises, proved on both kinds."""

import asyncio
import os
import random
import signal
import sys
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from publications import NOW, numbers, publication, snapshot

from ticker.errors import Fenced, StoreError
from ticker.model import Coin, Credit, Price, Quote, Snapshot
from ticker.store import open_store
from ticker.store.base import Publication, Store

KILLS = int(os.environ.get("TICKER_TEST_KILLS", "15"))

amounts = st.one_of(
    st.none(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.sampled_from([Decimal("1E-18"), Decimal("1E-24"), Decimal("0.10"), Decimal("1E+15"), Decimal("-0")]),
)
times = st.one_of(st.none(), st.floats(0, 4e9))
words = st.one_of(st.none(), st.text(max_size=12))
coins = st.builds(Coin, id=st.text(max_size=12), name=st.text(), symbol=st.text(max_size=8), icon=words, link=words)
sources = st.lists(st.text(max_size=8), max_size=3).map(tuple)
prices = st.builds(
    Price,
    coin=st.text(max_size=12),
    price=amounts,
    agreement=st.sampled_from(["ok", "degraded", "single", "disputed", "fixed", "none"]),
    used=st.integers(0, 20),
    confidence=amounts,
    as_of=times,
    live_until=times,
    change_24h=amounts,
    market_cap=amounts,
    sources=sources,
)
snapshots = st.builds(
    Snapshot,
    epoch=st.integers(0, 2**52),
    seq=st.integers(0, 2**52),
    built_at=st.floats(0, 4e9),
    coins=st.lists(coins, max_size=3).map(tuple),
    shown=st.lists(st.text(max_size=12), max_size=3).map(tuple),
    prices=st.lists(prices, max_size=3).map(tuple),
    credits=st.lists(st.builds(Credit, st.text(), st.text(), st.text()), max_size=2).map(tuple),
    config=st.text(),
    simulated=st.booleans(),
)
quotes = st.builds(
    Quote,
    source=st.text(max_size=8),
    coin=st.text(max_size=12),
    price=st.decimals(min_value=0, allow_nan=False, allow_infinity=False),
    currency=st.text(max_size=8),
    received=st.floats(0, 4e9),
    poll=st.integers(0, 2**40),
    at=times,
    change_1h=amounts,
    name=words,
    symbol=words,
)
publications = st.builds(Publication, snapshots, st.lists(quotes, max_size=3).map(tuple), st.binary(max_size=64))


async def _next(changes: AsyncGenerator[Snapshot, None], within: float = 5) -> Snapshot:
    async with asyncio.timeout(within):
        return await anext(changes)


async def test_an_empty_store_has_nothing(store: Store) -> None:
    """Nothing was ever published: no snapshot, nothing to resume, and no error."""
    assert await store.latest() is None
    assert await store.resume() is None


async def test_what_is_published_is_there(store: Store) -> None:
    """A publication of real size comes back whole, and its snapshot alone."""
    written = publication(7, 3)
    await store.publish(written)
    assert await store.latest() == written.snapshot
    assert await store.resume() == written


@given(written=publications)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_publication_survives_unchanged(address: tuple[str, str], written: Publication) -> None:
    """Whatever is in it, down to the exponent of an amount, comes back as it went in."""

    async def round_trip() -> None:
        url, prefix = address
        name = uuid.uuid4().hex
        store = open_store(f"{url}-{name}" if url.startswith("embedded") else url, f"{prefix}-{name}")
        await store.open()
        try:
            await store.publish(written)
            found = await store.resume()
            assert found == written
            assert repr(found) == repr(written)  # equal amounts may differ in their exponent: 1E+2 and 100
            assert repr(await store.latest()) == repr(written.snapshot)
        finally:
            await store.close()

    asyncio.run(round_trip())


@pytest.mark.parametrize(("epoch", "seq"), [(7, 3), (7, 2), (6, 9), (0, 0)])
async def test_what_is_not_newer_is_fenced(store: Store, epoch: int, seq: int) -> None:
    """A lower epoch, or the same with no higher seq, is refused and changes nothing."""
    written = publication(7, 3)
    await store.publish(written)
    with pytest.raises(Fenced):
        await store.publish(publication(epoch, seq))
    assert await store.resume() == written


async def test_what_is_newer_replaces(store: Store) -> None:
    """The next seq replaces, and so does a higher epoch with a lower seq; numbers are compared, not texts."""
    for epoch, seq in [(7, 9), (7, 10), (10, 1), (1_763_845_200_123, 1)]:
        await store.publish(publication(epoch, seq))
        found = await store.latest()
        assert found is not None
        assert found.order == (epoch, seq)


async def test_of_two_pollers_only_the_newer_writes(address: tuple[str, str], store: Store) -> None:
    """Publications of two pollers in a storm: the older one is refused from the first of the newer one on."""
    old, new = await store.new_epoch(NOW), await store.new_epoch(NOW)
    await store.publish(publication(old, 1, coins=2))
    outcomes = await asyncio.gather(
        *(store.publish(publication(new, seq, coins=2)) for seq in range(1, 9)),
        *(store.publish(publication(old, seq, coins=2)) for seq in range(2, 9)),
        return_exceptions=True,
    )
    assert all(outcome is None or isinstance(outcome, Fenced) for outcome in outcomes)
    found = await store.resume()
    assert found is not None
    assert found.snapshot.order == (new, 8)
    with pytest.raises(Fenced):
        await store.publish(publication(old, 100))


async def test_epochs_grow(address: tuple[str, str], store: Store) -> None:
    """Each is higher than the last and at least the time in ms, whatever the clock does, also after reopening."""
    first = await store.new_epoch(NOW)
    assert first == NOW * 1000
    assert await store.new_epoch(NOW) == first + 1
    assert await store.new_epoch(NOW - 3600) == first + 2
    later = await store.new_epoch(NOW + 1)
    assert later == (NOW + 1) * 1000
    await store.close()
    again = open_store(*address)
    await again.open()
    try:
        assert await again.new_epoch(0) == later + 1
    finally:
        await again.close()


async def test_an_epoch_is_higher_than_what_is_stored(store: Store) -> None:
    """Also where the count of epochs was lost or never reached the epoch of the stored snapshot."""
    await store.publish(publication(5_000_000_000_000, 1))
    assert await store.new_epoch(NOW) == 5_000_000_000_001


async def test_epochs_are_never_given_twice(store: Store) -> None:
    """Twenty pollers that start at once have twenty epochs."""
    epochs = await asyncio.gather(*(store.new_epoch(NOW) for _ in range(20)))
    assert len(set(epochs)) == 20


async def test_closing_twice_is_safe(store: Store) -> None:
    """And so is closing what was never opened."""
    await store.close()
    await store.close()


async def test_changes_begin_with_the_present(store: Store) -> None:
    """A reader has the present snapshot at once, and the next when it is published."""
    await store.publish(publication(1, 1))
    async with aclosing(store.changes()) as changes:
        assert (await _next(changes)).order == (1, 1)
        waiting = asyncio.create_task(_next(changes))
        await asyncio.sleep(0.05)
        await store.publish(publication(1, 2))
        assert (await waiting).order == (1, 2)


async def test_changes_of_an_empty_store_wait(store: Store) -> None:
    """Nothing is given before there is something; then it comes by its notice, not only after the silence."""
    async with aclosing(store.changes()) as changes:
        waiting = asyncio.create_task(_next(changes))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        began = asyncio.get_running_loop().time()
        await store.publish(publication(1, 1))
        assert (await waiting).order == (1, 1)
        assert asyncio.get_running_loop().time() - began < 0.4


async def test_every_reader_has_them_in_order(store: Store) -> None:
    """Five readers, slow and fast, see only ever newer snapshots, whole, and end with the last."""
    last = 40
    seen: list[list[int]] = [[] for _ in range(5)]

    async def read(reader: int) -> None:
        async with aclosing(store.changes()) as changes:
            async for found in changes:
                assert {price.price for price in found.prices} == {found.seq + Decimal("1E-18")}
                seen[reader].append(found.seq)
                if found.seq == last:
                    return
                await asyncio.sleep(0.01 * reader)

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        for reader in range(5):
            group.create_task(read(reader))
        for seq in range(1, last + 1):
            await store.publish(publication(1, seq))
    assert all(numbers == sorted(set(numbers)) for numbers in seen)


async def test_a_beat_is_no_change(store: Store) -> None:
    """A sign of life gives a reader nothing new."""
    await store.publish(publication(1, 1))
    async with aclosing(store.changes()) as changes:
        await _next(changes)
        waiting = asyncio.create_task(_next(changes))
        for _ in range(3):
            await store.heartbeat()
            await asyncio.sleep(0.05)
        assert not waiting.done()
        waiting.cancel()
        await asyncio.wait([waiting])


async def test_reports_come_with_every_look(store: Store) -> None:
    """A reader that works is told so."""
    reports: list[StoreError | None] = []
    await store.publish(publication(1, 1))
    async with aclosing(store.changes(reports.append)) as changes:
        await _next(changes)
    assert reports == [None]


async def test_a_cancelled_reader_leaves_nothing(store: Store) -> None:
    """Readers cancelled at any moment end at once and leave no task behind, and the store works on."""

    async def read() -> None:
        async for _ in store.changes():
            pass

    await store.publish(publication(1, 1, coins=2))
    before = asyncio.all_tasks()
    for _ in range(20):
        readers = [asyncio.create_task(read()) for _ in range(10)]
        for reader in readers:
            await asyncio.sleep(random.uniform(0, 0.004))
            reader.cancel()
        await asyncio.wait(readers, timeout=5)
        assert all(reader.cancelled() for reader in readers)
    assert asyncio.all_tasks() == before
    await store.publish(publication(1, 2))


async def test_a_cancelled_call_breaks_nothing(store: Store) -> None:
    """Calls cancelled at any moment leave old or new, and the next call gets its own answer."""
    order = 0
    for step in range(30):
        order += 1
        write = asyncio.create_task(store.publish(publication(1, order)))
        look = asyncio.create_task(store.resume())
        await asyncio.sleep(0.0005 * step)
        write.cancel()
        look.cancel()
        await asyncio.wait([write, look])
    order += 1
    await store.publish(publication(1, order))
    found = await store.resume()
    assert found is not None
    assert numbers(found) == {order}


@pytest.mark.timeout(180)
async def test_kill_9_leaves_old_or_new(address: tuple[str, str]) -> None:
    """A publisher killed at any moment leaves its last publication or the next, whole, and never an older one."""
    writer = Path(__file__).with_name("writer.py")
    tests, root = writer.parents[1], writer.parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{tests}{os.pathsep}{root}"}
    for _ in range(KILLS):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(writer), *address), stdout=asyncio.subprocess.PIPE, env=environment
        )
        assert process.stdout is not None
        said = [await process.stdout.readline()]
        await asyncio.sleep(random.uniform(0, 0.08))
        process.send_signal(signal.SIGKILL)
        said += (await process.stdout.read()).splitlines(keepends=True)
        await process.wait()
        epoch, seq = map(int, [line for line in said if line.endswith(b"\n")][-1].split())
        store = open_store(*address)
        await store.open()
        try:
            found = await store.resume()
            assert found is not None
            assert found.snapshot.epoch == epoch
            assert found.snapshot.seq in (seq, seq + 1)
            assert numbers(found) == {found.snapshot.seq}
            assert found == publication(epoch, found.snapshot.seq)
            assert await store.latest() == snapshot(epoch, found.snapshot.seq)
        finally:
            await store.close()


async def test_how_polling_stands_is_kept(store: Store) -> None:
    """One value, whatever its bytes, apart from publications: the last that was written."""
    assert await store.read_bulletin() is None
    await store.write_bulletin(b"first")
    await store.write_bulletin(bytes(range(256)) * 1024)
    assert await store.read_bulletin() == bytes(range(256)) * 1024
    assert await store.latest() is None
