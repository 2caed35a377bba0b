"""The whole exam, one part after the other, and docs/exam.md of what came of it.

    make exam                           (or: PYTHONPATH=tests:. python tests/exam/sitting.py [PART ...])

Parts named on the command line are sat again; the page keeps what it has of the others. Exit code 1 where a part
fails. Takes about two hours on two cores, an hour of which is the soak.
"""

import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from bench.results import hardware, python

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "exam.md"
WHERE = ("--data-file=.coverage.exam",)


class Part(NamedTuple):
    """One part: what it is asked, and the commands that answer, as arguments of our Python."""

    name: str
    asked: str
    commands: tuple[tuple[str, ...], ...]


PARTS = (
    Part(
        "fuzz",
        "A million mutated answers over all parsers: none accepted outside its schema, no exception escapes.",
        (("tests/exam/fuzz.py", "1000000"),),
    ),
    Part(
        "market",
        "10,000 polls with random faults on random minorities of sources: 0 prices more than 0.3 % off shown as `ok`.",
        (("tests/exam/market.py", "10000"),),
    ),
    Part(
        "mutations",
        "Each guard of rules 1-15 taken away, one at a time: a test that is named for it fails.",
        (("tests/exam/mutations.py",),),
    ),
    Part(
        "month",
        "A month of the shipped configuration in accelerated time: every source's calls within its quota.",
        (("tests/exam/month.py", "30"),),
    ),
    Part(
        "round",
        "5,000 coins of 8 sources parsed, settled and published: at most 0.5 s of CPU; ten times the coins cost at "
        "most eleven times the time.",
        (("tests/bench/round.py",),),
    ),
    Part(
        "queries",
        "100,000 random queries leave no more variants in memory than there are valid ones.",
        (("tests/exam/queries.py", "100000"),),
    ),
    Part(
        "schemathesis",
        "Schemathesis on the OpenAPI, 400 examples a door: 0 server errors, 0 schema misses.",
        (("tests/exam/schemathesis_run.py", "400"),),
    ),
    Part(
        "torn",
        "A million answers while prices change twenty times a second: body, tag and headers of one snapshot each.",
        (("tests/exam/torn.py", "1000000"),),
    ),
    Part(
        "change",
        "A new snapshot every second under full load: no request slower than 50 ms.",
        (("tests/bench/change.py",),),
    ),
    Part(
        "slow heads",
        "1,000 connections with half a head or none and 200 viewers that do not read: all gone within 15 s; every "
        "healthy request beside them answered, their p99 less than twice as long; memory bounded.",
        (("tests/exam/slow_heads.py",),),
    ),
    Part(
        "metrics",
        "Requests a second of a server whose metrics are read every second: at most 10 % fewer than without metrics.",
        (("tests/bench/metrics_cost.py",),),
    ),
    Part(
        "rights",
        "Every test that meets a Redis, as the least privileged user of the docs and over TLS.",
        (("tests/exam/rights.py",),),
    ),
    Part(
        "stream",
        "From a new snapshot to the last byte at 200 and at 1,000 viewers, a fifth of whom do not read.",
        (
            ("tests/bench/fanout.py", "--exam", "160", "--stalled", "40"),
            ("tests/bench/fanout.py", "--exam", "800", "--stalled", "200"),
        ),
    ),
    Part(
        "latency",
        "From a source's bytes at the poller to the changed number in a browser's page: p99 at most 50 ms beyond "
        "`publish_every`.",
        (("tests/bench/latency.py", "300"),),
    ),
    Part(
        "edits",
        "The coin list edited 1,000 times at random (valid, invalid, torn, swapped) under load: pages always show a "
        "list that was valid, each within 2 s; no failed request, no lost viewer, no price forgotten.",
        (("tests/exam/edits.py", "1000"),),
    ),
    Part(
        "redis",
        "Redis hung for 25 s: p99 of `/widget/list` at most 1.5 times (median of 5 pairs), every answer 200; readers "
        "converge within 15 s of every recovery; a leader killed is followed within 10 s; three replicas ask sources "
        "as often as one; a publisher killed at 1,000 random points leaves old or new, never a mixture.",
        (("tests/exam/redis_faults.py",),),
    ),
    Part(
        "soak",
        "An hour of the whole service with faults on every wire, lies, kills and stops: a million answers, 0 failed, "
        "0 wrong, memory grows by less than 1 MB in ten minutes, no handle is left open.",
        (("tests/faults/soak.py", "60", "2026"),),
    ),
    Part(
        "coverage",
        "At least 95 % of branches in consensus and in the adapters, by their own tests and the fault tests alone.",
        (
            (
                *("-m", "coverage", "run", "--branch", *WHERE),
                *("-m", "pytest", "-q", "tests/consensus", "tests/sources", "tests/faults"),
            ),
            ("-m", "coverage", "report", *WHERE, "--include=ticker/consensus/*", "--fail-under=95"),
            ("-m", "coverage", "report", *WHERE, "--include=ticker/sources/*", "--fail-under=95"),
        ),
    ),
)


def sat(part: Part) -> tuple[bool, str]:
    """Whether a part is passed, and its section of the page."""
    environ = {**os.environ, "PYTHONPATH": f"{ROOT / 'tests'}{os.pathsep}{ROOT}"}
    started, told, passed = time.monotonic(), [], True
    for command in part.commands:
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
        )
        told.append("$ python " + " ".join(command) + "\n" + (done.stdout + done.stderr).strip())
        if done.returncode != 0:
            passed = False
            break
    output = "\n".join(told).replace(f"{ROOT}/", "")
    took = f"{time.monotonic() - started:.0f} s"
    verdict = "passed" if passed else "NOT PASSED"
    return passed, f"## {part.name}\n\n{part.asked}\n\n**{verdict}**, {_stamp()}, {took}\n\n```\n{output}\n```\n"


def _stamp() -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return f"{datetime.now(UTC):%Y-%m-%d} at {commit.stdout.strip() or 'an unknown commit'}, {python()}"


def page(sections: dict[str, str]) -> str:
    """The page of these sections, in the order of the parts."""
    head = (
        "# The exam\n\nWhat takes too long for every run of the suite. `make exam` sits it and writes this "
        f"page; the fault tests have a page of their own, [faults.md](faults.md).\n\nMachine: {hardware()}.\n\n"
    )
    return head + "\n".join(sections[part.name] for part in PARTS if part.name in sections)


def sections_of(text: str) -> dict[str, str]:
    """The sections of a page by the name of their part."""
    found = re.split(r"^## ([\w ]+)\n", text, flags=re.MULTILINE)
    return {name: f"## {name}\n{body.rstrip()}\n" for name, body in zip(found[1::2], found[2::2], strict=True)}


def main(names: list[str]) -> int:
    """Sit the parts of these names, all if none; 0 = all passed."""
    unknown = set(names) - {part.name for part in PARTS}
    if unknown:
        raise SystemExit(f"no part {', '.join(sorted(unknown))}; there are: {', '.join(part.name for part in PARTS)}")
    sections = sections_of(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {}
    good = True
    for part in PARTS:
        if names and part.name not in names:
            continue
        passed, sections[part.name] = sat(part)
        good = good and passed
        sys.stdout.write(sections[part.name] + "\n")
        sys.stdout.flush()
        PAGE.write_text(page(sections), encoding="utf-8")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
