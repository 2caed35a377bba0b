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
from widgets.render import BASE, KINDS, page, render, style_hash, stylesheet

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
    """The external style holds what all have once, and the kinds asked for: list and label unless told."""
    assert stylesheet() == stylesheet("list", "label")
    for kinds in (BASE, KINDS, *((kind,) for kind in KINDS)):
        sheet = stylesheet(*kinds)
        assert sheet.count("--_ink: var(--mp-ink,light-dark(#12161c") == 1
        assert {kind for kind in KINDS if f".mp[data-kind={kind}]" in sheet} == set(kinds)
        assert sheet.count("{") == sheet.count("}")
        assert not re.search(r"/\*|\n|url\(|@import", sheet)
    assert stylesheet("table") == style(render("table", boards.label(), Options()))
    with pytest.raises(KeyError):
        stylesheet("nope")


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
    """The list of eleven coins, style and looks included, travels in at most 4 KB; the label in half of that."""
    board = boards.reference() if kind == "list" else boards.label()
    html = render(kind, board, Options()).encode()
    assert len(gzip.compress(html, 9)) <= limit * 9 // 8
    brotli = pytest.importorskip("brotli", reason="brotli is not installed; gzip was measured")
    assert len(brotli.compress(html)) <= limit


@pytest.mark.parametrize(
    ("kind", "limit"), [("tape", 4096), ("card", 2560), ("table", 8192), ("converter", 2560), ("chart", 4096)]
)
def test_weight_of_the_others(kind: str, limit: int) -> None:
    """So with every other kind, lines and charts included: eleven coins on tape and table, one on the others."""
    brotli = pytest.importorskip("brotli", reason="brotli is not installed")
    board = boards.rich() if kind in ("tape", "table") else boards.rich_one()
    show = ("logo", "name", "symbol", "price", "change", "cap", "volume", "spark")
    assert len(brotli.compress(render(kind, board, Options(show=show)).encode())) <= limit


@pytest.mark.parametrize("kinds", [(), *((kind,) for kind in KINDS)])
def test_weight_of_the_external_style(kinds: tuple[str, ...]) -> None:
    """The style of `css=link` travels in at most 2 KB: that of list and label together, and that of every kind."""
    brotli = pytest.importorskip("brotli", reason="brotli is not installed")
    assert len(brotli.compress(stylesheet(*kinds).encode())) <= 2048


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
