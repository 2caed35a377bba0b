"""What a whole round costs: the sources' answers parsed, every coin settled, the snapshot published and history kept.

    PYTHONPATH=tests:. python tests/bench/round.py [ROUNDS]
    PYTHONPATH=tests:. python tests/bench/round.py --table [ROUNDS]         (or: make bench-round)

CPU seconds of the process (all its threads; a Redis server's own are not ours), the median of several rounds. Answers
are in the real dialects and read by the real adapters; poller and store are the service's own; only the road out is a
variable, and every round all prices are new.

The first form takes 500 and 5,000 coins on 8 sources in turn, on both stores; exit code 1 where 5,000 coins cost more
than half a second, or more than eleven times what 500 do. The second measures 10 to 10,000 coins on 1 to 16 sources on
the embedded store, and keeps it in docs/performance/round.json. There are fewer dialects that give all markets at once
than 16; the last four sources are exchanges of one's own that speak another's.
"""

import asyncio
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import results
from faults.stage import HEADERS, id_of, tick
from redis_server import RedisServer

from ticker.asking import Assignment
from ticker.consensus import CoinRule, Rules, Voter
from ticker.fetch import Answer, Ask
from ticker.model import Coin
from ticker.poller import Listing, Poller
from ticker.simulate.dialects import DIALECTS
from ticker.simulate.dialects.wire import Ask as Asked
from ticker.simulate.dialects.wire import View
from ticker.sources import REGISTRY
from ticker.store import open_store

SOURCES = ("kraken", "coinbase", "bitfinex", "bitstamp", "okx", "kucoin", "gateio", "binance")
MORE = ("mexc", "htx", "coinpaprika", "coinlore")
OWN = {"mine": "kraken", "yours": "coinbase", "theirs": "bitstamp", "ours": "gateio"}  # name to whose dialect it speaks
KNOWN = {**REGISTRY, **{name: replace(REGISTRY[like], name=name, group=name) for name, like in OWN.items()}}
MANY = (*SOURCES, *MORE, *OWN)
TETHERLESS = ("binance", "mexc", "htx")  # quote in USDT, so not USDT
SIZES = (500, 5_000)
TABLE = tuple((coins, sources) for coins in (10, 100, 1_000, 10_000) for sources in (1, 2, 4, 8, 16))
AGREEMENTS = {1: "single", 2: "degraded"}
MOST, RATIO = 0.5, 11.0
EVERY = 60.0
START = 1_800_000_000.0


class Bodies:
    """The road out: what every source says now."""

    def __init__(self) -> None:
        self.said: dict[str, bytes] = {}

    async def fetch(self, ask: Ask) -> Answer:
        """Its answer, at once."""
        body = self.said[ask.source]
        return Answer(body, len(body))


class Bench:
    """A poller of so many coins on a store, round after round."""

    def __init__(self, coins: int, url: str, sources: Sequence[str] = SOURCES) -> None:
        self.sources = sources
        self.coins = ("tether", *(f"coin-{number}" for number in range(coins - 1)))
        self.ids = {
            name: {
                coin: id_of(OWN.get(name, name), coin, number)
                for number, coin in enumerate(self.coins)
                if coin != "tether" or name not in TETHERLESS
            }
            for name in sources
        }
        self.now, self.road, self.store, self.turn = START, Bodies(), open_store(url), 0

    async def __aenter__(self) -> "Bench":
        await self.store.open()
        assigned = [
            Assignment(
                source=KNOWN[name],
                base_url="https://example.org",
                every=EVERY,
                ids={coin: (one,) for coin, one in self.ids[name].items()},
                headers=HEADERS.get(name, {}),
            )
            for name in self.sources
        ]
        rules = Rules(
            {name: Voter(KNOWN[name].kind, KNOWN[name].group, EVERY) for name in self.sources},
            tuple(CoinRule(coin, tuple(n for n in self.sources if coin in self.ids[n])) for coin in self.coins),
        )
        listing = Listing(tuple(Coin(coin, coin.title(), coin.upper()) for coin in self.coins), self.coins[:11])
        self.poller = Poller(assigned, rules, listing, self.store, self.road, clock=lambda: self.now, publish_every=0.2)
        self.running = asyncio.create_task(self.poller.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)
        await self.store.close()

    def _speak(self) -> None:
        """Every source has a new price of every coin, each a little off the others'."""
        self.turn += 1
        self.now += EVERY
        for place, name in enumerate(self.sources):
            dialect, ids = DIALECTS[OWN.get(name, name)], self.ids[name]
            ticks = []
            for number, (coin, one) in enumerate(ids.items()):
                base = Decimal(1) if coin == "tether" else Decimal(number + 1) / 7
                price = (base * (1 + Decimal(self.turn + place) / 10_000)).quantize(Decimal("1e-8"))
                ticks.append(tick(one, coin, price, dialect.currency_of(one), self.now, Decimal(1000)))
            (request,) = KNOWN[name].requests(list(ids.values()))
            asked = Asked(dict(request.query), {})
            self.road.said[name] = dialect.encode(View(ticks, self.now), asked).body

    async def round(self) -> float:
        """CPU seconds of one round."""
        self._speak()
        before = await self.store.latest()
        await asyncio.sleep(0.3)  # the poller has rested since its last snapshot, and what others did is over
        started = time.process_time()
        # All at once, so that the first answer is not published before the last is read.
        await asyncio.gather(*(self.poller.poll(name) for name in self.sources))
        await self.poller.quiet()
        cost = time.process_time() - started
        last = await self.store.latest()
        assert last is not None
        assert before is None or last.seq == before.seq + 1, "a round is one snapshot"
        agreement = AGREEMENTS.get(len(self.sources), "ok")
        assert sum(price.agreement == agreement for price in last.prices) == len(self.coins)
        return cost


