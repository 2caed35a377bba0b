"""Asking: one turn of one source, from its requests to quotes, politely.

Knows the road out and politeness, and how each source is doing; not when turns come, what prices are, nor the store.
"""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from ticker.errors import NotFound, SourceError
from ticker.fetch import TOTAL, Answer, Ask
from ticker.model import CoinId, Quote, SourceName
from ticker.politeness import Customer, Hold, Manners
from ticker.sources import Limit, Request, Source
from ticker.sources import quotes as quotes_of

log = logging.getLogger("ticker.asking")


@dataclass(frozen=True, slots=True)
class Assignment:
    """A source to poll: where, how often, with what headers (a key, perhaps), and for which of its ids.

    `limits` are those of its plan, none for a stand-in; assignments of one `quota` share them ("" = nobody shares).
    """

    source: Source
    base_url: str
    every: float
    ids: Mapping[CoinId, Sequence[str]]
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    allow_private: bool = False
    limits: tuple[Limit, ...] = ()
    quota: str = ""

    @property
    def requests(self) -> list[Request]:
        """What one poll asks, in order."""
        return self.source.requests([one for many in self.ids.values() for one in many])

    @property
    def customer(self) -> Customer:
        """What we are to the source."""
        return Customer(self.every, self.source.cost, self.limits, self.quota)


@dataclass(slots=True)
class Health:
    """How a source is doing. `error` is None while it is up; `failures` counts since the last answer.

    `hold` is why its last turn was put off, if it was. `since` is when it last went up or down, `latency` how long its
    last answer took, in seconds; `outcomes` counts turns: "answered", "put_off", or the error's slug.
    """

    polls: int = 0
    failures: int = 0
    error: SourceError | None = None
    answered_at: float | None = None
    hold: Hold | None = None
    since: float | None = None
    latency: float | None = None
    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def heard(self) -> bool:
        """Whether it has had a turn, however that ended."""
        return bool(self.polls or self.error or self.hold)


class Turn(NamedTuple):
    """How a turn ended: quotes, or None; and the seconds after which to come back, None = at the usual time."""

    quotes: list[Quote] | None
    again: float | None


class Road(Protocol):
    """The road out, which raises `SourceError` and nothing else."""

    async def fetch(self, ask: Ask) -> Answer:
        """The answer to one GET."""
        ...


class _Postponed(Exception):
    """The budget that a poll began with is gone: others who share it were quicker."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(seconds)


class Asker:
    """Asks these sources, one turn at a time each, inside their limits.

    `clock` dates answers, `steady` measures intervals and is moved by no step of the system's clock; both are seconds
    since 1970.
    """

    def __init__(
        self,
        assignments: Mapping[SourceName, Assignment],
        road: Road,
        clock: Callable[[], float],
        steady: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self._assignments, self._road = assignments, road
        self._clock, self._steady = clock, steady
        self.health = {name: Health() for name in assignments}
        self.manners = Manners({name: one.customer for name, one in assignments.items()}, rng)

    async def turn(self, name: SourceName) -> Turn:
        """Ask a source once, or put it off where its breaker or its budget forbids it."""
        assignment, health = self._assignments[name], self.health[name]
        requests = assignment.requests
        hold = self.manners.begin(name, self._steady(), len(requests))
        if hold is not None:
            return self._held(name, hold)
        began = time.monotonic()
        try:
            quotes = await self._ask(assignment, requests, health.polls + 1)
        except _Postponed as postponed:
            return self._held(name, Hold(postponed.seconds, "budget"))
        except SourceError as error:
            return self._failed(name, error)
        if health.error is not None:
            log.info("%s is back after %d failed polls", name, health.failures)
        self.manners.answered(name)
        if health.error is not None or not health.polls:
            health.since = self._clock()
        health.latency = time.monotonic() - began
        health.outcomes["answered"] += 1
        health.polls, health.failures, health.error, health.hold = health.polls + 1, 0, None, None
        health.answered_at = self._clock()
        return Turn(quotes, None)

    async def _ask(self, assignment: Assignment, requests: Sequence[Request], poll: int) -> list[Quote]:
        source = assignment.source
        deadline = min(TOTAL, 0.9 * assignment.every) / max(1, len(requests))
        bodies = []
        for request in requests:
            await self._afford(assignment)
            ask = Ask(
                source=source.name,
                base_url=assignment.base_url,
                path=request.path,
                query=request.query,
                headers={**dict(request.headers), **assignment.headers},
                max_body=source.max_body,
                content_types=source.content_types,
                deadline=deadline,
                allow_private=assignment.allow_private,
            )
            bodies.append((await self._road.fetch(ask)).body)
        found = quotes_of(source, bodies, assignment.ids, received=self._clock(), poll=poll)
        if not found:
            raise NotFound(source.name, f"its answer has a price for none of our {len(assignment.ids)} {source.of}")
        return found

    async def _afford(self, assignment: Assignment) -> None:
        """Take a request from the budget, after a pause where requests must be spaced."""
        while wait := self.manners.take(assignment.source.name, self._steady()):
            if wait > assignment.every:
                raise _Postponed(wait)
            await asyncio.sleep(wait)

    def _held(self, name: SourceName, hold: Hold) -> Turn:
        health = self.health[name]
        if health.hold is None or health.hold.why != hold.why:
            why = "its quota is used up for now" if hold.why == "budget" else "it must be left alone until then"
            log.info("%s is put off for %.1f s: %s", name, hold.seconds, why)
        health.hold = hold
        health.outcomes["put_off"] += 1
        return Turn(None, hold.seconds)

    def _failed(self, name: SourceName, error: SourceError) -> Turn:
        health = self.health[name]
        health.outcomes[error.slug] += 1
        if health.error is None:
            health.since = self._clock()
            log.warning("%s; its last answer stays while it may", error)
        elif health.error.slug != error.slug:
            log.info("%s", error)
        health.failures, health.error, health.hold = health.failures + 1, error, None
        return Turn(None, self.manners.failed(name, error, self._steady()))
