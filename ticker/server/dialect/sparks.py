"""The hourly prices of the last seven days that `sparkline=true` asks for, read from the store and kept for a while.

Bounded as history is: few reads at a time, one reader for all who ask. While the store is down, what was read last, or
nothing; of a coin in another unit than then, nothing. Knows neither HTTP nor prices of now.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ticker.errors import StoreError
from ticker.model import Coin, CoinId
from ticker.server.history import Past

SPAN = 7 * 86_400.0
KEPT = 600.0  # seconds; a point an hour is all that can be new
AGAIN = 30.0  # seconds until a store that was down is asked again
READS = 4  # at a time


@dataclass(slots=True)
class _Line:
    unit: float | None  # since when the coin is counted as it was then
    prices: tuple[Decimal, ...]
    until: float


class Sparklines:
    """What was read so far. `past` may be None: then there are none. `clock` gives seconds since 1970."""

    def __init__(self, past: Past | None, clock: Callable[[], float]) -> None:
        self._past, self._clock = past, clock
        self._lines: dict[CoinId, _Line] = {}
        self._lock = asyncio.Lock()

    def of(self, coin: Coin) -> Sequence[Decimal]:
        """The prices of a coin in dollars, oldest first."""
        line = self._lines.get(coin.id)
        return line.prices if line is not None and line.unit == coin.since else ()

    async def read(self, coins: Collection[Coin]) -> None:
        """See to it that these are known, as far as they can be."""
        past = self._past
        if past is None or not self._due(coins):
            return
        async with self._lock:
            turns = asyncio.Semaphore(READS)

            async def one(coin: Coin) -> None:
                now = self._clock()
                async with turns:
                    try:
                        points = await past.points(coin.id, "1h", max(now - SPAN, coin.since or 0.0), now)
                    except StoreError:
                        self._lines[coin.id] = _Line(coin.since, tuple(self.of(coin)), now + AGAIN)
                        return
                self._lines[coin.id] = _Line(coin.since, tuple(point.price for point in points), now + KEPT)

            await asyncio.gather(*(one(coin) for coin in self._due(coins)))

    def _due(self, coins: Collection[Coin]) -> list[Coin]:
        now = self._clock()
        return [coin for coin in coins if self._ends(coin) <= now]

    def _ends(self, coin: Coin) -> float:
        line = self._lines.get(coin.id)
        return line.until if line is not None and line.unit == coin.since else 0.0
