"""What benchmarks leave behind: docs/performance/NAME.json in the one shape that README.md in this folder describes.

Knows no benchmark and no picture.
"""

import os
import platform
import re
import statistics
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "performance"


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One contestant's figures in one case: a round each, in `unit`."""

    case: str
    contestant: str
    metric: str
    unit: str
    rounds: list[float]
    median: float


class Results(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that one run of a benchmark found."""

    command: str
    machine: str
    date: str
    note: str
    cases: list[Case]


def case(of: str, contestant: str, metric: str, unit: str, rounds: Sequence[float]) -> Case:
    """A case with its median, in four significant digits at least."""
    told = [rounded(one) for one in rounds]
    return Case(of, contestant, metric, unit, told, rounded(statistics.median(told)))


def rounded(value: float) -> float:
    """A figure without the digits that no clock has."""
    return round(value, 1) if abs(value) >= 1000 else float(f"{value:.4g}")


def hardware() -> str:
    """Cores, processor and system in one line."""
    told = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text()) if sys.platform == "linux" else None
    name = told[1] if told else platform.processor() or platform.machine()
    return f"{os.cpu_count()} cores of {name}, {platform.system()}"


def python() -> str:
    """Whose Python, and which. The system's is compiled with profiles; one of one's own seldom is."""
    whose = "the system's " if sys.base_prefix == "/usr" else ""
    return f"{whose}Python {platform.python_version()}"


def save(name: str, command: str, note: str, cases: Sequence[Case]) -> Path:
    """Write docs/performance/NAME.json; gives where."""
    found = Results(command, f"{hardware()}, {python()}", f"{datetime.now(UTC):%Y-%m-%d}", note, list(cases))
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    return path


def load(name: str) -> Results | None:
    """What docs/performance/NAME.json says, None where there is none. Raises `ValueError` where it is not in shape."""
    path = FOLDER / f"{name}.json"
    if not path.exists():
        return None
    found = msgspec.json.decode(path.read_bytes(), type=Results)
    for one in found.cases:
        where = f"{path.name}: {one.case}, {one.contestant}, {one.metric}"
        if not one.rounds:
            raise ValueError(f"{where}: no rounds")
        if abs(one.median - statistics.median(one.rounds)) > 1e-3 * abs(one.median) + 1e-9:
            raise ValueError(f"{where}: {one.median} is not the median of its rounds")
    keys = [(one.case, one.contestant, one.metric) for one in found.cases]
    if len(set(keys)) != len(keys):
        raise ValueError(f"{path.name}: a case is told twice")
    return found
