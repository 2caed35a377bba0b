"""Past prices in every store: what is added is there, exactly, by coin, step and moment, and no more than is kept."""

import asyncio
import os
import random
import signal
import sys
import uuid
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ticker.model import CoinId, Point, Step
from ticker.store import open_store
from ticker.store.base import KEPT, SECONDS, Store, slot, slots_kept

DAY = 86_400.0
MIDNIGHT = 20_000 * DAY
STEPS: tuple[Step, ...] = ("1m", "1h", "1d")
KILLS = int(os.environ.get("TICKER_TEST_KILLS", "10"))

exact_prices = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent), st.integers(1, 10**18 - 1), st.integers(-60, 40)
)
additions = st.lists(
    st.tuples(
        st.sampled_from(STEPS),
        st.floats(MIDNIGHT, MIDNIGHT + 3 * 3600),
        st.dictionaries(st.sampled_from(["bitcoin", "tether", "x-1"]), exact_prices, max_size=3),
    ),
    max_size=12,
)


async def add(store: Store, at: float, price: str, coin: CoinId = "bitcoin", step: Step = "1m") -> Point:
    """One point, and what it should look like."""
    await store.add_points(step, at, {coin: Decimal(price)})
    return Point(at, Decimal(price))


async def test_nothing_was_ever_added(store: Store) -> None:
    """An empty store has no points, and that is no error; adding nothing is none either."""
    await store.add_points("1m", MIDNIGHT, {})
    assert await store.points("bitcoin", "1m", 0, MIDNIGHT * 2) == []
    assert await store.points_near(["bitcoin"], "1m", MIDNIGHT, 600) == {}
    assert await store.points_near([], "1m", MIDNIGHT, 600) == {}


@pytest.mark.parametrize("step", STEPS)
async def test_points_come_back_in_order(store: Store, step: Step) -> None:
    """Oldest first, with their own moments, between the moments asked for, both included."""
    length = SECONDS[step]
    added = [await add(store, MIDNIGHT + i * length + 7.25, f"{i + 1}.50", step=step) for i in range(5)]
    assert await store.points("bitcoin", step, 0, 2 * MIDNIGHT) == added
    assert await store.points("bitcoin", step, added[1].at, added[3].at) == added[1:4]
    assert await store.points("bitcoin", step, added[1].at + 0.5, added[3].at - 0.5) == added[2:3]
    assert await store.points("bitcoin", step, added[3].at, added[1].at) == []


async def test_coins_and_steps_are_apart(store: Store) -> None:
    """A point is of one coin and one step."""
    bitcoin = await add(store, MIDNIGHT, "1")
    tether = await add(store, MIDNIGHT, "2", "tether")
    hour = await add(store, MIDNIGHT, "3", step="1h")
    assert await store.points("bitcoin", "1m", 0, MIDNIGHT) == [bitcoin]
    assert await store.points("tether", "1m", 0, MIDNIGHT) == [tether]
    assert await store.points("bitcoin", "1h", 0, MIDNIGHT) == [hour]
    assert await store.points("bitcoin", "1d", 0, MIDNIGHT) == []


@pytest.mark.parametrize("step", STEPS)
async def test_a_slot_has_one_point(store: Store, step: Step) -> None:
    """The later call replaces, whichever moment of the slot it is of."""
    end = MIDNIGHT + SECONDS[step] - 0.5
    await add(store, end, "1", step=step)
    first = await add(store, MIDNIGHT, "2", step=step)
    after = await add(store, end + 0.5, "3", step=step)
    assert await store.points("bitcoin", step, 0, MIDNIGHT * 2) == [first, after]


async def test_the_nearest_point_is_found(store: Store) -> None:
    """For every coin that has one near enough, the nearest; the others are left out."""
    near = [await add(store, MIDNIGHT + at, "1", "near") for at in (-130, -50, 40, 100)]
    far = await add(store, MIDNIGHT - 550, "2", "far")
    await add(store, MIDNIGHT - 700, "3", "too-far")
    found = await store.points_near(["near", "far", "too-far", "none"], "1m", MIDNIGHT, 600)
    assert found == {"near": near[2], "far": far}
    assert await store.points_near(["near", "far"], "1m", MIDNIGHT - 545, 10) == {"far": far}
    assert await store.points_near(["near"], "1m", MIDNIGHT, 39) == {}
    assert await store.points_near(["near"], "1m", MIDNIGHT, 40) == {"near": near[2]}


@given(added=additions)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_additions_come_back(
    address: tuple[str, str], added: list[tuple[Step, float, dict[CoinId, Decimal]]]
) -> None:
    """What was added last to a slot comes back to the last digit and exponent, in order, alone or as the nearest."""
    expected: dict[tuple[str, Step], dict[int, Point]] = {}
    for step, at, prices in added:
        for coin, price in prices.items():
            expected.setdefault((coin, step), {})[slot(step, at)] = Point(at, price)

    async def compare() -> None:
        url, prefix = address
        name = uuid.uuid4().hex
        store = open_store(f"{url}-{name}" if url.startswith("embedded") else url, f"{prefix}-{name}")
        await store.open()
        try:
            for step, at, prices in added:
                await store.add_points(step, at, prices)
            for (coin, step), slots in expected.items():
                found = await store.points(coin, step, 0, 2 * MIDNIGHT)
                assert repr(found) == repr([slots[number] for number in sorted(slots)])
            for step in STEPS:
                at = MIDNIGHT + 5000
                near = await store.points_near(["bitcoin", "tether", "x-1"], step, at, 900)
                for coin in ("bitcoin", "tether", "x-1"):
                    there = [abs(point.at - at) for point in expected.get((coin, step), {}).values()]
                    best = min((one for one in there if one <= 900), default=None)
                    assert (abs(near[coin].at - at) if coin in near else None) == best
        finally:
            await store.close()

    asyncio.run(compare())


