"""When to poll: one APScheduler job a source, spread, never two at once, none lost.

Knows intervals only; what a poll does is the poller's.
"""

import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from ticker.model import SourceName

log = logging.getLogger("ticker.scheduler")

JITTER = 0.1  # of the interval, so that sources and replicas do not fire together


class Scheduler:
    """Calls `poll(name)` for every source at its interval, first at once.

    `poll` returns the seconds after which to come back, or None for the usual turn; it does not raise. A poll that is
    late is made late, never dropped; several missed turns become one.
    """

    def __init__(
        self, every: Mapping[SourceName, float], poll: Callable[[SourceName], Awaitable[float | None]]
    ) -> None:
        self._poll = poll
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        for name, seconds in every.items():
            self._scheduler.add_job(
                self._turn,
                IntervalTrigger(seconds=seconds, jitter=JITTER * seconds, timezone=UTC),
                args=(name,),
                id=name,
                next_run_time=datetime.now(UTC) + timedelta(seconds=random.uniform(0, min(0.2, JITTER * seconds))),
            )

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self._scheduler.start()

    def stop(self) -> None:
        """Start no further poll."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def _turn(self, name: SourceName) -> None:
        again = await self._poll(name)
        job = self._scheduler.get_job(name)
        if again is not None and job is not None:
            job.modify(next_run_time=datetime.now(UTC) + timedelta(seconds=again))
