"""Numbers and times as text: the right digits everywhere from 1e-18 to 1e15, in every locale."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from decimal import Context, Decimal, localcontext

import pytest
from babel import Locale, localedata
from babel.numbers import get_decimal_symbol
from hypothesis import given
from hypothesis import strategies as st

from widgets.format import NONE, change, clock, compact, is_locale, iso, moment, price, round_price, short_price

TAGS = ("en", "de", "fr", "ja", "ar", "ar-EG", "hi", "fa", "pt-BR", "ru", "he", "tr", "de-CH", "bn", "sv")
NBSP, THIN = "\u00a0", "\u202f"


def plain(text: str) -> str:
    """Without the marks that only steer direction."""
    return re.sub("[\u200e\u200f\u061c]", "", text)


def number(text: str, tag: str) -> Decimal:
    """The number that a reader of `tag` reads in `text`."""
    point = get_decimal_symbol(Locale.parse(tag, sep="-"), numbering_system="default")
    digits = "".join(
        str(unicodedata.decimal(letter)) if letter.isdecimal() else "." if letter == point else ""
        for letter in plain(text).replace("US$", "$")
    )
    return Decimal(digits.strip("."))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("64250.12", "$64,250.12"),
        ("64250.1249", "$64,250.12"),
        ("105230.4", "$105,230.40"),
        ("1000000000", "$1,000,000,000"),
        ("1234567.4999", "$1,234,567"),
        ("84.2", "$84.20"),
        ("1", "$1.00"),
        ("1.0003", "$1.00"),
        ("9.8712", "$9.871"),
        ("9.87", "$9.87"),
        ("0.99999", "$1.00"),
        ("0.99984", "$0.9998"),
        ("0.5", "$0.5000"),
        ("0.42", "$0.4200"),
        ("0.064127", "$0.06413"),
        ("0.00000644", "$0.00000644"),
        ("9.21E-6", "$0.00000921"),
        ("0.0000064412", "$0.000006441"),
        ("1E-12", "$0.000000000001"),
        ("1.23456E-18", "$0.000000000000000001235"),
    ],
)
def test_price_in_english(value: str, text: str) -> None:
    """Two decimals from one up, more where four significant digits need them, at least four below one."""
    assert price(Decimal(value), "usd", "en") == text


@pytest.mark.parametrize(
    ("tag", "large", "tiny"),
    [
        ("de", f"64.250,12{NBSP}$", f"0,00000644{NBSP}$"),
        ("fr", f"64{THIN}250,12{NBSP}$US", f"0,00000644{NBSP}$US"),
        ("ja", "$64,250.12", "$0.00000644"),
        ("ar", f"64,250.12{NBSP}US$", f"0.00000644{NBSP}US$"),
        ("ar-EG", f"٦٤٬٢٥٠٫١٢{NBSP}US$", f"٠٫٠٠٠٠٠٦٤٤{NBSP}US$"),
        ("hi", "$64,250.12", "$0.00000644"),
        ("fa", f"${NBSP}۶۴٬۲۵۰٫۱۲", f"${NBSP}۰٫۰۰۰۰۰۶۴۴"),
        ("pt-BR", f"US${NBSP}64.250,12", f"US${NBSP}0,00000644"),
        ("ru", f"64{NBSP}250,12{NBSP}$", f"0,00000644{NBSP}$"),
    ],
)
def test_price_by_locale(tag: str, large: str, tiny: str) -> None:
    """Separators, symbol, its place and the digits are those of the locale."""
    assert plain(price(Decimal("64250.12"), "usd", tag)) == large
    assert plain(price(Decimal("0.00000644"), "usd", tag)) == tiny


@pytest.mark.parametrize(
    ("tag", "four", "five"),
    [
        ("es", f"1234,50{NBSP}US$", f"12.345,00{NBSP}US$"),
        ("es-MX", f"USD{NBSP}1,234.50", f"USD{NBSP}12,345.00"),
        ("pl", f"1234,50{NBSP}USD", f"12{NBSP}345,00{NBSP}USD"),
        ("pt-PT", f"1234,50{NBSP}US$", f"12{NBSP}345,00{NBSP}US$"),
        ("pt", f"US${NBSP}1.234,50", f"US${NBSP}12.345,00"),
        ("it", f"1234,50{NBSP}USD", f"12.345,00{NBSP}USD"),
        ("en", "$1,234.50", "$12,345.00"),
    ],
)
def test_four_digits_stand_together_where_they_do(tag: str, four: str, five: str) -> None:
    """Thousands are marked from five digits on in some languages, and so are those of what is rounded up to five."""
    assert plain(price(Decimal("1234.5"), "usd", tag)) == four
    assert plain(price(Decimal(12345), "usd", tag)) == five
    ten = plain(round_price(Decimal("9999.6"), Decimal(1), "usd", tag))
    assert ten == plain(round_price(Decimal(10000), Decimal(1), "usd", tag))


def test_percent_are_marked_as_they_are_read() -> None:
    """1,234 % is four digits though it is 12.34 of one."""
    found = change(Decimal(1234), "es")
    assert found is not None
    assert plain(found.text) == f"+1234{NBSP}%"


@pytest.mark.parametrize(
    ("value", "currency", "tag", "text"),
    [
        ("9876543.2", "jpy", "ja", "￥9,876,543"),
        ("52.345", "jpy", "en", "¥52.34"),
        ("0.0351234", "btc", "en", f"0.03512{NBSP}BTC"),
        ("12.5", "eth", "de", f"12,50{NBSP}ETH"),
        ("1.2345", "tether", "en", f"1.234{NBSP}TETHER"),
        ("64250.12", "chf", "en", f"CHF{NBSP}64,250.12"),
        ("64250.12", "eur", "en", "€64,250.12"),
        ("1234567", "inr", "hi", "₹12,34,567"),
    ],
)
def test_price_in_other_currencies(value: str, currency: str, tag: str, text: str) -> None:
    """ISO codes are written as the locale does, with that currency's decimals; all other codes stand behind."""
    assert price(Decimal(value), currency, tag) == text


