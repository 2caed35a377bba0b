"""Makes docs/faults.md of what the fault tests put on record: every fault, what was expected, what was measured.

    make faults                                     (or: python tests/faults/report.py RECORDS, as the tests left them)
    python tests/faults/report.py --hour REPORT     the section of the hour's soak alone, of what it printed

Knows the records and the headings; not how anything was measured.
"""

import ast
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PAGE = FOLDER.parents[1] / "docs" / "faults.md"
HEADINGS = {
    "test_dated": "What has happened to others",
    "test_answers": "Answers that are none, or wrong",
    "test_units": "Units, identities, stablecoins, whole sources gone wild",
    "test_outvoted": "Minorities, majorities, even splits",
    "test_leaps": "Jumps, glitches and crashes",
    "test_times": "Times, clocks and frozen sources",
    "test_stores": "Stores, restarts and rivals",
    "test_replicas": "Replicas on one Redis",
    "test_market": "Everything at once, at random",
    "test_soak": "The whole service, with faults on every wire",
}
HOUR = "\n## An hour of everything\n"
INTRODUCTION = """# Faults: what was expected, what was measured

Every row is a test of `tests/faults`. Sources are stood in for over HTTP in their own dialects; road out, settling,
store and server are those of the service. `make faults` runs the tests and writes this page; the suite fails where a
test has no row here or a row no test. An error is how far any number shown as the price was from the true one.
"""


def measuring() -> dict[str, list[str]]:
    """The tests that measure something, by module, in the order of the headings."""
    found = {}
    for module in HEADINGS:
        tree = ast.parse((FOLDER / f"{module}.py").read_text(encoding="utf-8"))
        functions = [one for one in ast.walk(tree) if isinstance(one, ast.AsyncFunctionDef | ast.FunctionDef)]
        tests = [one for one in functions if one.name.startswith("test_")]
        found[module] = [one.name for one in tests if any(arg.arg == "measured" for arg in one.args.args)]
    return found


def page(records: Iterable[Mapping[str, str]]) -> str:
    """The page of these records. Raises `ValueError` where a test that measures has none."""
    rows: dict[str, list[Mapping[str, str]]] = {}
    for record in records:
        rows.setdefault(record["test"].partition("[")[0], []).append(record)
    missing = [test for tests in measuring().values() for test in tests if test not in rows]
    if missing:
        raise ValueError(f"nothing is on record of {', '.join(missing)}")
    parts = [INTRODUCTION]
    for module, tests in measuring().items():
        parts.append(f"\n## {HEADINGS[module]}\n\n| Fault | Expected | Measured | Test |\n|---|---|---|---|\n")
        parts += [_line(record, test) for test in tests for record in rows[test]]
    return "".join(parts)


def with_hour(text: str, report: str) -> str:
    """The page with another report of the hour's soak at its end."""
    before = text.partition(HOUR)[0]
    return f"""{before}{HOUR}
`PYTHONPATH=tests:. python tests/faults/soak.py 60 2026`, a part of `make exam`: two pollers and two servers on one
Redis, a wire that can be hurt before each source and before Redis for each process, sources that lie, Redis killed,
emptied and stopped, a poller killed again and again; every answer is judged by who knows the market.

```
{report.strip()}
```
"""


def _line(record: Mapping[str, str], test: str) -> str:
    cells = [record["fault"], record["expected"], record["measured"], f"`{test}`"]
    return "| " + " | ".join(" ".join(cell.split()).replace("|", r"\|") for cell in cells) + " |\n"


def names_in(text: str) -> Sequence[str]:
    """The tests that a page has rows of."""
    lines = (line for line in text.splitlines() if line.startswith("| ") and line.endswith("` |"))
    return list(dict.fromkeys(line.rpartition("| `")[2].removesuffix("` |") for line in lines))


def main(arguments: Sequence[str]) -> None:
    """Write the page, or the section of the hour in it; either leaves the other as it is."""
    before = PAGE.read_text(encoding="utf-8")
    if arguments[0] == "--hour":
        found = with_hour(before, Path(arguments[1]).read_text(encoding="utf-8"))
    else:
        found = page(json.loads(Path(arguments[0]).read_text(encoding="utf-8")))
        _, hour, report = before.partition(HOUR)
        found += hour + report
    PAGE.write_text(found, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
