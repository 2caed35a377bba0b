"""A market of made-up prices that move like real ones, the same for every source and for ever the same for one seed.

Knows no clock and no dialect: everything is a function of the seed, the coin, the source and the moment asked for.
The walk itself is drawn with floats, since it is made up; every price, volume and change that leaves is a `Decimal`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Context, Decimal
from functools import lru_cache

from ticker.model import CoinId, SourceName
from ticker.simulate.known import facts_of
from ticker.simulate.noise import Octave, drawn, smooth

MINUTE, HOUR, DAY, WEEK = 60.0, 3600.0, 86_400.0, 604_800.0

WALK: tuple[Octave, ...] = (
    (40 * DAY, 0.15),
    (7 * DAY, 0.08),
    (2 * DAY, 0.05),
    (12 * HOUR, 0.03),
    (3 * HOUR, 0.012),
    (40 * MINUTE, 0.005),
    (8 * MINUTE, 0.0015),
    (1.5 * MINUTE, 0.0004),
)
SOURCE_NOISE: tuple[Octave, ...] = ((45.0, 0.0004),)

_DIGITS = 7
_SAMPLE_EVERY = 30 * MINUTE
_HALF_SPREAD = Decimal("0.0001")
_CENT, _SATOSHI = Decimal("0.01"), Decimal("0.00000001")
_WIDE = Context(prec=80)  # faults make prices longer than the usual 28 digits


@dataclass(frozen=True, slots=True)
class Span:
    """What happened in one market from one moment up to now: prices in its currency, volume in coins."""

    open: Decimal
    high: Decimal
    low: Decimal
    average: Decimal
    volume: Decimal
    trades: int

    @property
    def turnover(self) -> Decimal:
        """The volume in the market's currency."""
        return (self.volume * self.average).quantize(_SATOSHI, context=_WIDE)


@dataclass(frozen=True, slots=True)
class Tick:
    """One market of one source at one moment, all in `currency` ("usd", or the id of a coin); changes in percent.

    `id` is the source's own. `step` is the smallest step of the price. `day` is the last 24 hours, `today` begins at
    midnight UTC, `open_utc8` is the price at midnight in UTC+8. `hours` gives the prices of the last seven days.
    """

    id: str
    coin: CoinId
    name: str
    symbol: str
    currency: str
    at: float
    price: Decimal
    bid: Decimal
    ask: Decimal
    step: Decimal
    day: Span
    today: Span
    open_utc8: Decimal
    change_1h: Decimal
    change_24h: Decimal
    change_7d: Decimal
    supply: Decimal
    market_cap: Decimal
    hours: Callable[[], tuple[Decimal, ...]] = field(default=tuple, compare=False)


class Market:
    """All coins of one seed. Any coin id has a price at any moment."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._sample = lru_cache(maxsize=2**16)(self._sampled)

    def price(self, coin: CoinId, at: float, *, currency: str = "usd", source: SourceName = "") -> Decimal:
        """What one coin costs at `at`, in steps of the market; as one source sees it, or truly where none is named."""
        return self._exact(coin, at, currency, source).quantize(step_of(coin, currency))

    def tick(self, id: str, coin: CoinId, at: float, *, currency: str, source: SourceName) -> Tick:  # noqa: A002
        """One market of one source, whole, and consistent with the source's own past."""
        facts = facts_of(coin)
        step = step_of(coin, currency)

        def price(moment: float) -> Decimal:
            return self.price(coin, moment, currency=currency, source=source)

        now = price(at)
        half = max(step, (now * _HALF_SPREAD).quantize(step))
        midnight, midnight_utc8 = at // DAY * DAY, (at + 8 * HOUR) // DAY * DAY - 8 * HOUR
        return Tick(
            id=id,
            coin=coin,
            name=facts.name,
            symbol=facts.symbol,
            currency=currency,
            at=at,
            price=now,
            bid=now - half,
            ask=now + half,
            step=step,
            day=self._span(coin, at - DAY, at, currency, source),
            today=self._span(coin, midnight, at, currency, source),
            open_utc8=price(midnight_utc8),
            change_1h=_change(price(at - HOUR), now),
            change_24h=_change(price(at - DAY), now),
            change_7d=_change(price(at - WEEK), now),
            supply=facts.supply,
            market_cap=(facts.supply * self.price(coin, at, source=source)).quantize(_CENT),
            hours=lambda: tuple(price(at - place * HOUR) for place in range(167, -1, -1)),
        )

    def rate(self, id: str, code: str, at: float, *, source: SourceName) -> Tick:  # noqa: A002
        """What one of a currency costs, as one source sees it; of the day it says nothing, since no rate does."""
        facts, now = facts_of(code), self.price(code, at, source=source)
        still = Span(open=now, high=now, low=now, average=now, volume=Decimal(0), trades=0)
        return Tick(
            id=id,
            coin=code,
            name=facts.name,
            symbol=facts.symbol,
            currency="usd",
            at=at,
            price=now,
            bid=now,
            ask=now,
            step=step_of(code),
            day=still,
            today=still,
            open_utc8=now,
            change_1h=Decimal(0),
            change_24h=Decimal(0),
            change_7d=Decimal(0),
            supply=facts.supply,
            market_cap=now,
        )

    def _exact(self, coin: CoinId, at: float, currency: str, source: SourceName) -> Decimal:
        facts = facts_of(coin)
        wobble = smooth(f"{self.seed}/{coin}", at, WALK) * facts.volatility
        if source:
            wobble += smooth(f"{self.seed}/{source}/{coin}", at, SOURCE_NOISE)
        dollars = facts.price * Decimal(math.exp(wobble))
        return dollars if currency == "usd" else dollars / self._exact(currency, at, "usd", "")

    def _sampled(self, coin: CoinId, currency: str, index: int) -> Decimal:
        return self.price(coin, index * _SAMPLE_EVERY, currency=currency)

    def _span(self, coin: CoinId, start: float, end: float, currency: str, source: SourceName) -> Span:
        first, last = math.floor(start / _SAMPLE_EVERY) + 1, math.floor(end / _SAMPLE_EVERY)
        opened = self.price(coin, start, currency=currency, source=source)
        closed = self.price(coin, end, currency=currency, source=source)
        seen = [opened, closed, *(self._sample(coin, currency, index) for index in range(first, last + 1))]
        high, low = max(seen), min(seen)
        share = Decimal(round(0.02 + 0.01 * drawn(f"{source}/{coin}", 0) + 0.002 * drawn(source, last), 6))
        part = Decimal(round(max(end - start, MINUTE) / DAY, 6))
        volume = (facts_of(coin).supply * share * part / 10).quantize(_SATOSHI)
        average = ((opened + high + low + closed) / 4).quantize(step_of(coin, currency))
        return Span(opened, high, low, average, volume, trades=1 + int(volume * opened) // 700)


@lru_cache(maxsize=2**12)
def step_of(coin: CoinId, currency: str = "usd") -> Decimal:
    """The smallest step of a market's price: always the same for one market, seven digits of its usual price."""
    usual = facts_of(coin).price
    if currency != "usd":
        usual /= facts_of(currency).price
    return Decimal(1).scaleb(usual.adjusted() - _DIGITS + 1)


def _change(then: Decimal, now: Decimal) -> Decimal:
    return (now / then - 1) * 100
