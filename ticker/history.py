"""Changes, highs and lows from our own past prices. Pure: points and prices in, prices out; knows no store.

A change is only ever computed between two prices that we settled ourselves. Where we have no point of then, what the
sources agree on stays as settling gave it; what one source says now is never compared with what another said before.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from decimal import Context, Decimal

from msgspec import Struct
from msgspec.structs import replace

from ticker.model import CoinId, Point, Price, Step
from ticker.store.base import slot

SETTLED = frozenset({"ok", "degraded", "single"})  # only these prices are of now; the others are old, set or none
REFRESH = 60.0  # seconds between two looks for the points to compare with
MINUTES = 24 * 60
COVERED = MINUTES * 95 // 100  # minutes of the last 24 h that a high and a low need

_DIGITS = Context(prec=18)


class Period(Struct, frozen=True):
    """How far a change goes back, in seconds, the step its point is of, and how near to then the point must be."""

    seconds: float
    step: Step
    within: float


PERIODS: Mapping[str, Period] = {
    "change_1h": Period(3600.0, "1m", 120.0),
    "change_24h": Period(86_400.0, "1m", 600.0),
    "change_7d": Period(7 * 86_400.0, "1h", 3600.0),
}

References = Mapping[str, Mapping[CoinId, Point]]
"""For each of `PERIODS`, the points found for then."""


class Window:
    """One coin's highest and lowest price of the last 24 hours, by the minute.

    It remembers only prices that are, or will be, the highest or lowest of what is left: a few dozen, not 1,440.
    """

    def __init__(self, points: Iterable[Point] = ()) -> None:
        self._highs: deque[tuple[int, Decimal]] = deque()  # falling; the first is the highest
        self._lows: deque[tuple[int, Decimal]] = deque()  # rising
        self._there = 0  # bit n: there is a price of n minutes before the last
        self._last = 0
        for point in points:
            self.add(point.at, point.price)

    def add(self, at: float, price: Decimal) -> None:
        """A price of a moment that is not before the last one; where the clock was set back, it counts as of that."""
        self._forward(at)
        self._there |= 1
        while self._highs and self._highs[-1][1] <= price:
            self._highs.pop()
        self._highs.append((self._last, price))
        while self._lows and self._lows[-1][1] >= price:
            self._lows.pop()
        self._lows.append((self._last, price))

    def forget(self, before: float) -> None:
        """Let go of every price up to the minute of a moment."""
        minute = slot("1m", before)
        self._there &= (1 << max(0, self._last - minute)) - 1
        self._drop(minute)

    def range(self, at: float) -> tuple[Decimal, Decimal] | None:
        """The lowest and the highest at a moment; None where too many minutes are missing."""
        self._forward(at)
        if self._there.bit_count() < COVERED:
            return None
        return self._lows[0][1], self._highs[0][1]

    def _forward(self, at: float) -> None:
        passed = slot("1m", at) - self._last
        if passed <= 0:
            return
        self._last += passed
        self._there = 0 if passed >= MINUTES else (self._there << passed) & ((1 << MINUTES) - 1)
        self._drop(self._last - MINUTES)

    def _drop(self, minute: int) -> None:
        for held in (self._highs, self._lows):
            while held and held[0][0] <= minute:
                held.popleft()


def worth_keeping(prices: Iterable[Price]) -> dict[CoinId, Decimal]:
    """The prices that become points: those settled now, never a last good one, a fixed one or none."""
    return {one.coin: one.price for one in prices if one.price is not None and one.agreement in SETTLED}


def after(points: Mapping[CoinId, Point], since: Mapping[CoinId, float]) -> Mapping[CoinId, Point]:
    """The points that may be compared with today's prices: none from before its coin was counted anew.

    `since` is the moment of the last change of a coin's unit, for the coins that had one.
    """
    if not since:
        return points
    return {coin: point for coin, point in points.items() if point.at >= since.get(coin, 0.0)}


def completed(
    prices: Sequence[Price], references: References, windows: Mapping[CoinId, Window], now: float
) -> tuple[Price, ...]:
    """The prices with changes, highs and lows of our own history where there is one, else as they were.

    A point counts while it is as near to then as its period demands, and a `REFRESH` more, since it was looked for up
    to so long ago.
    """
    then = {
        name: (references.get(name, {}), now - period.seconds, period.within + REFRESH)
        for name, period in PERIODS.items()
    }
    done = []
    for price in prices:
        if price.price is None or price.agreement not in SETTLED:
            done.append(price)
            continue
        own: dict[str, Decimal] = {}
        for name, (points, at, within) in then.items():
            point = points.get(price.coin)
            if point is not None and abs(point.at - at) <= within:
                own[name] = _DIGITS.normalize((price.price / point.price - 1) * 100)
        window = windows.get(price.coin)
        found = None if window is None else window.range(now)
        if found is not None:
            own["low_24h"], own["high_24h"] = min(found[0], price.price), max(found[1], price.price)
        done.append(replace(price, **own) if own else price)
    return tuple(done)