@pytest.mark.parametrize(
    "value", [None, "0", "-1", "0E-20", "NaN", "sNaN", "Infinity", "-Infinity", "1E+999", "1E-999"]
)
def test_no_price(value: str | None) -> None:
    """What is no price is a dash, never zero."""
    assert price(None if value is None else Decimal(value), "usd", "en") == NONE == "—"


@given(
    digits=st.integers(1, 10**20),
    exponent=st.integers(-38, 14),
    tag=st.sampled_from(TAGS),
    currency=st.sampled_from(["usd", "eur", "jpy", "kwd", "btc"]),
)
def test_price_keeps_four_digits(digits: int, exponent: int, tag: str, currency: str) -> None:
    """From 1e-18 to 1e15 the first four significant digits can be read back; never "0.00", never an exponent."""
    value = Decimal(digits).scaleb(exponent)
    if not Decimal("1e-18") <= value <= Decimal("1e15"):
        return
    text = price(value, currency, tag)
    with localcontext(Context(prec=60)):
        read = number(text, tag)
        assert read > 0
        assert abs(read - value) <= Decimal(5).scaleb(value.adjusted() - 4)
    assert not re.search(r"\d[eE]", text)
    assert "×" not in text


@pytest.mark.parametrize(
    ("value", "tag", "text", "arrow", "spoken"),
    [
        ("2.31", "en", "+2.31%", "▲", "up 2.31 percent"),
        ("-1.866", "en", "-1.87%", "▼", "down 1.87 percent"),
        ("0", "en", "0.00%", "•", "unchanged"),
        ("-0.004", "en", "0.00%", "•", "unchanged"),
        ("12345.6", "en", "+12,346%", "▲", "up 12,346 percent"),
        ("-1.87", "de", f"-1,87{NBSP}%", "▼", "minus 1,87 Prozent"),
        ("2.31", "fr", f"+2,31{NBSP}%", "▲", "en hausse de 2,31 pour cent"),
        ("2.31", "tr", "+%2,31", "▲", "yüzde 2,31 yükseldi"),
        ("-2.31", "sv", f"−2,31{NBSP}%", "▼", "ned 2,31 procent"),
        ("-2.31", "fa", "−۲٫۳۱٪", "▼", "۲٫۳۱ درصد کاهش"),
    ],
)
def test_change(value: str, tag: str, text: str, arrow: str, spoken: str) -> None:
    """A change carries its sign, an arrow and words; what rounds to nothing has no direction."""
    found = change(Decimal(value), tag)
    assert found is not None
    assert (plain(found.text), found.arrow, found.spoken) == (text, arrow, spoken)


@pytest.mark.parametrize("value", [None, Decimal("NaN"), Decimal("Infinity"), Decimal("1e99")])
def test_no_change(value: Decimal | None) -> None:
    """An unknown change is absent, never zero."""
    assert change(value, "en") is None


@given(st.decimals(min_value=-(10**9), max_value=10**9, allow_nan=False, allow_infinity=False), st.sampled_from(TAGS))
def test_change_direction(value: Decimal, tag: str) -> None:
    """Arrow and direction always agree with the sign of what is printed."""
    found = change(value, tag)
    assert found is not None
    assert (found.direction == "flat") == (number(found.text, tag) == 0)
    if found.direction != "flat":
        assert (found.direction == "up") == (value > 0)


