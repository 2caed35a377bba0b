"""When two names or symbols are one coin's, and what of foreign text may reach a terminal."""

import pytest

from ticker.identity.names import alike, canonical, shown


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Waves", "waves"),
        ("Bitcoin Cash", "BitcoinCash"),
        ("NEAR Protocol", "Near"),
        ("LEO Token", "LEO"),
        ("Neo", "NEO"),
        ("Ｎａｎｏ", "Nano"),
        ("The Coin", "the coin"),
    ],
)
def test_one_coin(one: str, other: str) -> None:
    """Case, marks, width and words that anyone may add make no other coin."""
    assert alike(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Bitcoin", "Bitcoin Gold"),
        ("Bitcoin Gold", "Bitgem"),
        ("Ethereum", "Ethereum Classic"),
        ("Terra", "Terra Classic"),
        ("Nano", "Xeno"),
        ("Token", "Coin"),
    ],
)
def test_two_coins(one: str, other: str) -> None:
    """What only begins alike is another coin."""
    assert not alike(one, other)


def test_symbols() -> None:
    """A coin under its old and its new symbol is one; LUNA and LUNC are two, since another coin took the first over."""
    assert canonical("nano") == canonical("XNO ")
    assert canonical("XBT") == canonical("btc")
    assert canonical("LUNA") != canonical("LUNC")


@pytest.mark.parametrize("text", ["\x1b[31mred", "a\u202eb", "a\nb", "a\u2028b", "a\x00b"])
def test_foreign_text(text: str) -> None:
    """No control character, line end or change of direction gets through."""
    assert shown(text).isprintable()
    assert shown("x" * 100) == "x" * 40 + "…"
