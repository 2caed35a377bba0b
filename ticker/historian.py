"""Keeping history: writes the points that are due, and has at hand what today's prices are compared with.

Knows the store and the pure part (`history`); not how prices are settled, nor when. Without a store it goes on with
what it has: a price never waits for its history for longer than one call that fails.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from ticker.errors import StoreError
from ticker.history import PERIODS, REFRESH, Window, after, completed, worth_keeping
from ticker.model import CoinId, Point, Price, Step
from ticker.store.base import SECONDS, Store, slot

log = logging.getLogger("ticker.historian")

RETRY = 5.0  # seconds after a failure before the store is asked again
LOADED = 20  # coins whose last 24 h are read with one publication, each about 2 ms
NO_CHANGE_OF_UNIT: Mapping[CoinId, float] = {}


@dataclass(slots=True)
class _Open:
    """A slot that is not over: its number, and the coins that have their point."""

    number: int
    coins: set[CoinId] = field(default_factory=set)


class Past(Protocol):
    """What keeping history needs of a store."""

    async def add_points(self, step: Step, at: float, prices: Mapping[CoinId, Decimal]) -> None:
        """As `Store.add_points`."""
        ...

    async def points(self, coin: CoinId, step: Step, start: float, end: float) -> list[Point]:
        """As `Store.points`."""
        ...

    async def points_near(
        self, coins: Sequence[CoinId], step: Step, at: float, within: float
    ) -> Mapping[CoinId, Point]:
        """As `Store.points_near`."""
        ...


class _Series:
    """A store whose past prices are under ids with something before them."""

    def __init__(self, store: Past, before: str) -> None:
        self._store, self._before = store, before

    async def add_points(self, step: Step, at: float, prices: Mapping[CoinId, Decimal]) -> None:
        await self._store.add_points(step, at, {self._before + coin: price for coin, price in prices.items()})

    async def points(self, coin: CoinId, step: Step, start: float, end: float) -> list[Point]:
        return await self._store.points(self._before + coin, step, start, end)

    async def points_near(
        self, coins: Sequence[CoinId], step: Step, at: float, within: float
    ) -> Mapping[CoinId, Point]:
        found = await self._store.points_near([self._before + coin for coin in coins], step, at, within)
        return {coin.removeprefix(self._before): point for coin, point in found.items()}


class Historian:
    """What one poller knows of the past. Times are the poller's own, in seconds since 1970.

    `series` goes before the ids of what is kept, so that coins and currencies of one id have a past each.
    """

    def __init__(self, store: Store, series: str = "") -> None:
        self._store: Past = _Series(store, series) if series else store
        self._references: dict[str, Mapping[CoinId, Point]] = {}
        self._windows: dict[CoinId, Window] = {}
        self._open: dict[Step, _Open] | None = None  # None until we know which points the last poller has written
        self._refreshed_at: float | None = None
        self._failed_at: float | None = None
        self._failed = False

    def reconfigure(self, coins: Sequence[CoinId]) -> None:
        """Keep the past of these coins from now on: what was read of others is dropped, and the rest looked up anew."""
        kept = self._windows.keys() & set(coins)
        self._windows = {coin: self._windows[coin] for coin in kept}
        self._open = self._refreshed_at = None

    async def refresh(self, coins: Sequence[CoinId], now: float) -> None:
        """Once in `REFRESH` seconds, look for the points to compare with. A store that is down changes nothing."""
        if (self._refreshed_at is not None and 0 <= now - self._refreshed_at < REFRESH) or self._waits(now):
            return
        try:
            if self._open is None:
                self._open = {step: await self._begun(step, coins, now) for step in SECONDS}
            self._references = {
                name: await self._store.points_near(coins, period.step, now - period.seconds, period.within)
                for name, period in PERIODS.items()
            }
        except StoreError as error:
            self._down(error, now)
        else:
            self._refreshed_at = now
            self._back()

    def completed(
        self, prices: Sequence[Price], now: float, since: Mapping[CoinId, float] = NO_CHANGE_OF_UNIT
    ) -> tuple[Price, ...]:
        """The prices with changes, highs and lows from our own history where it reaches; see `history.completed`.

        `since` names coins that were redenominated, and when: nothing from before is compared with today.
        """
        for coin, at in since.items():
            if coin in self._windows:
                self._windows[coin].forget(at)
        references = {name: after(points, since) for name, points in self._references.items()}
        return completed(prices, references, self._windows, now)

    async def keep(self, prices: Sequence[Price], now: float) -> None:
        """Write what is due of prices that have been published, so that a poller that is fenced writes nothing.

        A coin's point of a minute, hour or day is its first settled price in it. Afterwards the last 24 h of a few
        coins are read, until all have been.
        """
        if self._open is None or self._waits(now):
            return
        worth = worth_keeping(prices)
        try:
            for step, open_slot in self._open.items():
                await self._write(step, open_slot, worth, now)
            await self._load(worth, now)
        except StoreError as error:
            self._down(error, now)
        else:
            self._back()

    async def _begun(self, step: Step, coins: Sequence[CoinId], now: float) -> _Open:
        """The open slot, and the coins whose point is there already: a restart must not replace the first of a day."""
        number, half = slot(step, now), SECONDS[step] / 2
        found = await self._store.points_near(coins, step, number * SECONDS[step] + half, half)
        return _Open(number, {coin for coin, point in found.items() if slot(step, point.at) == number})

    async def _write(self, step: Step, open_slot: _Open, worth: Mapping[CoinId, Decimal], now: float) -> None:
        number = slot(step, now)
        if number != open_slot.number:
            open_slot.number, open_slot.coins = number, set()
        due = {coin: price for coin, price in worth.items() if coin not in open_slot.coins}
        if not due:
            return
        await self._store.add_points(step, now, due)
        open_slot.coins.update(due)
        if step == "1m":
            for coin in due.keys() & self._windows.keys():
                self._windows[coin].add(now, due[coin])

    async def _load(self, worth: Mapping[CoinId, Decimal], now: float) -> None:
        missing = [coin for coin in worth if coin not in self._windows][:LOADED]
        for coin in missing:
            self._windows[coin] = Window(await self._store.points(coin, "1m", now - PERIODS["change_24h"].seconds, now))

    def _waits(self, now: float) -> bool:
        return self._failed_at is not None and 0 <= now - self._failed_at < RETRY

    def _down(self, error: StoreError, now: float) -> None:
        if not self._failed:
            log.warning("%s; history is not kept, and changes are those of the sources where ours get too old", error)
        self._failed, self._failed_at = True, now

    def _back(self) -> None:
        if self._failed:
            log.info("history is kept again")
        self._failed, self._failed_at = False, None
