"""When to poll: one APScheduler job a source, spread, never two at once, none lost, whatever the system's clock does.

Knows intervals only; what a poll does is the poller's.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from ticker.model import SourceName

log = logging.getLogger("ticker.scheduler")

JITTER = 0.1  # of the interval, so that sources and replicas do not fire together
SOONEST = 0.05  # seconds to a next poll: before that the last one may still count as running, and it would be skipped
STEP = 2.0  # seconds between the system's clock and a steady one that are a step, and not drift
LOOKS = 4  # for turns that did not come, in the shortest interval


@dataclass(slots=True)
class Turns:
    """What went wrong with turns so far.

    `missed` were given up by APScheduler, `skipped` came due while the poll before still ran, `failed` raised, which
    polls never should, `late` are sources that had no turn for two intervals, `steps` those of the system's clock.
    """

    missed: int = 0
    skipped: int = 0
    failed: int = 0
    late: int = 0
    steps: int = 0


class Scheduler:
    """Calls `poll(name)` for every source at its interval, first at once.

    `poll` returns the seconds after which to come back, or None for the usual turn; it does not raise. A poll that is
    late is made late, never dropped; several missed turns become one. APScheduler goes by the system's clock, so turns
    are moved along with every step of it, before any of them is looked at: `wall` and `steady` tell a step.
    """

    def __init__(
        self,
        every: Mapping[SourceName, float],
        poll: Callable[[SourceName], Awaitable[float | None]],
        *,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._every, self._poll, self._wall, self._steady = dict(every), poll, wall, steady
        self._offset = wall() - steady()
        self._due = dict.fromkeys(self._every, steady())
        self._late: set[SourceName] = set()
        self._watch: asyncio.Task[None] | None = None
        self._stopping = False
        self.turns = Turns()
        self._scheduler = _Stepproof(
            self._catch_up,
            timezone=UTC,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(self._count, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES | EVENT_JOB_ERROR)
        for name, seconds in self._every.items():
            self._scheduler.add_job(
                self._turn,
                IntervalTrigger(seconds=seconds, jitter=JITTER * seconds, timezone=UTC),
                args=(name,),
                id=name,
                next_run_time=self._at(random.uniform(0, min(0.2, JITTER * seconds))),
            )

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self._scheduler.start()
        self._watch = asyncio.get_running_loop().create_task(self._watch_over())

    def stop(self) -> None:
        """Start no further poll, and end those that run."""
        self._stopping = True
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        if self._watch is not None:
            self._watch.cancel()

    def next_turn(self, name: SourceName) -> float | None:
        """When a source is next polled, by the system's clock; None where it is not."""
        job = self._scheduler.get_job(name)
        return job.next_run_time.timestamp() if job is not None and job.next_run_time is not None else None

    async def _turn(self, name: SourceName) -> None:
        self._look()
        self._expect(name, self._every[name])
        if name in self._late:
            self._late.discard(name)
            log.info("%s is polled again", name)
        try:
            again = await self._poll(name)
        except asyncio.CancelledError:
            if self._stopping:
                return  # APScheduler, who cancelled it, would report it as a failure
            raise
        job = self._scheduler.get_job(name)
        if again is not None and job is not None:
            self._catch_up()
            job.modify(next_run_time=self._at(max(again, SOONEST)))
            self._expect(name, again)

    def _at(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(self._wall() + seconds, UTC)

    def _catch_up(self) -> None:
        """Move every turn along with a step of the system's clock since the last look at it."""
        step = self._wall() - self._steady() - self._offset
        if abs(step) <= STEP:
            return
        self._offset += step
        self.turns.steps += 1
        log.warning("the system's clock was set %+.0f s; polls keep their intervals", step)
        for job in self._scheduler.get_jobs():
            job.modify(next_run_time=job.next_run_time + timedelta(seconds=step))

    def _expect(self, name: SourceName, seconds: float) -> None:
        self._due[name] = self._steady() + seconds + JITTER * self._every[name]

    async def _watch_over(self) -> None:
        while self._every:
            await asyncio.sleep(min(self._every.values()) / LOOKS)
            self._look()

    def _look(self) -> None:
        """Count and tell once of every source whose turn has not come a whole interval after it was due."""
        now = self._steady()
        late = [name for name, due in self._due.items() if now > due + self._every[name] and name not in self._late]
        if late:
            self._late.update(late)
            self.turns.late += len(late)
            log.warning("no poll for two intervals: %s; is this machine overloaded, or was it asleep?", ", ".join(late))

    def _count(self, event: JobEvent) -> None:
        if event.code == EVENT_JOB_MISSED:
            self.turns.missed += 1
        elif event.code == EVENT_JOB_MAX_INSTANCES:
            self.turns.skipped += 1
        else:
            self.turns.failed += 1


class _Stepproof(AsyncIOScheduler):  # type: ignore[misc]  # APScheduler has no types
    """APScheduler, told of steps of the clock whenever it wakes and before it looks at what is due."""

    def __init__(self, catch_up: Callable[[], None], **options: object) -> None:
        super().__init__(**options)
        self._catch_up = catch_up

    def wakeup(self) -> None:
        """Look at what is due."""
        self._catch_up()
        super().wakeup()
