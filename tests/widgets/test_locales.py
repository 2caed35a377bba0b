"""Every locale there is: what is written can be read back, in its own digits, and depends on nothing but itself."""

import re
import time
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from babel import localedata

from widgets.format import change, compact, moment, price, short_price
from widgets.locales import ZEROS, canonical, locale_of

TAGS = tuple(name.replace("_", "-") for name in sorted(localedata.locale_identifiers()))
AT = datetime(2026, 11, 22, 21, 4, tzinfo=UTC)
PRICES = tuple(map(Decimal, ("1234567", "64250.12", "1957.73", "0.9998", "0.00000644", "0.000000000000001235")))
MOST_MS = 25.0  # for a locale at its first time, on average: its data is a file, read once


def read(text: str, tag: str) -> Decimal:
    """The number that a reader of `tag` reads: its digits, its point, and groups that the locale may make."""
    locale = locale_of(tag)
    symbols = locale.number_symbols[locale.default_numbering_system]
    point, group = symbols["decimal"], symbols["group"]
    (run,) = re.findall(rf"\d(?:[\d{re.escape(point + group)}]*\d)?", text)
    digits = run.replace(group, "").replace(point, ".")
    return Decimal("".join(letter if letter == "." else str(unicodedata.decimal(letter)) for letter in digits))


def test_every_locale_reads_back() -> None:
    """In all locales of the CLDR prices are never empty, never raise, and are the very number in that locale's own
    digits and separators; so are changes; all of it in little time.
    """
    assert len(TAGS) > 1000
    began = time.process_time()
    for tag in TAGS:
        for value in PRICES:
            for currency in ("usd", "chf", "btc"):
                text = price(value, currency, tag)
                assert read(text, tag) == value, (tag, text)
            short = short_price(value, "usd", tag)
            assert (short is None) == (value > Decimal("0.0001")), (tag, short)
        moved = change(Decimal("-1234.5") / 100, tag)
        assert moved is not None
        assert read(moved.text, tag) == Decimal("12.34"), (tag, moved.text)
        assert "UTC" in moment(AT, tag)
        assert compact(Decimal(10**9), "eur", tag)
    assert (time.process_time() - began) * 1000 / len(TAGS) <= MOST_MS


def test_digits_are_of_one_kind() -> None:
    """Whatever a locale writes has digits of one numbering system only, in short and in long."""
    for tag in TAGS:
        zero = ZEROS[locale_of(tag).default_numbering_system]
        moved = change(Decimal("2.31"), tag)
        for text in (price(PRICES[1], "usd", tag), moved.text if moved else "", compact(PRICES[0], "eur", tag)):
            assert {ord(one) - unicodedata.decimal(one) for one in text if one.isdecimal()} == {zero}, (tag, text)


def test_no_locale_depends_on_another() -> None:
    """A month has the same name whoever asked before: forwards, and backwards with everything forgotten."""
    months = {tag: moment(AT, tag) for tag in TAGS}
    localedata._cache.clear()
    locale_of.cache_clear()
    assert {tag: moment(AT, tag) for tag in reversed(TAGS)} == months
    assert months["ur"] == "22 نومبر، 2026 21:04 UTC"


@pytest.mark.parametrize(
    ("asked", "tag", "text"),
    [
        ("ar-EG", "ar-EG", "٦٤٬٢٥٠٫١٢"),
        ("ar-EG-u-nu-latn", "ar-EG-u-nu-latn", "64,250.12"),
        ("ar", "ar", "64,250.12"),
        ("ar-u-nu-native", "ar-u-nu-arab", "٦٤٬٢٥٠٫١٢"),
        ("fa_IR-u-nu-latn", "fa-IR-u-nu-latn", "64,250.12"),
        ("hi-u-nu-deva", "hi-u-nu-deva", "६४,२५०.१२"),
        ("mr", "mr", "६४,२५०.१२"),
        ("mr-u-nu-deva", "mr", "६४,२५०.१२"),
        ("bn", "bn", "৬৪,২৫০.১২"),
        ("th-u-nu-thai", "th-u-nu-thai", "๖๔,๒๕๐.๑๒"),
        ("EN-u-NU-latn", "en", "64,250.12"),
        ("zh_TW", "zh-Hant-TW", "64,250.12"),
        ("en-IN", "en-IN", "64,250.12"),
    ],
)
def test_digits_asked_for(asked: str, tag: str, text: str) -> None:
    """`-u-nu-` chooses the digits among those that the locale knows, with the separators that belong to them."""
    assert canonical(asked) == tag
    assert text in price(Decimal("64250.12"), "usd", tag)


def test_indian_grouping() -> None:
    """Lakh and crore are grouped as in India, in whatever digits."""
    assert price(Decimal(12345678), "inr", "en-IN") == "₹1,23,45,678"
    assert price(Decimal(12345678), "inr", "hi-u-nu-deva") == "₹१,२३,४५,६७८"


@pytest.mark.parametrize(
    "tag", ["en-u-nu-deva", "zh-u-nu-hanidec", "en-u-nu-nope", "en-u-nu", "en-u-ca-buddhist", "u-nu"]
)
def test_unknown_digits(tag: str) -> None:
    """Digits that a locale does not know, or that are no decimal digits, are refused by name."""
    with pytest.raises(ValueError, match=re.escape(repr(tag))):
        canonical(tag)
