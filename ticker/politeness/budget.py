"""What may be asked of one allowance: sliding windows over a source's documented limits, of which we use a share.

Values and pure functions; the moment is an argument, in seconds since 1970. Units are the source's own (calls, weight).
"""

from collections.abc import Iterable, Sequence
from math import floor

from msgspec import Struct
from msgspec.structs import replace

from ticker.sources.base import DAY, MONTH, Limit

SHORT_SHARE = 0.5  # of a limit a second, minute or hour: others may share our address
LONG_SHARE = 0.9  # of a monthly one: the rest is for the day someone tries a key by hand, and for a 31st
SLOTS = 60  # a window is counted in so many slots, each forgotten only once all of it is past
SOON = 0.001  # the shortest wait there is, so that nobody waits for a rounding error


class Allowance(Struct, frozen=True):
    """What we take of a limit: at most `units` in any `per` seconds."""

    limit: Limit
    units: float
    per: float

    @property
    def rate(self) -> float:
        """Units a second."""
        return self.units / self.per


def allowances(limits: Iterable[Limit], cost: int) -> tuple[Allowance, ...]:
    """Our share of each limit, for requests of at most `cost` units.

    A share that is less than one request allows one in a longer time: half of 1 a second is 1 in 2 s. No share allows
    part of a request.
    """
    found = []
    for limit in dict.fromkeys(limits):
        units = limit.calls * (LONG_SHARE if limit.per >= MONTH else SHORT_SHARE)
        per = limit.per * max(cost / units, 1.0)
        found.append(Allowance(limit, float(floor(max(units / cost, 1.0)) * cost), per))
    return tuple(found)


class Window(Struct, frozen=True):
    """At most `units` in any `per` seconds. `spent` are (slot, units), oldest first; a slot is `per` / `SLOTS` long."""

    units: float
    per: float
    spent: tuple[tuple[int, float], ...] = ()

    def left(self, now: float) -> float:
        """What may still be asked for at this moment; never below zero."""
        return max(self.units - self._counted(now), 0.0)

    def wait(self, now: float, cost: float) -> float:
        """Seconds until there is room for `cost`, which is at most `units`; 0 = there is."""
        counted = self._counted(now)
        if counted + cost <= self.units:
            return 0.0
        for slot, units in self.spent:
            if slot >= self._oldest(now):
                counted -= units
                if counted + cost <= self.units:
                    return max((slot + SLOTS + 1) * self.per / SLOTS - now, SOON)
        return self.per  # more than it can ever hold

    def spend(self, now: float, cost: float) -> "Window":
        """With `cost` taken at this moment; what is past is forgotten."""
        oldest, slot = self._oldest(now), self._slot(now)
        kept = tuple(one for one in self.spent if one[0] >= oldest)
        if kept and kept[-1][0] >= slot:
            return replace(self, spent=(*kept[:-1], (kept[-1][0], kept[-1][1] + cost)))
        return replace(self, spent=(*kept, (slot, cost)))

    def resumed(self, spent: Iterable[tuple[int, float]], now: float) -> "Window":
        """With what another process spent before; what it dated in the future, by a wrong clock, counts as now."""
        newest, units = self._slot(now), dict(self.spent)
        for slot, cost in spent:
            slot = min(slot, newest)  # noqa: PLW2901
            units[slot] = units.get(slot, 0.0) + cost
        return replace(self, spent=tuple(sorted(units.items())))

    def _slot(self, now: float) -> int:
        return floor(now * SLOTS / self.per)

    def _oldest(self, now: float) -> int:
        return self._slot(now) - SLOTS

    def _counted(self, now: float) -> float:
        oldest = self._oldest(now)
        return sum(units for slot, units in self.spent if slot >= oldest)


class Budget(Struct, frozen=True):
    """All windows of one allowance; without windows everything is allowed."""

    windows: tuple[Window, ...] = ()

    @classmethod
    def of(cls, limits: Iterable[Limit], cost: int = 1) -> "Budget":
        """The budget under these limits, for requests of at most `cost` units.

        A limit on more than a day is also kept day by day, a day's part each, so that a bad day is not paid for with
        days of silence at the end of the month.
        """
        windows = []
        for one in allowances(limits, cost):
            windows.append(Window(one.units, one.per))
            if one.per > DAY:
                windows.append(Window(float(max(floor(one.rate * DAY / cost), 1) * cost), DAY))
        return cls(tuple(windows))

    def wait(self, now: float, cost: float, requests: int = 1) -> float:
        """Seconds until a poll of so many requests may begin; 0 = now.

        Where a window can hold all of them there must be room for all, else for the first: the others are spaced.
        """
        return max((one.wait(now, _needed(one, cost, requests)) for one in self.windows), default=0.0)

    def take(self, now: float, cost: float) -> tuple["Budget", float]:
        """One request: the budget with it spent, and 0; or the same budget, and the seconds to wait."""
        wait = self.wait(now, cost)
        if wait:
            return self, wait
        return Budget(tuple(one.spend(now, cost) for one in self.windows)), 0.0

    def resumed(self, kept: "Budget", now: float) -> "Budget":
        """With what was spent before; of windows that are no longer there nothing is known."""
        spent: dict[float, Sequence[tuple[int, float]]] = {one.per: one.spent for one in kept.windows}
        return Budget(tuple(one.resumed(spent.get(one.per, ()), now) for one in self.windows))


def _needed(window: Window, cost: float, requests: int) -> float:
    return cost * requests if cost * requests <= window.units else cost
