"""How polling stands at a moment, from its parts: the poller, its turns, its streams. Reads only; writes nothing."""

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ticker import __version__
from ticker.asking import Assignment, Health
from ticker.bulletin import (
    MOST_EXCLUDED,
    Bulletin,
    ConfigStanding,
    Excluded,
    Feeding,
    Room,
    Rounds,
    SourceStanding,
    Switch,
    Trouble,
    excluded_of,
)
from ticker.model import SourceName
from ticker.politeness import Breaker
from ticker.poller import Poller
from ticker.scheduler import Scheduler
from ticker.streaming import StreamHealth


def instance() -> str:
    """The name of this process among others: the machine's, and the process id."""
    return f"{socket.gethostname()[:64]}:{os.getpid()}"


class Streams(Protocol):
    """What keeps live feeds open, or as much of it as is looked at here."""

    @property
    def health(self) -> Mapping[SourceName, StreamHealth]:
        """How each is doing."""
        ...

    @property
    def resting(self) -> bool:
        """Whether all of them are closed since nobody asks for prices."""
        ...


@dataclass(slots=True)
class Parts:
    """What polls, for who looks at it. `off` says why sources of the configuration are not polled.

    `config` and `off` are asked each time, since a configuration may change while we run.
    """

    poller: Poller
    scheduler: Scheduler
    streamer: Streams
    config: Callable[[], ConfigStanding] = ConfigStanding
    off: Callable[[], Mapping[SourceName, str]] = dict
    instance: str = field(default_factory=instance)
    started_at: float = 0.0


def observe(parts: Parts, now: float, steady: float) -> Bulletin:
    """How it stands at `now`; `steady` is the moment by the clock that measures rests and quotas."""
    tally, turns = parts.poller.tally, parts.scheduler.turns
    excluded = excluded_of(tally.refused)
    return Bulletin(
        at=now,
        instance=parts.instance,
        ticker=__version__,
        started_at=parts.started_at,
        snapshot=None if tally.snapshot is None else tally.snapshot.id,
        config=parts.config(),
        sources=tuple(
            _source(parts, one, excluded.get(one.source.name, []), now, steady) for one in parts.poller.assignments
        ),
        off=dict(parts.off()),
        rounds=Rounds(tally.rounds, tally.seconds, tally.last_seconds, tally.last_at),
        late_turns=turns.late,
        clock_steps=turns.steps,
        clock_offset=None if (offset := parts.poller.skew.seconds) is None else round(offset, 1),
        store_errors=tally.store_errors,
    )


def _source(parts: Parts, one: Assignment, excluded: list[Excluded], now: float, steady: float) -> SourceStanding:
    name, manners = one.source.name, parts.poller.manners
    health = parts.poller.health.get(name) or Health()
    breaker = manners.breaker(name)
    rest = breaker.hold(steady)
    return SourceStanding(
        name=name,
        title=one.source.title,
        kind=one.source.kind,
        group=one.source.group,
        prices=one.source.of,
        every=one.every,
        condition="down" if health.error is not None else "up" if health.polls else "waiting",
        since=health.since,
        answered_at=health.answered_at,
        latency=None if health.latency is None else round(health.latency, 4),
        failures=health.failures,
        error=_trouble(health),
        outcomes=dict(health.outcomes),
        quota=one.quota or name,
        budget=tuple(Room(w.units, w.per, w.left(steady)) for w in manners.budget(name).windows),
        breaker=_switch(breaker, rest),
        breaker_until=now + rest if rest else None,
        held=None if health.hold is None else health.hold.why,
        next_turn=parts.scheduler.next_turn(name),
        stream=_feeding(parts.streamer.health.get(name), resting=parts.streamer.resting),
        excluded=tuple(excluded[:MOST_EXCLUDED]),
        excluded_count=len(excluded),
    )


def _trouble(health: Health) -> Trouble | None:
    """The class's own sentence: a cause may quote a stranger, and stays in the log."""
    if health.error is None:
        return None
    return Trouble(health.error.slug, (type(health.error).__doc__ or "").splitlines()[0].rstrip("."))


def _switch(breaker: Breaker, rest: float) -> Switch:
    if not breaker.tripped:
        return "closed"
    return "open" if rest else "half-open"


def _feeding(health: StreamHealth | None, *, resting: bool) -> Feeding | None:
    if health is None:
        return None
    error = None if health.error is None else health.error.slug
    return Feeding(health.connected, health.last_message_at, error, health.reconnects, health.rows, resting)
