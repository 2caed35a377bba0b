"""Coin marks: one for every coin, always the same, legible, drawn without a request."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import read

from widgets.marks import _TINTS, KNOWN_TINTS, letters, mark, picture, tint


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio as WCAG 2 defines it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colour", sorted({*KNOWN_TINTS.values(), *_TINTS}))
def test_tints(colour: str) -> None:
    """White letters are legible on every tint, and no tint sinks into a white or a nearly black page."""
    assert contrast(colour, "#ffffff") >= 3
    assert contrast(colour, "#14181f") >= 2.6


@pytest.mark.parametrize(
    ("symbol", "coin", "text"),
    [
        ("BTC", "bitcoin", "BTC"), ("waves", "waves", "W"), ("ARRR", "pirate-chain", "ARRR"), ("$", "dollar", "D"),
        ("", "x", "X"), ("USDT.e", "tether", "U"), ("币安人生", "bnb-life", "币"), ("🚀", "-", "?"),
    ],
)  # fmt: skip
def test_letters(symbol: str, coin: str, text: str) -> None:
    """One to four letters that fit the disc: the symbol, or its first letter."""
    assert letters(symbol, coin) == text


@given(st.text(max_size=30), st.text(max_size=30))
def test_mark(coin: str, symbol: str) -> None:
    """Whatever the coin is called, its mark is one harmless picture, hidden from screen readers, and never changes."""
    drawn = mark(coin, symbol)
    svg = read(drawn).children[0]
    assert [element.tag for element in svg.all()] == ["svg", "circle", "text"]
    assert svg.attributes["aria-hidden"] == "true"
    assert 1 <= len(svg.text) <= 4
    assert drawn == mark.__wrapped__(coin, symbol)
    assert not {"style", "id", "href"} & {name for element in svg.all() for name in element.attributes}


def test_tint_is_stable() -> None:
    """A coin keeps its tint over restarts and releases."""
    assert tint("bitcoin") == KNOWN_TINTS["bitcoin"]
    assert (tint("some-new-coin"), tint("velvet")) == ("#cc4b32", "#2f6fde")


def test_picture() -> None:
    """The same mark as a file of its own, for an `<img>`: well-formed, and seen by screen readers."""
    drawn = ET.fromstring(picture("bitcoin", 'B"<'))
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
    assert "aria-hidden" not in drawn.attrib
    assert [part.tag.rsplit("}")[1] for part in drawn] == ["circle", "text"]
