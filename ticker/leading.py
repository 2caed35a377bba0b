"""Who polls: of any number of pollers on one store, whoever has the lease (trust rule 22). The others stand by.

A term ends when the lease has gone to another, or by our own clock where it could not be renewed in time; who was
stopped for long finds the term over before anybody is asked. What the store refuses to who comes too late is the
store's. Knows the lease and two clocks; not what a leader does, which is given.
"""

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress

from ticker.asking import Road
from ticker.errors import Fenced, StoreError
from ticker.fetch import Answer, Ask
from ticker.store.base import Store

log = logging.getLogger("ticker.leading")

LEASE = 9.0  # seconds; after kill -9 of the leader another polls within 10
RENEWALS = 3  # tries to renew in the time of one lease
STANDBY = 1.0  # seconds between two tries to lead, when the lease will not be over sooner
SOONEST = 0.02
TRIES = 2  # to give the lease up
RETRY = 1.0  # seconds after a failure of the store, and after a term


class Term:
    """One time as the leader, who writes under `epoch`.

    It lasts `seconds` from the moment before the lease was asked for, or renewed, on a clock that nobody sets: so it is
    over here no later than in the store.
    """

    def __init__(self, epoch: int, asked: float, seconds: float, ticks: Callable[[], float]) -> None:
        self.epoch = epoch
        self._until, self._seconds, self._ticks = asked + seconds, seconds, ticks

    def holds(self) -> bool:
        """Whether it is not over."""
        return self._ticks() < self._until

    def renewed(self, asked: float) -> None:
        """The lease was renewed by a request that was sent at `asked`."""
        self._until = asked + self._seconds


class LeasedRoad:
    """The road out for as long as the term holds. Whoever comes later waits until he is stopped, as the end of a term
    does, and asks nobody.
    """

    def __init__(self, road: Road, term: Term) -> None:
        self._road, self._term = road, term

    async def fetch(self, ask: Ask) -> Answer:
        """As the road behind it."""
        if not self._term.holds():
            await asyncio.Event().wait()
        return await self._road.fetch(ask)


Work = Callable[[Term], AbstractAsyncContextManager["asyncio.Task[None]"]]
"""What a leader does while the block lasts; the task ends only with an error, `Fenced` where another writes."""


class Candidate:
    """A process that polls when it is its turn. `clock` dates epochs, `ticks` measures leases; both in seconds."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], float],
        ticks: Callable[[], float],
        name: str = "",
        seconds: float = LEASE,
    ) -> None:
        self._store, self._clock, self._ticks, self._seconds = store, clock, ticks, seconds
        self.name = name or name_of_process()

    async def run(self, work: Work) -> None:
        """Lead whenever nobody else does, until cancelled; then the lease is given up at once.

        Raises what ends the work, unless it is another leader.
        """
        while True:
            term = await self._elected()
            await self._lead(term, work)
            await asyncio.sleep(RETRY)

    async def _elected(self) -> Term:
        """Wait for the lease."""
        failed = stood_by = False
        while True:
            asked = self._ticks()
            try:
                grant = await self._store.take_lease(self.name, self._seconds, self._clock())
            except StoreError as error:
                if not failed:
                    log.warning("%s; nobody can poll without it, trying again every second", error)
                failed = True
                await asyncio.sleep(RETRY)
                continue
            if failed:
                log.info("the store is back")
            failed = False
            if grant.epoch is not None:
                log.info("leading as %s, epoch %d", self.name, grant.epoch)
                return Term(grant.epoch, asked, self._seconds, self._ticks)
            if not stood_by:
                log.info("another poller leads; standing by")
            stood_by = True
            await asyncio.sleep(max(SOONEST, min(STANDBY, grant.wait)))

    async def _lead(self, term: Term, work: Work) -> None:
        try:
            async with work(term) as task:
                over = asyncio.Event()
                keeping = asyncio.create_task(self._keep(term, over))
                try:
                    await asyncio.wait([task, keeping], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    over.set()  # not cancelled: a renewal that is on its way comes before the lease is given up
                    await asyncio.wait([keeping])
                if task.done():
                    task.result()
                keeping.result()
        except* Fenced as fenced:
            log.warning("another, newer poller writes to this store; standing by")
            log.info("%s", fenced.exceptions[0])
        finally:
            await self._give_up()

    async def _keep(self, term: Term, over: asyncio.Event) -> None:
        """Renew the lease; return when the term is over, for whatever reason."""
        pause = self._seconds / RENEWALS
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await over.wait()
                return
            asked = self._ticks()
            if not term.holds():
                log.warning("the lease on polling could not be renewed for %g s; polling stops", self._seconds)
                return
            try:
                kept = await self._store.renew_lease(self.name, self._seconds, term.epoch)
            except StoreError as error:
                log.debug("the lease was not renewed: %s", error)
                pause = min(RETRY, self._seconds / RENEWALS)
                continue
            if not kept:
                log.warning("another poller has the lease; polling stops")
                return
            term.renewed(asked)
            pause = self._seconds / RENEWALS

    async def _give_up(self) -> None:
        for _ in range(TRIES):
            try:
                await self._store.give_up_lease(self.name)
            except StoreError as error:
                log.debug("the lease was not given up: %s", error)
            else:
                return
        log.info("the lease was not given up, and ends by itself")


def name_of_process() -> str:
    """A name that no other process has: host, process, chance. ASCII, at most 64 characters."""
    host = socket.gethostname().encode("ascii", "replace").decode()[:40]
    return f"{host}:{os.getpid()}:{secrets.token_hex(4)}"


def ticks() -> float:
    """Seconds on a clock that nobody sets, and that goes on while the machine sleeps, where the system has one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
