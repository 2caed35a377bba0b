"""A chart as SVG, with its axes as text in the reader's language. Pure.

The line and its area stretch with the widget; dots and words do not, since they are placed in percent. What is not
known is a gap, never a guess. The lowest and the highest price are marked with their figures. What one source said
before there were settled prices is a dotted line, of which no figure and no word is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from markupsafe import Markup

from widgets.board import Chart
from widgets.format import day_of_year, price, round_price, time_of_day
from widgets.spark import path, rise, runs
from widgets.words import words

WIDTH, HEIGHT = 1000, 400  # of the box the line is drawn in
TOP, TALL = 14, 72  # where that box begins and how tall it is, in percent of the picture
MOST_STEPS = 4
_NICE = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
_DOTS = Markup(
    '<path class="mp-told" d="{}" stroke-width="2" stroke-linecap="round" stroke-dasharray="1 5" '
    'vector-effect="non-scaling-stroke"/>'
)
_LABELS = {"24h": 5, "7d": 3, "30d": 3}  # on the axis of time


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawn chart: the picture, named by a sentence of it, the prices beside it from the top, the times below it."""

    svg: Markup
    scale: tuple[str, ...]
    times: tuple[str, ...]


def plot(chart: Chart, period: str, name: str, locale: str) -> Plot | None:
    """`chart` drawn for `period` ("24h", "7d", "30d"); None where fewer than two prices are known."""
    prices = tuple(one if one is not None and one.is_finite() and one > 0 else None for one in chart.prices)
    known = [(one, place) for place, one in enumerate(prices) if one is not None]
    if len(known) < 2:
        return None
    ticks = scale(min(known)[0], max(known)[0])
    settled = [one for one in known if one[1] >= chart.filled]
    extremes: tuple[tuple[Decimal, int], ...] = ()
    written: dict[Decimal, str] = {}
    label = name
    if len(settled) >= 2:
        low, high = min(settled, key=lambda one: one[0]), max(settled, key=lambda one: one[0])
        extremes, first, last = (low, high), settled[0][0], settled[-1][0]
        written = {one: price(one, chart.currency, locale) for one in (low[0], high[0], first, last)}
        said = words(locale)["summary"].format(
            first=written[first], last=written[last], low=written[low[0]], high=written[high[0]]
        )
        label = f"{name}: {said}"
    step = ticks[1] - ticks[0]
    return Plot(
        svg=_svg(prices, chart.filled, ticks, extremes, written, label),
        scale=tuple(round_price(tick, step, chart.currency, locale) for tick in reversed(ticks)),
        times=_times(chart, period, locale),
    )


def scale(low: Decimal, high: Decimal) -> tuple[Decimal, ...]:
    """Round prices, evenly spaced, from just below `low` to just above `high`: at most five."""
    if low == high:
        low, high = low * Decimal("0.99"), high * Decimal("1.01")
    unit = Decimal(1).scaleb((high - low).adjusted() - 1)
    while True:
        for nice in _NICE:
            step = nice * unit
            first, last = (low / step).to_integral_value(ROUND_FLOOR), (high / step).to_integral_value(ROUND_CEILING)
            if last - first <= MOST_STEPS:
                return tuple((first + place) * step for place in range(int(last - first) + 1))
        unit *= 10


def _svg(
    prices: Sequence[Decimal | None],
    filled: int,
    ticks: Sequence[Decimal],
    extremes: Sequence[tuple[Decimal, int]],
    written: dict[Decimal, str],
    label: str,
) -> Markup:
    low, high = ticks[0], ticks[-1]
    nothing: list[Decimal | None] = [None] * len(prices)
    settled = [*nothing[:filled], *prices[filled:]]
    line = path(settled, low, high, WIDTH, HEIGHT)
    told = path([*prices[: filled + 1], *nothing[filled + 1 :]], low, high, WIDTH, HEIGHT) if filled else ""
    dots = _DOTS.format(told) if told else ""
    grid = "".join(f"M0 {HEIGHT * place // (len(ticks) - 1)}h{WIDTH}" for place in range(len(ticks)))
    marks = Markup("")
    for (value, place), (shift, kind) in zip(extremes, ((18, "low"), (-9, "high")), strict=False):
        x = 100 * place / max(1, len(prices) - 1)
        y = TOP + TALL * float((high - value) / (high - low))
        anchor = "start" if x < 20 else "end" if x > 80 else "middle"
        marks += Markup(
            '<circle cx="{:.3g}%" cy="{:.3g}%" r="3.5" fill="currentColor"/>'
            '<text class="mp-{}" x="{:.3g}%" y="{:.3g}%" dy="{}" text-anchor="{}">{}</text>'
        ).format(x, y, kind, x, y, shift, anchor, written[value])
    return Markup(
        '<svg class="mp-plot" width="100%" height="200" direction="ltr" role="img" aria-label="{}" '
        'data-direction="{}">'
        '<svg viewBox="0 0 {w} {h}" y="{}%" width="100%" height="{}%" preserveAspectRatio="none" overflow="visible">'
        '<g fill="none" stroke="currentColor"><path class="mp-grid" d="{}" vector-effect="non-scaling-stroke"/>'
        '<path d="{}" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" '
        'vector-effect="non-scaling-stroke"/>{}'
        '</g><path d="{}" fill="currentColor" fill-opacity=".1"/></svg>{}</svg>'
    ).format(label, rise(settled), TOP, TALL, grid, line, dots, _area(prices, low, high), marks, w=WIDTH, h=HEIGHT)


def _area(prices: Sequence[Decimal | None], low: Decimal, high: Decimal) -> str:
    """What is below the line, for every stretch of it down to the axis."""
    last = max(1, len(prices) - 1)
    drawn = []
    for run in runs(prices):
        first, final = (round(WIDTH * place / last) for place in (run[0][0], run[-1][0]))
        alone: list[Decimal | None] = [None] * len(prices)
        for place, price_ in run:
            alone[place] = price_
        drawn.append(f"{path(alone, low, high, WIDTH, HEIGHT)}V{HEIGHT}H{first}z" if final > first else "")
    return "".join(drawn)


def _times(chart: Chart, period: str, locale: str) -> tuple[str, ...]:
    write = time_of_day if period == "24h" else day_of_year
    count = _LABELS[period]
    return tuple(write(chart.start + (chart.end - chart.start) * place / (count - 1), locale) for place in range(count))
