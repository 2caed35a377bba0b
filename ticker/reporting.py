"""Telling how polling stands: into the store for readers, and to ops where something must be told.

Looks every few seconds and writes what changed; only the poller that leads writes and tells. Nothing waits for it, and
a store or a receiver that fails costs a report and no price.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from ticker.alerts import PATIENCE, Message, Patience, decide
from ticker.bulletin import Alert, Bulletin, SourceStanding, pack, unpack
from ticker.errors import StoreError
from ticker.model import SourceName
from ticker.observing import Parts, observe
from ticker.store.base import Store

log = logging.getLogger("ticker.reporting")

LOOK = 2.0  # seconds between two looks, and at least between two writes
BEAT = 5.0  # seconds after which a record is written though nothing has changed
BRIDGED = 900.0  # seconds that there may be between two pollers for the second to go on with what the first had seen


class Reporter:
    """Reports these parts into a store. `tell` is given what ops must hear of; None = nobody listens.

    `patience` is asked each time, since it may change while we run.
    """

    def __init__(
        self,
        parts: Parts,
        store: Store,
        clock: Callable[[], float],
        steady: Callable[[], float],
        *,
        tell: Callable[[Message], None] | None = None,
        patience: Callable[[], Mapping[str, Patience]] = lambda: PATIENCE,
    ) -> None:
        self._parts, self._store, self._clock, self._steady = parts, store, clock, steady
        self._tell, self._patience = tell, patience
        self._before: dict[SourceName, SourceStanding] = {}
        self._alerts: tuple[Alert, ...] = ()
        self._told: tuple[float, ...] = ()
        self._written: Bulletin | None = None
        self._led = False
        self._trouble = False

    def bulletin(self) -> Bulletin:
        """How it stands now, with what the last poller knew and the alerts there are."""
        found = observe(self._parts, self._clock(), self._steady())
        found = replace(found, sources=tuple(self._continued(one) for one in found.sources))
        return replace(found, alerts=self._alerts, told=self._told)

    async def run(self) -> None:
        """Report until cancelled. Raises nothing else."""
        while True:
            try:
                await self._report()
            except StoreError as error:
                if not self._trouble:
                    log.info("how polling stands cannot be written: %s", error)
                self._trouble = True
            except Exception:
                log.exception("reporting failed in a way that should not be; polling goes on")
            else:
                self._trouble = False
            await asyncio.sleep(LOOK)

    async def _report(self) -> None:
        tally = self._parts.poller.tally
        if not tally.leads:
            self._led = False
            return
        if not self._led:
            await self._inherit()
            self._led = True
        found = self.bulletin()
        prices = () if tally.snapshot is None else tally.snapshot.prices
        self._alerts, self._told, messages = decide(found.alerts, found.told, found, prices, found.at, self._patience())
        for message in messages:
            log.warning("%s", message.text)
            if self._tell is not None:
                self._tell(message)
        found, written = replace(found, alerts=self._alerts, told=self._told), self._written
        if written is None or not 0 <= found.at - written.at < BEAT or _gist(found) != _gist(written):
            await self._store.write_bulletin(pack(found))
            self._written = found

    async def _inherit(self) -> None:
        """Go on with what the last poller had seen: since when sources are as they are, what was told."""
        packed = await self._store.read_bulletin()
        found = None if packed is None else unpack(packed)
        if found is not None and abs(self._clock() - found.at) <= BRIDGED:
            self._before = {one.name: one for one in found.sources}
            self._alerts, self._told = found.alerts, found.told

    def _continued(self, one: SourceStanding) -> SourceStanding:
        """The same, since the time the last poller saw it so, for as long as it stays so."""
        before = self._before.get(one.name)
        if before is None or one.condition == "waiting":
            return one
        if before.condition != one.condition or before.since is None:
            del self._before[one.name]
            return one
        return replace(one, since=before.since if one.since is None else min(before.since, one.since))


def _gist(bulletin: Bulletin) -> object:
    """What a reader would miss if it came later than the next beat."""
    sources = [(one.name, one.condition, one.breaker, one.held, one.excluded_count) for one in bulletin.sources]
    streams = [(one.name, at.connected, at.resting) for one in bulletin.sources if (at := one.stream) is not None]
    return sources, streams, bulletin.config, bulletin.instance, bulletin.off, bulletin.alerts
