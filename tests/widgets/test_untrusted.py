"""Text from providers, files and parameters stays text, wherever it is printed."""

from dataclasses import replace

import boards
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import Element, read

from widgets.board import Board, Credit, Options
from widgets.render import KINDS, error, page, render

CORPUS = (
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    '" autofocus onfocus=alert(1) x="',
    "--><script>alert(1)</script><!--",
    "{{ 7*7 }}{% raw %}{{ config }}",
    "&lt;script&gt;&#60;img src=x&#62;",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</svg></text><script>alert(1)</script>",
    "a\u2028b\u0000<\u200bscript>",
    "\u202e<b>gnp\u2066",
    "`${alert(1)}`",
    "<!--#exec cmd=ls--><esi:include src=x/>",
    "]]><x>",
)


def poisoned(text: str) -> tuple[Board, Options]:
    """A board with `text` in every field that holds text."""
    row = replace(
        boards.reference().rows[0], coin=text, name=text, symbol=text, icon=text, link=text, agreement="single"
    )
    credit = Credit(text, text)
    options = Options(title=text, origin=text, stylesheet=text, address=text, query=(("title", text), (text, text)))
    return Board((row, row), text, boards.AT, (credit,), simulated=True, disclaimer=text), options


def skeleton(tree: Element) -> list[tuple[str, tuple[str, ...]]]:
    """Every element with the names of its attributes."""
    return [(element.tag, tuple(element.attributes)) for element in tree.all()]


@pytest.mark.parametrize("text", CORPUS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("css", ["inline", "link"])
@pytest.mark.parametrize("draw", [render, page])
def test_corpus(text: str, kind: str, css: str, draw: object) -> None:
    """No text adds an element or an attribute: the page is built exactly as with a harmless word."""
    board, options = poisoned(text)
    calm, calm_options = poisoned("calm")
    tree = read(draw(kind, board, replace(options, css=css)))
    assert skeleton(tree) == skeleton(read(draw(kind, calm, replace(calm_options, css=css))))
    for element in tree.all():
        assert element.attributes.get("href", "") in ("", text) if element.tag == "link" else True
        web = ("http://", "https://", "?")  # the last: to another picture of the kind, at our own address
        assert not (element.tag == "a" and not element.attributes["href"].startswith(web))
        assert element.tag != "img"


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.sampled_from("<>\"'&;=/ \n{}%#\u202eab"), min_size=1, max_size=60))
def test_any_text(text: str) -> None:
    """What holds for the corpus holds for any mix of the characters that mean something in HTML."""
    board, options = poisoned(text)
    harmless = skeleton(read(render("list", *poisoned("calm"))))
    tags = {tag for tag, _ in harmless} | {"img", "a"}
    names = {name for _, attributes in harmless for name in attributes} | {"src", "alt", "loading", "decoding", "href"}
    for tag, attributes in skeleton(read(render("list", board, options))):
        assert tag in tags
        assert names.issuperset(attributes)
    assert len(read(error(text)).all()) == 2


def test_long_text_is_cut() -> None:
    """No text field can fill a page."""
    board, options = poisoned("x" * 100_000)
    board = replace(board, credits=(Credit("x" * 100_000, "https://a.example/"),))
    assert len(render("list", board, replace(options, css="none", stylesheet="/embed.css"))) < 6000
