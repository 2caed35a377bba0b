"""What metrics cost: the server scraped once a second, against the same server without metrics, in turns.

    PYTHONPATH=tests:. python tests/bench/metrics_cost.py [ROUNDS]

wrk with 64 connections on one core, the server on the other. Exit code 1 where the median of the scraped one's requests
a second is lower by more than 10 %. Counting is always on, so that it is in both: it is an addition in the fast lane.
"""

import statistics
import sys
import threading
import urllib.request
from contextlib import ExitStack

from service import free_port
from throughput import HERE, PATHS, Rival, load, started

MOST = 0.10
SECONDS = 2


def scrape(port: int, over: threading.Event, told: list[int]) -> None:
    """Read the metrics every second until it is over; how many series there were each time."""
    while not over.wait(1.0):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            told.append(answer.read().count(b"\nticker_requests_total{"))


def main(rounds: int = 9) -> int:
    """0 = cheap enough."""
    told: dict[str, list[float]] = {"with": [], "without": []}
    over, scraped = threading.Event(), list[int]()
    with ExitStack() as stack:
        rivals, metrics = {}, free_port()
        for name, more in (("without", ()), ("with", (str(metrics),))):
            port = free_port()
            command = [sys.executable, str(HERE / "rivals.py"), "ticker", str(port), *more]
            process = stack.enter_context(started(command, port))
            rivals[name] = Rival(name, port, process, {("widget", "bare headers"): PATHS["widget"]})
        scraping = threading.Thread(target=scrape, args=(metrics, over, scraped))
        scraping.start()
        stack.callback(scraping.join)
        stack.callback(over.set)
        for one in rivals.values():
            load(one, "widget", "bare headers", 1)
        for number in range(rounds):
            for name in sorted(rivals, reverse=number % 2 == 0):
                told[name].append(load(rivals[name], "widget", "bare headers", SECONDS)[0])
    if len(scraped) < rounds or not all(scraped[3:]):
        raise SystemExit(f"it could not be scraped: {scraped}")
    fast, slow = statistics.median(told["without"]), statistics.median(told["with"])
    cost = 1 - slow / fast
    sys.stdout.write(
        f"{fast:,.0f} requests a second without metrics, {slow:,.0f} scraped {len(scraped)} times, once a second: "
        f"{cost:.1%} fewer, medians of {rounds} rounds in turns; at most {MOST:.0%}: "
        f"{'ok' if cost <= MOST else 'NOT OK'}\n"
    )
    return 0 if cost <= MOST else 1


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))
