"""What a browser makes of the widgets: nothing runs, nothing is fetched, nothing overflows, nothing jumps."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boards
import pytest
from chromium import ABSENT, CHROMIUM, FLAGS
from playwright.sync_api import Browser, Page, sync_playwright
from test_untrusted import CORPUS, poisoned

from widgets.board import Board, Options
from widgets.render import KINDS, LOOKS, page, render, style_hash, stylesheet

HOST = '<!doctype html><meta charset="utf-8"><body style="margin:0;font:16px/1.6 sans-serif">'
HOSTILE = """<style>
  .widget ul { margin: 0 0 1em 2em; list-style: square } .widget p { margin: 0 0 24px; font-size: 20px }
  .widget ul li { padding: 10px; border-bottom: 2px dotted red; line-height: 2; margin-left: 20px; float: left }
  .widget ul li::before, .widget a::after { content: "»" } .widget div { margin-bottom: 20px }
  .widget a { color: #c00; border-bottom: 1px solid; font-weight: 400 } .widget section { margin: 9px; padding: 9px }
  .widget svg, .widget img { max-width: 100%; height: auto } .widget span { letter-spacing: 1px; display: block }
</style>"""
DRESSED = """<style>
  .widget table { margin: 0 0 1.5em; border: 3px solid; table-layout: fixed }
  .widget td, .widget th { padding: 20px; border: 1px solid }
  .widget tr:nth-child(2n) { background: #eee } .widget caption { caption-side: bottom; font-size: 9px }
  .widget nav { float: right; margin: 30px } .widget dl { margin: 2em } .widget dd { margin-left: 40px }
  .widget dt { float: left }
  .widget details { border: 1px solid; padding: 1em } .widget summary { padding: 1em; font-weight: 700 }
  .widget svg { fill: red }
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
        pytest.skip(ABSENT)
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


WIDE = ("logo", "name", "symbol", "price", "change", "cap", "volume", "spark")
SHOWN = {"table": WIDE, "card": WIDE, "list": (*WIDE[:5], "spark"), "tape": ("logo", "symbol", "price", "change")}


def everything(kind: str) -> Board:
    """Every state of a price with all there is beside it, for the kinds of many coins; two coins for the others."""
    board = boards.rich(boards.mixed())
    return board if kind in ("list", "tape", "table") else replace(board, rows=board.rows[:2])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("locale", ["en", "fa"])
def test_no_kind_outgrows_its_place(tab: Page, kind: str, locale: str) -> None:
    """At 280, 400 and 800 pixels, in every look, from left to right and back: what is wide scrolls inside."""
    options = Options(locale=locale, css="none", show=SHOWN.get(kind, WIDE[:5]), address="https://p.example/")
    drawn = "".join(
        render(kind, replace(everything(kind), pages=2), replace(options, look=look))  # type: ignore[arg-type]
        for look in LOOKS
    )
    tab.set_content(f"{HOST}<style>{stylesheet(kind, looks=LOOKS)}</style>{drawn}")
    for width in (280, 400, 800):
        tab.set_viewport_size({"width": width, "height": 900})
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        boxes_ = tab.locator(".mp").evaluate_all("all => all.map(one => one.getBoundingClientRect().width)")
        assert len(boxes_) == len(LOOKS)
        assert max(boxes_) <= width


@pytest.mark.parametrize("kind", KINDS)
def test_large_text(tab: Page, kind: str) -> None:
    """With text at twice its size in a narrow window nothing is lost beyond its edge."""
    options = Options(show=SHOWN.get(kind, WIDE[:5]), address="https://p.example/")
    tab.set_viewport_size({"width": 400, "height": 900})
    tab.set_content(f'{HOST}<div style="font-size:200%">{render(kind, everything(kind), options)}</div>')
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.parametrize("kind", KINDS)
def test_forced_colours(browser: Browser, kind: str) -> None:
    """Where the reader forces colours, lines and charts are drawn in the colour of text."""
    tab = browser.new_page(forced_colors="active", color_scheme="dark")
    tab.set_content(HOST + render(kind, boards.rich_one(), Options(show=WIDE, theme="light")))
    lines = tab.locator(".mp svg[data-direction]").evaluate_all("all => all.map(one => getComputedStyle(one).color)")
    ground = tab.locator(".mp").evaluate("one => getComputedStyle(one).color")
    tab.close()
    assert set(lines) <= {ground}
    assert bool(lines) == (kind not in ("label", "tape", "converter")) or lines


def at(tab: Page) -> float:
    """Where the band of the tape is."""
    return float(tab.locator(".mp-track").evaluate("one => one.getBoundingClientRect().left"))


def running(tab: Page) -> str:
    """Whether the band of the tape moves."""
    return str(tab.locator(".mp-track").evaluate("one => getComputedStyle(one).animationPlayState"))


def tape(tab: Page, locale: str = "en", motion: Any = "no-preference") -> None:
    """A tape of eleven coins, 600 pixels wide."""
    tab.set_viewport_size({"width": 600, "height": 300})
    tab.emulate_media(reduced_motion=motion)
    options = Options(show=SHOWN["tape"], locale=locale)
    tab.set_content(f'<!doctype html>{HOST}{render("tape", boards.rich(), options)}<a href="#">next</a>')


@pytest.mark.parametrize("locale", ["en", "fa"])
def test_the_tape_never_shows_a_hole(tab: Page, locale: str) -> None:
    """At the beginning, in the middle and at the end of its round the window is full of coins."""
    tape(tab, locale)
    for moment in (0, 0.5, 0.999):
        holes = tab.evaluate(f"""() => {{
          const [round] = document.querySelector('.mp-track').getAnimations()
          round.pause(); round.currentTime = {moment} * round.effect.getComputedTiming().duration
          const seen = document.querySelector('.mp-window').getBoundingClientRect()
          const lists = [...document.querySelectorAll('.mp-tape')].map(one => one.getBoundingClientRect())
          const left = lists.map(one => one.left), right = lists.map(one => one.right)
          return [Math.min(...left) - seen.left, seen.right - Math.max(...right)]
        }}""")
        assert max(holes) <= 1, (moment, holes)


def test_the_tape_rests(tab: Page) -> None:
    """Under the pointer, under the keyboard, and at a click on its button until the next click, all without script."""
    tape(tab)
    assert running(tab) == "running"
    tab.locator(".mp-window").hover()
    assert running(tab) == "paused"
    tab.mouse.move(0, 290)
    assert running(tab) == "running"
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.tagName") == "SUMMARY"
    tab.keyboard.press("Enter")
    assert running(tab) == "paused"
    assert tab.locator("summary").inner_text().strip() == "Play"
    tab.keyboard.press("Enter")
    assert running(tab) == "running"
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "mp-window"
    assert running(tab) == "paused"
    size = tab.locator("summary").bounding_box()
    assert size is not None
    assert min(size["width"], size["height"]) >= 24


def test_the_copy_cannot_be_reached(tab: Page) -> None:
    """Neither the keyboard nor a screen reader finds a coin twice."""
    tape(tab)
    assert tab.get_by_role("listitem").count() == 11


def test_the_tape_stands_still(tab: Page) -> None:
    """For readers who want less motion: no motion, no copy, no button, all coins within reach by scrolling."""
    tape(tab, motion="reduce")
    assert tab.locator(".mp-track").evaluate("one => one.getAnimations().length") == 0
    assert not tab.locator("summary").is_visible()
    assert tab.locator(".mp-row:visible").count() == 11
    assert (
        tab.locator(".mp-window").evaluate(
            "one => one.scrollWidth > one.clientWidth && getComputedStyle(one).overflowX"
        )
        == "auto"
    )


def test_the_tape_on_paper(tab: Page) -> None:
    """Every coin, on as many lines as it takes."""
    tab.emulate_media(media="print")
    tab.set_content(HOST + render("tape", boards.rich(), Options(show=SHOWN["tape"])))
    seen = tab.locator(".mp-window").bounding_box()
    assert seen is not None
    for box in tab.locator(".mp-tape:not([inert]) .mp-row").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect()).map(box => [box.left, box.right])"
    ):
        assert seen["x"] - 1 <= box[0] < box[1] <= seen["x"] + seen["width"] + 1


