"""The style: one constant text per kind, allowed by its hash, legible in every state, light enough to embed."""

import base64
import gzip
import hashlib
import re
from dataclasses import replace
from pathlib import Path

import boards
import pytest
from pages import read
from test_marks import contrast

import widgets
from widgets.board import Board, Options
from widgets.render import BASE, KINDS, LOOKS, page, render, style_hash, stylesheet

PAIRS = dict(re.findall(r"--(_\w+):var\(--mp-\w+,light-dark\((#\w+,#\w+)\)\)", stylesheet().split(".mp[data-up", 1)[0]))


def style(html: str) -> str:
    """The only inline style of a page."""
    (found,) = re.findall(r"<style>(.*?)</style>", html)
    return str(found)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("look", LOOKS)
def test_constant(kind: str, look: str) -> None:
    """The inline style depends on nothing but kind and look, in fragment and page, and its hash is the one we print."""
    styles = {
        style(draw(kind, board, options))
        for draw in (render, page)
        for board in (boards.reference(), boards.mixed(), boards.label(boards.OPENVC), Board(()))
        for options in (
            Options(look=look),
            Options(look=look, density="compact", locale="fa", theme="dark", up="blue", show=("price",), title="<x>"),
        )
    }
    (text,) = styles
    assert style_hash(kind, look) == "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    assert not re.search(r"url\(|@import|expression|<", text)


def test_unknown_kind_has_no_hash() -> None:
    """A hash is given only for what exists."""
    with pytest.raises(KeyError):
        style_hash("nope")
    with pytest.raises(KeyError, match="no look 'nope'"):
        style_hash("list", "nope")


def test_a_look_costs_only_who_asks_for_it() -> None:
    """Each look but the card, which needs none, is a few rules of its own, after all others and in no other style."""
    assert {path.stem for path in (Path(widgets.__file__).parent / "looks").glob("*.css")} == {*LOOKS} - {"card"}
    for look in LOOKS:
        sheet = stylesheet("table", looks=(look,))
        assert sheet.startswith(stylesheet("table"))
        assert {one for one in LOOKS if f"[data-look={one}]" in sheet[len(stylesheet("table")) :]} == {look} - {"card"}


@pytest.mark.parametrize("look", ["glass", "terminal"])
@pytest.mark.parametrize("side", [0, 1])
def test_contrast_of_looks(look: str, side: int) -> None:
    """A look with colours of its own is as legible: the frosted one even over black or white."""
    rules = stylesheet(looks=(look,)).split(f"[data-look={look}]", 1)[1]
    own = dict(re.findall(r"--(_\w+):var\(--mp-\w+,light-dark\((#\w+,#\w+)\)\)", rules))
    colours = {name: pair.split(",")[side] for name, pair in {**PAIRS, **own}.items()}
    ground, alpha = colours["_bg"][:7], int(colours["_bg"][7:9] or "ff", 16) / 255
    behind = 255 * side  # the worst there is: black behind a light card, white behind a dark one
    parts = [round(int(ground[place : place + 2], 16) * alpha + behind * (1 - alpha)) for place in (1, 3, 5)]
    for name in ("_ink", "_muted", "_up", "_down", "_warn"):
        assert contrast(colours[name], "#" + "".join(f"{part:02x}" for part in parts)) >= 4.5, name


def test_stylesheet() -> None:
    """The external style holds what all have once, and the kinds asked for: the list and the elements unless told."""
    assert stylesheet().startswith(stylesheet(*BASE))
    assert "market-prices[rows]" in stylesheet()
    for kinds in (BASE, KINDS, *((kind,) for kind in KINDS)):
        sheet = stylesheet(*kinds)
        assert sheet.count("--_ink:var(--mp-ink,light-dark(#12161c") == 1
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
    """The style of `css=link` travels in at most 2 KB: that of the list with the elements, and that of every kind."""
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
