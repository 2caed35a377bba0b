"""A board in another currency: the line that tells its rate, and no column without content."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import boards
import pytest
from pages import Element, read

from widgets.board import Board, Options
from widgets.render import KINDS, render

RATE_AT = datetime(2026, 11, 20, tzinfo=UTC)


def in_euros(**more: object) -> Board:
    """The reference sidebar in euros at Friday's rate; no change is known."""
    rows = tuple(replace(row, change=None) for row in boards.reference().rows)
    given: dict[str, object] = {"currency": "eur", "rate": Decimal("1.1622"), "rate_as_of": RATE_AT, **more}
    return replace(boards.reference(), rows=rows, **given)  # type: ignore[arg-type]


def drawn(board: Board, kind: str = "list", **options: object) -> Element:
    """The tree of `board` drawn as `kind`."""
    return read(render(kind, board, Options(**options)))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("en", "€1.00 = $1.162 · as of Nov 20, 2026, 00:00 UTC"),
        ("de", "1,00\u00a0€ = 1,162\u00a0$ · Stand 20.11.2026, 00:00 UTC"),
        ("ja", "€1.00 = $1.162 · 2026/11/20 00:00 UTC 現在"),
    ],
)
def test_the_rate_and_its_day(kind: str, locale: str, text: str) -> None:
    """Under the prices stands what a euro was counted at and from when, for eyes and for machines."""
    line = drawn(in_euros(), kind, locale=locale).one("mp-rate")

    assert " ".join(line.text.split(" ")).strip() == text
    (time,) = [element for element in line.all() if element.tag == "time"]
    assert time.attributes["datetime"] == "2026-11-20T00:00:00Z"


@pytest.mark.parametrize(
    ("currency", "rate", "text"),
    [
        ("sats", "0.0006425012", "1\u00a0sats = $0.0006425"),
        ("btc", "64250.12", "1.00\u00a0BTC = $64,250.12"),
        ("jpy", "0.0062768", "¥1 = $0.006277"),
        ("xau", "4501.44", "XAU\u00a01.00 = $4,501.44"),
    ],
)
def test_rates_of_every_sort(currency: str, rate: str, text: str) -> None:
    """Coins, their units, yen and ounces: each in its own writing."""
    line = drawn(in_euros(currency=currency, rate=Decimal(rate), rate_as_of=None)).one("mp-rate")
    assert line.text.strip() == text


def test_dollars_have_no_rate() -> None:
    """A board in dollars says nothing of rates, nor does one whose rate is not known."""
    assert not drawn(boards.reference()).find("mp-rate")
    assert not drawn(in_euros(rate=None)).find("mp-rate")


def test_no_empty_column() -> None:
    """Where no change is known in the currency there is no column for it, and no heading of one."""
    tree = drawn(in_euros())
    assert not tree.find("mp-change")
    assert not tree.find("mp-period")
    assert tree.one("mp").attributes["data-show"] == "logo name price symbol"


def test_a_change_that_is_known_is_shown() -> None:
    """One row with a change is reason enough; in dollars the column always stands, so that nothing jumps."""
    rows = in_euros().rows
    known = replace(in_euros(), rows=(replace(rows[0], change=Decimal("1.5")), *rows[1:]))
    assert drawn(known).find("mp-change")[0].text.split()[:2] == ["▲", "+1.50%"]
    assert drawn(replace(in_euros(), currency="usd", rate=None)).find("mp-change")


def test_units_of_bitcoin_are_written_small() -> None:
    """Whole satoshis behind their number."""
    rows = tuple(replace(row, price=row.price and row.price * 1000) for row in boards.reference().rows)
    tree = drawn(replace(boards.reference(), rows=rows, currency="sats"))
    assert tree.find("mp-price")[0].text.strip() == "64,250,120\u00a0sats"
