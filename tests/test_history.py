"""Changes, highs and lows from our own history: exact, only between settled prices, only where history reaches."""

from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticker.history import COVERED, MINUTES, Window, after, completed, worth_keeping
from ticker.model import Point, Price

NOW = 1_800_000_000.0
HOUR, DAY = 3600.0, 86_400.0


def price(value: str | None = "110", **more: object) -> Price:
    """A settled price of bitcoin, with the figures of its sources."""
    given: dict[str, object] = {
        "agreement": "ok",
        "change_1h": Decimal("0.1"),
        "change_24h": Decimal("0.2"),
        "change_7d": Decimal("0.3"),
        "high_24h": Decimal(200),
        "low_24h": Decimal(50),
        **more,
    }
    return Price("bitcoin", None if value is None else Decimal(value), **given)  # type: ignore[arg-type]


def points(**of: tuple[float, str]) -> Mapping[str, Mapping[str, Point]]:
    """References: for each change, seconds before now and the price then."""
    return {name: {"bitcoin": Point(NOW - ago, Decimal(value))} for name, (ago, value) in of.items()}


def figures(found: Price) -> list[Decimal | None]:
    """Changes, high and low."""
    return [found.change_1h, found.change_24h, found.change_7d, found.high_24h, found.low_24h]


def full(value: str = "100", minutes: int = MINUTES) -> Window:
    """A window with so many of the last minutes."""
    return Window(Point(NOW - 60 * i, Decimal(value)) for i in reversed(range(minutes)))


def test_without_history_the_sources_figures_stay() -> None:
    """Nothing of ours: every figure is as settling gave it, and the price is the same value."""
    given = price()
    assert completed([given], {}, {}, NOW) == (given,)
    assert completed([given], {"change_1h": {}}, {"bitcoin": Window()}, NOW) == (given,)


def test_changes_are_exact() -> None:
    """Each from its own point, in percent, and the others as the sources say."""
    found = completed([price()], points(change_1h=(HOUR, "100"), change_7d=(7 * DAY, "220")), {}, NOW)
    assert figures(found[0]) == [10, Decimal("0.2"), -50, 200, 50]


@pytest.mark.parametrize(
    ("name", "period", "tolerance"),
    [("change_1h", HOUR, 120), ("change_24h", DAY, 600), ("change_7d", 7 * DAY, 3600)],
)
@pytest.mark.parametrize("side", [-1, 1])
def test_a_point_too_far_from_then_does_not_count(name: str, period: float, tolerance: float, side: int) -> None:
    """Beyond the tolerance, and the minute for which it stays at hand, the sources' figure is the truer one."""
    near = period + side * (tolerance + 60)
    assert getattr(completed([price()], points(**{name: (near, "100")}), {}, NOW)[0], name) == 10
    assert completed([price()], points(**{name: (near + side, "100")}), {}, NOW) == (price(),)


@pytest.mark.parametrize("agreement", ["disputed", "fixed", "none"])
def test_what_is_not_settled_now_is_left_alone(agreement: str) -> None:
    """A last good price is not compared with points of other moments, and is no point itself."""
    given = price(agreement=agreement)
    references = points(change_1h=(HOUR, "100"), change_24h=(DAY, "100"))
    assert completed([given], references, {"bitcoin": full()}, NOW) == (given,)
    assert worth_keeping([given]) == {}


@pytest.mark.parametrize("agreement", ["ok", "degraded", "single"])
def test_what_is_settled_now_becomes_a_point(agreement: str) -> None:
    """By one source or many."""
    assert worth_keeping([price(agreement=agreement), price(None)]) == {"bitcoin": Decimal(110)}


def test_nothing_from_before_a_change_of_unit_counts() -> None:
    """A coin that was counted anew an hour ago has no change against the old unit; other coins do."""
    found = {"bitcoin": Point(NOW - DAY, Decimal(1)), "x": Point(NOW - DAY, Decimal(1))}
    assert after(found, {}) is found
    assert after(found, {"bitcoin": NOW - HOUR}) == {"x": found["x"]}
    assert after(found, {"bitcoin": NOW - DAY}) == found
    window = full("100000")
    window.forget(NOW - HOUR)
    assert window.range(NOW) is None
    assert completed([price()], {}, {"bitcoin": window}, NOW) == (price(),)


def test_high_and_low_need_the_whole_day() -> None:
    """From 95 % of the minutes on they are ours; one minute less, and they are the sources'."""
    assert COVERED == 1368
    ours = completed([price()], {}, {"bitcoin": full("100", COVERED)}, NOW)[0]
    theirs = completed([price()], {}, {"bitcoin": full("100", COVERED - 1)}, NOW)[0]
    assert (ours.high_24h, ours.low_24h) == (Decimal(110), Decimal(100))
    assert (theirs.high_24h, theirs.low_24h) == (Decimal(200), Decimal(50))


def test_the_present_price_is_within_high_and_low() -> None:
    """A new high is one at once."""
    for value in ("99.5", "100", "100.5"):
        found = completed([price(value)], {}, {"bitcoin": full("100")}, NOW)[0]
        assert found.low_24h is not None
        assert found.high_24h is not None
        assert found.low_24h <= Decimal(value) <= found.high_24h


def test_a_high_ends_after_a_day() -> None:
    """What is older than 24 hours is neither high nor low, whether newer prices come or not."""
    window = full("100", MINUTES)
    window.add(NOW + 60, Decimal(500))
    for i in range(2, MINUTES + 1):
        window.add(NOW + 60 * i, Decimal(100))
    assert window.range(NOW + 60 * MINUTES) == (100, 500)
    window.add(NOW + 60 * (MINUTES + 1), Decimal(100))
    assert window.range(NOW + 60 * (MINUTES + 1)) == (100, 100)
    assert window.range(NOW + 2 * DAY) is None
    assert window.range(NOW + 9 * DAY) is None


def test_a_clock_that_was_set_back() -> None:
    """Prices count as of the last minute seen; nothing is lost and nothing raises."""
    window = full("100")
    window.add(NOW - HOUR, Decimal(120))
    assert window.range(NOW - HOUR) == (100, 120)
    assert window.range(NOW) == (100, 120)


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(1, 30)), max_size=60),
    st.integers(0, 1600),
    st.one_of(st.none(), st.integers(0, 4000)),
)
def test_a_window_is_its_minutes(steps: list[tuple[int, int]], later: int, forgotten: int | None) -> None:
    """Whatever comes and goes, low and high are those of the last 1,440 minutes, and they are counted right."""
    window, there, minute = Window(), {}, 0
    for passed, value in steps:
        minute += passed
        window.add(NOW + 60 * minute, Decimal(value))
        there.setdefault(minute, []).append(value)
    minute += later
    if forgotten is not None:
        window.forget(NOW + 60 * forgotten)
    window.range(NOW + 60 * minute)
    left = {
        one: values
        for one, values in there.items()
        if minute - MINUTES < one and (forgotten is None or one > forgotten)
    }
    assert window._there.bit_count() == len(left)
    values = [value for some in left.values() for value in some]
    assert [held[0][1] for held in (window._lows, window._highs) if held] == (
        [min(values), max(values)] if left else []
    )
