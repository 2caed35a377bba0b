"""Past prices in the embedded store's file. Knows one table, not the file.

It is ordered by step, slot, coin: a minute of thousands of coins is written side by side, and what is too old goes as
one stretch from the front, a little with each addition, so that no addition takes long.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from ticker.errors import StoreCorrupt
from ticker.model import CoinId, Point, Step
from ticker.store.base import SECONDS, kept_price, slot, slots_kept

Run = Callable[[str, Sequence[object]], Awaitable[list[Any]]]
"""One statement, which is one transaction, and its rows."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS history (
    step TEXT NOT NULL, slot INTEGER NOT NULL, coin TEXT NOT NULL, at REAL NOT NULL, price TEXT NOT NULL,
    PRIMARY KEY (step, slot, coin)
) WITHOUT ROWID;
"""

PRUNED = 10  # slots, the oldest, that go at most with one addition

_ADD = """
INSERT INTO history SELECT ?1, ?2, key, ?3, value FROM json_each(?4) WHERE true
ON CONFLICT DO UPDATE SET at = excluded.at, price = excluded.price
"""

_PRUNE = """
DELETE FROM history WHERE step = ?1 AND slot <= min(?2, (SELECT min(slot) + ?3 - 1 FROM history WHERE step = ?1))
"""

# One coin's points lie far apart in this order: the slots that exist are found one after another, each with two looks.
_POINTS = """
WITH RECURSIVE there (slot) AS (
    SELECT min(slot) FROM history WHERE step = ?1 AND slot >= ?2
    UNION ALL
    SELECT (SELECT min(slot) FROM history WHERE step = ?1 AND slot > there.slot)
    FROM there WHERE there.slot <= ?3
)
SELECT at, price FROM there JOIN history USING (slot)
WHERE step = ?1 AND coin = ?4 AND at BETWEEN ?5 AND ?6 ORDER BY at
"""

# SQLite takes the other columns from the row that has the minimum.
_NEAR = """
SELECT coin, at, price, min(abs(at - ?4)) FROM history
WHERE step = ?1 AND slot BETWEEN ?2 AND ?3 AND abs(at - ?4) <= ?5
    AND coin IN (SELECT value FROM json_each(?6))
GROUP BY coin
"""


class SqliteHistory:
    """The past prices of `ticker.store.base.Store`. Days are kept for `keep` seconds."""

    def __init__(self, run: Run, keep: float) -> None:
        self._run, self._keep = run, keep

    async def add_points(self, step: Step, at: float, prices: Mapping[CoinId, Decimal]) -> None:
        """One statement that writes all of them, one that prunes."""
        if not prices:
            return
        number = slot(step, at)
        texts = {coin: str(kept_price(prices[coin])) for coin in sorted(prices)}
        await self._run(_ADD, (step, number, at, json.dumps(texts)))
        await self._run(_PRUNE, (step, number - slots_kept(step, self._keep), PRUNED))

    async def points(self, coin: CoinId, step: Step, start: float, end: float) -> list[Point]:
        """As the contract says."""
        rows = await self._run(_POINTS, (step, slot(step, start), slot(step, end), coin, start, end))
        return [_point(at, price) for at, price in rows]

    async def points_near(
        self, coins: Sequence[CoinId], step: Step, at: float, within: float
    ) -> Mapping[CoinId, Point]:
        """As the contract says. A point within a slot's length is the nearest; only where there is none, we look on."""
        length = SECONDS[step]
        found = await self._nearest(coins, step, at, min(within, length))
        rest = [coin for coin in coins if coin not in found] if within > length else []
        return found | await self._nearest(rest, step, at, within)

    async def _nearest(self, coins: Sequence[CoinId], step: Step, at: float, within: float) -> dict[CoinId, Point]:
        if not coins:
            return {}
        first, last = slot(step, at - within), slot(step, at + within)
        rows = await self._run(_NEAR, (step, first, last, at, within, json.dumps(list(coins))))
        return {coin: _point(found_at, price) for coin, found_at, price, _ in rows}


def _point(at: float, text: str) -> Point:
    try:
        price = Decimal(text)
    except (InvalidOperation, TypeError, ValueError):
        price = Decimal(0)
    if not (price.is_finite() and price > 0):
        raise StoreCorrupt(f"the history holds {text!r}, which is no price")
    return Point(at, price)
