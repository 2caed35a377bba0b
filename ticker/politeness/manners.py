"""How we behave towards all sources: a breaker for each, a budget for each allowance that they share.

Holds them between polls and gives them out to be kept; what is asked, and when, is the poller's business.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from ticker.errors import SourceError, TimedOut, Unreachable
from ticker.model import SourceName
from ticker.politeness.breaker import Breaker
from ticker.politeness.budget import Budget
from ticker.sources.base import Limit

OTHERS = 2  # sources that fail too, at least, before the fault is looked for on our side


@dataclass(frozen=True, slots=True)
class Customer:
    """What we are to a source: seconds between polls, units a request costs, and limits, shared under `quota`."""

    every: float
    cost: int = 1
    limits: tuple[Limit, ...] = ()
    quota: str = ""


class Hold(NamedTuple):
    """A poll that may not begin for so many seconds, and why."""

    seconds: float
    why: Literal["breaker", "budget"]


class Kept(Struct, frozen=True):
    """What outlives a process: breakers by source, budgets by quota."""

    breakers: dict[SourceName, Breaker] = {}
    budgets: dict[str, Budget] = {}


class Manners:
    """The breakers and budgets of these customers. Every method takes the moment, in seconds since 1970."""

    def __init__(self, customers: Mapping[SourceName, Customer], rng: Random) -> None:
        self._customers = dict(customers)
        self._present = frozenset(self._customers)
        self._rng = rng
        self._breakers = {name: Breaker() for name in self._customers}
        self._quota = {name: one.quota or name for name, one in self._customers.items()}
        self._budgets = {quota: self._fresh(quota) for quota in self._quota.values()}
        self._asked: set[SourceName] = set()

    def reconfigure(self, customers: Mapping[SourceName, Customer], moved: Iterable[SourceName] = ()) -> None:
        """Go over to these customers. `moved` are asked elsewhere or otherwise now: what failed before says nothing.

        What was spent stays spent, also of sources that are gone: switching one off and on again gains nothing.
        """
        self._customers |= customers
        self._present = frozenset(customers)
        for name in self._present:
            self._breakers.setdefault(name, Breaker())
            self._quota[name] = customers[name].quota or name
        self._breakers.update((name, Breaker()) for name in moved)
        for quota in {self._quota[name] for name in self._present}:
            fresh, known = self._fresh(quota), self._budgets.get(quota, Budget())
            spent = {window.per: window.spent for window in known.windows}
            self._budgets[quota] = Budget(tuple(replace(one, spent=spent.get(one.per, ())) for one in fresh.windows))

    def breaker(self, name: SourceName) -> Breaker:
        """How a source is doing."""
        return self._breakers[name]

    def budget(self, name: SourceName) -> Budget:
        """What may still be asked of a source, and of those that share its quota."""
        return self._budgets[self._quota[name]]

    def begin(self, name: SourceName, now: float, requests: int) -> Hold | None:
        """Begin a poll of so many requests, or be held off; a half-open breaker lets one through."""
        breaker, customer = self._breakers[name], self._customers[name]
        if hold := breaker.hold(now):
            return Hold(hold, "breaker")
        if wait := self.budget(name).wait(now, customer.cost, requests):
            return Hold(wait, "budget")
        self._breakers[name] = breaker.asking(now)
        self._asked.add(name)
        return None

    def take(self, name: SourceName, now: float) -> float:
        """Count one request, and 0; or the seconds to wait before it may be made, and nothing is counted."""
        budget, wait = self.budget(name).take(now, self._customers[name].cost)
        self._budgets[self._quota[name]] = budget
        return wait

    def answered(self, name: SourceName) -> None:
        """It works: closed."""
        self._breakers[name] = Breaker()

    def failed(self, name: SourceName, error: SourceError, now: float) -> float:
        """It does not. Returns the seconds after which to ask again."""
        every, ours = self._customers[name].every, self._is_ours(name, error)
        self._breakers[name], again = self._breakers[name].failed(error, now, every, self._rng, ours=ours)
        return again

    def kept(self) -> Kept:
        """What a successor needs; nothing of sources that are doing well and cost nothing."""
        return Kept(
            {name: one for name, one in self._breakers.items() if one != Breaker()},
            {quota: one for quota, one in self._budgets.items() if one.windows},
        )

    def resume(self, kept: Kept, now: float) -> None:
        """Go on where another process stopped, adding what was done here since."""
        for name, breaker in kept.breakers.items():
            if name in self._breakers and name not in self._asked:
                self._breakers[name] = breaker.resumed(now)
        for quota, budget in kept.budgets.items():
            if quota in self._budgets:
                self._budgets[quota] = self._budgets[quota].resumed(budget, now)

    def _is_ours(self, name: SourceName, error: SourceError) -> bool:
        """Whether it is rather our own network that is down: nobody can be reached, so nobody is bothered either.

        Without this, an hour offline would be followed by half an hour in which nobody is asked.
        """
        others = [self._breakers[other] for other in self._present if other != name]
        return (
            isinstance(error, Unreachable | TimedOut) and len(others) >= OTHERS and all(one.failures for one in others)
        )

    def _fresh(self, quota: str) -> Budget:
        sharing = [self._customers[name] for name in self._present if self._quota[name] == quota]
        return Budget.of(_limits(sharing), max(one.cost for one in sharing))


def _limits(customers: Iterable[Customer]) -> Iterable[Limit]:
    return [limit for one in customers for limit in one.limits]
