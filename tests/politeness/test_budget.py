"""The budget as a value: never more than its share in any window, and no longer a wait than that needs."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticker.politeness.budget import SLOTS, Budget, Window, allowances
from ticker.sources.base import DAY, HOUR, MINUTE, MONTH, SECOND, Limit

NOW = 1_800_000_000.0
DEMO = (Limit(30, MINUTE), Limit(10_000, MONTH))


@pytest.mark.parametrize(
    ("limit", "cost", "units", "per"),
    [
        (Limit(10, SECOND), 1, 5, SECOND),
        (Limit(30, MINUTE), 1, 15, MINUTE),
        (Limit(4_500, 5 * MINUTE), 1, 2_250, 5 * MINUTE),
        (Limit(100, HOUR), 1, 50, HOUR),
        (Limit(10_000, MONTH), 1, 9_000, MONTH),
        (Limit(20_000, MONTH), 1, 18_000, MONTH),
        (Limit(1, SECOND), 1, 1, 2 * SECOND),
        (Limit(1, HOUR), 1, 1, 2 * HOUR),
        (Limit(5, MINUTE), 1, 2, MINUTE),
        (Limit(2_000, 30 * SECOND), 15, 990, 30 * SECOND),
        (Limit(100, MINUTE), 80, 80, 1.6 * MINUTE),
    ],
    ids=str,
)
def test_our_share_of_a_limit(limit: Limit, cost: int, units: float, per: float) -> None:
    """Half of a short limit, 90 % of a monthly one, in whole requests; less than one is one in a longer time."""
    (found,) = allowances([limit, limit], cost)
    assert (found.limit, found.units, found.per) == (limit, units, pytest.approx(per))


def spend(budget: Budget, now: float, requests: int, cost: float = 1) -> tuple[Budget, list[float]]:
    """Make requests as soon as each may be made; the moments."""
    times = []
    for _ in range(requests):
        budget, wait = budget.take(now, cost)
        while wait:
            now += wait
            budget, wait = budget.take(now, cost)
        times.append(now - NOW)
    return budget, times


def test_requests_under_a_limit_of_one_a_second_are_two_seconds_apart() -> None:
    """Half of one a second; a slot more, since a slot is forgotten as a whole."""
    _, times = spend(Budget.of([Limit(1, SECOND)]), NOW, 5)
    gaps = [after - before for before, after in pairwise(times)]
    assert all(2 <= gap <= 2 + 2 * 2 / SLOTS for gap in gaps)


def test_a_burst_may_use_the_whole_share_and_then_waits_for_its_end() -> None:
    """15 of 30 a minute at once, the 16th when the minute is over."""
    _, times = spend(Budget.of([Limit(30, MINUTE)]), NOW, 16)
    assert times[:15] == [0.0] * 15
    assert 60 <= times[15] <= 62


def test_a_month_is_kept_day_by_day() -> None:
    """Someone who spends a day's part at once is silent for a day at most, not for the rest of a month."""
    budget = Budget.of(DEMO)
    _, times = spend(budget, NOW, 301)
    assert times[299] < 20 * MINUTE
    assert DAY <= times[300] <= DAY * (1 + 2 / SLOTS)


def test_a_poll_begins_only_where_all_of_it_can_be_made() -> None:
    """A window that can hold a whole poll must have room for it; one that cannot spaces its requests."""
    budget = Budget((Window(1, 2.0), Window(10, HOUR)))
    assert budget.wait(NOW, 1, requests=4) == 0
    budget, _ = spend(budget, NOW, 8)
    later = NOW + MINUTE
    assert budget.wait(later, 1, requests=2) == 0
    assert budget.wait(later, 1, requests=3) > 3000


def test_what_is_left() -> None:
    """For a status page: the units of each window that may still be asked for now."""
    budget, _ = spend(Budget.of(DEMO), NOW, 5)
    assert [window.left(NOW) for window in budget.windows] == [10, 8_995, 295]
    assert [window.left(NOW + 2 * DAY) for window in budget.windows] == [15, 8_995, 300]
    assert Window(1, 60, ((int(NOW * SLOTS / 60), 5),)).left(NOW) == 0


def test_without_limits_everything_is_allowed() -> None:
    """A stand-in has none."""
    assert Budget.of(()).take(NOW, 1) == (Budget(), 0)


def test_more_than_it_can_ever_hold_waits() -> None:
    """A cost above all units is never allowed, and asks for no time that is not there."""
    assert Window(1, 60).wait(NOW, 2) == 60


def test_a_budget_outlives_a_process() -> None:
    """What a month has cost is known after a restart, beside what was asked before the store had answered."""
    budget, _ = spend(Budget.of(DEMO), NOW, 100)
    kept = msgspec.json.decode(msgspec.json.encode(budget), type=Budget)
    assert kept == budget
    fresh, _ = spend(Budget.of(DEMO), NOW + HOUR, 2)
    resumed = fresh.resumed(kept, NOW + HOUR)
    assert [window.left(NOW + HOUR) for window in resumed.windows] == [13, 8_898, 198]


def test_a_new_plan_keeps_what_the_same_windows_counted() -> None:
    """Of a window that was not there nothing is known; the units are those of the new plan."""
    budget, _ = spend(Budget.of(DEMO), NOW, 10)
    resumed = Budget.of([Limit(100_000, MONTH), Limit(3, SECOND)]).resumed(budget, NOW)
    assert [window.left(NOW) for window in resumed.windows] == [89_990, 2_990, 1]


def test_what_a_wrong_clock_dated_in_the_future_counts_as_now() -> None:
    """A clock that went back an hour does not close a window of a second for an hour."""
    budget, _ = spend(Budget.of([Limit(1, SECOND)]), NOW + HOUR, 1)
    resumed = Budget.of([Limit(1, SECOND)]).resumed(budget, NOW)
    assert 0 < resumed.wait(NOW, 1) <= 2.1


@st.composite
def limited(draw: st.DrawFn) -> tuple[Limit, int]:
    """A limit of any kind, and what a request costs."""
    per = draw(st.sampled_from((SECOND, 2 * SECOND, 10 * SECOND, MINUTE, 5 * MINUTE, HOUR, DAY, MONTH)))
    return Limit(draw(st.integers(1, 50)), per), draw(st.integers(1, 20))


@settings(deadline=None)
@given(st.lists(limited(), min_size=1, max_size=3), st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_never_more_than_the_share_in_any_window(limits: list[tuple[Limit, int]], pauses: list[float]) -> None:
    """However requests come, as soon as each may or later: in no window of any limit is there more than our share."""
    cost = max(cost for _, cost in limits)
    shares = allowances([limit for limit, _ in limits], cost)
    budget, now, times = Budget.of([limit for limit, _ in limits], cost), NOW, []
    for pause in pauses:
        now += pause * min(limit.per for limit, _ in limits)
        budget, (at,) = spend(budget, now, 1, cost)
        now = NOW + at
        times.append(now)
    for share in shares:
        for start in times:
            assert cost * sum(start <= at < start + share.per - 1e-3 for at in times) <= share.units


@settings(deadline=None)
@given(limited(), st.lists(st.floats(0, 2), max_size=30))
def test_nobody_waits_longer_than_a_window_and_a_slot(limit: tuple[Limit, int], pauses: list[float]) -> None:
    """A wait ends at the latest when all that was spent is forgotten."""
    one, cost = limit
    budget, now = Budget.of([one], cost), NOW
    for pause in pauses:
        now += pause * one.per
        budget, wait = budget.take(now, cost)
        longest = max((window.per for window in budget.windows), default=0)
        assert 0 <= wait <= longest * (1 + 2 / SLOTS)
