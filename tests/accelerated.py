"""A month of the real scheduler, poller and politeness, with the shipped configuration, over sources that often fail.

Prices are none of its business: every answer is the same. It counts calls, and finds the fullest window of each limit.
"""

import asyncio
import logging
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import pytest
from fakes import FakeStore
from source_tables import payload
from virtual import Clocks, virtually

from ticker.asking import Assignment
from ticker.commands import assembly
from ticker.config import Config, default_folder, load
from ticker.errors import Malformed, RateLimited, Refused, ServerFailed, SourceError, TimedOut
from ticker.fetch import Answer, Ask
from ticker.model import SourceName
from ticker.politeness import Allowance, allowances
from ticker.poller import Poller
from ticker.scheduler import Scheduler
from ticker.sources import REGISTRY
from ticker.sources.base import DAY, HOUR, SECOND

KEYS = {
    "TICKER_SOURCES_COINGECKO_KEY": "simulated",
    "TICKER_SOURCES_COINMARKETCAP_KEY": "simulated",
    **{f"TICKER_SOURCES_{name.upper()}_ACCEPT_TERMS": "true" for name, one in REGISTRY.items() if one.terms.forbid},
}


@dataclass
class Weather:
    """How often a source fails: a part of its answers, and whole spells of one error, some of which name a time."""

    rng: random.Random
    failing: float = 0.05
    spells_a_day: float = 0.5
    until: float = 0.0
    spell: type[SourceError] | None = None
    next_spell: float | None = None

    def error(self, name: SourceName, now: float) -> SourceError | None:
        if self.next_spell is None or now >= self.next_spell:
            if self.next_spell is not None:
                self.spell = self.rng.choice((RateLimited, ServerFailed, TimedOut, Refused))
                self.until = now + self.rng.expovariate(1 / HOUR)
            self.next_spell = now + self.rng.expovariate(self.spells_a_day / DAY)
        if self.spell is not None and now < self.until:
            told = self.rng.choice((None, 1.0, 30.0, 600.0)) if self.spell is RateLimited else None
            return self.spell(name, retry_after=told)
        if self.rng.random() < self.failing:
            return self.rng.choice((TimedOut, ServerFailed, RateLimited, Malformed))(name)
        return None


@dataclass
class Road:
    """Answers each source with its own documented payload, or its weather; notes when it was asked."""

    clocks: Clocks
    weather: Mapping[SourceName, Weather]
    answers: Mapping[SourceName, Answer]
    calls: dict[SourceName, list[float]] = field(default_factory=dict)
    failed: dict[SourceName, int] = field(default_factory=dict)

    async def fetch(self, ask: Ask) -> Answer:
        now = self.clocks.steady()
        self.calls.setdefault(ask.source, []).append(now)
        error = self.weather[ask.source].error(ask.source, now)
        if error is not None:
            self.failed[ask.source] = self.failed.get(ask.source, 0) + 1
            raise error
        return self.answers[ask.source]


class Row(NamedTuple):
    """One limit at the end: the most units in any time that our share is for, against that share."""

    quota: str
    sources: tuple[SourceName, ...]
    allowance: Allowance
    calls: int
    failed: int
    fullest: float


def shipped(**environ: str) -> Config:
    """The shipped configuration with keys, so that every source is asked."""
    return load(default_folder(), {**KEYS, **environ})


def simulate(
    config: Config,
    days: float,
    *,
    seed: int = 1,
    failing: float = 0.05,
    spells_a_day: float = 0.5,
    only: Iterable[SourceName] | None = None,
    light: bool = False,
) -> list[Row]:
    """So many days of these sources, all of them by default; `light` reads one coin of each answer, for speed."""
    rng = random.Random(seed)
    random.seed(seed)  # APScheduler's jitter has no other
    polled = [one for one in assembly.assignments(config) if only is None or one.source.name in only]
    if light:
        assert all(len(one.requests) == 1 for one in polled)  # as many calls as with all coins
        polled = [replace(one, ids={"bitcoin": one.ids["bitcoin"]}) if "bitcoin" in one.ids else one for one in polled]
    weather = {one.source.name: Weather(random.Random(rng.random()), failing, spells_a_day) for one in polled}

    async def main(clocks: Clocks) -> Road:

        bodies = {name: payload(name) for name in weather}
        road = Road(clocks, weather, {name: Answer(body, len(body)) for name, body in bodies.items()})
        rules, listing = assembly.rules(config, polled), assembly.listing(config, simulated=True)
        given = {"clock": clocks.wall, "steady": clocks.steady, "rng": rng}
        poller = Poller(polled, rules, listing, FakeStore(), road, **given)  # type: ignore[arg-type]
        every = {one.source.name: one.every for one in polled}
        scheduler = Scheduler(every, poller.poll, wall=clocks.wall, steady=clocks.steady)
        scheduler.start()
        await asyncio.sleep(days * DAY)
        scheduler.stop()
        return road

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(logging.getLogger("ticker.asking"), "disabled", True)  # it would tell every outage
        road: Road = virtually(monkeypatch, main)
    return list(_rows(polled, road))


def _rows(polled: Sequence[Assignment], road: Road) -> Iterator[Row]:
    for quota in dict.fromkeys(one.quota for one in polled):
        sharing = [one for one in polled if one.quota == quota]
        names = tuple(one.source.name for one in sharing)
        spent = sorted((at, one.source.cost) for one in sharing for at in road.calls.get(one.source.name, ()))
        limits = [limit for one in sharing for limit in one.limits]
        for allowance in allowances(limits, max(one.source.cost for one in sharing)):
            failed = sum(road.failed.get(name, 0) for name in names)
            yield Row(quota, names, allowance, len(spent), failed, fullest(spent, allowance.per))


def fullest(spent: Sequence[tuple[float, float]], per: float) -> float:
    """The most that was spent in any `per` seconds."""
    most = held = 0.0
    first = 0
    for at, cost in spent:
        held += cost
        while spent[first][0] <= at - per + SECOND / 1000:
            held -= spent[first][1]
            first += 1
        most = max(most, held)
    return most