def test_a_screen_reader_meets_a_table(tab: Page) -> None:
    """With a name, heads of columns and rows, and how it is sorted."""
    tab.set_viewport_size({"width": 900, "height": 900})
    tab.set_content(
        HOST + render("table", boards.rich(), Options(show=WIDE, sort="-cap", address="https://p.example/"))
    )
    assert tab.get_by_role("table", name="Latest Market Prices").count() == 1
    assert tab.get_by_role("columnheader").count() == 8
    assert tab.get_by_role("rowheader").count() == 11
    assert tab.locator("[aria-sort=descending]").inner_text().startswith("Cap")


def test_a_wide_table_scrolls_inside_and_keeps_its_names(tab: Page) -> None:
    """By the keyboard too, since the place that scrolls can be focused."""
    tab.set_viewport_size({"width": 320, "height": 900})
    tab.set_content(HOST + render("table", boards.rich(), Options(show=WIDE, address="https://p.example/")))
    scroll = tab.locator(".mp-scroll")
    before = tab.locator(".mp-name").first.bounding_box()
    scroll.evaluate("one => one.scrollTo(200, 0)")
    assert scroll.evaluate("one => one.scrollLeft") == 200
    assert tab.locator(".mp-name").first.bounding_box() == before
    assert scroll.get_attribute("tabindex") == "0"


