"""A round of settling: what it says beside prices, what is kept of it, and when it is worth publishing. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from ticker.consensus import Memory, Rules, Settlement
from ticker.consensus.record import Record
from ticker.model import Coin, CoinId, Credit, Price
from ticker.politeness import Kept
from ticker.sources import Source
from ticker.store.base import Publication


@dataclass(frozen=True, slots=True)
class Listing:
    """What a snapshot says beside prices: the coins, the default list, the version of the configuration."""

    coins: tuple[Coin, ...]
    shown: tuple[CoinId, ...]
    config: str = ""
    simulated: bool = False


class State(msgspec.Struct, frozen=True):
    """What a successor goes on with, and an explanation starts from: memories after the round, what went into it.

    `record` is without its quotes, which stand beside it in the publication. Currencies are remembered apart from
    coins, since their codes may be ids of coins.
    """

    prices: Memory
    rates: Memory
    manners: Kept
    record: Record


@dataclass(frozen=True, slots=True)
class Settled:
    """A round that may be published."""

    publication: Publication
    prices: Settlement
    rates: Settlement
    record: Record


def credits_of(sources: Iterable[Source], prices: Sequence[Price]) -> tuple[Credit, ...]:
    """The credits owed for the prices and rates in a snapshot, in the order of the sources."""
    used = {name for price in prices for name in price.sources}
    owed = [source for source in sources if source.name in used and source.credit]
    return tuple(Credit(source.name, *source.credit) for source in owed if source.credit)


def changes_of_unit(rules: Rules) -> Mapping[CoinId, float]:
    """The coins whose unit ops say has changed, and when: history from before is in another unit."""
    return {coin.id: coin.confirmed for coin in rules.coins if coin.confirmed is not None}


def suspected(prices: Iterable[Price], now: float) -> tuple[Price, ...]:
    """Prices settled at `now` by a clock that is wrong: marked, and none of them is called live (trust rule 38)."""
    return tuple(replace(one, clock_suspect=True, live_until=_not_live(one, now)) for one in prices)


def _not_live(price: Price, now: float) -> float | None:
    if price.live_until is None:
        return None
    return min(price.live_until, now if price.as_of is None else price.as_of, now)


def says_the_same(one: Publication, other: Publication) -> bool:
    """Whether nobody would miss the one who has the other: the quotes are the same, and so are prices and rates."""
    known = other.snapshot
    snapshot = replace(one.snapshot, seq=known.seq, built_at=known.built_at)
    return one.quotes == other.quotes and snapshot == known
