"""The badge: always an image, always with its time, text that fits, nothing in it that runs or loads."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import boards
import pytest
from playwright.sync_api import Browser, sync_playwright
from test_browser import CHROMIUM, FLAGS
from test_marks import contrast
from test_untrusted import CORPUS, poisoned

from widgets import badge as badges
from widgets.badge import badge, failed, failed_shield, shield
from widgets.board import Board, Options, Row
from widgets.widths import width
from widgets.words import all_words

SVG = "{http://www.w3.org/2000/svg}"
BITCOIN, ETHEREUM = boards.reference().rows[:2]


def options(**more: Any) -> Options:
    """What the server passes on for a badge."""
    return Options(**{"show": ("logo", "name", "price", "change"), "css": "none", **more})


def board(row: Row = BITCOIN, **more: Any) -> Board:
    """A board of one coin."""
    return Board((row,), as_of=row.as_of if row.price is not None else None, **more)


def texts(svg: str) -> list[str]:
    """What is printed, in its order, without the letters of the mark."""
    root = ET.fromstring(svg)
    return [text.text or "" for text in root.findall(f"{SVG}text")]


STATES = [
    (BITCOIN, ["Bitcoin", "$64,250.12", "▼ -1.87%", "21:04 UTC"]),
    (replace(ETHEREUM, agreement="single"), ["Ethereum", "$3,184.46", "▲ +2.31%", "single source", "21:04 UTC"]),
    (replace(ETHEREUM, freshness="delayed"), ["Ethereum", "$3,184.46", "▲ +2.31%", "delayed", "21:04 UTC"]),
    (replace(ETHEREUM, freshness="stale"), ["Ethereum", "$3,184.46", "▲ +2.31%", "as of 21:04 UTC"]),
    (replace(ETHEREUM, agreement="disputed"), ["Ethereum", "$3,184.46", "▲ +2.31%", "disputed", "21:04 UTC"]),
    (replace(ETHEREUM, agreement="fixed", as_of=None, change=None), ["Ethereum", "$3,184.46", "fixed"]),
    (replace(BITCOIN, price=Decimal("6.44E-9")), ["Bitcoin", "$0.00000000644", "▼ -1.87%", "21:04 UTC"]),
    (replace(ETHEREUM, price=None, agreement="disputed"), ["Ethereum", "—", "no price", "disputed"]),
    (boards.OPENVC, ["OpenVoiceCoin", "—", "no price"]),
]


@pytest.mark.parametrize(("row", "expected"), STATES)
def test_what_it_says(row: Row, expected: list[str]) -> None:
    """The price, its change, the words it needs beside it and its time; "—" where there is none, never a zero."""
    assert texts(badge(board(row), options())) == expected


@pytest.mark.parametrize(("row", "expected"), STATES)
def test_shields_says_the_same(row: Row, expected: list[str]) -> None:
    """In the keys of its endpoint badge, as JSON; only a live price has a colour."""
    found = shield(board(row), options())
    assert found == {
        "schemaVersion": 1,
        "label": expected[0],
        "message": " ".join(expected[1:]),
        "color": found["color"],
        "cacheSeconds": 300,
    }
    assert (found["color"] != "lightgrey") == (
        row.freshness == "live" and row.price is not None and row.change is not None
    )
    assert json.loads(json.dumps(found)) == found


def test_simulated_prices_say_so() -> None:
    """On the image, in its title and in shields.io's words."""
    simulated = board(simulated=True)
    assert badge(simulated, options()).count("simulated prices") == 3
    assert str(shield(simulated, options())["message"]).endswith("simulated prices")


def test_all_of_it_is_said_in_words() -> None:
    """Title and label tell the change as words, the date beside the time, the sources and what is weak about it."""
    root = ET.fromstring(badge(board(replace(BITCOIN, agreement="single", used=1)), options()))
    said = (
        "Bitcoin (BTC): $64,250.12, down 1.87 percent (24h), single source, as of Nov 22, 2026, 21:04 UTC, "
        "1 of 7 sources. Only one source quotes this price."
    )
    assert (root.get("role"), root.get("aria-label"), root.findtext(f"{SVG}title")) == ("img", said, said)


def test_columns_in_the_order_of_their_part() -> None:
    """The label holds logo, name and symbol, the message price and change, as asked for."""
    svg = badge(board(), options(show=("symbol", "name", "change", "price")))
    assert texts(svg) == ["BTC", "Bitcoin", "▼ -1.87%", "$64,250.12", "21:04 UTC"]
    assert texts(badge(board(), options(show=("price",)))) == ["$64,250.12", "21:04 UTC"]
    assert 'class="label"' not in badge(board(), options(show=("price",)))