def test_moment() -> None:
    """A moment names its day and its zone, so that a copy read years later tells the truth."""
    at = datetime(2026, 11, 22, 23, 4, tzinfo=timezone(timedelta(hours=2)))
    assert moment(at, "en") == "Nov 22, 2026, 21:04 UTC"
    assert moment(at, "en-GB") == "22 Nov 2026, 21:04 UTC"
    assert moment(at, "de") == "22.11.2026, 21:04 UTC"
    assert plain(moment(at, "fa")) == "۲۲ نوامبر ۲۰۲۶،\u200f ۲۱:۰۴ UTC".replace("\u200f", "")
    assert clock(at, "en") == "21:04 UTC"
    assert iso(at + timedelta(microseconds=999_999)) == "2026-11-22T21:04:00Z"


def test_compact() -> None:
    """Large amounts are short, in words of the locale."""
    assert compact(Decimal(1234567890), "usd", "en") == "$1.23B"
    assert compact(Decimal(1234567890), "usd", "de") == f"1,23{NBSP}Mrd.{NBSP}$"
    assert compact(Decimal(1234), "btc", "en") == f"1.23K{NBSP}BTC"
    assert compact(None, "usd", "en") == compact(Decimal("NaN"), "usd", "en") == NONE
    assert compact(Decimal(999_999), "usd", "en") == "$1M"
    assert compact(Decimal(0), "usd", "en") == "$0"
    assert compact(Decimal("0.0000012"), "usd", "en") == "$0.0000012"


def test_amounts_that_have_no_short_form_are_rounded() -> None:
    """Small ones, and thousands in the languages that write them out: no tail of digits in any of them."""
    exact = Decimal("469619.84174743")
    assert compact(exact, "usd", "de") == f"469.620{NBSP}$"
    assert compact(exact, "btc", "de") == f"469.620{NBSP}BTC"
    assert compact(exact, "sats", "it") == f"469.620{NBSP}sats"
    assert compact(Decimal("1234.56789"), "usd", "ja") == "$1,235"
    assert compact(Decimal("999.123456"), "usd", "en") == "$999.12"
    assert compact(Decimal("999.123456"), "btc", "en") == f"999.12{NBSP}BTC"
    for tag in (*TAGS, "it", "es", "pl", "zh", "zh-Hant", "de-AT", "en-IN"):
        for size in range(-1, 15):
            for currency in ("usd", "jpy", "btc"):
                text = compact(Decimal("1.23456789012").scaleb(size), currency, tag)
                assert sum(letter.isdecimal() for letter in text) <= 8, (tag, size, text)


def test_locales() -> None:
    """Every locale of the CLDR works with prices, changes and moments; anything else is refused by name."""
    at = datetime(2026, 11, 22, 21, 4, tzinfo=UTC)
    for name in sorted(localedata.locale_identifiers())[::9]:
        tag = name.replace("_", "-")
        assert is_locale(tag)
        assert number(price(Decimal("0.00000644"), "eth", tag), tag) == Decimal("0.00000644")
        assert change(Decimal(1), tag)
        assert moment(at, tag).endswith("UTC") or "UTC" in moment(at, tag)
        assert compact(Decimal(10**9), "eur", tag)


@pytest.mark.parametrize("tag", ["", "xx", "en_US", "en-XX", "../etc", "en-US-x", "e" * 99, "١"])
def test_unknown_locale(tag: str) -> None:
    """A locale we do not know is refused, never guessed."""
    assert not is_locale(tag)
    with pytest.raises(ValueError, match="not a locale"):
        price(Decimal(1), "usd", tag)


@pytest.mark.parametrize(
    ("value", "currency", "tag", "text"),
    [
        ("0.00000644", "usd", "en", "$0.0₅644"),
        ("0.00001234", "usd", "en", "$0.0₄1234"),
        ("0.0001234", "usd", "en", None),
        ("10.00001", "usd", "en", None),
        ("64250.12", "usd", "en", None),
        ("1.23456E-18", "btc", "de", f"0,0₁₇1235{NBSP}BTC"),
        ("0.00000644", "usd", "fa", f"${NBSP}۰٫۰₅۶۴۴"),
        (None, "usd", "en", None),
    ],
)
def test_zeros_counted(value: str | None, currency: str, tag: str, text: str | None) -> None:
    """Four zeros and more behind the point become one with their number below; what has fewer has no short form."""
    short = short_price(None if value is None else Decimal(value), currency, tag)
    assert (short if short is None else plain(short)) == text
