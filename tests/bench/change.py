"""A new snapshot every second under full load: how long does the slowest request of all take?

    PYTHONPATH=tests:. python tests/bench/change.py [ROUNDS]

wrk with 64 connections, as many requests as it can, on one core, the server on the other, 6 s a round: the widget with
the headers that Chrome sends, bare JSON, and nginx with the same widget as a file beside them, in turns. What nginx
takes is what the machine takes. Exit code 1 where the median of our slowest is more than 50 ms.
"""

import re
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from throughput import CONNECTIONS, LOAD_CORE, Rival, load, nginx, python

MOST = 50.0  # ms
SECONDS = 6
CASES = (("widget", "Chrome's headers"), ("JSON", "bare headers"))
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def slowest(rival: Rival, what: str, of: str) -> tuple[float, int]:
    """The slowest of a round in milliseconds, and of how many."""
    command = ["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s"]
    for name, value in rival.headers(what, of).items():
        command += ["-H", f"{name}: {value}"]
    address = f"http://127.0.0.1:{rival.port}{rival.paths[what, of]}"
    said = subprocess.run([*command, address], capture_output=True, text=True, check=True).stdout
    found = re.search(r"Latency\s+\S+\s+\S+\s+([0-9.]+)(us|ms|s)\s", said)
    count = re.search(r"([0-9]+) requests in", said)
    if found is None or count is None or "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(f"{rival.name}: {said}")
    return float(found[1]) * UNITS[found[2]], int(count[1])


def main(rounds: int = 5) -> int:
    """0 = none too slow."""
    good = True
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        still = python("ticker", "ticker", stack, ("widget", "JSON"))
        ours = python("ticker-changing", "ticker, new prices every second", stack, ("widget", "JSON"))
        theirs = nginx(folder, still, stack)
        for what, of in CASES:
            told: dict[str, list[float]] = {}
            count = 0
            load(ours, what, of, 1)
            for number in range(rounds):
                for rival in (ours, theirs) if number % 2 else (theirs, ours):
                    took, of_many = slowest(rival, what, of)
                    told.setdefault(rival.name, []).append(took)
                    count += of_many if rival is ours else 0
            median = statistics.median(told[ours.name])
            good = good and median <= MOST
            sys.stdout.write(
                f"{what}, {of}: the slowest of {count:,} requests over {rounds * SECONDS} changes took "
                f"{max(told[ours.name]):.1f} ms, median of {rounds} rounds {median:.1f} ms; nginx "
                f"{max(told[theirs.name]):.1f} and {statistics.median(told[theirs.name]):.1f} ms; at most {MOST:g}: "
                f"{'ok' if median <= MOST else 'NOT OK'}\n"
            )
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))
