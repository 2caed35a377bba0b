"""Past prices in memory: what is drawn is there without asking the store, and it is asked seldom and for little."""

import asyncio
from decimal import Decimal

import pytest
from fakes import Clock
from msgspec.structs import replace
from past_store import CountingStore
from snapshots import COINS, NOW

from ticker.errors import StoreDown
from ticker.model import Coin, Point
from ticker.server import past
from ticker.server.filled import Grid, on_grid
from ticker.server.past import CHARTS, SPARKS, Memory

HOUR, DAY = 3600.0, 86_400.0
D = Decimal
BITCOIN = COINS[0]


def named(coin: str) -> Coin:
    """A coin of that id."""
    return Coin(coin, coin, coin)


def prices(memory: Memory, coin: Coin, grid: Grid, now: float) -> tuple[Decimal | None, ...]:
    """What would be drawn."""
    found = memory.drawn(coin, grid, now)
    return () if found is None else found.prices


@pytest.fixture
def store() -> CountingStore:
    """An empty store."""
    return CountingStore()


def test_grids_are_small() -> None:
    """A line has at most 48 points, a chart at most 169, and the last slot is the present."""
    assert max(grid.slots for grid in SPARKS.values()) <= 48
    assert max(grid.slots for grid in CHARTS.values()) <= 169
    for name, seconds in {"24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY}.items():
        assert (CHARTS[name].slots - 1) * CHARTS[name].width == seconds


def test_a_slot_has_its_first_price_and_the_extremes_their_own() -> None:
    """Nothing is smoothed: the highest and the lowest price of all minutes are among what is drawn."""
    points = [Point(NOW - 600 + 60 * n, D(100 + n)) for n in range(10)]
    points[3] = Point(points[3].at, D(250))
    points[7] = Point(points[7].at, D(2))
    assert on_grid(points, Grid("1m", 300.0, 2), NOW - 1) == (D(250), D(2))


def test_a_slot_without_a_point_is_none() -> None:
    """Never a value between its neighbours."""
    points = [Point(NOW - 900, D(1)), Point(NOW, D(3))]
    assert on_grid(points, Grid("1m", 300.0, 4), NOW) == (D(1), None, None, D(3))


def test_what_is_before_the_grid_is_left_out() -> None:
    """Even where it is the highest."""
    points = [Point(NOW - 9000, D(99)), Point(NOW - 10, D(1))]
    assert on_grid(points, Grid("1m", 300.0, 3), NOW) == (None, D(1), None)


async def test_the_first_draw_does_without_and_the_next_has_it(store: CountingStore) -> None:
    """Asking never waits: it says what is wanted, the reading is in the background, and who draws is told."""
    await store.fill("bitcoin", "1h", HOUR, 100)
    told = asyncio.Event()
    memory = Memory(store, Clock(), told.set)
    memory.start()
    store.gate.clear()
    assert prices(memory, BITCOIN, SPARKS["7d"], NOW) == ()
    await asyncio.sleep(0)
    store.gate.set()
    async with asyncio.timeout(5):
        await told.wait()
    found = prices(memory, BITCOIN, SPARKS["7d"], NOW)
    assert len(found) == 43
    assert found[-1] is not None
    await memory.close()


async def test_drawing_asks_the_store_for_nothing(store: CountingStore) -> None:
    """A thousand draws, no read (trust rule 28)."""
    memory = Memory(store, Clock())
    memory.want(BITCOIN, SPARKS["24h"], NOW)
    await memory.read(NOW)
    reads = len(store.reads)
    for _ in range(1000):
        prices(memory, BITCOIN, SPARKS["24h"], NOW)
        prices(memory, BITCOIN, CHARTS["24h"], NOW)
    assert len(store.reads) == reads == 1


async def test_only_what_is_new_is_read(store: CountingStore) -> None:
    """At most once a minute, from the last point known on; hours only when there may be another hour."""
    await store.fill("bitcoin", "1m", 60.0, 100)
    await store.fill("bitcoin", "1h", HOUR, 10)
    memory = Memory(store, Clock())
    memory.want(BITCOIN, SPARKS["24h"], NOW)
    memory.want(BITCOIN, SPARKS["7d"], NOW)
    assert await memory.read(NOW)
    assert len(store.reads) == 2
    assert not await memory.read(NOW + 30)
    assert len(store.reads) == 2
    await store.add_points("1m", NOW + 60, {"bitcoin": D(7777)})
    assert await memory.read(NOW + 60)
    assert store.reads[2:] == [("bitcoin", "1m", NOW, NOW + 60)]
    assert prices(memory, BITCOIN, CHARTS["24h"], NOW + 60)[-1] == D(7777)


async def test_what_was_filled_in_behind_is_found(store: CountingStore) -> None:
    """Every ten minutes all of it is read again, since a command may have filled in the past."""
    await store.fill("bitcoin", "1d", DAY, 1)
    memory = Memory(store, Clock())
    memory.want(BITCOIN, CHARTS["30d"], NOW)
    await memory.read(NOW)
    await store.fill("bitcoin", "1d", DAY, 20)
    assert not await memory.read(NOW + 300)
    assert await memory.read(NOW + 600)
    assert sum(one is not None for one in prices(memory, BITCOIN, CHARTS["30d"], NOW + 600)) == 20


async def test_a_clock_that_was_set_back_reads_anew(store: CountingStore) -> None:
    """Nothing waits for a time that may be a year away."""
    memory = Memory(store, Clock())
    memory.want(BITCOIN, SPARKS["24h"], NOW)
    await memory.read(NOW)
    await memory.read(NOW - DAY)
    assert len(store.reads) == 2


async def test_what_nobody_wants_is_forgotten(store: CountingStore) -> None:
    """After ten minutes; until then it is read on."""
    memory = Memory(store, Clock())
    memory.want(BITCOIN, SPARKS["24h"], NOW)
    await memory.read(NOW)
    await memory.read(NOW + past.WANTED + 1)
    assert len(store.reads) == 1
    assert memory._series == {}


async def test_memory_is_bounded(store: CountingStore) -> None:
    """Beyond the most there may be, new ones are done without, and the old ones stay."""
    memory = Memory(store, Clock())
    for number in range(past.MOST + 50):
        memory.want(named(f"coin{number}"), SPARKS["24h"], NOW)
    assert len(memory._series) == past.MOST
    assert "coin0" in {coin for coin, _, _ in memory._series}
    assert prices(memory, named("another"), SPARKS["24h"], NOW) == ()


async def test_a_store_that_is_down_takes_nothing_away(store: CountingStore) -> None:
    """What was read stays as it is."""
    await store.fill("bitcoin", "1m", 60.0, 100)
    memory = Memory(store, Clock())
    memory.want(BITCOIN, SPARKS["24h"], NOW)
    await memory.read(NOW)
    before = prices(memory, BITCOIN, SPARKS["24h"], NOW)
    store.down = True
    with pytest.raises(StoreDown):
        await memory.read(NOW + 120)
    assert prices(memory, BITCOIN, SPARKS["24h"], NOW) == before


async def test_filled_hours_stand_before_ours(store: CountingStore) -> None:
    """They are read with our own where those begin late, however they were filled in."""
    await store.fill("fill:bitcoin", "1h", HOUR, 168)
    await store.fill("bitcoin", "1h", HOUR, 3)
    memory = Memory(store, Clock())
    memory.want(BITCOIN, CHARTS["7d"], NOW)
    assert await memory.read(NOW)
    found = memory.drawn(BITCOIN, CHARTS["7d"], NOW)
    assert found is not None
    assert (found.filled, found.prices[0], None in found.prices[1:]) == (166, None, False)
    without = memory.drawn(BITCOIN, CHARTS["7d"], NOW, filled=False)
    assert without is not None
    assert sum(one is not None for one in without.prices) == 3


async def test_hours_filled_in_later_come_soon(store: CountingStore) -> None:
    """A service that has just begun does not wait ten minutes for its past, and its first readers no minute."""
    await store.fill("bitcoin", "1h", HOUR, 3)
    memory = Memory(store, Clock())
    memory.want(BITCOIN, CHARTS["7d"], NOW)
    await memory.read(NOW)
    await store.fill("fill:bitcoin", "1h", HOUR, 168)
    assert not await memory.read(NOW + 1)
    assert await memory.read(NOW + past.SOON)
    found = memory.drawn(BITCOIN, CHARTS["7d"], NOW + past.SOON)
    assert found is not None
    assert found.filled == 166


async def test_a_past_that_is_whole_asks_for_no_hours(store: CountingStore) -> None:
    """Filling in is for new installs, and costs the others nothing."""
    await store.fill("bitcoin", "1h", HOUR, 180)
    await store.fill("bitcoin", "1m", 60.0, 1500)
    memory = Memory(store, Clock())
    for grid in (SPARKS["24h"], CHARTS["7d"]):
        memory.want(BITCOIN, grid, NOW)
    await memory.read(NOW)
    await memory.read(NOW + past.WHOLE - 1)
    assert store.filled_reads == []


async def test_a_coin_in_another_unit_is_another_series(store: CountingStore) -> None:
    """From the snapshot on that says so, none of its prices from before is drawn, however lately they were read."""
    await store.fill("bitcoin", "1h", HOUR, 180)
    await store.fill("fill:bitcoin", "1h", HOUR, 168)
    memory, changed = Memory(store, Clock()), replace(BITCOIN, since=NOW - 10 * HOUR)
    memory.want(BITCOIN, CHARTS["7d"], NOW)
    await memory.read(NOW)
    assert len([one for one in prices(memory, BITCOIN, CHARTS["7d"], NOW) if one is not None]) == 169
    assert prices(memory, changed, CHARTS["7d"], NOW) == ()
    await memory.read(NOW)
    assert len([one for one in prices(memory, changed, CHARTS["7d"], NOW) if one is not None]) == 11
    assert [start for _, _, start, _ in store.filled_reads] == [NOW - 10 * HOUR]
