"""Pictures of figures, as plain SVG: bars for cases side by side, lines where a size grows. Pure.

Legible on light and on dark pages: each has its own ground, and both colours follow what the reader's system prefers.
Knows no benchmark: it is given names, figures and units.
"""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

WIDTH = 760
LEFT, RIGHT, TOP, BOTTOM = 84, 190, 64, 46
BAR, GAP = 18, 8
STYLE = """
svg { --ground: #fff; --ink: #1c2128; --quiet: #57606a; --line: #d8dee4;
  --c0: #0969da; --c1: #bc4c00; --c2: #1a7f37; --c3: #8250df; --c4: #9a6700; --c5: #57606a; }
@media (prefers-color-scheme: dark) { svg { --ground: #161b22; --ink: #e6edf3; --quiet: #9da7b3; --line: #30363d;
  --c0: #58a6ff; --c1: #f0883e; --c2: #56d364; --c3: #bc8cff; --c4: #e3b341; --c5: #9da7b3; } }
text { font: 13px system-ui, "DejaVu Sans", sans-serif; fill: var(--ink); }
.title { font-size: 15px; font-weight: 600; }
.quiet { fill: var(--quiet); font-size: 12px; }
.ours { font-weight: 600; }
.grid { stroke: var(--line); } .spread { stroke: var(--ink); opacity: .55; }
""".strip()


class Bar(NamedTuple):
    """One figure, and the least and the most of its rounds."""

    name: str
    value: float
    least: float
    most: float


def bars(title: str, unit: str, groups: Mapping[str, Sequence[Bar]]) -> str:
    """Groups of bars under the names of cases; every name has one colour; the thin line is from least to most."""
    names = list(dict.fromkeys(bar.name for group in groups.values() for bar in group))
    names.sort(key=lambda name: not name.startswith("ticker"))
    highest = max((bar.most for group in groups.values() for bar in group), default=0.0) or 1.0
    room, left = WIDTH - 300 - 90, 300
    y, parts = 52, []
    for case, group in groups.items():
        parts.append(_text(16, y + 13, case, "quiet"))
        y += 22
        for bar in group:
            color, wide = names.index(bar.name) % 6, max(1.0, room * bar.value / highest)
            ours = "ours" if bar.name.startswith("ticker") else ""
            parts.append(_text(left - 8, y + 13, bar.name, ours, anchor="end"))
            parts.append(f'<rect x="{left}" y="{y}" width="{wide:.1f}" height="{BAR}" rx="2" fill="var(--c{color})"/>')
            ends = [left + room * one / highest for one in (bar.least, bar.most)]
            if ends[1] - ends[0] >= 2:
                parts.append(_line(ends[0], y + BAR / 2, ends[1], y + BAR / 2, "spread"))
            parts.append(_text(max(left + wide, ends[1]) + 6, y + 13, said(bar.value), ours))
            y += BAR + 4
        y += GAP
    return _picture(title, unit, y + 8, parts)


def lines(title: str, x_name: str, unit: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """A line a name over sizes and figures that are all above zero, both in powers of ten."""
    height = 380
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points]
    low, high = 10 ** math.floor(math.log10(min(ys))), 10 ** math.ceil(math.log10(max(ys)))

    def at(x: float, y: float) -> tuple[float, float]:
        across = math.log(x / min(xs)) / (math.log(max(xs) / min(xs)) or 1.0)
        up = math.log(y / low) / math.log(high / low)
        return LEFT + across * (WIDTH - LEFT - RIGHT), height - BOTTOM - up * (height - TOP - BOTTOM)

    parts = []
    for power in range(round(math.log10(low)), round(math.log10(high)) + 1):
        _, y = at(min(xs), 10.0**power)
        parts += [_line(LEFT, y, WIDTH - RIGHT, y, "grid"), _text(LEFT - 8, y + 4, said(10.0**power), "quiet", "end")]
    for x in sorted(set(xs)):
        left, _ = at(x, low)
        parts.append(_text(left, height - BOTTOM + 20, said(x), "quiet", "middle"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, height - 8, x_name, "quiet", "middle"))
    ends = []
    for number, (name, points) in enumerate(series.items()):
        placed = [at(*point) for point in sorted(points)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        color = f"var(--c{number % 6})"
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2.5"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{color}"/>' for x, y in placed]
        ends.append((placed[-1], name, color))
    below = math.inf
    for (x, y), name, color in sorted(ends, key=lambda end: -end[0][1]):
        below = min(y + 4, below - 16)  # names never stand on each other
        ours = "ours" if name.startswith("ticker") else ""
        parts.append(f'<circle cx="{x + 16:.1f}" cy="{below - 4:.1f}" r="4" fill="{color}"/>')
        parts.append(_text(x + 26, below, name, ours))
    return _picture(title, unit, height, parts)


def said(value: float) -> str:
    """A figure for people: three digits at least, thousands apart."""
    if value >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _picture(title: str, unit: str, height: float, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
        f'height="{height:.0f}" role="img">\n<title>{escape(title)}</title>\n<style>{STYLE}</style>\n'
        f'<rect width="{WIDTH}" height="{height:.0f}" rx="8" fill="var(--ground)"/>'
    )
    above = [_text(16, 26, title, "title"), _text(16, 44, unit, "quiet")]
    return "\n".join([head, *above, *parts, "</svg>"]) + "\n"


def _text(x: float, y: float, text: str, style: str = "", anchor: str = "start") -> str:
    named = f' class="{style}"' if style else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{named}>{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{style}"/>'
