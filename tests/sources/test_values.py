"""Reading values: exact where it counts, refusing what a lenient parser would take."""

from datetime import UTC, datetime
from decimal import Decimal, localcontext

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from ticker.sources.values import (
    ABSENT,
    change_from,
    day,
    dollars_each,
    iso_time,
    number,
    optional,
    percent,
    stablecoin_ending,
    times,
    unix_milliseconds,
    unix_seconds,
    usd_or_stablecoin,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"),
        ("-1.50", "-1.50"),
        ("65437.1", "65437.1"),
        ("3.84e-18", "3.84e-18"),
        ("6E+4", "60000"),
        ("0.00000000", "0"),
        ("87711.199999999997089617", "87711.199999999997089617"),
    ],
)
def test_number(text: str, value: str) -> None:
    """A JSON number and a string of it are the same exact decimal."""
    assert number(Raw(text.encode())) == number(Raw(f'"{text}"'.encode())) == number(text) == Decimal(value)


@pytest.mark.parametrize("text", ["+5", ".5", "5."])
def test_number_in_a_string_may_be_written_loosely(text: str) -> None:
    """Strings of numbers need not keep JSON's rules for numbers."""
    assert number(text) == Decimal(text)


@pytest.mark.parametrize("raw", [None, "", ABSENT, Raw(b"null"), Raw(b'""')])
def test_no_number(raw: Raw | str | None) -> None:
    """Null, the empty string and an absent field are no number, and no error."""
    assert number(raw) is None


@pytest.mark.parametrize(
    "text",
    [
        "1_000",
        "NaN",
        "nan",
        "Infinity",
        "-inf",
        "١٢٣",
        "１２",
        "true",
        "false",
        "1e400",
        "1e-400",
        "1e",
        "--1",
        "1.2.3",
        "1,5",
        "0x10",
        " 1",
        "1 ",
        "1\n",
        "[1]",
        "{}",
        "1" * 65,
        '"1"',
        ".",
        "-",
    ],
)
def test_number_refuses(text: str) -> None:
    """What float() or Decimal() would take too readily is refused, bare and in quotes; `optional` makes it None."""
    for raw in (text, Raw(f'"{text}"'.encode())):
        with pytest.raises(msgspec.ValidationError, match="not a number"):
            number(raw)
        assert optional(raw) is None


def test_number_refuses_other_kinds() -> None:
    """A bare true, a list and bytes that are no text are no number."""
    for raw in (Raw(b"true"), Raw(b"[1]"), Raw(b"{}")):
        with pytest.raises(msgspec.ValidationError):
            number(raw)
    with pytest.raises(UnicodeDecodeError):
        number(Raw(b'"\xe9"'))
    assert optional(Raw(b'"\xe9"')) is None


def test_longest_number() -> None:
    """64 characters are read to the last digit, 65 are refused."""
    longest = "0." + "1" * 62
    assert str(number(longest)) == longest
    with pytest.raises(msgspec.ValidationError):
        number(longest + "1")


@given(
    st.decimals(min_value="-1e15", max_value="1e15", allow_nan=False, allow_infinity=False).filter(
        lambda value: len(str(value)) <= 64 and len(f"{value:f}") <= 64
    )
)
def test_number_round_trip(value: Decimal) -> None:
    """Every decimal comes back exactly, from its plain and its scientific notation."""
    assert number(f"{value:f}") == value
    assert number(msgspec.json.decode(f'"{value:f}"'.encode(), type=Raw)) == value
    assert number(f"{value:e}") == value


@given(st.text(max_size=80))
def test_number_never_surprises(text: str) -> None:
    """Any text at all is a finite decimal, nothing, or the one error."""
    try:
        value = number(text)
    except msgspec.ValidationError:
        return
    assert value is None or value.is_finite()


