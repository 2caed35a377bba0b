"""A CDN of two levels in simulation: many edges before one shield before the service, all by our Cache-Control. Pure.

A cache hands out what is younger than `s-maxage`, counted from the service by the Age that comes with it. What is older
by at most `stale-while-revalidate` is handed out too, while one request in the background fetches a newer one; beyond
that readers wait for it. One request at a time is on its way for an object. Readers come at random, to edges of very
unlike size. Knows no CDN that exists: what real ones do otherwise is said in docs/scale.md.
"""

import heapq
import math
import random
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

MOST_A_SECOND = 20.0  # requests an edge is sent; more of them change nothing but the time it takes to simulate


class Copy(NamedTuple):
    """An answer: the moment of its snapshot, and its Age in seconds when it was handed out."""

    built: float
    age: float


class Upstream(Protocol):
    """Who can be asked at a moment. Moments never go back."""

    def ask(self, now: float) -> Copy:
        """The answer at that moment."""
        ...


@dataclass
class Service:
    """Builds a snapshot every so many seconds, and counts who asks."""

    every: float
    hits: int = 0

    def ask(self, now: float) -> Copy:
        """The present snapshot, new to all caches."""
        self.hits += 1
        return Copy(math.floor(now / self.every) * self.every, 0.0)


@dataclass
class Cache:
    """One cache for one variant of one object. `trip` is the seconds from asking upstream to having the answer."""

    upstream: Upstream
    fresh: float
    stale: float
    trip: float
    hits: int = 0
    waited: int = 0
    _built: float = 0.0
    _born: float = -math.inf  # when the copy left the service, as its Age tells
    _coming: tuple[float, Copy] | None = field(default=None)

    def ask(self, now: float) -> Copy:
        """As a cache answers."""
        self.hits += 1
        if self._coming is not None and now >= self._coming[0]:
            self._take(*self._coming)
        age = now - self._born
        if age <= self.fresh:
            return Copy(self._built, age)
        if self._coming is None:
            self._coming = now + self.trip, self.upstream.ask(now + self.trip / 2)
        if age > self.fresh + self.stale:
            self.waited += 1
            return self._coming[1]
        return Copy(self._built, age)

    def _take(self, at: float, copy: Copy) -> None:
        self._built, self._born, self._coming = copy.built, at - copy.age - self.trip / 2, None


class Crowd(NamedTuple):
    """How many readers there are at once, how often each asks, and over how many edges they are spread."""

    viewers: float
    asks_every: float = 10.0
    edges: int = 100


class Outcome(NamedTuple):
    """What came of it, for one variant: figures a second; ages of prices as readers get them, in seconds."""

    requests: float
    shield: float
    service: float
    waited: float
    age_median: float
    age_p99: float


def simulate(
    crowd: Crowd,
    seconds: float,
    *,
    fresh: float = 10.0,
    stale: float = 60.0,
    publish_every: float = 1.0,
    trip: float = 0.08,
    seed: int = 1,
) -> Outcome:
    """So many seconds of it, after the caches have warmed up; edge n has a share of readers like 1/n."""
    dice = random.Random(seed)
    service = Service(publish_every)
    shield = Cache(service, fresh, stale, trip)
    edges = [Cache(shield, fresh, stale, trip) for _ in range(crowd.edges)]
    shares = [1 / (number + 1) for number in range(crowd.edges)]
    rates = [crowd.viewers / crowd.asks_every * share / sum(shares) for share in shares]
    asked = [min(rate, MOST_A_SECOND) for rate in rates]
    due = [(dice.expovariate(rate), number) for number, rate in enumerate(asked)]
    heapq.heapify(due)
    warm, before = 2 * (fresh + stale), (0, 0)
    ages: list[tuple[float, float]] = []
    waited = 0.0
    while (now := due[0][0]) < warm + seconds:
        _, number = due[0]
        edge, weight = edges[number], rates[number] / asked[number]
        waits = edge.waited
        if now < warm:
            before = shield.hits, service.hits
        copy = edge.ask(now)
        if now >= warm:
            ages.append((max(0.0, now - copy.built), weight))
            waited += weight * (edge.waited - waits)
        heapq.heapreplace(due, (now + dice.expovariate(asked[number]), number))
    ages.sort()
    total = sum(weight for _, weight in ages)
    return Outcome(
        requests=total / seconds,
        shield=(shield.hits - before[0]) / seconds,
        service=(service.hits - before[1]) / seconds,
        waited=waited / seconds,
        age_median=_quantile(ages, total / 2),
        age_p99=_quantile(ages, total * 0.99),
    )


def _quantile(ages: list[tuple[float, float]], part: float) -> float:
    seen = 0.0
    for age, weight in ages:
        seen += weight
        if seen >= part:
            return age
    return 0.0
