"""How soon thousands of viewers have a new snapshot, and what they cost: our server beside nginx with nchan.

    PYTHONPATH=tests:. python tests/bench/fanout.py [--rounds N] [--viewers N,N] [--every SECONDS] [--snapshots N]
                                                    [--save]
    PYTHONPATH=tests:. python tests/bench/fanout.py --exam 1000 --stalled 200

Each server has one core for itself; the publisher and the viewers, raw sockets on one epoll, have the other. Both sides
tell the same event, some 10 KB: all eleven prices of the shipped list are new, in words of one language. A delay is
from just before the publication (to ours a sealed snapshot down a pipe, from which it is unsealed and written; to nchan
a POST with the finished event) until a viewer has read the last byte. Rounds alternate which side is first, and each
starts its server anew. One more case has a fifth of viewers that never read; in one, ours alone is asked for a widget
every 4 ms meanwhile. Memory is that of all processes of a side at the end of a round; per viewer without what it was
before any came.

The comparison needs nginx with libnginx-mod-nchan. With --save it is written to docs/performance/fanout.json. --exam
asks only ours, five snapshots a second, and judges: exit code 1 where the 99th percentile of those that read is above
250 ms, a reader missed a snapshot, or the stalled are still there 15 s after they stopped reading (trust rule 29).
"""

import argparse
import os
import resource
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import results
from bench.fanout_crowd import Crowd
from bench.fanout_probe import Probe
from bench.fanout_sides import Nchan, Ours, Side, cpu, memory, pin, snapshot

WARM = 2  # snapshots before the first that counts
LATE = 10.0  # seconds after the last snapshot for those still on their way
FIFTH = 5
MOST = 250.0  # milliseconds, of an exam
GONE = 15.0  # seconds, of an exam


@dataclass(frozen=True)
class Found:
    """One round, in milliseconds and KB. `asked` are the ordinary requests, `left` the viewers at the end."""

    delays: Sequence[float]
    asked: Sequence[float]
    whole: float
    a_viewer: float
    missed: int
    cpu: float
    left: int | None

    def at(self, part: float) -> float:
        """The delay that this part of all deliveries did not exceed."""
        return quantile(self.delays, part)


def quantile(ordered: Sequence[float], part: float) -> float:
    """Of figures in order; 0 of none."""
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


def turn(
    make: Callable[[], Side],
    readers: int,
    stalled: int,
    snapshots: int,
    every: float,
    *,
    linger: float = 0.0,
    asked: bool = False,
) -> Found:
    """One round of one side, which is `asked` for something else meanwhile, and looked at `linger` seconds after it."""
    side = make()
    try:
        processes = side.processes()
        empty = memory(processes)
        crowd = Crowd(side.port, side.path)
        if (answers := side.answers()) is not None:
            crowd.also(answers, lambda: answers.recv(65_536))
        probe = Probe(side.port, side.ordinary) if asked and side.ordinary is not None else None
        if probe is not None:
            crowd.also(probe.sock, probe.readable)
        crowd.enter(readers, stalled)

        def turns(until: float, done: Callable[[], bool] = lambda: False) -> None:
            while not done() and (left := until - time.monotonic()) > 0:
                if probe is not None:
                    probe.tick()
                crowd.turn(min(left, 0.002))

        at = time.monotonic() + 0.5
        for seq in range(1, WARM + snapshots + 1):
            turns(at)
            if seq == WARM + 1:
                spent = cpu(processes)
            side.publish(snapshot(seq), crowd.told, seq if seq > WARM else None)
            at += every
        turns(time.monotonic() + LATE, lambda: all(one >= crowd.size for one in crowd.received.values()))
        spent = cpu(processes) - spent
        turns(time.monotonic() + linger)
        whole = memory(processes)
        delays = sorted(one / 1e6 for one in crowd.delays)
        left = side.viewers()
        crowd.leave()
    finally:
        side.stop()
    return Found(
        delays,
        [] if probe is None else sorted(one / 1e6 for one in probe.delays),
        whole,
        (whole - empty) / (readers + stalled),
        readers * snapshots - len(delays),
        1000 * spent / snapshots,
        left,
    )


