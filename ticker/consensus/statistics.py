"""Exact small-sample statistics on prices: median, spread, agreement. Knows nothing of sources or time.

All functions take positive finite Decimals; those that say "ordered" take them in ascending order.
"""

from collections.abc import Sequence
from decimal import Context, Decimal

from ticker.consensus.rules import OUTLIER_CAP, OUTLIER_FLOOR, OUTLIER_MADS

_DIGITS = Context(prec=18)


def median(ordered: Sequence[Decimal]) -> Decimal:
    """The middle, or the mean of the two middles. At least one value."""
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def median_of(values: Sequence[Decimal | None]) -> Decimal | None:
    """The median of the values that are there, or None."""
    there = [value for value in values if value is not None]
    if not there:
        return None
    there.sort()
    return median(there)


def reach(ordered: Sequence[Decimal], middle: Decimal) -> Decimal:
    """How far from the median a value may be: max(0.5 %, 5 × 1.4826 MAD) of it, and never beyond 10 %."""
    least = OUTLIER_FLOOR * middle
    if ordered[-1] - middle <= least and middle - ordered[0] <= least:
        return least  # then the MAD cannot widen it enough to matter: nothing is out either way
    deviations = sorted(abs(value - middle) for value in ordered)
    return min(max(least, OUTLIER_MADS * median(deviations)), OUTLIER_CAP * middle)


def agreeing(ordered: Sequence[Decimal], tolerance: Decimal) -> int:
    """The size of the largest set of values that all lie within `tolerance` (a fraction) of the set's own median."""
    for size in range(len(ordered), 1, -1):
        for start in range(len(ordered) - size + 1):
            window = ordered[start : start + size]
            middle = median(window)
            reach = tolerance * middle
            if middle - window[0] <= reach and window[-1] - middle <= reach:
                return size
    return min(1, len(ordered))


def quantile(ordered: Sequence[Decimal], fraction: Decimal) -> Decimal:
    """The value below which `fraction` of the sample lies, interpolated linearly between neighbours."""
    place = fraction * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def confidence(ordered: Sequence[Decimal], price: Decimal) -> Decimal:
    """Pyth's interval made relative: max(price - Q25, Q75 - price) / price, to four significant digits."""
    spread = max(price - quantile(ordered, Decimal("0.25")), quantile(ordered, Decimal("0.75")) - price)
    return Context(prec=4).divide(max(spread, Decimal(0)), price)


def tidy(value: Decimal) -> Decimal:
    """To 18 significant digits, without trailing zeros: enough for every source's own digits, without noise."""
    return _DIGITS.normalize(value)
