"""From prices in US dollars to prices in another currency: what may be said of them there, and what not. Pure.

A converted price is no better than the weaker of the price and the rate: it is as fresh as the older of the two, and
what nobody can know from them is None. Knows a snapshot; nothing of sources, of settling and of the clock.
"""

from decimal import Context, Decimal

import msgspec

from ticker.currencies import CURRENCIES, DOLLAR
from ticker.model import Agreement, Price, Snapshot

# Two independent groups are enough for a rate: below, a reader is told.
_WEAKER: tuple[Agreement, ...] = ("single", "fixed", "disputed", "none")
_DIGITS = Context(prec=18)
_EXACT = Context(prec=60)


def rate_of(snapshot: Snapshot, code: str) -> Price | None:
    """What one unit of a currency costs in US dollars, settled. None for the dollar itself, where no conversion is.

    A currency that nobody gives, a coin that is not configured for example, has a rate without a price.
    """
    if code == DOLLAR:
        return None
    currency = CURRENCIES[code]
    prices = snapshot.rates if currency.coin is None else snapshot.prices
    wanted = currency.coin or code
    found = next((one for one in prices if one.coin == wanted), None)
    if found is None or found.price is None:
        return Price(code, None, "none" if found is None else found.agreement)
    return msgspec.structs.replace(found, coin=code, price=_EXACT.multiply(found.price, currency.fraction))


def convert(price: Price, rate: Price | None) -> Price:
    """A price in the currency of a rate that `rate_of` gave, to 18 significant digits; in dollars as it is.

    Deadlines are the earlier of the two, `as_of` stays the price's. Changes are exact where the rate's own change is
    known, else None. High and low are the dollars of the day at the rate of now, which says nothing where the
    currency is itself a coin: None there.
    """
    if rate is None or price.price is None:
        return price
    per_unit = rate.price
    if per_unit is None:
        return Price(price.coin, None, rate.agreement, total=price.total)

    def in_units(amount: Decimal | None) -> Decimal | None:
        return None if amount is None else _DIGITS.normalize(_DIGITS.divide(amount, per_unit))

    steady = CURRENCIES[rate.coin].coin is None
    return msgspec.structs.replace(
        price,
        price=in_units(price.price),
        agreement=_weaker(price.agreement, rate.agreement),
        confidence=_sum(price.confidence, rate.confidence),
        live_until=_earlier(price.live_until, rate.live_until),
        delayed_until=_earlier(price.delayed_until, rate.delayed_until),
        gone_at=_earlier(price.gone_at, rate.gone_at),
        change_1h=_change(price.change_1h, rate.change_1h),
        change_24h=_change(price.change_24h, rate.change_24h),
        change_7d=_change(price.change_7d, rate.change_7d),
        high_24h=in_units(price.high_24h) if steady else None,
        low_24h=in_units(price.low_24h) if steady else None,
        volume_24h=in_units(price.volume_24h),
        market_cap=in_units(price.market_cap),
        clock_suspect=price.clock_suspect or rate.clock_suspect,
    )


def _weaker(price: Agreement, rate: Agreement) -> Agreement:
    """The price's own agreement, unless the rate's is one that readers are warned of and is the weaker."""
    if rate not in _WEAKER or (price in _WEAKER and _WEAKER.index(price) > _WEAKER.index(rate)):
        return price
    return rate


def _earlier(one: float | None, other: float | None) -> float | None:
    return min((at for at in (one, other) if at is not None), default=None)


def _sum(price: Decimal | None, rate: Decimal | None) -> Decimal | None:
    """Two relative spreads together are at most their sum; unknown where either is."""
    return None if price is None or rate is None else _DIGITS.add(price, rate)


def _change(price: Decimal | None, rate: Decimal | None) -> Decimal | None:
    """The change in percent of a price whose unit changed too."""
    if price is None or rate is None or rate <= -100:
        return None
    hundred = Decimal(100)
    ratio = _EXACT.divide(_EXACT.add(hundred, price), _EXACT.add(hundred, rate))
    return _DIGITS.normalize(_EXACT.multiply(_EXACT.subtract(ratio, Decimal(1)), hundred))
