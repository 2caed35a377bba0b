"""Polling: ask one source, keep its last good answer, settle, publish.

Knows asking, settling and the store; not when to poll (the scheduler does) nor where settings come from.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from ticker.asking import Asker, Assignment, Road
from ticker.consensus import Memory, Rules, settle
from ticker.errors import Fenced, StoreCorrupt, StoreDown, StoreError
from ticker.model import Coin, CoinId, Credit, Price, Quote, Snapshot, SourceName
from ticker.politeness import Kept, Manners
from ticker.store.base import HEARTBEAT, Publication, Store

log = logging.getLogger("ticker.poller")

COLD_START = 3.0  # seconds the first publication waits for sources that have not answered yet
RESUME = 2.0  # seconds the first polls wait for the store to say which sources must be left alone
STORE_RETRY = 1.0


@dataclass(frozen=True, slots=True)
class Listing:
    """What a snapshot says beside prices: the coins, the default list, the version of the configuration."""

    coins: tuple[Coin, ...]
    shown: tuple[CoinId, ...]
    config: str = ""
    simulated: bool = False


class State(msgspec.Struct, frozen=True):
    """What a successor goes on with, beside the quotes: settling's memory, and our standing with the sources."""

    memory: Memory
    manners: Kept


class Poller:
    """All sources' last good answers, and the loop that turns them into publications."""

    def __init__(
        self,
        assignments: Sequence[Assignment],
        rules: Rules,
        listing: Listing,
        store: Store,
        road: Road,
        *,
        rate_rules: Rules | None = None,
        clock: Callable[[], float],
        steady: Callable[[], float] | None = None,
        publish_every: float = 1.0,
        rng: random.Random | None = None,
    ) -> None:
        self._assignments = {assignment.source.name: assignment for assignment in assignments}
        self._rules, self._listing = rules, listing
        self._store = store
        self._clock, self._steady, self._publish_every = clock, steady or clock, publish_every
        self._asker = Asker(self._assignments, road, clock, self._steady, rng or random.Random())
        self.health = self._asker.health
        self._quotes: dict[SourceName, list[Quote]] = {}
        self._memory = Memories()
        self._epoch = self._seq = 0
        self._news = asyncio.Event()
        self.first_round = asyncio.Event()  # every source has had a turn
        self._resumed = asyncio.Event()  # cleared while `run` asks the store what the last poller left
        self._resumed.set()
        self._store_failed = False

    @property
    def manners(self) -> Manners:
        """Which sources may be asked, and what is left of their quotas."""
        return self._asker.manners

    async def poll(self, name: SourceName) -> float | None:
        """A turn of a source. Returns the seconds after which to come back, None for its usual turn."""
        await self._wait_for_the_last_poller()
        quotes, again = await self._asker.turn(name)
        if quotes is not None:
            self._quotes[name] = quotes
        if self.health[name].hold is None:
            self._news.set()
        if all(one.heard for one in self.health.values()):
            self.first_round.set()
        return again

    async def _wait_for_the_last_poller(self) -> None:
        try:
            async with asyncio.timeout(RESUME):
                await self._resumed.wait()
        except TimeoutError:
            self._resumed.set()  # the store is down: go on without

    async def run(self) -> None:
        """Publish what is new, at most once in `publish_every` seconds, until cancelled or fenced.

        Where a poller was before, its prices are published again at once under our coin list. In an empty store the
        first publication waits for the first round, so that readers who still hold prices are not sent back to none;
        it comes even if no source answers. A store that is down is tried again.
        Raises `Fenced` when another, newer poller has taken over.
        """
        self._resumed.clear()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._beat())
            inherited = await self._take_over()
            self._resumed.set()
            if inherited is not None:
                await self._publish(lambda: inherited)
            await self._first_round()
            self._news.set()
            while True:
                await self._news.wait()
                self._news.clear()
                await self._publish(self._every_quote)
                await asyncio.sleep(self._publish_every)

    async def _first_round(self) -> None:
        """Give every source the time to answer, so that a first price rests on all that will come."""
        try:
            async with asyncio.timeout(COLD_START):
                await self.first_round.wait()
        except TimeoutError:
            return

    async def _take_over(self) -> tuple[Quote, ...] | None:
        """Go on where the last poller stopped: its quotes, which are returned, its memory, a higher epoch."""
        while True:
            try:
                last = await self._resume()
                self._epoch = await self._store.new_epoch(self._clock())
            except StoreDown as error:
                self._store_down(error)
                await asyncio.sleep(STORE_RETRY)
                continue
            self._store_back()
            if last is None:
                return None
            inherited = tuple(one for one in last.quotes if one.source in self._assignments)
            for quote in inherited:
                if not self.health[quote.source].polls:
                    self._quotes.setdefault(quote.source, []).append(quote)
            return inherited

    async def _resume(self) -> Publication | None:
        try:
            last = await self._store.resume()
        except StoreCorrupt as error:
            log.warning("%s; starting afresh", error)
            return None
        if last is not None and last.memory:
            try:
                state = msgspec.json.decode(last.memory, type=State)
                self._memory = state.memory
                self.manners.resume(state.manners, self._steady())
            except msgspec.MsgspecError as error:
                log.warning("the memory of the last poller cannot be read, starting afresh: %s", error)
        return last

    async def _publish(self, quotes: Callable[[], tuple[Quote, ...]]) -> None:
        """Settle and write; while the store is down, settle again and retry."""
        while True:
            await self._historian.refresh([coin.id for coin in self._rules.coins], self._clock())
            publication, memory = self._settled(quotes())
            try:
                await self._store.publish(publication)
            except Fenced:
                raise
            except StoreError as error:
                self._seq += 1  # the store may have taken it and only the reply was lost: never offer one twice
                self._store_down(error)
                await asyncio.sleep(STORE_RETRY)
                continue
            self._store_back()
            self._seq, self._memory = publication.snapshot.seq, memory
            await self._historian.keep(publication.snapshot.prices, publication.snapshot.built_at)
            return

    def _every_quote(self) -> tuple[Quote, ...]:
        return tuple(quote for found in self._quotes.values() for quote in found)

    def _settled(self, quotes: tuple[Quote, ...]) -> tuple[Publication, Memories]:
        now = self._clock()
        settlement = settle(self._quotes_of("coins", quotes), self._memory.prices, now, self._rules)
        rates = settle(self._quotes_of("currencies", quotes), self._memory.rates, now, self._rate_rules)
        for decision in (*settlement.decisions, *rates.decisions):
            log.debug("%s", decision)
        snapshot = Snapshot(
            epoch=self._epoch,
            seq=self._seq + 1,
            built_at=now,
            coins=self._listing.coins,
            shown=self._listing.shown,
            prices=self._historian.completed(settlement.prices, now),
            rates=rates.prices,
            credits=self._credits((*settlement.prices, *rates.prices)),
            config=self._listing.config,
            simulated=self._listing.simulated,
        )
        state = State(settlement.memory, self.manners.kept())
        return Publication(snapshot, quotes, msgspec.json.encode(state)), settlement.memory

    def _credits(self, prices: Sequence[Price]) -> tuple[Credit, ...]:
        """The credits owed for the prices and rates in this snapshot, in the order of the sources."""
        used = {name for price in prices for name in price.sources}
        owed = [a.source for a in self._assignments.values() if a.source.name in used and a.source.credit]
        return tuple(Credit(source.name, *source.credit) for source in owed if source.credit)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            try:
                await self._store.heartbeat()
            except StoreError as error:
                self._store_down(error)

    def _store_down(self, error: StoreError) -> None:
        if not self._store_failed:
            log.warning("%s; trying again every second", error)
        self._store_failed = True

    def _store_back(self) -> None:
        if self._store_failed:
            log.info("the store is back")
        self._store_failed = False
