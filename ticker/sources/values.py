"""Reading the values in an answer: numbers exactly, times in seconds, changes in percent, currencies by our names.

Knows no source. Whatever is not such a value is None, except for a price, where it is an error.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Context, Decimal, InvalidOperation

import msgspec

QUOTE_CURRENCIES: Mapping[str, str] = {"USD": "usd", "USDT": "tether", "USDC": "usd-coin"}
ABSENT = msgspec.Raw()  # the default of a field that may be missing: msgspec reads `Raw | None` as null only

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_LONGEST_NUMBER = 64
_PLAIN = '"0123456789.'
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_DIVISION = Context(prec=28)
_SANE_RATE = (Decimal("1e-12"), Decimal("1e12"))


def number(raw: msgspec.Raw | str | None) -> Decimal | None:
    """A JSON number, or a string holding one, exactly; None for null, "" and an absent field.

    Everything else raises `msgspec.ValidationError`: booleans, "NaN", "1_0", digits that are not ASCII, more than 64
    characters, exponents of three digits.
    """
    if isinstance(raw, msgspec.Raw):
        plain = str(raw, "utf-8")
        if not plain.strip(_PLAIN) and len(plain) <= _LONGEST_NUMBER:  # nearly all are such; it takes half the time
            return _decimal(plain[1:-1] if plain.startswith('"') else plain)
    text = _text(raw)
    if not text:
        return None
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        raise msgspec.ValidationError(f"not a number: {text[:_LONGEST_NUMBER]!r}")
    return Decimal(text)


def _decimal(digits: str) -> Decimal | None:
    """Digits and points as a number, None for nothing; as `number` does where they are none."""
    try:
        return Decimal(digits) if digits else None
    except InvalidOperation:
        raise msgspec.ValidationError(f"not a number: {digits!r}") from None


def optional(raw: msgspec.Raw | str | None) -> Decimal | None:
    """As `number`, for all that is not the price: what is no number is None, since it must not cost us the price."""
    try:
        return number(raw)
    except (msgspec.ValidationError, UnicodeDecodeError):
        return None


def unix_seconds(raw: msgspec.Raw | str | None) -> float | None:
    """Unix seconds, as a number or a string of one; None for what is no number."""
    value = optional(raw)
    return None if value is None else float(value)


def unix_milliseconds(raw: msgspec.Raw | str | None) -> float | None:
    """Unix milliseconds, as a number or a string of one, in seconds; None for what is no number."""
    value = optional(raw)
    return None if value is None else float(value) / 1000


def iso_time(raw: msgspec.Raw | str | None) -> float | None:
    """An ISO 8601 time with its offset in seconds since 1970; None for what is no such time."""
    try:
        moment = datetime.fromisoformat(_text(raw))
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.timestamp()


def day(raw: msgspec.Raw | str | None) -> float | None:
    """A day such as 2026-11-20 as the moment it begins in UTC, so that it never lies ahead; None for what is none."""
    text = _text(raw)
    if not _DAY.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def dollars_each(dollars: Decimal | None, units: Decimal | None) -> Decimal | None:
    """The US dollars for one unit, where both are what one and the same thing costs; exact to 28 digits.

    None where either is missing, not above zero, or a figure that no exchange rate has.
    """
    low, high = _SANE_RATE
    if dollars is None or units is None or not (low <= dollars <= high and low <= units <= high):
        return None
    return _DIVISION.divide(dollars, units)


def change_from(open_: Decimal | None, last: Decimal | None) -> Decimal | None:
    """The change from open to last in percent; None where either is missing or the open is not above zero."""
    if open_ is None or last is None or open_ <= 0:
        return None
    return (last / open_ - 1) * 100


def percent(fraction: Decimal | None) -> Decimal | None:
    """A fraction (0.0173) in percent (1.73)."""
    return None if fraction is None else fraction * 100


def times(amount: Decimal | None, price: Decimal | None) -> Decimal | None:
    """An amount of the base coin in the quote currency; None where either is missing."""
    return None if amount is None or price is None else amount * price


def in_dollars(_: str) -> str:
    """The currency of a source that quotes everything in US dollars."""
    return "usd"


def usd_or_stablecoin(market: str, separator: str) -> str | None:
    """The quote currency of a market named BASE+separator+QUOTE, as we name currencies; None for all others."""
    base, _, quote = market.upper().rpartition(separator)
    return QUOTE_CURRENCIES.get(quote) if base else None


def stablecoin_ending(market: str) -> str | None:
    """The quote currency of a market named BASEQUOTE in one word; None for all but USDT and USDC.

    A plain USD is never read: BTCBUSD, BTCFDUSD and BTCTUSD end in it too, and no rule tells them apart.
    """
    base, quote = market[:-4], market[-4:].upper()
    return QUOTE_CURRENCIES.get(quote) if base else None


def _text(raw: msgspec.Raw | str | None) -> str:
    """A JSON value as text, without the quotes of a string; "" for null and an absent field."""
    if raw is None or isinstance(raw, str):
        return raw or ""
    text = str(bytes(raw), "utf-8")
    if text.startswith('"'):
        return text[1:-1]
    return "" if text == "null" else text
