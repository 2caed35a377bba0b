"""The circuit breaker of one source: after failures, when to ask again, and not before when.

A value with pure transitions: the moment, the source's interval and the chance in the jitter are arguments.
"""

from random import Random

from msgspec import Struct
from msgspec.structs import replace

from ticker.errors import RateLimited, SourceError

FIRST_RETRY = 5.0  # seconds after a first failure; doubles with each, and is never later than the source's turn
FAILURES = 5  # in a row, and the breaker opens
FIRST_REST = 60.0  # seconds it stays open; doubles with every probe that fails
LONGEST_REST = 1800.0
JITTER = 0.2  # of a rest, so that sources that fell together do not come back together
RATE_LIMITED = 60.0  # the least after a rate limit that names no time


class Breaker(Struct, frozen=True):
    """How a source is doing: failures in a row, and the moment before which it must not be asked.

    `until` is seconds since 1970, 0 = ask at any time; `wait` is how long before it that was said. Closed below
    `FAILURES` failures, then open up to `until`, then half-open: one probe may ask.
    """

    failures: int = 0
    until: float = 0.0
    wait: float = 0.0

    @property
    def tripped(self) -> bool:
        """Whether it is open or half-open."""
        return self.failures >= FAILURES

    def hold(self, now: float) -> float:
        """How many seconds nobody may ask; 0 = ask."""
        return max(self.until - now, 0.0)

    def asking(self, now: float) -> "Breaker":
        """The same while someone asks: a probe of a tripped breaker is the only one until it has come back."""
        return replace(self, until=now + self.wait) if self.tripped else self

    def failed(
        self, error: SourceError, now: float, every: float, rng: Random, *, ours: bool = False
    ) -> tuple["Breaker", float]:
        """After a failure: the new breaker, and in how many seconds to ask again.

        What only advises to come back early, as after a first timeout, forbids nothing; a rest, a Retry-After, and a
        rate limit without one do. None of them is ever shortened by another. A failure that is `ours` opens nothing.
        """
        failures = min(self.failures + 1, FAILURES - 1) if ours else self.failures + 1
        told = error.retry_after or 0.0
        if failures >= FAILURES:
            rest = FIRST_REST * 2.0 ** min(failures - FAILURES, 16) * (1 + JITTER * rng.random())
            told = max(told, min(rest, LONGEST_REST))
        if isinstance(error, RateLimited) and error.retry_after is None:
            told = max(told, RATE_LIMITED)
        again = max(told, self._advice(error, failures, every))
        return Breaker(failures, now + told if told else 0.0, told), again

    def resumed(self, now: float) -> "Breaker":
        """The same in a new process, whose clock may have gone back meanwhile: no rest is longer than it was."""
        return replace(self, until=min(self.until, now + self.wait))

    @staticmethod
    def _advice(error: SourceError, failures: int, every: float) -> float:
        """When a failure would be asked again if nothing forbade it."""
        if error.permanent or (isinstance(error, RateLimited) and error.retry_after is None):
            return every
        if failures >= FAILURES:
            return 0.0  # the rest says it all
        if error.retry_after is not None:
            return FIRST_RETRY
        return min(FIRST_RETRY * 2.0 ** (failures - 1), every)
