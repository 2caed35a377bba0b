"""Frozen detection (rule 12): a source that repeats itself while others move has stopped looking.

Knows one coin's votes and what was seen before; not what the price will be.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from ticker.consensus.memory import Seen
from ticker.consensus.rules import FROZEN_GROUPS, FROZEN_MOVE, FROZEN_POLLS, JUMP
from ticker.consensus.votes import Counted, Vote
from ticker.model import Quote, SourceName


def look(
    counted: Iterable[Counted], votes: Iterable[Vote], before: Mapping[SourceName, Seen]
) -> tuple[dict[SourceName, Seen], set[SourceName]]:
    """What is seen now of each source, and which of them are frozen.

    A value is repeated when a new poll brings the same price with the same provider time, without any, or with no
    volume at all. Sources that give a new time with an old price are alive: the market may be quiet.
    """
    prices = {vote.group: vote.price for vote in votes}
    seen: dict[SourceName, Seen] = {}
    frozen: set[SourceName] = set()
    for one in counted:
        quote = one.quote
        seen[quote.source] = now = _seen(quote, before.get(quote.source), prices)
        if now.same >= FROZEN_POLLS and _market_moved(prices, now.others, _group_of(quote.source, votes)):
            frozen.add(quote.source)
    return seen, frozen


def _group_of(source: SourceName, votes: Iterable[Vote]) -> str | None:
    return next((vote.group for vote in votes if source in vote.sources), None)


def _seen(quote: Quote, last: Seen | None, prices: Mapping[str, Decimal]) -> Seen:
    if last is None or quote.poll < last.poll:
        return Seen(quote.poll, quote.price, quote.at)
    if quote.poll == last.poll:
        return last
    if quote.price != last.price or (quote.at != last.at and quote.volume_24h != 0):
        return Seen(quote.poll, quote.price, quote.at)
    return Seen(quote.poll, quote.price, quote.at, last.same + 1, last.others or dict(prices))


def _market_moved(prices: Mapping[str, Decimal], then: Mapping[str, Decimal], own: str | None) -> bool:
    """Whether two other groups or more, and most of them, moved as markets do.

    Most, so that two that glitch cannot silence three that are quiet; and not by a leap, which proves nothing yet.
    """
    moves = [abs(prices[group] / then[group] - 1) for group in prices.keys() & then.keys() if group != own]
    moved = sum(FROZEN_MOVE < move <= JUMP for move in moves)
    return moved >= FROZEN_GROUPS and 2 * moved > len(moves)
