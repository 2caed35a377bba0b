"""Polling: ask one source, keep its last good answer, settle, publish.

Knows the road out, settling and the store; not when to poll (the scheduler does) nor where settings come from.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from ticker.consensus import Memory, Rules, settle
from ticker.errors import Fenced, NotFound, RateLimited, SourceError, StoreCorrupt, StoreDown, StoreError
from ticker.fetch import TOTAL, Ask, Fetcher
from ticker.historian import Historian
from ticker.model import Coin, CoinId, Credit, Price, Quote, Snapshot, SourceName
from ticker.sources import Source
from ticker.sources import quotes as quotes_of
from ticker.store.base import HEARTBEAT, Publication, Store

log = logging.getLogger("ticker.poller")

FIRST_RETRY = 5.0  # seconds after a first failure; doubles, and never exceeds the source's own interval
COLD_START = 3.0  # seconds the first publication waits for sources that have not answered yet
STORE_RETRY = 1.0


@dataclass(frozen=True, slots=True)
class Assignment:
    """A source to poll: where, how often, with what headers (a key, perhaps), and for which of its ids."""

    source: Source
    base_url: str
    every: float
    ids: Mapping[CoinId, Sequence[str]]
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    allow_private: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """What a snapshot says beside prices: the coins, the default list, the version of the configuration."""

    coins: tuple[Coin, ...]
    shown: tuple[CoinId, ...]
    config: str = ""
    simulated: bool = False


class Memories(Struct, frozen=True):
    """What the poller remembers between rounds: of coins, and of currencies, whose codes may be ids of coins."""

    prices: Memory = Memory()
    rates: Memory = Memory()


@dataclass(slots=True)
class Health:
    """How a source is doing. `error` is None while it is up; `failures` counts since the last answer."""

    polls: int = 0
    failures: int = 0
    error: SourceError | None = None
    answered_at: float | None = None


class Poller:
    """All sources' last good answers, and the loop that turns them into publications."""

    def __init__(
        self,
        assignments: Sequence[Assignment],
        rules: Rules,
        listing: Listing,
        store: Store,
        fetcher: Fetcher,
        *,
        rate_rules: Rules | None = None,
        clock: Callable[[], float],
        publish_every: float = 1.0,
    ) -> None:
        self._assignments = {assignment.source.name: assignment for assignment in assignments}
        self._rules, self._rate_rules, self._listing = rules, rate_rules or Rules({}, ()), listing
        self._store, self._fetcher = store, fetcher
        self._clock, self._publish_every = clock, publish_every
        self._historian = Historian(store)
        self.health = {name: Health() for name in self._assignments}
        self._quotes: dict[SourceName, list[Quote]] = {}
        self._memory = Memories()
        self._epoch = self._seq = 0
        self._news = asyncio.Event()
        self.first_round = asyncio.Event()  # every source has answered or failed at least once
        self._store_failed = False

    async def poll(self, name: SourceName) -> float | None:
        """Ask a source once. Returns the seconds after which to come back, None for its usual turn."""
        assignment, health = self._assignments[name], self.health[name]
        try:
            found = await self._ask(assignment, health.polls + 1)
        except SourceError as error:
            return self._failed(assignment, health, error)
        finally:
            if all(one.polls or one.error for one in self.health.values() if one is not health):
                self.first_round.set()
        if health.error is not None:
            log.info("%s is back after %d failed polls", name, health.failures)
        health.polls, health.failures, health.error = health.polls + 1, 0, None
        health.answered_at = self._clock()
        self._quotes[name] = found
        self._news.set()
        return None

    async def _ask(self, assignment: Assignment, poll: int) -> list[Quote]:
        source = assignment.source
        ids = [one for many in assignment.ids.values() for one in many]
        requests = source.requests(ids)
        deadline = min(TOTAL, 0.9 * assignment.every) / max(1, len(requests))
        bodies = []
        for request in requests:
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
            bodies.append((await self._fetcher.fetch(ask)).body)
        found = quotes_of(source, bodies, assignment.ids, received=self._clock(), poll=poll)
        if not found:
            raise NotFound(source.name, f"its answer has a price for none of our {len(assignment.ids)} {source.of}")
        return found

    def _failed(self, assignment: Assignment, health: Health, error: SourceError) -> float:
        if health.error is None:
            log.warning("%s; its last answer stays while it may", error)
        elif health.error.slug != error.slug:
            log.info("%s", error)
        health.failures, health.error = health.failures + 1, error
        self._news.set()
        if error.retry_after is not None:
            return max(error.retry_after, FIRST_RETRY)
        if error.permanent or isinstance(error, RateLimited):
            return assignment.every
        return float(min(FIRST_RETRY * 2 ** min(health.failures - 1, 16), assignment.every))

    async def run(self) -> None:
        """Publish what is new, at most once in `publish_every` seconds, until cancelled or fenced.

        Where a poller was before, its prices are published again at once under our coin list. In an empty store the
        first publication waits for the first round, so that readers who still hold prices are not sent back to none;
        it comes even if no source answers. A store that is down is tried again.
        Raises `Fenced` when another, newer poller has taken over.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._beat())
            inherited = await self._take_over()
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
                self._memory = msgspec.json.decode(last.memory, type=Memories)
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
        memories = Memories(settlement.memory, rates.memory)
        return Publication(snapshot, quotes, msgspec.json.encode(memories)), memories

    def _quotes_of(self, kind: str, quotes: tuple[Quote, ...]) -> list[Quote]:
        return [one for one in quotes if self._assignments[one.source].source.of == kind]

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
