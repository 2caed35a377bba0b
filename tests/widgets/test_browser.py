"""What a browser makes of the widgets: nothing runs, nothing is fetched, nothing overflows, nothing jumps."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boards
import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from test_untrusted import CORPUS, poisoned

from widgets.board import Board, Options
from widgets.render import KINDS, page, render, style_hash, stylesheet

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
HOST = '<!doctype html><meta charset="utf-8"><body style="margin:0;font:16px/1.6 sans-serif">'
HOSTILE = """<style>
  .widget ul { margin: 0 0 1em 2em; list-style: square } .widget p { margin: 0 0 24px; font-size: 20px }
  .widget ul li { padding: 10px; border-bottom: 2px dotted red; line-height: 2; margin-left: 20px; float: left }
  .widget ul li::before, .widget a::after { content: "»" } .widget div { margin-bottom: 20px }
  .widget a { color: #c00; border-bottom: 1px solid; font-weight: 400 } .widget section { margin: 9px; padding: 9px }
  .widget svg, .widget img { max-width: 100%; height: auto } .widget span { letter-spacing: 1px; display: block }
</style>"""
BOXES = """root => { const at = root.getBoundingClientRect()
  return [...root.querySelectorAll('*')].filter(element => element.getClientRects().length).map(element => {
    const box = element.getBoundingClientRect()
    return [element.className.baseVal ?? element.className, box.x - at.x, box.y - at.y, box.width, box.height]
      .map(part => typeof part === 'number' ? Math.round(part * 4) / 4 : part) }) }"""

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests here."""
    if not CHROMIUM:
        pytest.skip("no chromium on the path; set CHROMIUM")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """A fresh tab, 300 pixels wide."""
    opened = browser.new_page(viewport={"width": 300, "height": 900})
    yield opened
    opened.close()


def boxes(tab: Page, html: str, kind: str = "list") -> list[Any]:
    """Class, place and size of every element inside the widget, relative to it."""
    tab.set_content(HOST + html)
    return list(tab.locator(f".mp[data-kind={kind}]").evaluate(BOXES))


@pytest.mark.parametrize("kind", KINDS)
def test_strict_policy(tab: Page, kind: str) -> None:
    """Under a policy that allows only the printed style hash, the page is drawn whole and asks for nothing else."""
    policy = f"default-src 'none'; style-src '{style_hash(kind)}'; base-uri 'none'; form-action 'none'"
    asked: list[str] = []
    said: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: said.append(message.text))
    html = page(kind, boards.mixed(), Options())
    tab.route(
        "**/*",
        lambda route: route.fulfill(
            body=html, content_type="text/html; charset=utf-8", headers={"content-security-policy": policy}
        ),
    )
    tab.goto("http://widget.test/embed")
    assert tab.locator(".mp-row").first.is_visible()
    assert tab.locator(".mp").evaluate("element => getComputedStyle(element).fontVariantNumeric") == "tabular-nums"
    assert [url for url in asked if not url.endswith("/favicon.ico")] == ["http://widget.test/embed"]
    assert [text for text in said if "favicon" not in text] == []


def test_nothing_runs(tab: Page) -> None:
    """The whole corpus of attacks in every field of every widget executes nothing and adds no request."""
    alarms: list[str] = []
    tab.on("dialog", lambda dialog: (alarms.append(dialog.message), dialog.dismiss()))
    tab.on("request", lambda request: alarms.append(request.url))
    parts = []
    for text in CORPUS:
        board, options = poisoned(text)
        parts += [render(kind, board, options) for kind in KINDS]
    tab.set_content(HOST + "".join(parts))
    tab.evaluate("document.querySelectorAll('.mp *').forEach(element => element.dispatchEvent(new Event('mouseover')))")
    assert alarms == []
    assert tab.locator("script").count() == 0


@pytest.mark.parametrize("width", [270, 300, 509, 540, 600, 1000])
@pytest.mark.parametrize("locale", ["en", "fr", "fa"])
def test_nothing_overflows(tab: Page, width: int, locale: str) -> None:
    """From a narrow sidebar to a wide column every cell stays inside the card, with the longest names and prices."""
    long = replace(
        boards.row("x", "A coin with a really very long name", "LONGSYMBOL12", "0.0000000000001234", "-1234.5"),
        agreement="single",
        freshness="delayed",
    )
    board = replace(boards.mixed(), rows=(*boards.mixed().rows, long))
    tab.set_viewport_size({"width": width, "height": 900})
    tab.set_content(HOST + render("list", board, Options(locale=locale)))
    outside = tab.locator(".mp").evaluate("""root => { const card = root.getBoundingClientRect()
      return [...root.querySelectorAll('.mp-row, .mp-price, .mp-change, .mp-name, .mp-mark, .mp-foot')].filter(cell => {
        const box = cell.getBoundingClientRect(); return box.left < card.left || box.right > card.right })
        .map(cell => cell.className + cell.textContent) }""")
    assert outside == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [300, 600])
def test_nothing_jumps(tab: Page, width: int) -> None:
    """A row is as high in every state, so prices that change state move nothing."""
    tab.set_viewport_size({"width": width, "height": 900})
    tab.set_content(HOST + render("list", boards.mixed(), Options()))
    heights = tab.locator(".mp-row").evaluate_all(
        "rows => rows.map(row => Math.round(row.getBoundingClientRect().height))"
    )
    assert len(heights) == 14
    assert max(heights) - min(heights) <= 1


