"""The canary (rule 8): a source that is wildly off on several coins at once is broken as a whole.

Knows quotes and last good prices; whether a quote is fresh or converts exactly does not matter for a factor of ten.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from ticker.consensus.memory import Memory
from ticker.consensus.rules import CANARY_COINS, CANARY_FACTOR, GOOD_FOR, QUORUM, Rules
from ticker.consensus.statistics import median
from ticker.model import CoinId, Quote, SourceName


def suspended(
    of_coin: Mapping[CoinId, list[Quote]], stablecoins: Iterable[CoinId], memory: Memory, now: float, rules: Rules
) -> set[SourceName]:
    """The sources whose present poll counts for nothing.

    A price is off when it is more than ten times too high or too low against the median of all groups, or, where fewer
    than three quote the coin or just as many are wild as are not, against its last good price. A crash that all
    sources see is therefore none.
    """
    off: dict[SourceName, int] = {}
    pegged = set(stablecoins)
    for coin, quotes in of_coin.items():
        fair = _reference(coin, quotes, memory, now, rules)
        if fair is None:
            continue
        high, low = fair * CANARY_FACTOR, fair / CANARY_FACTOR
        for quote in quotes:
            if not low <= quote.price <= high:
                weight = CANARY_COINS if coin in pegged else 1
                off[quote.source] = off.get(quote.source, 0) + weight
    return {source for source, coins in off.items() if coins >= CANARY_COINS}


def _reference(coin: CoinId, quotes: list[Quote], memory: Memory, now: float, rules: Rules) -> Decimal | None:
    remembered = memory.coins.get(coin)
    good = remembered.good if remembered is not None else None
    fair = None
    if good is not None and good.price is not None and good.as_of is not None and now - good.as_of <= GOOD_FOR:
        fair = good.price
        if all(fair / CANARY_FACTOR <= quote.price <= fair * CANARY_FACTOR for quote in quotes):
            return None  # the common case: nothing is off, and nothing needs sorting
    groups = {rules.voters[q.source].group: q.price for q in quotes if q.source in rules.voters}
    if len(groups) < QUORUM:
        return fair
    ordered = sorted(groups.values())
    below, above = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return median(ordered) if above <= below * CANARY_FACTOR else fair
