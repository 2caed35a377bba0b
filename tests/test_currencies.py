"""The currencies there are, and that whoever has to know them does."""

import re
from pathlib import Path

import pytest
from babel.numbers import is_currency

from ticker.currencies import CURRENCIES, DOLLAR, RATED, ids
from ticker.server.params import DEFAULTS, prices, widget
from ticker.simulate.known import KNOWN, MONEY
from widgets.format import NONE, compact, price

SORTS = {sort: [code for code, one in CURRENCIES.items() if one.sort == sort] for sort in ("coin", "metal", "unit")}


def test_there_are_enough() -> None:
    """At least 55 (issue 3), each by its own code."""
    assert len(CURRENCIES) == 75
    assert all(code == one.code and code == code.lower() for code, one in CURRENCIES.items())


def test_every_currency_has_one_origin() -> None:
    """The dollar is 1, coins and their units have a coin's price, everything else is asked for by its ISO code."""
    assert [code for code, one in CURRENCIES.items() if one.sort == "dollar"] == [DOLLAR]
    assert {code for code, one in CURRENCIES.items() if one.coin} == {*SORTS["coin"], *SORTS["unit"]}
    assert set(RATED) == CURRENCIES.keys() - {DOLLAR, *SORTS["coin"], *SORTS["unit"]}
    assert {CURRENCIES[code].coin for code in SORTS["unit"]} == {"bitcoin"}
    assert ids()["eur"] == ("EUR",)


@pytest.mark.parametrize("code", RATED)
def test_what_is_asked_for_is_in_iso_4217(code: str) -> None:
    """As the CLDR knows it, which also writes it."""
    assert is_currency(code.upper())


@pytest.mark.parametrize("code", [*SORTS["coin"], *SORTS["unit"]])
def test_no_coin_is_taken_for_money(code: str) -> None:
    """A coin's code that were also a country's would be written as that country's money."""
    assert not is_currency(code.upper())


@pytest.mark.parametrize("code", CURRENCIES)
def test_it_may_be_asked_for_and_is_written(code: str) -> None:
    """Widgets and JSON take it, and a price in it is never blank, zero or scientific."""
    assert widget([("currency", code)], None, DEFAULTS).currency == code
    assert prices([("currency", code)], None, DEFAULTS).currency == code
    for locale in ("en", "de", "ar", "ja", "pt-BR"):
        for value in ("64250.12", "0.00000644", "1e15"):
            text = price(CURRENCIES[code].fraction.from_float(float(value)), code, locale)
            assert text != NONE
            assert any(letter.isdecimal() and letter not in "0٠" for letter in text)
        assert compact(CURRENCIES[code].fraction.from_float(1.5e12), code, locale) != NONE


def test_the_documentation_lists_them() -> None:
    """docs/http.md names every code, and no other."""
    text = (Path(__file__).resolve().parents[1] / "docs" / "http.md").read_text(encoding="utf-8")
    section = text.partition("## Currencies")[2].partition("What a converted price says")[0]
    assert set(re.findall(r"`([a-z]{3,4})`", section)) == CURRENCIES.keys()


def test_the_simulation_knows_what_each_costs() -> None:
    """Simulated rates are those of no invented money, and no simulated coin is named like one."""
    assert MONEY.keys() == set(RATED)
    assert not MONEY.keys() & KNOWN.keys()
