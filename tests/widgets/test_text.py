"""Text and addresses from elsewhere are harmless before they are printed."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.text import clean, own_path, web_address


@pytest.mark.parametrize(
    ("raw", "printed"),
    [
        ("  Bit\tcoin \n Cash ", "Bit coin Cash"),
        ("abc\u202egnp.exe", "abcgnp.exe"),
        ("a\u2066b\u2069\u200e\u200f\ufeff\u200b\x00\x1bc\u2028d", "abc d"),
        ("Z" + "\u0335" * 40 + "algo", "Z" + "\u0335" * 3 + "algo"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\U000e0041tag", "tag"),
        ("", ""),
    ],
)
def test_clean(raw: str, printed: str) -> None:
    """Line breaks, controls, direction overrides and stacks of marks go; letters and joiners of real words stay."""
    assert clean(raw, 40) == printed


def test_clean_cuts() -> None:
    """What is too long ends in an ellipsis within its length."""
    assert clean("x" * 41, 40) == "x" * 39 + "…"
    assert clean("x" * 40, 40) == "x" * 40


@given(st.text(), st.integers(1, 60))
def test_clean_always(text: str, longest: int) -> None:
    """Whatever comes in, one line of printable letters comes out, not longer than asked."""
    line = clean(text, longest)
    assert len(line) <= longest
    assert not [letter for letter in line if unicodedata.category(letter) in ("Cc", "Zl", "Zp", "Cs", "Co")]


@pytest.mark.parametrize("url", ["https://a.example/", "http://a.example:81/b?c=d#e", "HTTPS://A.example"])
def test_web_address(url: str) -> None:
    """Plain web addresses are links."""
    assert web_address(url) == url


@pytest.mark.parametrize(
    "url",
    [
        None, "", "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)",
        "data:text/html,x", "vbscript:x", "//evil.example/", "/path", "https://", "https:evil", "ftp://a.example/",
        "https://user:pw@a.example/", "https://a.example\\@b.example/", "https://a.example/ b", "https://[::1/",
        "https://a.example/\u202e", "https://a.example/" + "x" * 2000,
    ],
)  # fmt: skip
def test_no_web_address(url: str | None) -> None:
    """Everything else is no link."""
    assert web_address(url) is None


def test_own_path() -> None:
    """An icon comes from our own server or not at all."""
    assert own_path("/icons/nano.svg?v=3f") == "/icons/nano.svg?v=3f"
    for path in (None, "", "//evil.example/x.svg", "https://evil.example/x.svg", "/a/../../x", '/x"onerror=', "x.svg"):
        assert own_path(path) is None
