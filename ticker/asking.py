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

from ticker.bulk import Bulk, keeps, pack, read_again
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

    def same_place(self, other: "Assignment") -> bool:
        """Whether both ask the same place in the same way: the answer to one is one to the other, but for the ids."""
        return (
            self.source == other.source
            and self.base_url == other.base_url
            and self.headers == other.headers
            and self.allow_private == other.allow_private
        )

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
    """How a turn ended: quotes, or None; and the seconds after which to come back, None = at the usual time.

    `bodies` are the answers that the quotes were read from, as they came at `received`.
    """

    quotes: list[Quote] | None
    again: float | None
    bodies: Sequence[bytes] = ()
    received: float = 0.0


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
        self._assignments, self._road = dict(assignments), road
        self._clock, self._steady = clock, steady
        self._bulk = Bulk()
        self.health = {name: Health() for name in assignments}
        self.manners = Manners({name: one.customer for name, one in assignments.items()}, rng)

    def reconfigure(self, assignments: Mapping[SourceName, Assignment]) -> tuple[SourceName, ...]:
        """Ask these from now on; gives those that are asked elsewhere or otherwise than before, or are new.

        Of these nothing that they said or failed before counts any more. An answer that is under way still counts, if
        it answers what is asked now. `health` stays the same object.
        """
        before, self._assignments = self._assignments, dict(assignments)
        moved = [name for name, one in assignments.items() if name not in before or not one.same_place(before[name])]
        for name in (*moved, *(before.keys() - assignments.keys())):
            self._bulk.drop(name)
            self.health.pop(name, None)
        self.health.update((name, Health()) for name in moved)
        self.manners.reconfigure({name: one.customer for name, one in assignments.items()}, moved)
        return tuple(moved)

    async def known(
        self, assignments: Mapping[SourceName, Assignment], wanted: Mapping[SourceName, Mapping[CoinId, Sequence[str]]]
    ) -> list[Quote]:
        """What the last answers in memory say of these ids, for those of `assignments` that ask the same place.

        They are read a source at a time in a thread, since they may be long.
        """
        found: list[Quote] = []
        for name, ids in wanted.items():
            present, answered = self._assignments.get(name), self._bulk.get(name)
            if ids and answered is not None and present is not None and present.same_place(assignments[name]):
                found += await asyncio.to_thread(read_again, present.source, answered, ids)
        return found

    async def turn(self, name: SourceName) -> Turn:
        """Ask a source once, or put it off where its breaker or its budget forbids it."""
        assignment, health = self._assignments.get(name), self.health.get(name)
        if assignment is None or health is None:
            return Turn(None, None)  # it has just been taken off
        requests = assignment.requests
        hold = self.manners.begin(name, self._steady(), len(requests))
        if hold is not None:
            return self._held(name, health, hold)
        began = time.monotonic()
        try:
            bodies, received = await self._fetch(assignment, requests)
            present = self._assignments.get(name)
            if present is None or not present.same_place(assignment):
                return Turn(None, None if present is None else 0.0)
            quotes = _read(assignment, present, bodies, received, health.polls + 1)
        except _Postponed as postponed:
            return self._held(name, health, Hold(postponed.seconds, "budget"))
        except SourceError as error:
            return self._failed(name, health, error)
        if health.error is not None:
            log.info("%s is back after %d failed polls", name, health.failures)
        self.manners.answered(name)
        if health.error is not None or not health.polls:
            health.since = self._clock()
        health.latency = time.monotonic() - began
        health.outcomes["answered"] += 1
        health.polls, health.failures, health.error, health.hold = health.polls + 1, 0, None, None
        health.answered_at = self._clock()
        return Turn(quotes, None, bodies, received)

    async def keep(self, name: SourceName, turn: Turn) -> None:
        """Keep the answer of a turn for another coin list, packed in a thread."""
        assignment = self._assignments.get(name)
        if turn.bodies and assignment is not None and keeps(assignment.source):
            packed = await asyncio.to_thread(pack, turn.bodies, turn.received)
            present = self._assignments.get(name)
            if present is not None and present.same_place(assignment):
                self._bulk.put(name, packed)

    async def _fetch(self, assignment: Assignment, requests: Sequence[Request]) -> tuple[list[bytes], float]:
        """The answers of one poll, and when they were there."""
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
        return bodies, self._clock()

    async def _afford(self, assignment: Assignment) -> None:
        """Take a request from the budget, after a pause where requests must be spaced."""
        while wait := self.manners.take(assignment.source.name, self._steady()):
            if wait > assignment.every:
                raise _Postponed(wait)
            await asyncio.sleep(wait)

    def _held(self, name: SourceName, health: Health, hold: Hold) -> Turn:
        if health.hold is None or health.hold.why != hold.why:
            why = "its quota is used up for now" if hold.why == "budget" else "it must be left alone until then"
            log.info("%s is put off for %.1f s: %s", name, hold.seconds, why)
        health.hold = hold
        health.outcomes["put_off"] += 1
        return Turn(None, hold.seconds)

    def _failed(self, name: SourceName, health: Health, error: SourceError) -> Turn:
        health.outcomes[error.slug] += 1
        if health.error is None:
            health.since = self._clock()
            log.warning("%s; its last answer stays while it may", error)
        elif health.error.slug != error.slug:
            log.info("%s", error)
        health.failures, health.error, health.hold = health.failures + 1, error, None
        return Turn(None, self.manners.failed(name, error, self._steady()))


def _read(asked: Assignment, present: Assignment, bodies: Sequence[bytes], received: float, poll: int) -> list[Quote]:
    """What the answers to one assignment say of the coins of the present one, which may list others by now."""
    source, whole = asked.source, keeps(asked.source)
    ids = present.ids if whole else {coin: one for coin, one in asked.ids.items() if present.ids.get(coin) == one}
    # The bodies stand in the order of the ids that were asked for.
    found = quotes_of(source, bodies, ids if whole else asked.ids, received=received, poll=poll)
    found = [quote for quote in found if quote.coin in ids]
    if not found:
        raise NotFound(source.name, f"its answer has a price for none of our {len(ids)} {source.of}")
    return found
