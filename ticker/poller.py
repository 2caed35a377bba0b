"""Polling: hold what sources say, settle it, publish what is new.

Knows asking, settling, history and the store; not when to poll (the scheduler does) nor where settings come from.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Sequence

import msgspec
from msgspec.structs import replace

from ticker.asking import Asker, Assignment, Road
from ticker.consensus import Memory, Rules, settle
from ticker.consensus.record import pack, record
from ticker.errors import Fenced, StoreCorrupt, StoreDown, StoreError
from ticker.historian import Historian
from ticker.model import Quote, Snapshot, SourceName
from ticker.politeness import Manners
from ticker.quotebook import QuoteBook
from ticker.resettling import Resettling
from ticker.rounds import Listing as Listing
from ticker.rounds import Settled, State, changes_of_unit, credits_of, says_the_same, suspected
from ticker.skew import Skew
from ticker.sources import Row
from ticker.store.base import HEARTBEAT, Entry, Publication, Store
from ticker.tally import Tally

log = logging.getLogger("ticker.poller")

COLD_START = 3.0  # seconds the first publication waits for sources that have not answered yet
RESUME = 2.0  # seconds the first polls wait for the store to say which sources must be left alone
STORE_RETRY = 1.0
RECORD_EVERY = 60.0  # seconds between whole rounds in the log of decisions
RATES = "rate:"  # before the codes of currencies in history; no coin's id has a colon


class Poller:
    """All sources' last good answers, and the loop that turns them into publications.

    `epoch` came with the lease to poll; None = take a new one from the store. `skew` tells how far our clock is off.
    """

    def __init__(
        self,
        assignments: Sequence[Assignment],
        rules: Rules,
        listing: Listing,
        store: Store,
        road: Road,
        *,
        rate_rules: Rules | None = None,
        epoch: int | None = None,
        skew: Skew | None = None,
        clock: Callable[[], float],
        steady: Callable[[], float] | None = None,
        publish_every: float = 1.0,
        rng: random.Random | None = None,
    ) -> None:
        self._assignments = {assignment.source.name: assignment for assignment in assignments}
        self._rules, self._rate_rules, self._listing = rules, rate_rules or Rules({}, ()), listing
        self._store = store
        self._clock, self._steady, self._publish_every = clock, steady or clock, publish_every
        self._asker = Asker(self._assignments, road, clock, self._steady, rng or random.Random())
        self._historian, self._rate_historian = Historian(store), Historian(store, RATES)
        self.health = self._asker.health
        self._book = QuoteBook({name: one.ids for name, one in self._assignments.items()})
        self._prices, self._rates, self._resettling = Memory(), Memory(), Resettling()
        self._published: Publication | None = None
        self._given, self._epoch, self._seq = epoch, 0, 0
        self._inherited: tuple[Quote, ...] = ()
        self._news = asyncio.Event()
        self._hurry = asyncio.Event()  # to publish before `publish_every` is over
        self._quiet = asyncio.Event()
        self.first_round = asyncio.Event()  # every source has had a turn
        self._resumed = asyncio.Event()  # cleared while `run` asks the store what the last poller left
        self._resumed.set()
        self._recorded_at: float | None = None
        self._fault: str | None = None  # of the last round, in a word, so that it is told once
        self.tally, self.skew = Tally(), skew or Skew()

    @property
    def manners(self) -> Manners:
        """Which sources may be asked, and what is left of their quotas."""
        return self._asker.manners

    @property
    def assignments(self) -> tuple[Assignment, ...]:
        """What is polled at present."""
        return tuple(self._assignments.values())

    async def poll(self, name: SourceName) -> float | None:
        """A turn of a source. Returns the seconds after which to come back, None for its usual turn."""
        await self._wait_for_the_last_poller()
        asked = self._clock()
        turn = await self._asker.turn(name)
        if turn.quotes is not None:
            self._book.answered(name, turn.quotes, asked)
        if name in self.health and self.health[name].hold is None:
            self._heard()
        if all(one.heard for one in self.health.values()):
            self.first_round.set()
        await self._asker.keep(name, turn)
        return turn.again

    async def reconfigure(
        self,
        assignments: Sequence[Assignment],
        rules: Rules,
        listing: Listing,
        *,
        rate_rules: Rules | None = None,
        publish_every: float = 1.0,
    ) -> tuple[SourceName, ...]:
        """Poll, settle and publish so from now on, and publish at once; gives the sources that should be asked soon.

        Coins that are new, or have other ids, are priced from the last answers in memory where those name them. What
        was known of coins that are gone is dropped; the history in the store stays.
        """
        before = {name: one.ids for name, one in self._assignments.items()}
        wanted = {one.source.name: one for one in assignments}
        ids = {name: one.ids for name, one in wanted.items()}
        known = await self._asker.known(wanted, self._book.others(ids))
        self._assignments = wanted  # from here on without a pause: nobody sees half of it
        moved = self._asker.reconfigure(wanted)
        self._book.forget(moved)
        self._book.reconfigure(ids)
        self._book.read_again(known)
        self._inherited = tuple(self._book.still_ours(self._inherited, before))
        self._rules, self._rate_rules, self._listing = rules, rate_rules or Rules({}, ()), listing
        self._publish_every = publish_every
        self._historian.reconfigure([coin.id for coin in rules.coins])
        self._rate_historian.reconfigure([coin.id for coin in self._rate_rules.coins])
        self._hurry.set()
        self._heard()
        return moved

    def stream(self, name: SourceName, rows: Iterable[Row], received: float) -> None:
        """Take what a source streams, which counts with the next publication: as one answer, however much it is."""
        self._book.streamed(name, rows, received)
        self._heard()

    async def quiet(self) -> None:
        """Wait until all that was heard so far is published, or found to be nothing new."""
        await self._quiet.wait()

    def _heard(self) -> None:
        self._quiet.clear()
        self._news.set()

    async def _wait_for_the_last_poller(self) -> None:
        try:
            async with asyncio.timeout(RESUME):
                await self._resumed.wait()
        except TimeoutError:
            self._resumed.set()  # the store is down: go on without

    async def run(self) -> None:
        """Publish what is new, at most once in `publish_every` seconds, until cancelled.

        News are answers, failures and streamed rows. All of them in that time make one snapshot, and none if neither
        a quote nor a price nor the memory of settling is other than it was.

        Where a poller was before, its prices are published again at once under our coin list. In an empty store the
        first publication waits for the first round, so that readers who still hold prices are not sent back to none;
        it comes even if no source answers. A store that is down is tried again, and so is a round that fails by a fault
        of ours. Raises `Fenced` when another, newer poller has taken over, and `MemoryError`.
        """
        self._resumed.clear()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._beat())
                await self._lead()
        finally:
            self.tally.leads = False

    async def _lead(self) -> None:
        inherited = await self._take_over()
        self._resumed.set()
        if inherited is not None:
            self._inherited = inherited
            await self._round(lambda: self._inherited)
        await self._first_round()
        self._news.set()
        while True:
            if not self._news.is_set():
                self._quiet.set()
            await self._news.wait()
            self._news.clear()
            self._hurry.clear()
            await self._round(self._book.quotes)
            await self._pause()

    async def _round(self, quotes: Callable[[], tuple[Quote, ...]]) -> None:
        """Publish what is new. A fault of ours ends nothing: it is told, prices grow old honestly, the next may do."""
        try:
            await self._publish(quotes)
        except (Fenced, MemoryError):
            raise
        except Exception as error:
            if repr(error) != self._fault:
                log.exception("a round failed in a way that should not be; trying again every second")
            self._fault = repr(error)
            await asyncio.sleep(STORE_RETRY)
            self._news.set()
        else:
            self._fault = None

    async def _pause(self) -> None:
        """`publish_every`, unless ops have changed something, which they want to see."""
        try:
            async with asyncio.timeout(self._publish_every):
                await self._hurry.wait()
        except TimeoutError:
            return

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
                self._epoch = self._given or await self._store.new_epoch(self._clock())
            except StoreDown as error:
                self._store_down(error)
                await asyncio.sleep(STORE_RETRY)
                continue
            self._store_back()
            self._published, self.tally.leads = None, True
            return None if last is None else self._book.inherit(last)

    async def _resume(self) -> list[Quote] | None:
        """The quotes of the last poller whose ids are still ours; its memory and manners are taken over."""
        try:
            last = await self._store.resume()
        except StoreCorrupt as error:
            log.warning("%s; starting afresh", error)
            return None
        if last is None:
            return None
        try:
            state = msgspec.json.decode(last.memory, type=State)
        except msgspec.MsgspecError as error:
            log.warning("the memory of the last poller cannot be read, starting afresh: %s", error)
            return []
        self._prices, self._rates = state.prices, state.rates
        self.manners.resume(state.manners, self._steady())
        before = {coin.id: coin.listing for coin in state.record.rules.coins}
        changed = {coin.id for coin in self._rules.coins if before.get(coin.id, coin.listing) != coin.listing}
        return [quote for quote in last.quotes if quote.coin not in changed]

    async def _publish(self, quotes: Callable[[], tuple[Quote, ...]]) -> None:
        """Settle, and write if there is anything new; while the store is down, settle again and retry."""
        while True:
            for historian, rules in ((self._historian, self._rules), (self._rate_historian, self._rate_rules)):
                await historian.refresh([coin.id for coin in rules.coins], self._clock())
            began, settled = self._steady(), self._settle(quotes())
            took = self._steady() - began
            if self._published is not None and says_the_same(settled.publication, self._published):
                return
            try:
                await self._store.publish(settled.publication)
            except Fenced:
                raise
            except StoreError as error:
                self._seq += 1  # the store may have taken it and only the reply was lost: never offer one twice
                self._store_down(error)
                await asyncio.sleep(STORE_RETRY)
                continue
            self._store_back()
            self._published = settled.publication
            self._seq = settled.publication.snapshot.seq
            self._prices, self._rates = settled.prices.memory, settled.rates.memory
            snapshot = settled.publication.snapshot
            self.tally.round(took, snapshot, self._prices, self._rates)
            await self._historian.keep(snapshot.prices, snapshot.built_at)
            await self._rate_historian.keep(snapshot.rates, snapshot.built_at)
            await self._log(settled)
            return

    def _settle(self, quotes: tuple[Quote, ...]) -> Settled:
        now = self._clock()
        of = {name: one.source.of for name, one in self._assignments.items()}
        coins, money = (tuple(q for q in quotes if of[q.source] == what) for what in ("coins", "currencies"))
        prices = settle(coins, self._prices, now, self._rules)
        rates = self._resettling.settle(money, self._rates, now, self._rate_rules)
        made = record(coins, self._prices, now, self._rules, prices.prices)
        shown = self._historian.completed(prices.prices, now, changes_of_unit(self._rules))
        worth = self._rate_historian.completed(rates.prices, now)
        if self.skew.suspect:
            shown, worth = suspected(shown, now), suspected(worth, now)
        snapshot = Snapshot(
            epoch=self._epoch,
            seq=self._seq + 1,
            built_at=now,
            coins=self._listing.coins,
            shown=self._listing.shown,
            prices=shown,
            rates=worth,
            credits=credits_of((one.source for one in self._assignments.values()), (*prices.prices, *rates.prices)),
            config=self._listing.config,
            simulated=self._listing.simulated,
        )
        state = State(prices.memory, rates.memory, self.manners.kept(), replace(made, quotes=()))
        return Settled(Publication(snapshot, quotes, msgspec.json.encode(state)), prices, rates, made)

    async def _log(self, settled: Settled) -> None:
        """Keep what was decided: every change, and a whole round a minute. Losing a line costs no price."""
        now = settled.record.now
        entries = [Entry(now, one.coin, msgspec.json.encode(one)) for one in settled.prices.decisions]
        if self._recorded_at is None or not 0 <= now - self._recorded_at < RECORD_EVERY:
            entries.append(Entry(now, "", await asyncio.to_thread(pack, settled.record)))
            self._recorded_at = now
        try:
            if entries:
                await self._store.record(entries)
        except StoreError as error:
            self._store_down(error)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            try:
                await self._store.heartbeat()
            except StoreError as error:
                self._store_down(error)

    def _store_down(self, error: StoreError) -> None:
        if not self.tally.store_down:
            log.warning("%s; trying again every second", error)
        self.tally.store_down, self.tally.store_errors = True, self.tally.store_errors + 1

    def _store_back(self) -> None:
        if self.tally.store_down:
            log.info("the store is back")
        self.tally.store_down = False
