"""Makes the tables and pictures of docs/performance.md and docs/scale.md from docs/performance/*.json.

    make performance                    (or: PYTHONPATH=tests:. python tests/bench/draw.py)

A section between `<!-- NAME -->` and `<!-- end of NAME -->` is made anew from NAME.json; all else is left as it is.
Knows figures and their shapes; not how anything was measured.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import results
import svg
from results import Case, Results

PAGES = tuple(results.ROOT / "docs" / name for name in ("performance.md", "scale.md"))
SECTION = re.compile(r"(<!-- (?P<name>\w+) -->\n).*?(<!-- end of (?P=name) -->)", re.DOTALL)
SIZED = re.compile(r"(?P<size>[0-9]+) (?P<of>\w+)(?:, (?P<rest>.+))?")


class Picture(NamedTuple):
    """One picture: of which metric, how it is drawn, and what stands above it; "flows" are all of ours in that unit."""

    metric: str
    kind: Literal["bars", "lines", "flows"]
    title: str


PICTURES: dict[str, tuple[Picture, ...]] = {
    "throughput": (
        Picture("requests", "bars", "Requests a second"),
        Picture("p99", "bars", "The slowest of a hundred requests"),
    ),
    "fanout": (
        Picture("p99", "lines", "From a publication to a viewer's last byte, p99"),
        Picture("memory", "lines", "Memory of the server"),
    ),
    "round": (Picture("CPU", "lines", "What a round costs"),),
    "startup": (
        Picture("ready", "bars", "Until the first answer"),
        Picture("memory when ready", "bars", "Memory at the first answer"),
    ),
    "cdn": (Picture("origin hits", "bars", "How often the service is asked"),),
    "scale": (Picture("1/s", "flows", "Requests a second of one variant, by how many readers there are"),),
}


def drawn(name: str, found: Results) -> dict[str, str]:
    """File name to SVG; a picture of what was not measured is left out."""
    made = {}
    for picture in PICTURES.get(name, ()):
        if picture.kind == "flows":
            cases = [_flow(one) for one in found.cases if one.unit == picture.metric and _ours(one.contestant)]
        else:
            cases = [one for one in found.cases if one.metric == picture.metric]
        text = (_bars if picture.kind == "bars" else _lines)(picture.title, cases) if cases else None
        if text is not None:
            what = "requests" if picture.kind == "flows" else picture.metric.replace(" ", "-")
            made[f"{name}-{what}.svg"] = text
    return made


def _ours(contestant: str) -> bool:
    return contestant.startswith("ticker")


def _apart(case: str) -> str:
    """A case with the thousands of its size apart."""
    return re.sub(r"^[0-9]{5,}", lambda found: f"{int(found[0]):,}", case)


def _flow(one: Case) -> Case:
    """The metric in the contestant's place, so that each has a line."""
    return Case(one.case, one.metric, one.metric, one.unit, one.rounds, one.median)


def _bars(title: str, cases: Sequence[Case]) -> str:
    groups: dict[str, list[svg.Bar]] = {}
    for one in cases:
        groups.setdefault(_apart(one.case), []).append(
            svg.Bar(one.contestant, one.median, min(one.rounds), max(one.rounds))
        )
    return svg.bars(title, cases[0].unit, groups)


def _lines(title: str, cases: Sequence[Case]) -> str | None:
    """A line a contestant; where there is but one, a line for what else is varied."""
    alone = len({one.contestant for one in cases}) == 1
    series: dict[str, list[tuple[float, float]]] = {}
    of = ""
    for one in cases:
        sized = SIZED.fullmatch(one.case)
        if sized is None or one.median <= 0 or (sized["rest"] and not alone):
            continue
        of = sized["of"]
        name = sized["rest"] if alone and sized["rest"] else one.contestant
        series.setdefault(name, []).append((float(sized["size"]), one.median))
    series = {name: points for name, points in series.items() if len(points) > 1}
    return svg.lines(title, of, cases[0].unit, series) if series else None


def tables(found: Results) -> Iterator[str]:
    """A table a metric: cases down, contestants across; of one contestant what else is varied, or all metrics."""
    contestants = list(dict.fromkeys(one.contestant for one in found.cases))
    metrics = list(dict.fromkeys(one.metric for one in found.cases))
    if len(contestants) == 1:
        sized = [(SIZED.fullmatch(one.case), one) for one in found.cases]
        if all(match and match["rest"] for match, _ in sized):
            cells = {(f"{m['size']} {m['of']}", m["rest"]): one for m, one in sized if m}
            yield _table(f"{metrics[0]}, {found.cases[0].unit}", cells)
        else:
            yield _table("", {(one.case, f"{one.metric}, {one.unit}"): one for one in found.cases})
        return
    for metric in metrics:
        cases = [one for one in found.cases if one.metric == metric]
        yield _table(f"{metric}, {cases[0].unit}", {(one.case, one.contestant): one for one in cases}, ratio=True)


def _table(corner: str, cells: dict[tuple[str, str], Case], *, ratio: bool = False) -> str:
    """Medians; with a ratio, of our first contestant to the first of the others."""
    rows, columns = (list(dict.fromkeys(key[place] for key in cells)) for place in (0, 1))
    ours = next((one for one in columns if _ours(one)), None)
    other = next((one for one in columns if not _ours(one)), None)
    ratio = ratio and ours is not None and other is not None
    head = [corner, *columns, *([f"{ours} : {other}"] if ratio else [])]
    told = [head, ["---", *["--:"] * (len(head) - 1)]]
    for row in rows:
        line = [svg.said(cells[row, one].median) if (row, one) in cells else "" for one in columns]
        if ratio:
            pair = [cells.get((row, one or "")) for one in (ours, other)]
            line.append(f"{pair[0].median / pair[1].median:.2f}" if pair[0] and pair[1] and pair[1].median else "")
        told.append([_apart(row), *line])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in told)


def section(name: str) -> str:
    """What stands in a section of the page."""
    found = results.load(name)
    if found is None:
        return "Not measured yet.\n"
    pictures = "".join(f"![{one[:-4]}](performance/{one})\n\n" for one in drawn(name, found))
    rounds = {len(one.rounds) for one in found.cases}
    each = f"{min(rounds)}" if len(rounds) == 1 else f"{min(rounds)} to {max(rounds)}"
    told = f"Medians of {each} rounds" if max(rounds) > 1 else "One round"
    note = found.note[:1].upper() + found.note[1:]
    above = f"`{found.command}` · {found.machine} · {found.date}. {told}. {note}.\n\n"
    return above + pictures + "\n".join(tables(found))


def page(text: str) -> str:
    """The page with its sections made anew."""
    return SECTION.sub(lambda found: f"{found[1]}{section(found['name'])}{found[3]}", text)


def main() -> int:
    """Draw and write all."""
    for name in PICTURES:
        if (found := results.load(name)) is not None:
            for file, text in drawn(name, found).items():
                (results.FOLDER / file).write_text(text, encoding="utf-8")
    for one in PAGES:
        one.write_text(page(one.read_text(encoding="utf-8")), encoding="utf-8")
        sys.stdout.write(f"{one.relative_to(results.ROOT)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
