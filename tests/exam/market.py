"""A market with random faults on random minorities of its sources, poll after poll: is anything wrong ever shown as ok?

Eight sources quote four coins through the whole stage (HTTP, poller, store); the one that counts in USDT lists three of
them. At any moment at most three are faulty: lying, alone or together, frozen, in another unit, at another time, or not
answering. Everything is drawn from a seed.
"""

import asyncio
import logging
import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from faults.stage import WRONG, Stage, percent

from ticker.simulate.market import Market

SOURCES = ("kraken", "coinbase", "bitfinex", "bitstamp", "okx", "kucoin", "binance", "coingecko")
COINS = ("bitcoin", "ethereum", "shiba-inu", "tether")
LISTED = {"binance": COINS[:3]}
FEWEST = len(SOURCES) - 1  # sources of a coin
LENGTHS = (30.0, 90.0, 270.0, 690.0)  # seconds
ODDS = 0.5  # of a new fault at a poll, while there may be one more

FACTORS = "10 0.1 100 1000 0.001 1e8 1e-8 2 0.5 1.25 0.75 1.13 0.87 1.05 1.02 0.98 1.009 0.991 1.006 1.0045 0.9955"
ANSWERS = ("status:503", "status:429", "status:403", "reset", "truncate", "garbage", "html", "empty")
KINDS = (
    *("scale", "scale", "scale", "frozen", "drift", "flicker", "zero", "negative", "time", "stopped"),
    *("answer",) * 10,
)


@dataclass
class Fault:
    """One source's fault: its kind, how strong, which coins it hits, and when it is over."""

    kind: str
    factor: Decimal
    coins: tuple[str, ...]
    until: float
    polls: int = 0
    held: dict[str, Decimal] = field(default_factory=dict)

    def bend(self, coin: str, price: Decimal, rng: random.Random) -> Decimal:
        """The price as the faulty source says it."""
        if coin not in self.coins:
            return price
        match self.kind:
            case "scale":
                return price * self.factor
            case "frozen" | "stopped":
                return self.held.setdefault(coin, price)
            case "drift":
                return price * (1 + Decimal("0.002") * self.polls)
            case "flicker":
                return price * self.factor if rng.random() < 0.5 else price
            case "zero":
                return Decimal(0)
            case "negative":
                return -price
        return price


@dataclass
class Report:
    """What came out: readings by state, by fault, the worst number shown as ok, and every wrong one."""

    polls: int = 0
    readings: int = 0
    states: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    worst: Decimal = Decimal(0)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        states = ", ".join(f"{name} {count}" for name, count in self.states.most_common())
        kinds = ", ".join(f"{name} {count}" for name, count in self.kinds.most_common())
        return (
            f"{self.polls} polls, {self.readings} prices read: {states}\n"
            f"faults begun: {kinds}\n"
            f"wrong (more than 0.3 % off) and shown as ok: {len(self.wrong)}; worst error of an ok: {percent(self.worst)}"  # noqa: E501
        )


class Trial:
    """One seeded run of so many polls."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.market = Market(seed)
        self.faults: dict[str, Fault] = {}
        self.report = Report()
        self._silent: set[str] = set()  # whose last answer was none
        self._lied: set[str] = set()  # whose last answer was a lie, also when they lie no more

    async def run(self, polls: int) -> Report:
        """Poll on until there were so many, judging every price after every poll."""
        async with Stage(SOURCES, COINS, listed=LISTED) as stage:
            for source in SOURCES:
                self._connect(stage, source)
            await stage.turn(2)
            while self.report.polls < polls:
                source = stage.next_due()
                self._change(stage, source)
                await stage.pass_to_next()
                self._answered(stage, source)
                self._judge(stage)
        return self.report

    def _connect(self, stage: Stage, source: str) -> None:
        def live(coin: str, now: float) -> Decimal:
            currency = "tether" if source == "binance" else "usd"
            price = self.market.price(coin, now, currency=currency, source=source)
            fault = self.faults.get(source)
            return price if fault is None else fault.bend(coin, price, self.rng)

        stage.said[source].live = live

    def _change(self, stage: Stage, source: str) -> None:
        """Before a poll: faults may end, and one of this source begin, while a minority lies."""
        fault, rng = self.faults.get(source), self.rng
        for name in [name for name, one in self.faults.items() if one.until <= stage.clock.now]:
            del self.faults[name]
            self._clear(stage, name)
        if fault is not None:
            fault.polls += 1
        elif rng.random() < ODDS:
            others = [one for one in self.faults.values() if one.kind == "scale"]
            alike = rng.choice(others) if others and rng.random() < 0.6 else None  # together, or each its own way
            kind = "scale" if alike else rng.choice(KINDS)
            if not self._bearable(source, kind):
                return
            factor = alike.factor if alike else Decimal(rng.choice(FACTORS.split()))
            coins = alike.coins if alike else rng.choice((COINS, COINS[:3], (rng.choice(COINS[:3]),)))
            self.faults[source] = Fault(kind, factor, coins, until=stage.clock.now + rng.choice(LENGTHS))
            self.report.kinds[kind] += 1
            (self._silent if kind == "answer" else self._lied).add(source)
            if kind == "answer":
                stage.breaks(source, rng.choice(ANSWERS))
            elif kind == "time":
                stage.said[source].lag = rng.choice((-100.0, -170.0, -1000.0, 25.0, 3600.0, 86_400.0))
            elif kind == "stopped":
                stage.said[source].at = stage.clock.now

    def _bearable(self, source: str, kind: str) -> bool:
        """Whether those who lie would still be fewer than half of those who say anything."""
        silent = self._silent - self._lied
        lied = self._lied - {source}
        if kind == "answer" and source not in self._lied:
            silent.add(source)
        else:
            lied.add(source)
        return 2 * len(lied) < FEWEST - len(silent)

    def _clear(self, stage: Stage, source: str) -> None:
        stage.breaks(source, None)
        stage.said[source].lag, stage.said[source].at = 0.0, None

    def _answered(self, stage: Stage, source: str) -> None:
        """After a poll: a source whose answer was good again is neither silent nor a liar any more."""
        self.report.polls += 1
        if source not in self.faults and stage.poller.health[source].error is None:
            self._lied.discard(source)
            self._silent.discard(source)

    def _judge(self, stage: Stage) -> None:
        last, now = stage.store.last, stage.clock.now
        if last is None:
            return
        for price in last.prices:
            self.report.readings += 1
            self.report.states[price.agreement] += 1
            if price.agreement != "ok" or price.price is None or price.freshness(now) != "live":
                continue
            true = self.market.price(price.coin, now)
            error = abs(price.price / true - 1)
            self.report.worst = max(self.report.worst, error)
            if error > WRONG:
                faults = {name: f"{one.kind} {one.factor} {one.coins}" for name, one in self.faults.items()}
                self.report.wrong.append(
                    f"poll {self.report.polls}: {price.coin} {price.price} for {true} by {price.sources}, "
                    f"out {dict(stage.refused(price.coin))}, faults {faults}"
                )


async def run(polls: int, seed: int = 2026) -> Report:
    """A trial of so many polls."""
    return await Trial(seed).run(polls)


def main(polls: int = 10_000) -> int:
    """Print the report; 0 = nothing wrong was shown as ok."""
    logging.disable(logging.CRITICAL)  # ten thousand polls of broken sources say much
    report = asyncio.run(run(polls))
    sys.stdout.write(f"{report}\n" + "".join(f"  {one}\n" for one in report.wrong[:20]))
    return 1 if report.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if sys.argv[1:] else 10_000))