def test_times_of_day() -> None:
    """Seconds, milliseconds and ISO 8601 with an offset are seconds since 1970; all else is None."""
    noon = datetime(2026, 8, 22, 12, tzinfo=UTC).timestamp()
    assert unix_seconds(Raw(b"1787400000")) == unix_seconds("1787400000") == noon
    assert unix_milliseconds(Raw(b"1787400000250")) == unix_milliseconds("1787400000250") == noon + 0.25
    assert iso_time("2026-08-22T12:00:00Z") == iso_time(Raw(b'"2026-08-22T14:00:00.000+02:00"')) == noon
    for nothing in (None, "", "soon", ABSENT, Raw(b"null"), Raw(b"true"), Raw(b"{}"), Raw(b'"\xe9"')):
        assert unix_seconds(nothing) is None
        assert unix_milliseconds(nothing) is None
        assert iso_time(nothing) is None
    assert iso_time("2026-08-22T12:00:00") is None
    assert iso_time(Raw(b"1787400000")) is None
    assert iso_time("0001-01-01T00:00:00+23:59") is not None


def test_changes() -> None:
    """Changes are percent: from open and last, or from a fraction; none without both, or from nothing."""
    assert change_from(Decimal(64000), Decimal(65280)) == 2
    assert change_from(Decimal(0), Decimal(1)) is None
    assert change_from(Decimal(-1), Decimal(1)) is None
    assert change_from(None, Decimal(1)) is None
    assert change_from(Decimal(1), None) is None
    assert percent(Decimal("0.0173")) == Decimal("1.73")
    assert percent(None) is None
    assert times(Decimal(2), Decimal("1.5")) == 3
    assert times(None, Decimal(1)) is None
    assert times(Decimal(1), None) is None


@pytest.mark.parametrize(
    ("market", "currency"),
    [
        ("BTC-USD", "usd"),
        ("BTC-USDT", "tether"),
        ("BTC-USDC", "usd-coin"),
        ("BTC-EUR", None),
        ("BTC-FDUSD", None),
        ("LTC-USD-SWAP", None),
        ("BTCUSD", None),
        ("-USD", None),
        ("", None),
    ],
)
def test_currency_behind_a_separator(market: str, currency: str | None) -> None:
    """The whole word behind the last separator decides, and only the three words we know."""
    assert usd_or_stablecoin(market, "-") == currency


@pytest.mark.parametrize(
    ("market", "currency"),
    [
        ("BTCUSDT", "tether"),
        ("btcusdt", "tether"),
        ("BTCUSDC", "usd-coin"),
        ("USDCUSDT", "tether"),
        ("BTCUSD", None),
        ("BTCFDUSD", None),
        ("BTCTUSD", None),
        ("BTCBUSD", None),
        ("BTCBTC", None),
        ("USDT", None),
        ("", None),
    ],
)
def test_currency_at_the_end(market: str, currency: str | None) -> None:
    """In one word only USDT and USDC are told apart from the many dollars that are not the dollar."""
    assert stablecoin_ending(market) == currency


def test_day() -> None:
    """A day counts from its midnight in UTC, so that it is never ahead of any clock in use."""
    assert day("2026-11-20") == day(Raw(b'"2026-11-20"')) == datetime(2026, 11, 20, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "raw",
    [None, "", ABSENT, "20261120", "2026-11-31", "2026-1-2", "2026-11-20T16:00:00Z", "٢٠٢٦-١١-٢٠", Raw(b"20261120")],
)
def test_no_day(raw: Raw | str | None) -> None:
    """Nothing else is a day, other forms of ISO 8601 included."""
    assert day(raw) is None


def test_dollars_each() -> None:
    """Exact to 28 digits, whatever the context of the caller."""
    with localcontext(prec=5):
        assert str(dollars_each(Decimal(1), Decimal(3))) == "0." + 28 * "3"
    assert dollars_each(Decimal("1.25"), Decimal(1)) == Decimal("1.25")


@pytest.mark.parametrize("cell", [None, Decimal(0), Decimal(-1), Decimal("1e-13"), Decimal("1e13"), Decimal("1e-30")])
def test_no_dollars_each(cell: Decimal | None) -> None:
    """A missing, zero, negative or impossible figure on either side makes no rate."""
    assert dollars_each(cell, Decimal(1)) is None
    assert dollars_each(Decimal(1), cell) is None
