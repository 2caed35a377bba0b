"""The log of decisions in every store: newest first, each kind for its time, never more than its bound of bytes."""

import asyncio
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ticker.store import open_store
from ticker.store.base import DECISIONS_KEPT, ROUNDS_KEPT, Entry, Store, lifetime

HOUR, DAY = 3600.0, 86_400.0
MIDNIGHT = 20_000 * DAY
EVER = (0.0, 2 * MIDNIGHT, 10_000)

logs = st.lists(
    st.builds(
        Entry,
        at=st.floats(MIDNIGHT, MIDNIGHT + HOUR),
        coin=st.sampled_from(["", "bitcoin", "x", "x-1"]),
        body=st.binary(max_size=20),
    ),
    max_size=20,
    unique=True,
)


async def test_an_empty_log(store: Store) -> None:
    """Nothing was ever recorded: no entries and no error, and recording nothing is none either."""
    await store.record([])
    assert await store.decisions("", *EVER) == []
    assert await store.decisions("bitcoin", *EVER) == []


async def test_the_newest_come_first(store: Store) -> None:
    """Of one coin, between two moments inclusive, no more than asked for."""
    entries = [Entry(MIDNIGHT + i, "bitcoin", b"%d" % i) for i in range(10)]
    await store.record([*entries[5:], Entry(MIDNIGHT, "x", b"other"), Entry(MIDNIGHT, "", b"round")])
    await store.record(entries[:5])
    assert await store.decisions("bitcoin", *EVER) == entries[::-1]
    assert await store.decisions("bitcoin", MIDNIGHT + 2, MIDNIGHT + 4, 99) == entries[4:1:-1]
    assert await store.decisions("bitcoin", *EVER[:2], 3) == entries[:6:-1]
    assert await store.decisions("bitcoin", *EVER[:2], 0) == []
    assert await store.decisions("x", *EVER) == [Entry(MIDNIGHT, "x", b"other")]
    assert await store.decisions("", *EVER) == [Entry(MIDNIGHT, "", b"round")]


async def test_what_is_repeated_is_there_once(store: Store) -> None:
    """A call that failed may be made again; another body of the same moment is another entry."""
    entries = [Entry(MIDNIGHT, "x", b"a"), Entry(MIDNIGHT, "x", b"b"), Entry(MIDNIGHT, "x", b"a")]
    await store.record(entries)
    await store.record(entries[:1])
    assert sorted(entry.body for entry in await store.decisions("x", *EVER)) == [b"a", b"b"]


@given(entries=logs)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_entries_come_back(address: tuple[str, str], entries: list[Entry]) -> None:
    """Whatever bytes are in them, whenever they are from."""

    async def compare() -> None:
        url, prefix = address
        name = uuid.uuid4().hex
        store = open_store(f"{url}-{name}" if url.startswith("embedded") else url, f"{prefix}-{name}")
        await store.open()
        try:
            await store.record(entries)
            for coin in ("", "bitcoin", "x", "x-1"):
                found = await store.decisions(coin, *EVER)
                assert [entry.at for entry in found] == sorted((entry.at for entry in found), reverse=True)
                assert set(found) == {entry for entry in entries if entry.coin == coin}
        finally:
            await store.close()

    asyncio.run(compare())


def test_how_long_an_entry_is_kept() -> None:
    """Changes a week, a round a minute for a day, one round in five minutes for a week."""
    assert lifetime(Entry(MIDNIGHT + 61, "bitcoin", b"")) == DECISIONS_KEPT == 7 * DAY
    assert lifetime(Entry(MIDNIGHT + 59, "", b"")) == DECISIONS_KEPT
    assert {lifetime(Entry(MIDNIGHT + 60 * i, "", b"")) for i in range(1, 5)} == {ROUNDS_KEPT} == {DAY}
    assert lifetime(Entry(MIDNIGHT + 300, "", b"")) == DECISIONS_KEPT


async def test_ten_days_of_rounds(store: Store) -> None:
    """A round a minute: after ten days there are those of the last day, and one in five minutes of the last week."""
    newest = MIDNIGHT + 10 * DAY - 60
    for day in range(10):
        for hour in range(24):
            began = MIDNIGHT + day * DAY + hour * HOUR
            await store.record([Entry(began + 60 * i, "", b"round") for i in range(60)])
            await store.record([Entry(began, "bitcoin", b"change")])
    found = await store.decisions("", *EVER)
    assert len([entry for entry in found if entry.at >= newest - DAY]) == 1441
    assert len([entry for entry in found if newest - 7 * DAY <= entry.at < newest - DAY]) == 6 * 288
    assert len(found) == 1441 + 6 * 288
    assert 7 * 24 <= len(await store.decisions("bitcoin", *EVER)) <= 7 * 24 + 1


async def test_the_log_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """10,000 entries over the bound of bytes: the newest are there, the oldest are gone, also after reopening."""
    for back_end in ("redis_log", "sqlite_log"):
        monkeypatch.setattr(f"ticker.store.{back_end}.DECISIONS_BYTES", 500_000)
    for first in range(0, 10_000, 500):
        await store.record([Entry(MIDNIGHT + i, f"coin-{i % 7}", b"x" * 100) for i in range(first, first + 500)])
    kept = [entry for i in range(7) for entry in await store.decisions(f"coin-{i}", *EVER)]
    assert {entry.at for entry in kept} == {MIDNIGHT + 10_000 - i for i in range(1, len(kept) + 1)}
    assert 1200 < len(kept) < 1500


async def test_one_entry_may_be_large(store: Store) -> None:
    """A whole round of thousands of coins, and small ones beside it, unchanged."""
    large = Entry(MIDNIGHT, "", bytes(range(256)) * 4096)
    await store.record([large, *(Entry(MIDNIGHT + i, "x", b"small") for i in range(1200))])
    assert await store.decisions("", *EVER) == [large]
    assert len(await store.decisions("x", *EVER)) == 1200
