"""Hours of one source in drawings: only before our first point, only where they lead to it, and counted as such."""

from decimal import Decimal

import pytest
from snapshots import NOW

from ticker.model import Point
from ticker.server.filled import Grid, drawn, wanting
from ticker.server.past import CHARTS, SPARKS

HOUR, DAY = 3600.0, 86_400.0
D = Decimal

FILLED = [Point(NOW - back * HOUR, D(1000 + back)) for back in range(167, -1, -1)]


def own(hours: float, step: float = HOUR, price: int = 1000) -> list[Point]:
    """Our own points of the last so many hours."""
    return [Point(NOW - hours * HOUR + place * step, D(price)) for place in range(int(hours * HOUR // step) + 1)]


def test_ours_win() -> None:
    """A slot in which we have a price of our own shows that one, and so does every one after it, be it a gap."""
    ours = [point for point in own(10) if point.at < NOW - 5 * HOUR or point.at == NOW]
    found = drawn(ours, FILLED, CHARTS["7d"], NOW)
    assert found.filled == 169 - 11
    assert found.prices[0] is None  # 168 hours are one less than the grid has
    assert found.prices[1 : found.filled] == tuple(D(1000 + back) for back in range(167, 10, -1))
    assert found.prices[found.filled :] == (*[D(1000)] * 5, *[None] * 5, D(1000))


def test_gaps_in_the_hours_stay_gaps() -> None:
    """Never a value between its neighbours."""
    holes = [point for place, point in enumerate(FILLED) if place % 3]
    found = drawn(own(1), holes, CHARTS["7d"], NOW)
    assert sum(price is None for price in found.prices[: found.filled]) >= 55


def test_nothing_of_ours_nothing_drawn() -> None:
    """Where there is nothing to hold them against, as of a coin that nobody agrees on, hours are not drawn."""
    found = drawn([], FILLED, CHARTS["7d"], NOW)
    assert (set(found.prices), found.filled) == ({None}, 0)


@pytest.mark.parametrize(("price", "there"), [(1000, True), (850, True), (810, False), (1300, False), (1, False)])
def test_hours_that_do_not_lead_to_ours_are_not_drawn(price: int, there: bool) -> None:
    """More than 20 % between the last of them and our first: another coin, or another unit."""
    assert bool(drawn(own(1, price=price), FILLED, CHARTS["7d"], NOW).filled) == there


def test_a_day_is_drawn_by_the_hour_while_it_has_hours() -> None:
    """Quarters of an hour between hours would be dots; with a day of our own the grid is as fine as ever."""
    for fine in (SPARKS["24h"], CHARTS["24h"]):
        coarse = drawn(own(2, 60.0), FILLED, fine, NOW)
        assert coarse.grid == Grid("1m", HOUR, fine.slots * int(fine.width) // 3600 + (fine is CHARTS["24h"]))
        assert None not in coarse.prices
        whole = drawn(own(25, 60.0), FILLED, fine, NOW)
        assert (whole.grid, whole.filled) == (fine, 0)


def test_an_hour_has_no_room_for_hours() -> None:
    """A line of one hour is of our own minutes alone."""
    found = drawn(own(0.5, 60.0), FILLED, SPARKS["1h"], NOW)
    assert (found.grid, found.filled) == (SPARKS["1h"], 0)


def test_a_month_has_a_week_of_them() -> None:
    """By the day."""
    found = drawn([Point(NOW, D(1000))], FILLED, CHARTS["30d"], NOW)
    assert sum(price is not None for price in found.prices) in (8, 9)
    assert found.filled == 30


def test_when_hours_are_wanted() -> None:
    """Until our own points reach back as far as they would."""
    assert not wanting([], NOW, 7 * DAY)
    assert wanting(own(3), NOW, 25 * HOUR)
    assert not wanting(own(24), NOW, 25 * HOUR)
    assert wanting(own(24), NOW, 7 * DAY)
    assert not wanting(own(7 * 24), NOW, 31 * DAY)
