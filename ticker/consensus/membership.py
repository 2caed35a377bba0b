"""Who is in a price: outliers go out, and come back only when they have been near for a while (rules 2, 5, 7).

Knows one coin's votes and who was out before; not whether the votes agree.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from ticker.consensus.memory import Out
from ticker.consensus.rules import QUORUM, RETURN_POLLS, RETURN_REACH, RETURN_SHIFT, power_of_ten
from ticker.consensus.statistics import median, reach
from ticker.consensus.votes import Vote


class Membership(Struct, frozen=True, gc=False):
    """The votes that make the price, in ascending order, who is out and why, and by what measure."""

    members: tuple[Vote, ...]
    out: dict[str, Out]
    middle: Decimal
    reach: Decimal


def members(votes: Sequence[Vote], before: Mapping[str, Out]) -> Membership:
    """Who of these votes (ascending, at least one, a majority of which agree) makes the price.

    A group is out beyond the reach of the median. Once out it needs three polls in a row within half of that reach.
    Where three or more are within reach and fewer than half of them are left, the market has come to those who were
    out: all within reach are in again, at once. With fewer, nobody may be left: who was wrong does not become right
    by the others' silence. They are in again, too, where the price without them would be more than 0.25 % from the
    median of all: so few are left then that a minority could be most of them.
    """
    prices = [vote.price for vote in votes]
    middle = median(prices)
    far = reach(prices, middle)
    if not before and prices[-1] - middle <= far and middle - prices[0] <= far:
        return Membership(tuple(votes), {}, middle, far)
    near = [vote for vote in votes if abs(vote.price - middle) <= far]
    out = {vote.group: _out(vote, middle, before.get(vote.group)) for vote in votes if abs(vote.price - middle) > far}
    for vote in near:
        waiting = _waiting(vote, abs(vote.price - middle) <= far * RETURN_REACH, before.get(vote.group))
        if waiting is not None:
            out[vote.group] = waiting
    chosen = tuple(vote for vote in near if vote.group not in out)
    if len(near) >= QUORUM and (2 * len(chosen) < len(near) or _moves_far(chosen, middle)):
        chosen = tuple(near)
        out = {group: held for group, held in out.items() if group not in {vote.group for vote in near}}
    return Membership(chosen, out, middle, far)


def _moves_far(chosen: Sequence[Vote], middle: Decimal) -> bool:
    return abs(median([vote.price for vote in chosen]) - middle) > RETURN_SHIFT * middle


def _out(vote: Vote, middle: Decimal, before: Out | None) -> Out:
    if before is not None:
        return Out(before.reason, vote.polls)
    return Out("unit" if power_of_ten(vote.price / middle) else "outlier", vote.polls)


def _waiting(vote: Vote, is_near: bool, before: Out | None) -> Out | None:
    """What is still held against a vote within reach; None when nothing is."""
    if before is None:
        return None
    if vote.polls == before.polls:
        return before  # nobody of this group has answered since
    if not is_near:
        return Out(before.reason, vote.polls)
    return None if before.near + 1 >= RETURN_POLLS else Out(before.reason, vote.polls, before.near + 1)
