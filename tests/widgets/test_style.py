"""The style: one constant text per kind, allowed by its hash, legible in every state, light enough to embed."""

import base64
import gzip
import hashlib
import re
from dataclasses import replace

import boards
import pytest
from pages import read
from test_marks import contrast

from widgets.board import Board, Options
from widgets.render import KINDS, page, render, style_hash, stylesheet

PAIRS = dict(
    re.findall(r"--(_\w+): var\(--mp-\w+,light-dark\((#\w+,#\w+)\)\)", stylesheet().split(".mp[data-up", 1)[0])
)


def style(html: str) -> str:
    """The only inline style of a page."""
    (found,) = re.findall(r"<style>(.*?)</style>", html)
    return str(found)


@pytest.mark.parametrize("kind", KINDS)
def test_constant(kind: str) -> None:
    """The inline style never depends on data or options, in fragment and page, and its hash is the one we print."""
    styles = {
        style(draw(kind, board, options))
        for draw in (render, page)
        for board in (boards.reference(), boards.mixed(), boards.label(boards.OPENVC), Board(()))
        for options in (Options(), Options(locale="fa", theme="dark", up="blue", show=("price",), title="<x>"))
    }
    (text,) = styles
    assert style_hash(kind) == "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    assert not re.search(r"url\(|@import|expression|<", text)


def test_unknown_kind_has_no_hash() -> None:
    """A hash is given only for what exists."""
    with pytest.raises(KeyError):
        style_hash("nope")


def test_stylesheet() -> None:
    """The external style holds every kind's rules once."""
    sheet = stylesheet()
    assert sheet.count("font: inherit") == 1
    for kind in KINDS:
        assert f"[data-kind={kind}]" in sheet
        assert style(render(kind, boards.label(), Options()))[-80:] in sheet
    assert sheet.count("{") == sheet.count("}")
    assert not re.search(r"/\*|\n|url\(|@import", sheet)


@pytest.mark.parametrize(("side", "ground"), [(0, "#ffffff"), (1, "#14181f")])
@pytest.mark.parametrize("name", ["_ink", "_muted", "_up", "_down", "_warn"])
def test_contrast(side: int, ground: str, name: str) -> None:
    """Every colour of text is legible on the card, light and dark (WCAG AA)."""
    assert contrast(PAIRS[name].split(",")[side], ground) >= 4.5


@pytest.mark.parametrize("name", ["red", "blue"])
def test_contrast_of_palettes(name: str) -> None:
    """So are the other two palettes for up and down, which differ in more than the green."""
    (block,) = re.findall(rf"\.mp\[data-up={name}\]{{(.*?)}}", stylesheet())
    for light, dark in re.findall(r"light-dark\((#\w+),(#\w+)\)", block):
        assert contrast(light, "#ffffff") >= 4.5
        assert contrast(dark, "#14181f") >= 4.5


@pytest.mark.parametrize(("kind", "limit"), [("list", 4096), ("label", 2048)])
def test_weight(kind: str, limit: int) -> None:
    """The list of eleven coins, style included, weighs at most 4 KB as it travels; the label half of that."""
    board = boards.reference() if kind == "list" else boards.label()
    html = render(kind, board, Options()).encode()
    assert len(gzip.compress(html, 9)) <= limit
    brotli = pytest.importorskip("brotli", reason="brotli is not installed; gzip was measured")
    assert len(brotli.compress(html)) <= limit


def test_linked_weight() -> None:
    """With the external style the fragment itself is smaller still."""
    linked = render("list", boards.reference(), Options(css="link"))
    assert len(gzip.compress(linked.encode(), 9)) <= 2048
    assert not [element for element in read(linked).all() if element.tag == "style"]


def test_all_states_weigh_little() -> None:
    """Every state at once, with links, stays within the budget for eleven coins and a half."""
    rows = tuple(replace(row, link=f"https://news.example/tag/{row.coin}") for row in boards.mixed().rows)
    html = render("list", replace(boards.mixed(), rows=rows), Options(locale="fa"))
    assert len(gzip.compress(html.encode(), 9)) <= 6144
