"""The last days of coins as one source tells them: when its hours were, and which of them we take. Pure.

The hours come without times, and end up to six hours before the price beside them. How many is found by what the source
says itself: its price of 24 hours ago must lie on the line. Knows our rules for a coin, not where the points go.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import log

from ticker.model import CoinId, Point
from ticker.sources.base import HIGHEST_PRICE, LOWEST_PRICE, Week

HOUR = 3600.0
SHORTEST, LONGEST = 26, 170  # points of a line: enough to find its end, and no more than an hour a point allows
LATEST = 8  # hours that a line may be behind
APART = 0.05  # a distance beyond it says nothing more: the coin is wild, or another one
FITS = 0.02  # the mean distance at which the best end is still believed
TOLERANCE = Decimal("0.2")  # beyond it from our price it is another coin, or another unit


@dataclass(frozen=True, slots=True)
class Wanted:
    """A coin to fill in: its ids at the source, its settled price if there is one, since when its unit is as it is."""

    coin: CoinId
    ids: Sequence[str]
    price: Decimal | None = None
    since: float = 0.0


def behind(weeks: Iterable[Week]) -> int | None:
    """How many hours the lines end before the prices beside them; None where the source contradicts itself.

    All lines of an answer are made at once, so the hour is the one at which most of them fit.
    """
    known = [week for week in weeks if SHORTEST <= len(week.prices) <= LONGEST]
    found: list[tuple[float, int]] = []
    for hours in range(LATEST + 1):
        apart = [one for week in known if (one := _apart(week, hours)) is not None]
        if apart:
            found.append((sum(apart) / len(apart), hours))
    best = min(found, default=(FITS + 1, 0))
    return best[1] if best[0] <= FITS else None


def _apart(week: Week, hours: int) -> float | None:
    """How far the price of 24 hours ago is from the line, if that ends so many hours ago."""
    place = len(week.prices) - 1 - 24 + hours
    there = week.prices[place] if 0 <= place < len(week.prices) else None
    if week.change_24h is None or week.change_24h <= -100 or there is None or there <= 0 or week.price <= 0:
        return None
    before = week.price / (1 + week.change_24h / 100)
    return min(APART, abs(log(before / there)))


def chosen(
    wanted: Sequence[Wanted], weeks: Mapping[str, Week], hours: int, now: float
) -> tuple[dict[CoinId, list[Point]], dict[CoinId, str]]:
    """The points of each coin, oldest first, on whole hours; and why there are none of the others."""
    points: dict[CoinId, list[Point]] = {}
    refused: dict[CoinId, str] = {}
    for one in wanted:
        week = next((weeks[id_] for id_ in one.ids if id_ in weeks), None)
        if week is None or not SHORTEST <= len(week.prices) <= LONGEST:
            refused[one.coin] = "the source has no hours of it"
            continue
        found = _points(week, hours)
        if not found:
            refused[one.coin] = "the source has no hours of it"
        elif one.price is not None and abs(found[-1].price / one.price - 1) > TOLERANCE:
            refused[one.coin] = f"its last price, {found[-1].price:f}, is more than 20 % away from ours, {one.price:f}"
        else:
            points[one.coin] = [point for point in found if one.since < point.at <= now]
    return points, refused


def _points(week: Week, hours: int) -> list[Point]:
    last = round(week.at / HOUR) - hours
    first = last - len(week.prices) + 1
    return [
        Point((first + place) * HOUR, price)
        for place, price in enumerate(week.prices)
        if price is not None and price.is_finite() and LOWEST_PRICE <= price <= HIGHEST_PRICE
    ]