@pytest.mark.parametrize("width", [300, 600])
def test_columns_line_up(tab: Page, width: int) -> None:
    """Prices end on one line, whatever their digits."""
    tab.set_viewport_size({"width": width, "height": 900})
    tab.set_content(HOST + render("list", boards.mixed(), Options()))
    ends = tab.locator(".mp-price").evaluate_all("all => all.map(one => one.getBoundingClientRect().right)")
    assert max(ends) - min(ends) < 0.5


@pytest.mark.parametrize("width", [300, 600])
def test_host_styles_change_nothing(tab: Page, width: int) -> None:
    """In a theme that dresses up lists, links and paragraphs, every element stays exactly where it was."""
    tab.set_viewport_size({"width": width, "height": 900})
    rows = tuple(replace(row, link="https://news.example/") for row in boards.mixed().rows)
    html = render("list", replace(boards.mixed(), rows=rows), Options())
    calm = boxes(tab, f"<div>{html}</div>")
    assert boxes(tab, f"{HOSTILE}<div class=widget>{html}</div>") == calm


def test_widgets_share_a_page(tab: Page) -> None:
    """List and label on one page look as they do alone, whichever comes first."""
    listed, label = render("list", boards.reference(), Options()), render("label", boards.label(), Options())
    alone = boxes(tab, listed), boxes(tab, label, "label")
    assert (boxes(tab, listed + label), boxes(tab, listed + label, "label")) == alone
    assert (boxes(tab, label + listed), boxes(tab, label + listed, "label")) == alone


def test_external_style_is_the_same(tab: Page) -> None:
    """With the external style a widget looks exactly as with its own."""
    bare = render("list", boards.mixed(), Options(css="none"))
    assert boxes(tab, f"<style>{stylesheet()}</style>{bare}") == boxes(tab, render("list", boards.mixed(), Options()))


@pytest.mark.parametrize(
    ("scheme", "theme", "declared", "dark"),
    [
        ("dark", "auto", "light dark", True),
        ("light", "auto", "light dark", False),
        ("dark", "auto", "normal", False),
        ("light", "auto", "dark", True),
        ("light", "dark", "normal", True),
        ("dark", "light", "light dark", False),
    ],
)
def test_theme_follows_the_page(browser: Browser, scheme: Any, theme: Any, declared: str, dark: bool) -> None:
    """Auto is dark where the page is dark: a page that knows only light keeps a light widget at night."""
    tab = browser.new_page(color_scheme=scheme)
    style = f"<style>:root {{ color-scheme: {declared} }}</style>"
    tab.set_content(HOST + style + render("list", boards.reference(), Options(theme=theme)))
    ground = tab.locator(".mp").evaluate("element => getComputedStyle(element).backgroundColor")
    tab.close()
    assert ground == ("rgb(20, 24, 31)" if dark else "rgb(255, 255, 255)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_follows_the_reader(browser: Browser, scheme: Any) -> None:
    """The page for an iframe follows the reader's own preference."""
    tab = browser.new_page(color_scheme=scheme)
    tab.set_content(page("list", boards.reference(), Options()))
    ground = tab.locator(".mp").evaluate("element => getComputedStyle(element).backgroundColor")
    tab.close()
    assert ground == ("rgb(20, 24, 31)" if scheme == "dark" else "rgb(255, 255, 255)")


@pytest.mark.parametrize("width", [300, 600])
def test_screen_reader(tab: Page, width: int) -> None:
    """A screen reader meets a named region with a heading and a list of eleven items, and hears the change in words."""
    tab.set_viewport_size({"width": width, "height": 900})
    tab.set_content(HOST + render("list", boards.reference(), Options()))
    assert tab.get_by_role("region", name="Latest Market Prices").count() == 1
    assert tab.get_by_role("heading", name="Latest Market Prices").count() == 1
    assert tab.get_by_role("list").count() == 1
    assert tab.get_by_role("listitem").count() == 11
    heard = tab.get_by_role("listitem").first.aria_snapshot()
    assert "Bitcoin $64,250.12 BTC down 1.87 percent" in heard


def test_own_colours(tab: Page) -> None:
    """A site sets colours and height by custom properties anywhere above the widget."""
    style = "<style>:root { --mp-bg: #ffeedd; --mp-up: #010203; --mp-row: 60px }</style>"
    tab.set_content(HOST + style + render("list", boards.reference(), Options()))
    assert tab.locator(".mp").evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 238, 221)"
    assert tab.locator("[data-direction=up]").first.evaluate("e => getComputedStyle(e).color") == "rgb(1, 2, 3)"
    assert tab.locator(".mp-row").first.evaluate("e => e.getBoundingClientRect().height") == 60


def test_print(tab: Page) -> None:
    """On paper even a dark widget is black on white."""
    tab.emulate_media(media="print")
    tab.set_content(HOST + render("list", boards.reference(), Options(theme="dark")))
    assert tab.locator(".mp").evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"


def test_empty_board(tab: Page) -> None:
    """A board without any row is still a whole widget."""
    tab.set_content(HOST + render("list", Board(()), Options()))
    assert tab.locator(".mp").inner_text().split("\n")[-1].lower() == "no prices at the moment"
