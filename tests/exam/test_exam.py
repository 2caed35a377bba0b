"""The exam itself: a slice of the fuzz in every run, and guards that are still where the mutation check takes them."""

import os
import subprocess
import sys

import pytest
from exam.fuzz import SOURCES, STREAM, run, seeds
from exam.mutations import MUTATIONS, ROOT, Mutation, spoiled

from ticker.sources import REGISTRY

CASES = 20_000
LOADED = """
import runpy, sys
from pathlib import Path
for script in sys.argv[1:]:
    sys.path[0] = str(Path(script).parent)
    runpy.run_path(script, run_name="looked at")
"""


def test_a_slice_of_the_fuzz() -> None:
    """Twenty thousand mutated answers over every parser: no other exception escapes, nothing wrong is accepted."""
    outcome = run(CASES, processes=1)

    assert outcome.broken == []
    assert outcome.cases == CASES
    assert outcome.accepted > CASES / 10  # it does not only make rubbish
    assert outcome.counts["malformed"] > CASES / 10


def test_every_parser_is_fuzzed() -> None:
    """Every source and every stream has a seed, and so have sources described in the configuration."""
    streams = {name + STREAM for name, source in REGISTRY.items() if source.stream is not None}
    assert {source for source, _ in seeds()} == set(SOURCES) | streams


def test_every_rule_has_a_guard_that_is_taken_away() -> None:
    """Rules 1-15, each at least once."""
    assert {mutation.rule for mutation in MUTATIONS} == set(range(1, 16))


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: f"{one.rule}: {one.guard}")
def test_every_guard_is_where_it_is_taken_away(mutation: Mutation) -> None:
    """The text is there once, and each test that must notice stands in its file."""
    assert spoiled((ROOT / mutation.file).read_text(encoding="utf-8"), mutation)
    for test in mutation.tests:
        file, name = test.split("::")
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")


def test_every_script_loads() -> None:
    """The parts of the exam and the benchmarks are run by hand: what they import from the suite is still there."""
    scripts = [one for folder in ("exam", "bench") for one in (ROOT / "tests" / folder).glob("*.py")]
    assert len(scripts) > 30
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *map(str, sorted(scripts))],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'tests'}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
