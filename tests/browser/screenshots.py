"""The pictures in docs/: every kind light and dark, every look, list and label also at 300 and 600 pixels; the status.

Run by `make screenshots`. Draws the fixture boards of tests/widgets, so pictures change only when widgets do.
"""

import base64
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "widgets")]

import boards  # noqa: E402 - a helper of the tests, found where they are
from bulletins import bulletin  # noqa: E402
from chromium import FLAGS  # noqa: E402
from snapshots import NOW, snapshot  # noqa: E402

from ticker.bulletin import ConfigStanding  # noqa: E402
from ticker.server import status_page  # noqa: E402
from ticker.server.status import ServerStanding  # noqa: E402
from ticker.server.status import status as how  # noqa: E402
from widgets.board import Board, Options  # noqa: E402
from widgets.render import LOOKS, page, render  # noqa: E402

OUT = ROOT / "docs" / "pictures"
CANVAS = {"light": "#eef0f3", "dark": "#0b0d11"}


def shoot(tab: Page, name: str, html: str, width: int, theme: str) -> None:
    """One picture of a whole page on a quiet background."""
    tab.set_viewport_size({"width": width + 32, "height": 100})
    frame = f"html{{background:{CANVAS[theme]}}}body{{margin:16px!important}}"
    tab.set_content(html.replace("</head>", f"<style>{frame}</style></head>", 1))
    tab.screenshot(path=OUT / f"{name}.png", full_page=True)


def pair(tab: Page, name: str, kind: str, board: Board, width: int, options: Options, *, stacked: bool = False) -> None:
    """One kind, light and dark, each on its own ground."""
    shown = "".join(
        f'<div style="background:{CANVAS[theme]};padding:20px"><div style="width:{width}px">'
        f"{render(kind, board, replace(options, theme=theme))}</div></div>"  # type: ignore[arg-type]
        for theme in ("light", "dark")
    )
    strip(tab, name, shown, width + 40 if stacked else 2 * (width + 40), "block" if stacked else "flex")


def strip(tab: Page, name: str, html: str, width: int, display: str = "flex") -> None:
    """A picture of widgets beside each other, without a margin."""
    tab.set_viewport_size({"width": width, "height": 100})
    style = f'body{{margin:0;display:{display};font-family:"Liberation Sans",sans-serif}}'
    tab.set_content(f'<!doctype html><meta charset="utf-8"><style>{style}</style>{html}')
    tab.screenshot(path=OUT / f"{name}.png", full_page=True, animations="disabled")


def looks(tab: Page) -> None:
    """The list in every look on a page with a ground of its own, light and dark."""
    few = replace(boards.rich(), rows=boards.rich().rows[:5])
    grounds = {"light": "#e3eaf3", "dark": "#1a2130"}
    rows = ""
    for theme, ground in grounds.items():
        drawn = "".join(
            f'<div style="width:270px">{render("list", few, Options(theme=theme, look=look))}</div>'  # type: ignore[arg-type]
            for look in LOOKS
        )
        ink = "#16181d" if theme == "light" else "#e9ebf0"
        look = f"display:flex;gap:22px;padding:26px;align-items:start;background:{ground};color:{ink}"
        rows += f'<div style="{look}">{drawn}</div>'
    strip(tab, "looks", rows, 5 * 270 + 4 * 22 + 2 * 26, "block")


def status(browser: Browser) -> None:
    """The page that says how the service stands, light and dark, side by side."""
    config = ConfigStanding("c0ffee", NOW - 93_000)
    server = ServerStanding("web-1:812", "0.1.0", NOW - 93_000, 1204, 3, 87, 1_204_311, False, config)
    found = status_page.page(how(bulletin(), snapshot(), NOW, server), "./", refreshing=True).decode()
    shots = []
    for scheme in ("light", "dark"):
        tab = browser.new_page(color_scheme=scheme, viewport={"width": 1040, "height": 1180}, device_scale_factor=1.5)  # type: ignore[arg-type]
        tab.set_content(found)
        shots.append(base64.b64encode(tab.screenshot()).decode())
        tab.close()
    tab = browser.new_page(viewport={"width": 1104, "height": 100}, device_scale_factor=1.5)
    images = "".join(f'<img src="data:image/png;base64,{one}" style="width:540px;border-radius:10px">' for one in shots)
    look = "margin:0;padding:8px;background:#8a93a3;display:flex;gap:8px;align-items:start"
    tab.set_content(f'<!doctype html><body style="{look}">{images}')
    tab.locator("img").last.wait_for()
    tab.screenshot(path=OUT / "status.png", full_page=True)
    tab.close()


def main() -> None:
    """All of them."""
    OUT.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        tab = browser.new_page(device_scale_factor=2)
        label = boards.label(boards.reference().rows[0])
        for theme in ("light", "dark"):
            options = Options(theme=theme)  # type: ignore[arg-type]
            for width in (300, 600):
                shoot(tab, f"list-{width}-{theme}", page("list", boards.reference(), options), width, theme)
                shoot(tab, f"label-{width}-{theme}", page("label", label, options), width, theme)
            shoot(tab, f"states-300-{theme}", page("list", boards.mixed(), options), 300, theme)
        every = ("logo", "name", "symbol", "price", "change", "cap", "volume", "spark")
        wide = Options(show=every, address="https://prices.example.org/embed/table", sort="-cap")
        pair(tab, "table", "table", replace(boards.rich(), pages=3), 760, wide, stacked=True)
        tape = Options(show=("logo", "symbol", "price", "change"))
        pair(tab, "tape", "tape", boards.rich(), 760, tape, stacked=True)
        one = replace(wide, show=every[:5], address="https://prices.example.org/embed/chart")
        pair(tab, "card", "card", boards.rich_one(), 300, replace(one, show=(*every[:5], "spark")))
        pair(tab, "converter", "converter", boards.rich_one(), 480, replace(one, show=every[:4]))
        pair(tab, "chart", "chart", boards.rich_one(), 480, one)
        pair(tab, "sparks", "list", boards.rich(), 300, replace(one, show=(*every[:5], "spark")))
        looks(tab)
        status(browser)
        both = "".join(
            f'<div style="width:300px">{render("list", boards.reference(), Options(theme=theme))}</div>'  # type: ignore[arg-type]
            for theme in ("light", "dark")
        )
        body = f'<div style="display:flex;gap:24px;align-items:start">{both}</div>'
        head = '<meta charset="utf-8"><style>body{font-family:"Liberation Sans",sans-serif}</style>'
        shoot(tab, "sidebar", f"<!doctype html><head>{head}</head><body>{body}</body>", 624, "light")
        browser.close()


if __name__ == "__main__":
    main()
