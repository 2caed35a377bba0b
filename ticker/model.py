"""The words of the service as values: coin, quote, price, credit, snapshot.

Knows no I/O, no clock and no rule: a value says what was seen or settled, and other modules decide.
Times are seconds since 1970 in UTC as floats; amounts are `Decimal`; absence is `None`, never zero.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from msgspec import Struct

CoinId = str
SourceName = str

Agreement = Literal["ok", "degraded", "single", "disputed", "fixed", "none"]
Freshness = Literal["live", "delayed", "stale", "none"]
Kind = Literal["venue", "aggregator"]
Step = Literal["1m", "1h", "1d"]

AHEAD = 60.0  # seconds that a price may seem to come from the future before its age is called unknown


class Coin(Struct, frozen=True):
    """A coin as ops list it: what a reader sees of it, beside its price.

    `since` is when its unit last changed, in seconds since 1970, as ops have confirmed it: prices from before are in
    another unit, and nobody is shown them beside those of now.
    """

    id: CoinId
    name: str
    symbol: str
    icon: str | None = None
    link: str | None = None
    since: float | None = None


class Quote(Struct, frozen=True, omit_defaults=True, gc=False):
    """What one source said of one coin in one poll.

    `price` is finite, above zero and counted in `currency`: "usd", or the id of a coin ("tether", "usd-coin").
    `at` is the provider's own time; None where the provider gives none, and then `received` stands for it.
    `poll` counts the answers of the source. Changes are percent; volumes and caps are in `currency`.
    `name` and `symbol` are the source's own words for the coin, None where it gives none.
    """

    source: SourceName
    coin: CoinId
    price: Decimal
    currency: str
    received: float
    poll: int
    at: float | None = None
    change_1h: Decimal | None = None
    change_24h: Decimal | None = None
    change_7d: Decimal | None = None
    high_24h: Decimal | None = None
    low_24h: Decimal | None = None
    volume_24h: Decimal | None = None
    market_cap: Decimal | None = None
    name: str | None = None
    symbol: str | None = None


class Price(Struct, frozen=True, gc=False):
    """The settled price of one coin in US dollars, how it was agreed, and until when it may be shown as what.

    `as_of` is the provider time of the votes used. Up to `live_until` the price is live, up to `delayed_until`
    delayed, up to `gone_at` stale, then there is none. A fixed price has no times and does not age.
    `confidence` is relative to the price (0.0004 = 0.04 %). `sources` are those whose votes made the price.
    `clock_suspect`: the clock by which it was settled disagrees with the sources', so its age is not to be relied on.
    """

    coin: CoinId
    price: Decimal | None
    agreement: Agreement
    used: int = 0
    total: int = 0
    confidence: Decimal | None = None
    as_of: float | None = None
    live_until: float | None = None
    delayed_until: float | None = None
    gone_at: float | None = None
    change_1h: Decimal | None = None
    change_24h: Decimal | None = None
    change_7d: Decimal | None = None
    high_24h: Decimal | None = None
    low_24h: Decimal | None = None
    volume_24h: Decimal | None = None
    market_cap: Decimal | None = None
    sources: tuple[SourceName, ...] = ()
    clock_suspect: bool = False

    def freshness(self, now: float) -> Freshness:
        """The rung of the ladder at `now`; deadlines belong to the older rung ("live until" is no longer live)."""
        if self.price is None:
            return "none"
        if self.live_until is None or self.delayed_until is None or self.gone_at is None:
            return "live"
        if self.as_of is not None and self.as_of > now + AHEAD:
            return "stale"  # a clock is wrong, here or where it was settled: nobody can say how old it is
        if now < self.live_until:
            return "live"
        if now < self.delayed_until:
            return "delayed"
        return "stale" if now < self.gone_at else "none"

    def next_deadline(self, now: float) -> float | None:
        """The next moment at which `freshness` changes by itself, or None."""
        deadlines = (self.live_until, self.delayed_until, self.gone_at)
        return min((at for at in deadlines if at is not None and at > now), default=None)


class Point(Struct, frozen=True):
    """A settled price of the past, in US dollars."""

    at: float
    price: Decimal


class Credit(Struct, frozen=True):
    """A line that a source's terms require near its prices."""

    source: SourceName
    text: str
    url: str


class Snapshot(Struct, frozen=True):
    """All prices of one moment, with the coin list and the credits: all that the two halves of the service share.

    `epoch` grows with every poller that takes over, `seq` with every publication, so (epoch, seq) only grows.
    `coins` are all configured coins, `shown` the ids of the default list in display order, `prices` one per coin in
    the order of `coins`. `rates` are currencies settled like coins: `coin` is the code ("eur"), `price` US dollars for
    one of it. `config` names the version of the configuration behind it.
    """

    epoch: int
    seq: int
    built_at: float
    coins: tuple[Coin, ...]
    shown: tuple[CoinId, ...]
    prices: tuple[Price, ...]
    rates: tuple[Price, ...] = ()
    credits: tuple[Credit, ...] = ()
    config: str = ""
    simulated: bool = False
    version: int = 1

    @property
    def id(self) -> str:
        """`EPOCH-SEQ`, the name readers know it by."""
        return f"{self.epoch}-{self.seq}"

    @property
    def order(self) -> tuple[int, int]:
        """What a newer snapshot has more of."""
        return (self.epoch, self.seq)

    def by_coin(self) -> Mapping[CoinId, tuple[Coin, Price]]:
        """Coin id to the coin and its price."""
        return {coin.id: (coin, price) for coin, price in zip(self.coins, self.prices, strict=True)}
