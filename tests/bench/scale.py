"""How often the service and a CDN's shield are asked, how old prices are at readers: a simulation, no measurement.

    make bench-scale                     (or: PYTHONPATH=tests:. python tests/bench/scale.py)

A thousand, a hundred thousand and ten million readers who each ask every ten seconds, as `<market-prices>` does where
there is no stream, through 100 edges and one shield that go by our Cache-Control; beside it a header that is often
seen: ten seconds and nothing else. Every figure is of one variant; a list in brotli, gzip and neither has three.
"""

import sys

import results
from edges import Crowd, simulate

SECONDS = 300.0
SEEDS = range(1, 6)
OURS, OTHER = "ticker's Cache-Control", "s-maxage=10 alone"
METRICS = (
    ("requests at edges", "1/s"),
    ("requests at the shield", "1/s"),
    ("requests at the service", "1/s"),
    ("readers who wait", "1/s"),
    ("median age", "s"),
    ("p99 age", "s"),
)


def main() -> int:
    """Simulate, and keep it."""
    cases = []
    for viewers in (1_000, 100_000, 10_000_000):
        for who, stale in ((OURS, 60.0), (OTHER, 0.0)):
            found = [simulate(Crowd(viewers), SECONDS, stale=stale, seed=seed) for seed in SEEDS]
            for (metric, unit), several in zip(METRICS, zip(*found, strict=True), strict=True):
                cases.append(results.case(f"{viewers} viewers", who, metric, unit, several))
                one = cases[-1]
                sys.stdout.write(f"{one.case:<18} {who:<24} {metric:<24} {one.median:>12,.3f} {unit}\n")
    note = (
        f"a simulation of {SECONDS:g} s, five times with other dice: 100 edges of very unlike size, one shield, 80 ms "
        "from cache to cache, a snapshot a second, one variant"
    )
    results.save("scale", "python tests/bench/scale.py", note, cases)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
