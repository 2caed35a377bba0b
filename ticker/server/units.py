"""Past prices in the unit of now: of a coin that was redenominated, none from before.

Knows the latest snapshot, which says since when a coin is counted as it is; not what the prices are used for.
"""

from collections.abc import Callable

from ticker.model import CoinId, Point, Snapshot, Step
from ticker.server.history import Past
from ticker.store.base import FILLED


class PresentUnit:
    """A past as `Past` is, without what was counted otherwise. `latest` gives the snapshot there is."""

    def __init__(self, past: Past, latest: Callable[[], Snapshot | None]) -> None:
        self._past, self._latest = past, latest

    async def points(self, coin: CoinId, step: Step, start: float, end: float) -> list[Point]:
        """As `Past.points`."""
        snapshot = self._latest()
        coins = () if snapshot is None else snapshot.coins
        meant = coin.removeprefix(FILLED)
        since = next((one.since for one in coins if one.id == meant), None) or start
        return [point for point in await self._past.points(coin, step, start, end) if point.at >= since]
