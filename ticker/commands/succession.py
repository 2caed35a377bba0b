"""When a poller that takes over asks each source first: not before its turn, which the last poller has begun.

Knows what a poller leaves in the store. A source that failed is asked at once, within what its breaker and its budget
allow, which are remembered too.
"""

from collections.abc import Mapping, Sequence

import msgspec

from ticker.asking import Assignment
from ticker.consensus import Rules
from ticker.errors import StoreError
from ticker.model import SourceName
from ticker.rounds import State
from ticker.store.base import Publication, Store


async def first_turns(
    store: Store, polled: Sequence[Assignment], rules: Rules, now: float
) -> Mapping[SourceName, float]:
    """Seconds until the first turn of each source that need not be asked at once; none where the store cannot tell."""
    try:
        last = await store.resume()
    except StoreError:
        return {}
    return {} if last is None else turns_left(last, polled, rules, now)


def turns_left(last: Publication, polled: Sequence[Assignment], rules: Rules, now: float) -> Mapping[SourceName, float]:
    """What is left of the interval of each source that answered in it. None where the coins are listed otherwise now:
    then the last answers do not say what the next would.
    """
    try:
        before = msgspec.json.decode(last.memory, type=State).record.rules.coins
    except msgspec.MsgspecError:
        return {}
    if {coin.id: coin.listing for coin in before} != {coin.id: coin.listing for coin in rules.coins}:
        return {}
    answered: dict[SourceName, float] = {}
    for quote in last.quotes:  # the oldest: a stream makes single quotes younger than the poll
        answered[quote.source] = min(quote.received, answered.get(quote.source, quote.received))
    ages = {one.source.name: now - answered[one.source.name] for one in polled if one.source.name in answered}
    return {
        one.source.name: one.every - ages[one.source.name]
        for one in polled
        if 0 <= ages.get(one.source.name, one.every) < one.every
    }