async def measure(store: str, urls: tuple[str, str], rounds: int) -> dict[int, list[float]]:
    """The costs of so many rounds of both sizes on one kind of store."""
    found: dict[int, list[float]] = {size: [] for size in SIZES}
    async with Bench(SIZES[0], urls[0]) as small, Bench(SIZES[1], urls[1]) as large:
        for bench in (small, large):
            await bench.round()  # the first warms up
        for _ in range(rounds):
            for size, bench in zip(SIZES, (small, large), strict=True):
                found[size].append(await bench.round())
    for size, costs in found.items():
        sys.stdout.write(
            f"{store:<9} {size:>6,} coins x {len(SOURCES)} sources: median {statistics.median(costs):.3f} s of CPU "
            f"a round "
            f"({min(costs):.3f} to {max(costs):.3f}, {len(costs)} rounds)\n"
        )
    return found


async def tabulate(folder: str, rounds: int) -> list[results.Case]:
    """The costs of so many rounds of every size, one after the other."""
    found = []
    for coins, sources in TABLE:
        async with Bench(coins, f"embedded:{folder}/{coins}-{sources}.sqlite3", MANY[:sources]) as bench:
            await bench.round()  # the first warms up
            costs = [1000 * await bench.round() for _ in range(rounds)]
        found.append(
            results.case(f"{coins} coins, {sources} source{'s' * (sources > 1)}", "ticker", "CPU", "ms", costs)
        )
        sys.stdout.write(f"{found[-1].case:<28} {found[-1].median:>8g} ms of CPU\n")
        sys.stdout.flush()
    return found


@contextmanager
def _redis(folder: Path) -> Iterator[RedisServer]:
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        raise SystemExit("this needs a redis-server or valkey-server program")
    server = RedisServer(program, folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def main(rounds: int = 7) -> int:
    """Measure and judge; 0 = within bounds."""
    good = True
    with tempfile.TemporaryDirectory() as folder, _redis(Path(folder)) as redis:
        kinds = {
            "embedded": (f"embedded:{folder}/small.sqlite3", f"embedded:{folder}/large.sqlite3"),
            "redis": (f"{redis.url}", redis.url.replace("/0", "/1")),
        }
        for store, urls in kinds.items():
            found = asyncio.run(measure(store, urls, rounds))
            costs = [statistics.median(found[size]) for size in SIZES]
            ratio = next(later / former for former, later in pairwise(costs))
            sys.stdout.write(f"{store:<9} ten times the coins cost {ratio:.1f} times as much\n")
            good = good and costs[-1] <= MOST and ratio <= RATIO
    sys.stdout.write(f"at most {MOST} s and {RATIO:g} times: {'yes' if good else 'NO'}\n")
    return 0 if good else 1


def table(rounds: int = 5) -> int:
    """Measure the table, and keep it."""
    with tempfile.TemporaryDirectory() as folder:
        cases = asyncio.run(tabulate(folder, rounds))
    note = (
        f"embedded store, {rounds} rounds of each size after one to warm up; every price new in every round; CPU of "
        f"all threads; load of the machine {os.getloadavg()[2]:.1f} on {os.cpu_count()} cores"
    )
    results.save("round", "python tests/bench/round.py --table", note, cases)
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--table"]:
        raise SystemExit(table(*map(int, sys.argv[2:])))
    raise SystemExit(main(int(sys.argv[1]) if sys.argv[1:] else 7))
