"""Past prices as a line: a small SVG beside a price. Pure; a gap in what is known is a gap in the line.

Hidden from screen readers, for the change beside it says in words what it shows. Colours come from the style.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise

from markupsafe import Markup

from widgets.format import Direction

WIDTH, HEIGHT = 96, 32
LEAST = Decimal("0.005")  # of the price is the least that a line's height stands for: a stablecoin's noise stays small
_EDGE = 2  # room for half the thickness of the line

Run = list[tuple[int, Decimal]]


def runs(prices: Sequence[Decimal | None]) -> Iterator[Run]:
    """The stretches without a gap, each as (place, price)."""
    run: Run = []
    for place, price in enumerate(prices):
        if price is not None:
            run.append((place, price))
        elif run:
            yield run
            run = []
    if run:
        yield run


def path(prices: Sequence[Decimal | None], low: Decimal, high: Decimal, width: int, height: int) -> str:
    """The `d` of an SVG path through all prices in a box; a price that stands alone is a dot. `low` and `high` differ.

    In whole units and from point to point, since that is half as long.
    """
    last = max(1, len(prices) - 1)
    drawn = []
    for run in runs(prices):
        points = [(round(width * place / last), round(height * (high - price) / (high - low))) for place, price in run]
        steps = [(x - px, y - py) for (px, py), (x, y) in pairwise(points)]
        drawn.append(f"M{points[0][0]} {points[0][1]}" + ("".join(f"l{x} {y}" for x, y in steps) or "h0"))
    return "".join(drawn)


def rise(prices: Sequence[Decimal | None]) -> Direction:
    """Whether the last known price is above or below the first."""
    known = [price for price in prices if price is not None]
    if len(known) < 2 or known[0] == known[-1]:
        return "flat"
    return "up" if known[-1] > known[0] else "down"


def spark(prices: Sequence[Decimal | None], direction: Direction | None = None) -> Markup | None:
    """The line, in the colour of `direction`, its own unless told; None where fewer than two prices are known."""
    known = [price for price in prices if price is not None and price.is_finite() and price > 0]
    if len(known) < 2:
        return None
    low, high = min(known), max(known)
    least = low * LEAST
    if high - low < least:
        low, high = (low + high - least) / 2, (low + high + least) / 2
    box = path(prices, low, high, WIDTH - 2 * _EDGE, HEIGHT - 2 * _EDGE)
    return Markup(
        '<svg viewBox="{} {} {} {}" width="{}" height="{}" preserveAspectRatio="none" data-direction="{}" '
        'aria-hidden="true"><path d="{}" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" '
        'stroke-linejoin="round" vector-effect="non-scaling-stroke"/></svg>'
    ).format(-_EDGE, -_EDGE, WIDTH, HEIGHT, WIDTH, HEIGHT, direction or rise(prices), box)
