"""The price of another day, beside today's in a sentence: what is said of it, and the change since. Pure."""

from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal

from widgets.format import day, price
from widgets.words import direction

_WIDE = Context(prec=40)


@dataclass(frozen=True, slots=True)
class Then:
    """A day that is over or has begun, and the first price of it; None where none is kept."""

    on: date
    price: Decimal | None

    def change(self, now: Decimal | None) -> Decimal | None:
        """From then to now in percent, None where either is unknown."""
        if now is None or not self.price:
            return None
        return _WIDE.multiply(_WIDE.subtract(_WIDE.divide(now, self.price), Decimal(1)), Decimal(100))


@dataclass(frozen=True, slots=True)
class Told:
    """A `Then` as a reader sees it: "$118,012.50", "(Jul 27, 2026)", and an arrow on to the price now."""

    price: str
    day: str
    iso: str
    arrow: str


def told(then: Then, currency: str, locale: str) -> Told:
    """What is printed of it."""
    arrow = "←" if direction(locale) == "rtl" else "→"
    return Told(price(then.price, currency, locale), day(then.on, locale), then.on.isoformat(), arrow)