def compare(given: argparse.Namespace, sides: dict[str, Callable[[], Side]]) -> list[results.Case]:
    """All cases, in turns."""
    sizes = [int(one) for one in given.viewers.split(",")]
    if not (1 <= given.rounds <= 20 and 1 <= given.snapshots <= 100 and all(10 <= one <= 9000 for one in sizes)):
        raise SystemExit("at most 20 rounds, 100 snapshots, 9,000 viewers")
    kept = []
    for viewers, stalled in [(one, 0) for one in sizes] + [(max(sizes), max(sizes) // FIFTH)]:
        snapshots = max(given.snapshots, 20) if stalled else given.snapshots
        found: dict[str, list[Found]] = {name: [] for name in sides}
        for number in range(given.rounds):
            for name in list(sides)[:: 1 if number % 2 == 0 else -1]:
                found[name].append(turn(sides[name], viewers - stalled, stalled, snapshots, given.every))
                say(f"{viewers} viewers, {stalled} stalled, {name}", found[name][-1])
        kept += medians(f"{viewers} viewers" + (", a fifth of them stalled" if stalled else ""), found)
    ours = next(iter(sides))
    asked = [turn(sides[ours], max(sizes), 0, given.snapshots, given.every, asked=True) for _ in range(given.rounds)]
    return kept + medians(f"{max(sizes)} viewers, asked for a widget every 4 ms", {ours: asked}, REQUESTS)


def say(what: str, one: Found) -> None:
    """One round on the screen."""
    asked = f"; requests p99 {quantile(one.asked, 0.99):.1f}, max {one.asked[-1]:.1f} ms" if one.asked else ""
    sys.stdout.write(
        f"{what}: p50 {one.at(0.5):.1f}, p99 {one.at(0.99):.1f}, max {one.at(1):.1f} ms, {one.missed} missed; "
        f"{one.whole / 1000:.1f} MB, {one.a_viewer:.2f} KB a viewer, {one.cpu:.0f} ms of CPU a snapshot{asked}\n"
    )
    sys.stdout.flush()


METRICS: Sequence[tuple[str, str, Callable[[Found], float]]] = (
    ("p50", "ms", lambda one: one.at(0.5)),
    ("p99", "ms", lambda one: one.at(0.99)),
    ("memory", "MB", lambda one: one.whole / 1000),
    ("memory a viewer", "KB", lambda one: one.a_viewer),
    ("CPU a snapshot", "ms", lambda one: one.cpu),
    ("missed", "deliveries", lambda one: float(one.missed)),
)
REQUESTS: Sequence[tuple[str, str, Callable[[Found], float]]] = (
    ("p99 of a request meanwhile", "ms", lambda one: quantile(one.asked, 0.99)),
    ("slowest request meanwhile", "ms", lambda one: quantile(one.asked, 1)),
)


def medians(
    case: str, found: dict[str, list[Found]], metrics: Sequence[tuple[str, str, Callable[[Found], float]]] = METRICS
) -> list[results.Case]:
    """A case's medians on the screen, and as they are kept."""
    kept = []
    for metric, unit, pick in metrics:
        told = {name: [pick(one) for one in many] for name, many in found.items()}
        kept += [results.case(case, name, metric, unit, many) for name, many in told.items()]
        middle = {name: statistics.median(many) for name, many in told.items()}
        ours, *others = middle.values()
        ratio = f"; ratio {ours / others[0]:.2f}" if others and others[0] else ""
        said = ", ".join(f"{name} {one:.4g} {unit}" for name, one in middle.items())
        sys.stdout.write(f"{case}: {metric}: {said}{ratio}\n")
    return kept


def exam(make: Callable[[], Side], readers: int, stalled: int) -> int:
    """0 = passed."""
    one = turn(make, readers, stalled, 75, 0.2, linger=GONE if stalled else 0.0)
    say(f"{readers} readers, {stalled} stalled", one)
    sys.stdout.write(f"viewers at the end: {one.left}\n")
    return 0 if one.at(0.99) <= MOST and not one.missed and one.left == readers else 1


def main() -> int:
    """Take the turns, print and perhaps save what they gave."""
    asked = argparse.ArgumentParser(description="Fan-out beside nginx with nchan.")
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--viewers", default="1000,4000,8000")
    asked.add_argument("--every", type=float, default=1.0)
    asked.add_argument("--snapshots", type=int, default=10)
    asked.add_argument("--save", action="store_true")
    asked.add_argument("--exam", type=int, metavar="READERS")
    asked.add_argument("--stalled", type=int, default=0, help="in an exam")
    given = asked.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no server is left behind
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    cores = sorted(os.sched_getaffinity(0))
    there = cores[0] if len(cores) > 1 else None
    pin(cores[-1])
    if given.exam is not None:
        return exam(lambda: Ours(there), min(given.exam, 5000), min(given.stalled, 5000))
    with tempfile.TemporaryDirectory(prefix="fanout-") as folder:
        kept = compare(given, {"ticker": lambda: Ours(there), "nginx with nchan": lambda: Nchan(there, Path(folder))})
    if given.save:
        note = (
            f"{given.rounds} alternating rounds of {given.snapshots} snapshots, one every {given.every:g} s (20 with "
            f"stalled viewers); server on one core, viewers and publisher on the other, raw sockets; {hard} open "
            f"files; load average at the end {os.getloadavg()[0]:.1f}"
        )
        sys.stdout.write(f"{results.save('fanout', 'python tests/bench/fanout.py --save', note, kept)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