@pytest.mark.parametrize("width", [280, 800])
def test_the_words_of_a_chart_do_not_stretch(tab: Page, width: int) -> None:
    """Whatever the width, its words have one size, its marks lie on its lines, and none leaves the card."""
    tab.set_viewport_size({"width": width, "height": 600})
    tab.set_content(HOST + render("chart", boards.rich_one(), Options()))
    sizes = tab.locator(".mp-low, .mp-high").evaluate_all("all => all.map(one => one.getBoundingClientRect().height)")
    assert max(sizes) - min(sizes) < 1
    assert 10 <= sizes[0] <= 18
    lines = tab.locator(".mp-grid").bounding_box()
    scale = tab.locator(".mp-scale bdi").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect()).map(box => (box.top + box.bottom) / 2)"
    )
    assert lines is not None
    assert abs(scale[0] - lines["y"]) < 3
    assert abs(scale[-1] - lines["y"] - lines["height"]) < 3
    outside = tab.locator(".mp").evaluate("""root => { const card = root.getBoundingClientRect()
      return [...root.querySelectorAll('text, bdi')].filter(one => { const box = one.getBoundingClientRect()
        return box.left < card.left || box.right > card.right }).map(one => one.textContent) }""")
    assert outside == []


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


@pytest.mark.parametrize("kind", KINDS)
def test_external_style_is_the_same(tab: Page, kind: str) -> None:
    """With the external style a widget looks exactly as with its own, among those of all the others too."""
    tab.emulate_media(reduced_motion="reduce")  # what moves is never twice in the same place
    options = Options(show=SHOWN.get(kind, WIDE[:5]), address="https://p.example/")
    own = boxes(tab, render(kind, everything(kind), options), kind)
    bare = render(kind, everything(kind), replace(options, css="none"))
    assert boxes(tab, f"<style>{stylesheet(kind)}</style>{bare}", kind) == own
    assert boxes(tab, f"<style>{stylesheet(*KINDS, looks=LOOKS)}</style>{bare}", kind) == own


@pytest.mark.parametrize("kind", KINDS)
def test_all_kinds_share_a_page(tab: Page, kind: str) -> None:
    """Each with its own style in it, in any order, every one looks as it does alone."""
    tab.emulate_media(reduced_motion="reduce")
    drawn = {
        one: render(one, everything(one), Options(show=SHOWN.get(one, WIDE[:5]), address="https://p.example/"))
        for one in KINDS
    }
    alone = boxes(tab, drawn[kind], kind)
    assert boxes(tab, "".join(drawn.values()), kind) == alone
    assert boxes(tab, "".join(reversed(drawn.values())), kind) == alone


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "list"])
def test_host_styles_change_no_kind(tab: Page, kind: str) -> None:
    """What holds for the list in a theme that dresses everything up holds for the others."""
    tab.emulate_media(reduced_motion="reduce")
    tab.set_viewport_size({"width": 600, "height": 900})
    html = render(kind, everything(kind), Options(show=SHOWN.get(kind, WIDE[:5]), address="https://p.example/"))
    calm = boxes(tab, f"<div>{html}</div>", kind)
    assert boxes(tab, f"{HOSTILE}{DRESSED}<div class=widget>{html}</div>", kind) == calm


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