def test_a_failure_is_an_image() -> None:
    """With what it would have been of, as far as that is known."""
    assert texts(failed("dogecoin", "unknown coin")) == ["dogecoin", "—", "unknown coin"]
    assert texts(failed("", "no prices yet")) == ["—", "no prices yet"]
    assert failed_shield("dogecoin", "unknown coin")["isError"] is True


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_one_constant_style_or_none(theme: str) -> None:
    """Only `auto` has a style, the same for all, and the hash we print is its hash; no style attributes, no ids."""
    svg = badge(board(), options(theme=theme))
    found = re.findall(r"<style>(.*?)</style>", svg)
    assert found == ([badges._DARK] if theme == "auto" else [])
    assert not re.search(r'<script|\bstyle="|\bid="|\bhref|url\(|@import|\bon\w+=', svg)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_are_legible(scheme: str) -> None:
    """4.5 to 1 for every ink on the ground it is printed on."""
    colours = badges._COLOURS[scheme]  # type: ignore[index]
    for ink in ("ink", "muted", "warn", "green", "red", "blue", "orange"):
        assert contrast(colours[ink], colours["ground"]) >= 4.5, ink
    assert min(contrast(colours[ink], colours["label"]) for ink in ("ink", "muted")) >= 4.5


@pytest.mark.parametrize("text", CORPUS)
def test_text_stays_text(text: str) -> None:
    """Whatever a coin is called, the image has the elements that it has for a harmless name."""
    found, given = poisoned(text)
    for svg in (badge(found, replace(given, show=badges.COLUMNS)), failed(text, text)):
        root = ET.fromstring(svg)
        assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
            "svg", "title", "style", "rect", "circle", "text",
        }  # fmt: skip
        assert not any(
            name.startswith("on") or name in ("href", "style", "id") for e in root.iter() for name in e.attrib
        )


@pytest.mark.parametrize("locale", sorted(all_words()))
def test_every_language(locale: str) -> None:
    """Well-formed, in the language's own words and direction."""
    root = ET.fromstring(badge(board(replace(BITCOIN, freshness="delayed")), options(locale=locale)))
    assert root.get("lang") == locale
    assert all_words()[locale]["delayed"] in [text.text for text in root.findall(f"{SVG}text")]


def test_widths() -> None:
    """Marks that stand on other letters take no room, squares a whole em; an empty text has none."""
    assert width("1234567890", 10) == pytest.approx(63.6)
    assert width("漢", 10) == 10
    assert width("e\u0301\u200e", 10) == width("e", 10)
    assert width("", 10) == 0


FITS = """svgs => svgs.map(svg => {
  const shapes = [...svg.querySelectorAll(':scope > text, :scope > svg')]
    .map(part => part.localName == 'svg' ? {x: part.x.baseVal.value, width: part.width.baseVal.value} : part.getBBox())
    .sort((one, other) => one.x - other.x)
  const outside = shapes.filter(box => box.x < 3 || box.x + box.width > svg.width.baseVal.value - 3).length
  const onOthers = shapes.filter((box, place) => place && shapes[place - 1].x + shapes[place - 1].width > box.x).length
  const squeezed = [...svg.querySelectorAll(':scope > text')].map(text => {
    const given = text.textLength.baseVal.value
    text.removeAttribute('textLength')
    return text.getComputedTextLength() / given })
  return [outside, onOthers, Math.min(...squeezed), Math.max(...squeezed)] })"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests here."""
    if not CHROMIUM:
        pytest.skip("no chromium on the path; set CHROMIUM")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.mark.browser
def test_text_fits_in_a_browser(browser: Browser) -> None:
    """In every language and state: inside the frame, not on one another, and hardly squeezed or stretched."""
    drawn = [badge(board(row), options(show=badges.COLUMNS)) for row, _ in STATES]
    drawn += [badge(board(), options(locale=locale)) for locale in sorted(all_words())]
    drawn += [
        badge(board(replace(BITCOIN, name="WWWWWWWWiiiiiiii")), options()),
        failed("pirate-chain", "unknown coin"),
    ]
    tab = browser.new_page()
    tab.set_content("<!doctype html><meta charset='utf-8'><style>svg{display:block}</style>" + "".join(drawn))
    for found, svg in zip(tab.locator("body > svg").evaluate_all(FITS), drawn, strict=True):
        outside, on_others, least, most = found
        assert (outside, on_others) == (0, 0), svg
        assert least > 0.75, svg
        assert most < 1.15, svg
    tab.close()


@pytest.mark.browser
@pytest.mark.parametrize("status", [200, 404, 503])
def test_a_browser_draws_it_as_an_image(browser: Browser, status: int) -> None:
    """Under the strictest policy for the image itself, whatever status a proxy might put on it."""
    tab = browser.new_page()
    tab.route(
        "**/*",
        lambda route: (
            route.fulfill(
                status=status,
                body=badge(board(), options()),
                content_type="image/svg+xml; charset=utf-8",
                headers={"content-security-policy": f"default-src 'none'; style-src '{badges.style_hash()}'"},
            )
            if route.request.url.endswith(".svg")
            else route.fulfill(body='<img src="/b.svg">', content_type="text/html")
        ),
    )
    tab.goto("http://badge.test/")
    assert tab.evaluate("document.images[0].complete && document.images[0].naturalWidth") > 200
    tab.close()
