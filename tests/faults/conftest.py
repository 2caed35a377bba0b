"""What every fault test may use: `measured`, which puts what was expected and what was measured on record.

Where FAULTS_JSON names a file, all records of the run are written there at its end (`make faults` does, and makes
docs/faults.md of them).
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

RECORDS = pytest.StashKey[list[dict[str, str]]]()

Measured = Callable[[str, str, Any], None]


def pytest_configure(config: pytest.Config) -> None:
    """An empty record."""
    config.stash[RECORDS] = []


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Iterator[Measured]:
    """`measured(fault, expected, value)`: a row of docs/faults.md. A test that asks for it and gives no row fails."""
    rows = request.config.stash.setdefault(RECORDS, [])
    before = len(rows)

    def record(fault: str, expected: str, value: Any) -> None:
        rows.append({"test": request.node.name, "fault": fault, "expected": expected, "measured": str(value)})

    yield record
    assert len(rows) > before, "nothing was measured"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the record where it is wanted."""
    path = os.environ.get("FAULTS_JSON")
    if path:
        Path(path).write_text(json.dumps(session.config.stash[RECORDS], indent=1), encoding="utf-8")
