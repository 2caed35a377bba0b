"""A new snapshot every second under full load: how long does the slowest request of all take?

    PYTHONPATH=tests:. python tests/bench/change.py [ROUNDS]

wrk with 64 connections, as many requests as it can, on one core, the server on the other, 6 s a round: the widget with
the headers that Chrome sends, bare JSON, and nginx with the same widget as a file beside them, in turns. What nginx
takes is what the machine takes. Exit code 1 where the median of our slowest is more than 50 ms.
"""

import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from throughput import Rival, answered, load, milliseconds, nginx, python, wrk

MOST = 50.0  # ms
SECONDS = 6
CASES = (("widget", "Chrome's headers"), ("JSON", "bare headers"))


def slowest(rival: Rival, what: str, of: str) -> tuple[float, int]:
    """The slowest of a round in milliseconds, and of how many."""
    said = wrk(rival, what, of, SECONDS)
    return milliseconds(said, r"Latency\s+\S+\s+\S+"), answered(said)


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
