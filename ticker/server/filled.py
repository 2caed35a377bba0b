"""What widgets draw of the past: our own points, and before the first of them the hours that one source told us. Pure.

Those hours are no settled prices: they never stand between ours, and what is said of a drawing in figures is said of
our own points alone.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ticker.model import Point, Step
from ticker.store.base import DAY, HOUR

TOLERANCE = Decimal("0.2")  # beyond it from our first point the hours are those of another coin, or in another unit
SPAN = 7 * DAY  # how far back such hours reach


@dataclass(frozen=True, slots=True)
class Grid:
    """A stretch of the past as it is drawn: so many slots of so many seconds up to now, made of which points."""

    step: Step
    width: float
    slots: int

    @property
    def span(self) -> float:
        """Seconds from its first slot to its last."""
        return (self.slots - 1) * self.width


@dataclass(frozen=True, slots=True)
class Drawn:
    """Slots of a grid, oldest first, None where nothing is known; `filled` counts those at the front not our own."""

    grid: Grid
    prices: tuple[Decimal | None, ...]
    filled: int = 0


def wanting(own: Sequence[Point], now: float, reach: float) -> bool:
    """Whether our own points begin so late that hours may stand before them."""
    return bool(own) and own[0].at > now - min(reach, SPAN) + 2 * HOUR


def before(own: Sequence[Point], filled: Sequence[Point]) -> list[Point]:
    """The hours that stand before our first point; none where they do not lead to it, or there is nothing of ours."""
    if not own:
        return []
    first = own[0]
    found = [point for point in filled if point.at < first.at]
    if not found or abs(found[-1].price / first.price - 1) > TOLERANCE:
        return []
    return found


def drawn(own: Sequence[Point], filled: Sequence[Point], grid: Grid, now: float) -> Drawn:
    """The points in the slots of a grid that ends at `now`.

    A grid of less than a day has no room for hours. In one that is finer than hours it is hours that are drawn, as
    long as there are some among them.
    """
    more = before(own, filled) if grid.width * grid.slots >= DAY else []
    start = (int(now // grid.width) - grid.slots + 1) * grid.width
    more = [point for point in more if point.at >= start]
    if more and grid.width < HOUR:
        grid = Grid(grid.step, HOUR, int(grid.span // HOUR) + 1)
    ours = on_grid(own, grid, now)
    theirs = on_grid(more, grid, now) if more else ()
    first = next((place for place, price in enumerate(ours) if price is not None), 0)
    if not any(price is not None for price in theirs[:first]):
        return Drawn(grid, ours)
    return Drawn(grid, (*theirs[:first], *ours[first:]), first)


def on_grid(points: Sequence[Point], grid: Grid, now: float) -> tuple[Decimal | None, ...]:
    """The points in the slots of a grid that ends at `now`. None where a slot has none.

    A slot has its first price, but the slots of the highest and the lowest price have those: none is smoothed away.
    """
    last = int(now // grid.width)
    first = last - grid.slots + 1
    inside = points[bisect_left(points, first * grid.width, key=lambda point: point.at) :]
    slots: dict[int, Decimal] = {}
    for point in inside:
        slots.setdefault(int(point.at // grid.width), point.price)
    if inside:
        for extreme in (min, max):
            point = extreme(inside, key=lambda one: one.price)
            slots[int(point.at // grid.width)] = point.price
    return tuple(slots.get(place) for place in range(first, last + 1))
