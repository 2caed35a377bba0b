"""Text from numbers and times, the way a locale writes them. Pure; knows nothing of HTML.

A locale is a BCP 47 tag of the CLDR ("en", "pt-BR", "ar-EG-u-nu-latn"); `is_locale` tells the known ones, all others
raise `ValueError`.
Prices keep four significant digits, are never in scientific notation and never "0.00"; no price is "—".
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Context, Decimal, localcontext
from functools import lru_cache
from typing import Literal

from babel.dates import format_date, format_skeleton
from babel.numbers import (
    NumberPattern,
    format_compact_currency,
    format_compact_decimal,
    get_currency_precision,
    get_currency_symbol,
    get_minus_sign_symbol,
    get_plus_sign_symbol,
    is_currency,
    parse_pattern,
)

from widgets.locales import ZEROS, Tagged, least_grouped
from widgets.locales import locale_of as _locale
from widgets.words import words

Direction = Literal["up", "down", "flat"]

NONE = "—"
ARROWS: dict[Direction, str] = {"up": "▲", "down": "▼", "flat": "•"}

_SIGNIFICANT = 4
_SMALL = 4  # fewest decimals below one, so that a column of such prices lines up
_WHOLE = 1_000_000  # from here on the decimals are noise
_UNITS = {"SATS": ("sats", 0), "BITS": ("bits", 2)}  # parts of a bitcoin: how they are written, and their decimals
_COUNTED = 4  # zeros behind the point, from which on nobody counts them at a glance
_TINY = Decimal(1).scaleb(-_COUNTED)  # what has so many zeros is below it
_SUBSCRIPT = {0x30 + digit: 0x2080 + digit for digit in range(10)}
_EXACT = Context(prec=120)
_SHOWABLE = (Decimal("1e-30"), Decimal("1e30"))
_LEFT_TO_RIGHT = "\u200e"
_ABBREVIATED = re.compile(r"[^0¤\s\u200e\u200f]")  # in the pattern of a short form
_LETTER_BEFORE_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)")


@dataclass(frozen=True, slots=True)
class Change:
    """A change in percent: as text with its sign ("+2.31%"), its direction, an arrow for it, and in spoken words."""

    text: str
    direction: Direction
    arrow: str
    spoken: str


def is_locale(tag: str) -> bool:
    """Whether numbers can be written the way of `tag`."""
    try:
        _locale(tag)
    except ValueError:
        return False
    return True


def _native(text: str, locale: Tagged) -> str:
    """`text` with the digits and the percent sign that readers of `locale` use."""
    return locale.native(text)


@lru_cache(maxsize=512)
def _pattern(tag: str, kind: Literal["currency", "decimal", "percent"], decimals: int) -> NumberPattern:
    locale = _locale(tag)
    fraction = "." + "0" * decimals if decimals else ""
    if kind == "percent":
        pattern = locale.percent_formats[None].pattern
        return parse_pattern(re.sub(r"0(?=[^0#,.;]*(?:;|$))", "0" + fraction, pattern))
    pattern = (
        locale.currency_formats["standard"].pattern if kind == "currency" else locale.decimal_formats[None].pattern
    )
    return parse_pattern(re.sub(r"\.[0#]+", fraction, pattern))


def _write(tag: str, kind: Literal["currency", "decimal", "percent"], value: Decimal, decimals: int, code: str) -> str:
    locale = _locale(tag)
    with localcontext(_EXACT):
        shown = round(abs(value) * 100 if kind == "percent" else abs(value), decimals)
        text = _pattern(tag, kind, decimals).apply(
            value,
            locale,
            currency=code or None,
            currency_digits=False,
            group_separator=shown >= least_grouped(locale),
            numbering_system="default",
        )
    return _native(_LETTER_BEFORE_DIGIT.sub("\u00a0", _kept_together(text, code, locale)), locale)


def _rounded(value: Decimal, digits: int) -> tuple[Decimal, int]:
    """`value` and the number of decimals it is shown with; `digits` are those of its currency."""
    with localcontext(_EXACT):
        if value >= _WHOLE:
            return value.to_integral_value(), 0
        rounded = round(value, max(_SIGNIFICANT - 1 - value.adjusted(), digits))
        least = digits if rounded >= 1 else _SMALL
        _, _, exponent = rounded.normalize().as_tuple()
        return rounded, max(least, -int(exponent))


def price(value: Decimal | None, currency: str, locale: str) -> str:
    """A price such as "$64,250.12" or "$0.00000644"; "—" for none, zero and whatever else is no price.

    `currency` is an ISO code, written as the locale does, or any other code, written behind: "0.03512 BTC".
    """
    if value is None or not value.is_finite() or not _SHOWABLE[0] <= value <= _SHOWABLE[1]:
        return NONE
    code = currency.upper()
    if is_currency(code):
        rounded, decimals = _rounded(value, get_currency_precision(code))
        return _write(locale, "currency", rounded, decimals, code)
    name, digits = _UNITS.get(code, (code, 2))
    rounded, decimals = _rounded(value, digits)
    return f"{_write(locale, 'decimal', rounded, decimals, '')}\u00a0{name}"


def short_price(value: Decimal | None, currency: str, locale: str) -> str | None:
    """A tiny price with its zeros counted, "$0.0₅644" for "$0.00000644": for eyes, since it is read out as nonsense.

    None where there are fewer than four zeros behind the point to count.
    """
    if value is None or value >= _TINY:
        return None
    text, found = price(value, currency, locale), _locale(locale)
    system = found.default_numbering_system
    zero, point = chr(ZEROS[system]), found.number_symbols[system]["decimal"]
    zeros = re.search(f"(?<=(?<!\\d){zero}{re.escape(point)}){zero}{{{_COUNTED},}}", text)
    if zeros is None:
        return None
    number = str(len(zeros[0])).translate(_SUBSCRIPT)
    return f"{text[: zeros.start()]}{zero}{number}{text[zeros.end() :]}"


def round_price(value: Decimal, step: Decimal, currency: str, locale: str) -> str:
    """A price on an axis whose marks are `step` apart: no more decimals than it takes to tell them apart."""
    decimals = max(0, -int(step.normalize().as_tuple().exponent))
    code = currency.upper()
    if not is_currency(code):
        return f"{_write(locale, 'decimal', value, decimals, '')}\u00a0{_UNITS.get(code, (code, 0))[0]}"
    return _write(locale, "currency", value, max(decimals, 2) if decimals else 0, code)


def amount(value: Decimal | None, symbol: str, locale: str) -> str:
    """So much of a coin, such as "0.00001556 BTC"; "—" for none."""
    if value is None or not value.is_finite() or not _SHOWABLE[0] <= value <= _SHOWABLE[1]:
        return NONE
    rounded, decimals = _rounded(value, 0)
    return f"{_write(locale, 'decimal', rounded, decimals, '')}\u00a0{symbol}"


def change(value: Decimal | None, locale: str) -> Change | None:
    """A change of `value` percent, with two decimals (none from a thousand percent on); None where it is unknown."""
    if value is None or not value.is_finite() or abs(value) > _SHOWABLE[1]:
        return None
    with localcontext(_EXACT):
        decimals = 2 if abs(value) < 1000 else 0
        size = round(abs(value), decimals)
        number = _write(locale, "decimal", size, decimals, "")
        percent = _write(locale, "percent", size / 100, decimals, "")
    say = words(locale)
    if not size:
        return Change(percent, "flat", ARROWS["flat"], say["flat"])
    direction: Direction = "up" if value > 0 else "down"
    symbol = get_plus_sign_symbol if value > 0 else get_minus_sign_symbol
    sign = symbol(_locale(locale), numbering_system="default")
    return Change(sign + percent, direction, ARROWS[direction], say[direction].format(number))


def compact(value: Decimal | None, currency: str, locale: str) -> str:
    """A large amount in short, such as "$1.23B", written out where the locale has no short form; "—" for none."""
    if value is None or not value.is_finite() or not 0 <= value <= _SHOWABLE[1]:
        return NONE
    babel, code = _locale(locale), currency.upper()
    is_money = is_currency(code)
    name, digits = _UNITS.get(code, (code, 2))
    with localcontext(_EXACT):
        unit = next((unit for size, unit in _short_forms(locale, is_money=is_money) if value >= size), None)
        if unit is None:
            rounded, decimals = (round(value, 0), 0) if not value or value >= 1000 else _rounded(value, digits)
            if is_money:
                return _write(locale, "currency", rounded, decimals, code)
            return f"{_write(locale, 'decimal', rounded, decimals, '')}\u00a0{name}"
        rounded = round(value / unit, 2) * unit  # 999,999 is 1M, not 1000K
        if is_money:
            text = format_compact_currency(rounded, code, locale=babel, fraction_digits=2, numbering_system="default")
        else:
            short = format_compact_decimal(rounded, locale=babel, fraction_digits=2, numbering_system="default")
            text = f"{short}\u00a0{name}"
    return _native(_LETTER_BEFORE_DIGIT.sub("\u00a0", _kept_together(text, code, babel)), babel)


@lru_cache(maxsize=512)
def _short_forms(tag: str, *, is_money: bool) -> tuple[tuple[int, int | None], ...]:
    """From which amount on a locale counts in what, the largest first; None where it writes the amount out.

    CLDR has a pattern for each power of ten, "000K" for a hundred thousand, and a bare "0" where there is none.
    """
    locale = _locale(tag)
    formats = (locale.compact_currency_formats if is_money else locale.compact_decimal_formats)["short"]["other"]
    found: list[tuple[int, int | None]] = []
    for size, pattern in sorted(((int(size), one.pattern) for size, one in formats.items()), reverse=True):
        is_short = _ABBREVIATED.search(pattern)
        found.append((size, size // int(10 ** (pattern.count("0") - 1)) if is_short else None))
    return tuple(found)


def _kept_together(text: str, code: str, locale: Tagged) -> str:
    """Among letters that run from right to left "US$" would be drawn as "$US"."""
    if not is_currency(code) or locale.text_direction != "rtl":
        return text
    symbol = get_currency_symbol(code, locale)
    return text.replace(symbol, f"{_LEFT_TO_RIGHT}{symbol}{_LEFT_TO_RIGHT}")


def count(number: int, locale: str) -> str:
    """A small number in the digits of the locale."""
    return _native(str(number), _locale(locale))


def span(period: str, locale: str) -> str:
    """A period such as "24h" or "7d", in the words of the locale."""
    return words(locale)["hours" if period.endswith("h") else "days"].format(count(int(period[:-1]), locale))


def time_of_day(at: datetime, locale: str) -> str:
    """The time of day in UTC such as "21:04", where an axis has said so."""
    return _native(f"{at.astimezone(UTC):%H:%M}", _locale(locale))


def day_of_year(at: datetime, locale: str) -> str:
    """A day of this year, such as "Nov 22"."""
    babel = _locale(locale)
    return _native(format_skeleton("MMMd", at.astimezone(UTC), locale=babel), babel)


def clock(at: datetime, locale: str) -> str:
    """The time of day such as "21:04 UTC", for where the date stands close by."""
    return time_of_day(at, locale) + " UTC"


def moment(at: datetime, locale: str) -> str:
    """A moment that stays true however late it is read, such as "Nov 22, 2026, 21:04 UTC"."""
    babel = _locale(locale)
    together: str = babel.datetime_formats["medium"]
    return together.replace("{1}", day(at.astimezone(UTC), locale)).replace("{0}", clock(at, locale))


def day(on: date, locale: str) -> str:
    """A day such as "Jul 27, 2026"."""
    babel = _locale(locale)
    return _native(format_date(on, "medium", locale=babel), babel)


def iso(at: datetime) -> str:
    """A moment for machines, whole seconds: "2026-11-22T21:04:10Z"."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
