"""The hourly prices of the last seven days that `sparkline=true` asks for, read from the store and kept for a while.

Bounded as history is: few reads at a time, one reader for all who ask. While the store is down, what was read last, or
nothing. Knows neither HTTP nor prices of now.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal

from ticker.errors import StoreError
from ticker.model import CoinId
from ticker.server.history import Past

SPAN = 7 * 86_400.0
KEPT = 600.0  # seconds; a point an hour is all that can be new
AGAIN = 30.0  # seconds until a store that was down is asked again
READS = 4  # at a time


class Sparklines:
    """What was read so far. `past` may be None: then there are none. `clock` gives seconds since 1970."""

    def __init__(self, past: Past | None, clock: Callable[[], float]) -> None:
        self._past, self._clock = past, clock
        self._until: dict[CoinId, float] = {}
        self._known: dict[CoinId, tuple[Decimal, ...]] = {}
        self._lock = asyncio.Lock()

    @property
    def known(self) -> Mapping[CoinId, tuple[Decimal, ...]]:
        """Coin id to its prices in dollars, oldest first."""
        return self._known

    async def read(self, coins: Collection[CoinId]) -> None:
        """See to it that these are known, as far as they can be."""
        past = self._past
        if past is None or not self._due(coins):
            return
        async with self._lock:
            turns = asyncio.Semaphore(READS)

            async def one(coin: CoinId) -> None:
                now = self._clock()
                async with turns:
                    try:
                        points = await past.points(coin, "1h", now - SPAN, now)
                    except StoreError:
                        self._until[coin] = now + AGAIN
                        return
                self._known[coin] = tuple(point.price for point in points)
                self._until[coin] = now + KEPT

            await asyncio.gather(*(one(coin) for coin in self._due(coins)))

    def _due(self, coins: Collection[CoinId]) -> list[CoinId]:
        now = self._clock()
        return [coin for coin in coins if self._until.get(coin, 0.0) <= now]
