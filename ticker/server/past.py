"""Past prices in memory, for the lines and charts of widgets: no request and no picture ever waits for the store.

Who draws says what it wants and takes what is there; what is missing is read in the background, and what is wanted is
read on, at most once a minute. So the first picture may come without its line, and the next has it. Bounded: what
nobody wants any more is forgotten, and beyond `MOST` series nothing new is taken on. A coin in another unit is
another series: none of its prices from before is drawn. Knows neither HTTP nor widgets.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ticker.errors import StoreError
from ticker.model import Coin, CoinId, Point, Step
from ticker.server.filled import SPAN, Drawn, Grid, drawn, wanting
from ticker.server.history import Past
from ticker.store.base import DAY, FILLED, HOUR, slot

log = logging.getLogger("ticker.server")

EVERY = 60.0  # seconds between two readings of what is wanted
SOON = 3.0  # the same of what is not there yet, in the first minute that it is wanted: a new install is filling up
WHOLE = 600.0  # seconds between two readings of all of a series; in between only what is new is read
WANTED = 600.0  # seconds that a series is kept for after it was wanted last
MOST = 600  # series
BATCH = 8  # readings at a time


SPARKS: Mapping[str, Grid] = {  # by the period of the change beside it; at most 48 points
    "1h": Grid("1m", 120.0, 31),
    "24h": Grid("1m", 1800.0, 48),
    "7d": Grid("1h", 4 * HOUR, 43),
}
CHARTS: Mapping[str, Grid] = {
    "24h": Grid("1m", 900.0, 97),
    "7d": Grid("1h", HOUR, 169),
    "30d": Grid("1d", DAY, 31),
}
_REACH: Mapping[Step, float] = {"1m": DAY + HOUR, "1h": 7 * DAY + 4 * HOUR, "1d": 31 * DAY}  # seconds

Key = tuple[CoinId, Step, float]  # the last: since when the coin is counted as it is


@dataclass(slots=True)
class _Series:
    wanted_at: float
    begun_at: float
    points: list[Point] = field(default_factory=list)
    read_at: float | None = None
    whole_at: float = 0.0
    filled: list[Point] = field(default_factory=list)  # hours that one source told us, where ours begin late
    filled_at: float | None = None  # when they were read
    drawn: dict[tuple[Grid, bool], tuple[int, Drawn]] = field(default_factory=dict)


class Memory:
    """The past that is drawn lately. `changed` is called when there is more of it than before."""

    def __init__(self, past: Past, clock: Callable[[], float], changed: Callable[[], None] = lambda: None) -> None:
        self._past, self._clock, self._changed = past, clock, changed
        self._series: dict[Key, _Series] = {}
        self._missing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._down = False

    def start(self) -> None:
        """Read in the background until `close`."""
        self._task = asyncio.create_task(self._run(), name="past")

    async def close(self) -> None:
        """Read no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def drawn(self, coin: Coin, grid: Grid, now: float, *, filled: bool = True) -> Drawn | None:
        """What is known of each slot, with `filled` hours where ours are not yet; None where nothing was read yet."""
        series = self._want((coin.id, grid.step, coin.since or 0.0), now)
        if series is None or not series.points:
            return None
        last = int(now // grid.width)
        key = (grid, filled)
        found = series.drawn.get(key)
        if found is None or found[0] != last:
            hours = series.filled if filled else []
            found = series.drawn[key] = (last, drawn(series.points, hours, grid, now))
        return found[1]

    def want(self, coin: Coin, grid: Grid, now: float) -> None:
        """Say that it will be drawn soon."""
        self._want((coin.id, grid.step, coin.since or 0.0), now)

    def _want(self, key: Key, now: float) -> _Series | None:
        series = self._series.get(key)
        if series is None:
            if len(self._series) >= MOST:
                return None
            series = self._series[key] = _Series(now, now)
            self._missing.set()
        series.wanted_at = now
        return series

    async def _run(self) -> None:
        while True:
            self._missing.clear()
            try:
                if await self.read(self._clock()):
                    self._changed()
            except StoreError as error:
                if not self._down:
                    log.warning("past prices cannot be read: %s; lines and charts stay; trying again", error)
                self._down = True
                await asyncio.sleep(1.0)
            except Exception:
                log.exception("reading past prices failed in a way that should not be; trying again")
                await asyncio.sleep(1.0)
            else:
                self._down = False
            try:
                async with asyncio.timeout(self._pause()):
                    await self._missing.wait()
            except TimeoutError:
                pass

    def _pause(self) -> float:
        now = self._clock()
        lacking = (one for one in self._series.values() if not one.points or (one.filled_at and not one.filled))
        return min((_patience(one, now) for one in lacking), default=EVERY)

    async def read(self, now: float) -> bool:
        """Read what is wanted and due, forget what nobody wants any more, and say whether anything changed.

        May raise `StoreError`; what was read until then is kept.
        """
        for key in [key for key, series in self._series.items() if series.wanted_at < now - WANTED]:
            del self._series[key]
        due = [(key, series) for key, series in self._series.items() if _due(key[1], series, now)]
        changed = False
        for first in range(0, len(due), BATCH):
            batch = due[first : first + BATCH]
            found = await asyncio.gather(
                *(self._read(key, series, now) for key, series in batch), return_exceptions=True
            )
            changed = changed or True in found
            for one in found:
                if isinstance(one, BaseException):
                    if changed:
                        self._changed()
                    raise one
        return changed

    async def _read(self, key: Key, series: _Series, now: float) -> bool:
        before = (series.points, series.filled)
        if _own_due(key[1], series, now):
            await self._read_own(key, series, now)
        await self._read_filled(key, series, now)
        if (series.points, series.filled) == before:
            return False
        series.drawn.clear()
        return True

    async def _read_own(self, key: Key, series: _Series, now: float) -> None:
        coin, step, unit = key
        start = max(now - _REACH[step], unit)
        whole = series.read_at is None or now - series.whole_at >= WHOLE or now < series.whole_at
        since = start if whole or not series.points else max(start, series.points[-1].at)
        found = await self._past.points(coin, step, since, now)
        kept = [] if whole else [point for point in series.points if start <= point.at < since]
        series.points, series.read_at = kept + found, now
        if whole:
            series.whole_at = now

    async def _read_filled(self, key: Key, series: _Series, now: float) -> None:
        coin, step, unit = key
        if not wanting(series.points, now, _REACH[step]):
            series.filled, series.filled_at = [], None
        elif _filled_due(step, series, now):
            start = max(now - min(_REACH[step], SPAN), unit)
            series.filled = await self._past.points(FILLED + coin, "1h", start, now)
            series.filled_at = now


def _due(step: Step, series: _Series, now: float) -> bool:
    """Whether there may be a point that is not there yet."""
    return _own_due(step, series, now) or _filled_due(step, series, now)


def _own_due(step: Step, series: _Series, now: float) -> bool:
    if series.read_at is None or now < series.read_at or now - series.whole_at >= WHOLE:
        return True
    if now - series.read_at < (EVERY if series.points else _patience(series, now)) * 0.9:
        return False
    return not series.points or slot(step, series.points[-1].at) < slot(step, now)


def _filled_due(step: Step, series: _Series, now: float) -> bool:
    """Whether hours may have been filled in: they come at once, seldom, and only where ours begin late."""
    if not wanting(series.points, now, _REACH[step]):
        return False
    if series.filled_at is None or now < series.filled_at:
        return True
    return now - series.filled_at >= (WHOLE if series.filled else _patience(series, now) * 0.9)


def _patience(series: _Series, now: float) -> float:
    """Seconds until what was not there is looked for again."""
    return SOON if now - series.begun_at < EVERY else EVERY
