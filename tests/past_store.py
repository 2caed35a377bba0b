"""A store in memory that counts what is read of the past, holds it back where told, and is easily filled."""

import asyncio
from decimal import Decimal

from fakes import FakeStore
from snapshots import NOW

from ticker.model import CoinId, Point, Step
from ticker.store.base import FILLED


class CountingStore(FakeStore):
    """Counts reads, those of hours that were filled in apart, and holds them back while `gate` is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[tuple[CoinId, Step, float, float]] = []
        self.filled_reads: list[tuple[CoinId, Step, float, float]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def points(self, coin: CoinId, step: Step, start: float, end: float) -> list[Point]:
        (self.filled_reads if coin.startswith(FILLED) else self.reads).append((coin, step, start, end))
        await self.gate.wait()
        return await super().points(coin, step, start, end)

    async def fill(self, coin: CoinId, step: Step, width: float, count: int, end: float = NOW) -> None:
        """`count` points, the last at `end`, each dearer by one than the one before."""
        for place in range(count):
            await self.add_points(step, end - place * width, {coin: Decimal(1000 - place)})
