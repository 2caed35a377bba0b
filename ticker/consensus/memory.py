"""What settling remembers between rounds: one explicit value, passed in and out and kept in the store.

Values only; what they mean is decided by the guards that own them.
"""

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from ticker.model import Agreement, CoinId, Price, SourceName

Reason = Literal["unknown_source", "bad_time", "expired", "no_rate", "canary", "frozen", "split", "outlier", "unit"]


class Seen(Struct, frozen=True, array_like=True, gc=False):
    """The last value of one source for one coin: how many polls in a row brought it, and the groups' prices then.

    `others` is empty until the value has been brought twice: most values never are.
    """

    poll: int
    price: Decimal
    at: float | None
    same: int = 1
    others: dict[str, Decimal] = {}


class Out(Struct, frozen=True, array_like=True, gc=False):
    """A group that is out of one coin's price: why, its polls when last looked at, and how many in a row were near."""

    reason: Literal["outlier", "unit"]
    polls: int
    near: int = 0


class Jump(Struct, frozen=True, array_like=True, gc=False):
    """A jump that waits to be confirmed: its direction, and each source's poll and time when it was first seen."""

    up: bool
    since: float
    polls: dict[SourceName, int]
    at: dict[SourceName, float]


class Unit(Struct, frozen=True, array_like=True, gc=False):
    """A jump by a power of ten that only ops can confirm: the price before it, and when it was first seen."""

    before: Decimal
    since: float


class Remembered(Struct, frozen=True, omit_defaults=True, gc=False):
    """What is kept of a coin: its last good price, how the last round ended, and what each guard is watching."""

    good: Price | None = None
    agreement: Agreement = "none"
    refused: dict[SourceName, Reason] = {}
    seen: dict[SourceName, Seen] = {}
    out: dict[str, Out] = {}
    jump: Jump | None = None
    unit: Unit | None = None
    listing: str = ""


class Memory(Struct, frozen=True):
    """What settling remembers between rounds, by coin."""

    coins: dict[CoinId, Remembered] = {}


NOTHING = Remembered()
