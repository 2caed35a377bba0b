"""How soon thousands of viewers have a new snapshot, and what they cost: our server beside nginx with nchan.

    PYTHONPATH=tests:. python tests/bench/fanout.py [--rounds N] [--viewers N,N] [--every SECONDS] [--snapshots N] [--save]

Each server has one core for itself; the publisher and the viewers, raw sockets on one epoll, have the other. Both sides
tell the same event, some 10 KB: all eleven prices of the shipped list are new, in words of one language. A delay is from
just before the publication (to ours a sealed snapshot down a pipe, from which it is unsealed and written; to nchan a
POST with the finished event) until a viewer has read the last byte. Rounds alternate which side is first, and each
starts its server anew. One more case has a fifth of viewers that never read. Memory is the proportional set size of all
processes of a side, at the end of a round; per viewer without what it was before any came.

Needs nginx with libnginx-mod-nchan. With --save the result is written to docs/performance/fanout.json.
"""

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import results
from bench.fanout_crowd import Crowd
from bench.fanout_sides import Nchan, Ours, Side, memory, pin, snapshot

WARM = 2  # snapshots before the first that counts
LATE = 10.0  # seconds after the last snapshot for those still on their way
FIFTH = 5


@dataclass(frozen=True)
class Found:
    """One round: milliseconds, KB, deliveries that never came."""

    p50: float
    p99: float
    worst: float
    whole: float
    a_viewer: float
    missed: int
    cpu: float


def turn(make: Callable[[], Side], viewers: int, stalled: int, snapshots: int, every: float) -> Found:
    """One round of one side."""
    side = make()
    try:
        empty = memory(side.processes())
        crowd = Crowd(side.port, side.path)
        answers = side.answers()
        if answers is not None:
            crowd.also(answers, lambda: answers.recv(65_536))
        crowd.enter(viewers - stalled, stalled)
        at = time.monotonic() + 0.5
        spent = 0.0
        for seq in range(1, WARM + snapshots + 1):
            while (left := at - time.monotonic()) > 0:
                crowd.turn(left)
            if seq == WARM + 1:
                spent = cpu(side.processes())
            counts = seq > WARM
            side.publish(snapshot(seq), lambda seq=seq: crowd.told(seq) if counts else None)
            at += every
        until = time.monotonic() + LATE
        while any(one < crowd.size for one in crowd.received.values()) and time.monotonic() < until:
            crowd.turn(0.05)
        spent = cpu(side.processes()) - spent
        whole = memory(side.processes())
        delays = sorted(one / 1e6 for one in crowd.delays)
        missed = (viewers - stalled) * snapshots - len(delays)
        crowd.leave()
    finally:
        side.stop()
    return Found(
        delays[len(delays) // 2],
        delays[int(0.99 * len(delays))],
        delays[-1],
        whole,
        (whole - empty) / viewers,
        missed,
        1000 * spent / snapshots,
    )


def cpu(processes: list[int]) -> float:
    """Seconds of CPU that they have used."""
    ticks = 0
    for pid in processes:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Take the turns, print and perhaps save what they gave."""
    asked = argparse.ArgumentParser(description="Fan-out beside nginx with nchan.")
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--viewers", default="1000,4000,8000")
    asked.add_argument("--every", type=float, default=1.0)
    asked.add_argument("--snapshots", type=int, default=10)
    asked.add_argument("--sides", default="ticker,nchan")
    asked.add_argument("--save", action="store_true")
    given = asked.parse_args()
    sizes = [int(one) for one in given.viewers.split(",")]
    if not (1 <= given.rounds <= 20 and 1 <= given.snapshots <= 100 and all(10 <= one <= 9000 for one in sizes)):
        raise SystemExit("at most 20 rounds, 100 snapshots, 9,000 viewers")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    cores = sorted(os.sched_getaffinity(0))
    there = cores[0] if len(cores) > 1 else None
    pin(cores[-1])
    cases = [(one, 0) for one in sizes] + [(max(sizes), max(sizes) // FIFTH)]
    kept: list[results.Case] = []
    with tempfile.TemporaryDirectory(prefix="fanout-") as folder:
        makers: dict[str, Callable[[], Side]] = {
            "ticker": lambda: Ours(there),
            "nchan": lambda: Nchan(there, Path(folder)),
        }
        makers = {name: makers[name] for name in given.sides.split(",")}
        for viewers, stalled in cases:
            snapshots = given.snapshots if not stalled else max(given.snapshots, 20)
            found: dict[str, list[Found]] = {name: [] for name in makers}
            for number in range(given.rounds):
                for name in list(makers)[:: 1 if number % 2 == 0 else -1]:
                    one = turn(makers[name], viewers, stalled, snapshots, given.every)
                    found[name].append(one)
                    say(viewers, stalled, name, one)
            kept += told(viewers, stalled, found)
    if given.save:
        note = (
            f"{given.rounds} alternating rounds of {given.snapshots} snapshots, one every {given.every:g} s (20 with "
            f"stalled viewers); server on one core, viewers and publisher on the other; load average at the end "
            f"{os.getloadavg()[0]:.1f}"
        )
        sys.stdout.write(f"{results.save('fanout', 'python tests/bench/fanout.py --save', note, kept)}\n")
    return 0


def say(viewers: int, stalled: int, name: str, one: Found) -> None:
    """One round on the screen."""
    sys.stdout.write(
        f"{viewers:5} viewers, {stalled:4} stalled  {name:7} p50 {one.p50:6.1f}  p99 {one.p99:6.1f}  max {one.worst:6.1f} ms"
        f"  {one.whole / 1000:6.1f} MB, {one.a_viewer:5.2f} KB a viewer  {one.cpu:6.1f} ms CPU a snapshot"
        f"  missed {one.missed}\n"
    )
    sys.stdout.flush()


def told(viewers: int, stalled: int, found: dict[str, list[Found]]) -> list[results.Case]:
    """A case's medians on the screen, and as they are kept."""
    case = f"{viewers} viewers" + (", a fifth of them stalled" if stalled else "")
    names = {"ticker": "ticker", "nchan": "nginx with nchan"}
    kept = []
    for metric, unit, pick in (
        ("p50", "ms", lambda one: one.p50),
        ("p99", "ms", lambda one: one.p99),
        ("memory", "MB", lambda one: one.whole / 1000),
        ("memory a viewer", "KB", lambda one: one.a_viewer),
        ("CPU a snapshot", "ms", lambda one: one.cpu),
        ("missed", "deliveries", lambda one: float(one.missed)),
    ):
        rounds = {name: [pick(one) for one in many] for name, many in found.items()}
        kept += [results.case(case, names[name], metric, unit, many) for name, many in rounds.items()]
        medians = {name: statistics.median(many) for name, many in rounds.items()}
        ratio = ""
        if medians.get("nchan"):
            ratio = f"   ratio {medians['ticker'] / medians['nchan']:.2f}"
        sys.stdout.write(
            f"{case}: {metric}: "
            + ", ".join(f"{names[name]} {one:.4g} {unit}" for name, one in medians.items())
            + ratio
            + "\n"
        )
    return kept


if __name__ == "__main__":
    raise SystemExit(main())
