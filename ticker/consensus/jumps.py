"""Jumps: a price that leaps is shown late, never clamped; a leap by a power of ten on thin evidence is not shown.

Rules 6 and 7. Knows a settled price, the last good one and the votes; not how the price came about.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from ticker.consensus.memory import Jump, Remembered, Unit
from ticker.consensus.rules import GOOD_FOR, JUMP, QUORUM, power_of_ten
from ticker.consensus.votes import Vote

Verdict = Literal["publish", "wait", "hide"]


class Guarded(Struct, frozen=True, gc=False):
    """Whether a price is published, waits behind the last good one, or is hidden; and what is watched from now on."""

    verdict: Verdict
    jump: Jump | None = None
    unit: Unit | None = None


PUBLISH = Guarded("publish")


def guard(
    price: Decimal,
    votes: Sequence[Vote],
    majority: Sequence[Vote],
    before: Remembered,
    confirmed: float | None,
    now: float,
) -> Guarded:
    """What to do with a price that `majority` of `votes` make.

    Against a last good price of at most 60 minutes ago, a change of more than 20 % waits: with three groups or more
    until every group of the majority has answered again since, with fewer until every group has answered twice more
    with newer times. A jump by a power of ten seen by fewer than three groups is hidden until ops confirm it, the price
    is back, or three groups agree. Then it is published however extreme.
    """
    few = len(votes) < QUORUM
    if before.unit is not None and few and (confirmed is None or confirmed < before.unit.since):
        if abs(price / before.unit.before - 1) > JUMP:
            return Guarded("hide", unit=before.unit)
    elif before.unit is not None and few:
        return PUBLISH  # ops have confirmed it
    good = before.good
    if good is None or good.price is None or good.as_of is None or now - good.as_of > GOOD_FOR:
        return PUBLISH
    ratio = price / good.price
    if abs(ratio - 1) <= JUMP:
        return PUBLISH
    if few and power_of_ten(ratio):
        return Guarded("hide", unit=Unit(good.price, now))
    up = ratio > 1
    jump = before.jump
    if jump is None or jump.up is not up:
        ones = [one for vote in votes for one in vote.counted]
        polls, times = {one.quote.source: one.quote.poll for one in ones}, {one.quote.source: one.at for one in ones}
        return Guarded("wait", jump=Jump(up, now, polls, times))
    if all(_answered_again(vote, jump, twice=few) for vote in (votes if few else majority)):
        return PUBLISH
    return Guarded("wait", jump=jump)


def _answered_again(vote: Vote, jump: Jump, *, twice: bool) -> bool:
    """Whether any source of a group has answered since the jump was first seen; twice, and with a newer time."""
    for one in vote.counted:
        source = one.quote.source
        if source not in jump.polls:
            return True
        more = one.quote.poll - jump.polls[source]
        if more >= 2 and one.at > jump.at[source] if twice else more >= 1:
            return True
    return False
