"""The thresholds of settling, in one place, and the facts of sources and coins it needs.

The reasons stand in docs/how-a-price-is-made.md. Knows no quote and no clock.
"""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from ticker.model import CoinId, Kind, SourceName

METHOD = "2"  # grows with every change of a rule or a threshold

AGGREGATOR_TOLERANCE = Decimal("0.03")
OUTLIER_FLOOR = Decimal("0.005")
OUTLIER_MADS = Decimal(5) * Decimal("1.4826")  # a MAD times 1.4826 estimates a standard deviation
OUTLIER_CAP = Decimal("0.10")
QUORUM = 3  # groups that agree for "ok", and that a confidence needs
FUTURE = 30.0  # seconds a provider's clock may run ahead of ours
# How far from 1 a stablecoin may be and still convert prices, by the groups that say so; a quorum may say anything.
PEG_DRIFT = (Decimal(0), Decimal("0.005"), Decimal("0.02"))
GOOD_FOR = 3600.0  # seconds that a last good price is shown at most, and that jumps are measured from it
RETURN_POLLS = 3  # polls in a row that a group must be near before it counts again after it was out
RETURN_REACH = Decimal("0.5")  # how near: this part of the distance that puts a group out
RETURN_SHIFT = Decimal("0.0025")  # by how much those who wait to return may move a price at most, as a part of it
JUMP = Decimal("0.20")  # a change since the last good price that must be confirmed
UNIT_WITHIN = Decimal("0.25")  # how near to a power of ten a jump must be to look like a change of unit
UNIT_POWERS = 12
CANARY_FACTOR = Decimal(10)  # a price this many times too high or too low
CANARY_COINS = 3  # on so many coins of one source at once, or on one stablecoin, suspends the source
FROZEN_POLLS = 5  # the same value and time for so many polls
FROZEN_MOVE = Decimal("0.005")  # while two other groups or more, and most of them, moved by more than this
FROZEN_GROUPS = 2


class Voter(Struct, frozen=True):
    """What settling knows of a source: its kind, its group, and its seconds between polls and of cache."""

    kind: Kind
    group: str
    every: float
    cache: float = 0.0

    @property
    def turn(self) -> float:
        """The longest time between two different answers of a healthy source."""
        return self.every + self.cache

    @property
    def life(self) -> float:
        """How long a quote of this source may vote, in seconds from its own time."""
        return max(180.0, 2 * self.every + self.cache)


class CoinRule(Struct, frozen=True):
    """A coin to settle: the sources that list it, and what ops set for it.

    `tolerance` is a fraction, `fixed` a price in US dollars, `confirmed` the moment up to which a jump by a power of
    ten is known to be right. `listing` names the ids it has on its sources: where they change, so may the coin behind
    them, and what is remembered of it is forgotten. `daily` marks a currency: rates of a day stand beside rates of the
    minute, and their median may be the day's.
    """

    id: CoinId
    sources: tuple[SourceName, ...] = ()
    tolerance: Decimal | None = None
    fixed: Decimal | None = None
    confirmed: float | None = None
    listing: str = ""
    daily: bool = False


class Rules(Struct, frozen=True):
    """Everything settling depends on beside the quotes, its memory and the moment."""

    voters: dict[SourceName, Voter]
    coins: tuple[CoinRule, ...]
    tolerance: Decimal = Decimal("0.01")

    def tolerance_of(self, coin: CoinRule) -> Decimal:
        """How far from the median a group may be and still agree, as a fraction."""
        if coin.tolerance is not None:
            return coin.tolerance
        kinds = {self.voters[name].kind for name in coin.sources if name in self.voters}
        return max(AGGREGATOR_TOLERANCE, self.tolerance) if kinds == {"aggregator"} else self.tolerance

    def turn_of(self, coin: CoinRule, sources: Iterable[SourceName]) -> float:
        """The turn of a price that these sources make: the middle one of theirs; of a daily one the longest.

        Design §8 takes the shortest of all healthy sources. But a price is as of the middle time of its votes, so by
        the shortest a coin with one quick and three slow sources is called delayed while every source is on time.
        """
        turns = sorted(self.voters[source].turn for source in sources)
        if not turns:
            return 0.0
        return turns[-1] if coin.daily else turns[len(turns) // 2]


class Ladder(Struct, frozen=True):
    """Until when a price of a moment may be shown as live, delayed and stale."""

    live_until: float
    delayed_until: float
    gone_at: float


def ladder(as_of: float, turn: float) -> Ladder:
    """The ladder of a price as of `as_of`, by the turn of its coin."""
    return Ladder(as_of + max(120.0, 1.5 * turn), as_of + max(300.0, 2.5 * turn), as_of + max(GOOD_FOR, 2.5 * turn))


def power_of_ten(ratio: Decimal) -> int | None:
    """The k of -12..-1 and 1..12 for which `ratio` is 10^k within 25 %, or None."""
    power = round(ratio.log10())
    if power == 0 or abs(power) > UNIT_POWERS:
        return None
    return power if abs(ratio.scaleb(-power) - 1) <= UNIT_WITHIN else None