async def test_more_digits_than_settling_gives(store: Store) -> None:
    """Prices are kept to 18 significant digits."""
    await add(store, MIDNIGHT, "0.1234567890123456789")
    [point] = await store.points("bitcoin", "1m", 0, MIDNIGHT)
    assert str(point.price) == "0.123456789012345679"


@pytest.mark.parametrize(("step", "count"), [("1m", 10_000), ("1h", 1000), ("1d", 900)])
async def test_no_more_is_kept_than_promised(store: Store, step: Step, count: int) -> None:
    """After very many points the newest are there, as far back as promised, and hardly more."""
    length = SECONDS[step]
    for i in range(count):
        await store.add_points(step, MIDNIGHT + i * length, {"bitcoin": Decimal(i + 1)})
    found = await store.points("bitcoin", step, 0, 2 * MIDNIGHT)
    last = MIDNIGHT + (count - 1) * length
    assert found[-1] == Point(last, Decimal(count))
    assert found[0].at <= last - KEPT[step]
    assert len(found) == slots_kept(step, KEPT["1d"])


async def test_days_are_kept_as_long_as_told(address: tuple[str, str]) -> None:
    """`[history] keep`, also when it was changed: what is there stays as far as it goes."""

    async def days(keep: float, first: int, last: int) -> list[int]:
        store = open_store(*address, keep=keep * DAY)
        await store.open()
        try:
            for day in range(first, last):
                await store.add_points("1d", MIDNIGHT + day * DAY, {"bitcoin": Decimal(day)})
            return [int(point.price) for point in await store.points("bitcoin", "1d", 0, 2 * MIDNIGHT)]
        finally:
            await store.close()

    assert await days(30, 1, 101) == list(range(70, 101))
    assert await days(50, 101, 111) == list(range(70, 111))
    assert await days(50, 111, 200) == list(range(149, 200))
    assert await days(10, 200, 211) == list(range(200, 211))


async def test_what_is_far_too_old_goes_bit_by_bit(store: Store) -> None:
    """After a long pause every new minute takes old ones with it, and none is in the way of what is new."""
    old = MIDNIGHT - 30 * DAY
    for i in range(60):
        await add(store, old + 60 * i, "1")
    for i in range(30):
        await add(store, MIDNIGHT + 60 * i, "2")
    found = await store.points("bitcoin", "1m", MIDNIGHT - DAY, MIDNIGHT + DAY)
    assert len(found) == 30
    assert {point.price for point in found} == {Decimal(2)}


async def test_a_clock_that_was_ahead_locks_nothing(store: Store) -> None:
    """Points of a wrong future neither keep out nor replace those of the true present."""
    await add(store, MIDNIGHT + 40 * DAY, "9")
    true = [await add(store, MIDNIGHT + 60 * i, "1") for i in range(3)]
    assert await store.points("bitcoin", "1m", MIDNIGHT, MIDNIGHT + DAY) == true
    assert (await store.points_near(["bitcoin"], "1m", MIDNIGHT, 600))["bitcoin"] == true[0]


async def test_history_outlives_the_process(address: tuple[str, str]) -> None:
    """Closed and opened again, it is there."""
    for attempt in range(2):
        store = open_store(*address)
        await store.open()
        if not attempt:
            await add(store, MIDNIGHT, "5")
        assert await store.points("bitcoin", "1m", 0, MIDNIGHT) == [Point(MIDNIGHT, Decimal(5))]
        await store.close()


async def test_thousands_of_coins_at_once(store: Store) -> None:
    """More than fit into one batch: each has its own."""
    prices = {f"coin-{i}": Decimal(i + 1) for i in range(1203)}
    await store.add_points("1h", MIDNIGHT, prices)
    near = await store.points_near(list(prices), "1h", MIDNIGHT + 60, 3600)
    assert {coin: point.price for coin, point in near.items()} == prices


@pytest.mark.timeout(180)
async def test_kill_9_leaves_whole_points(address: tuple[str, str]) -> None:
    """A poller killed at any moment: every minute it had word of is there for every coin, and nothing half written."""
    writer = Path(__file__).with_name("history_writer.py")
    environment = {**os.environ, "PYTHONPATH": f"{writer.parents[1]}{os.pathsep}{writer.parents[2]}"}
    last = 0
    for _ in range(KILLS):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(writer), *address, str(last)), stdout=asyncio.subprocess.PIPE, env=environment
        )
        assert process.stdout is not None
        said = [await process.stdout.readline()]
        await asyncio.sleep(random.uniform(0, 0.08))
        process.send_signal(signal.SIGKILL)
        said += (await process.stdout.read()).splitlines(keepends=True)
        await process.wait()
        last = int([line for line in said if line.endswith(b"\n")][-1])
        store = open_store(*address)
        await store.open()
        try:
            for coin in ("coin-0", "coin-60"):
                found = await store.points(coin, "1m", 0, 2 * MIDNIGHT)
                assert all(point.price == (point.at - MIDNIGHT) // 60 for point in found)
                assert {int(point.price) for point in found} >= set(range(max(1, last - 1400), last + 1))
            assert await store.decisions("coin-0", last, last, 9)
        finally:
            await store.close()
