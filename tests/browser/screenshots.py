"""The pictures in docs/: list and label, light and dark, at 300 and 600 pixels, and the one the README begins with.

Run by `make screenshots`. Draws the fixture boards of tests/widgets, so pictures change only when widgets do.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "widgets"))

import boards  # noqa: E402 - a helper of the tests, found where they are

from widgets.board import Options  # noqa: E402
from widgets.render import page, render  # noqa: E402

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
OUT = ROOT / "docs" / "pictures"
CANVAS = {"light": "#eef0f3", "dark": "#0b0d11"}


def shoot(tab: Page, name: str, html: str, width: int, theme: str) -> None:
    """One picture of a whole page on a quiet background."""
    tab.set_viewport_size({"width": width + 32, "height": 100})
    frame = f"html{{background:{CANVAS[theme]}}}body{{margin:16px!important}}"
    tab.set_content(html.replace("</head>", f"<style>{frame}</style></head>", 1))
    tab.screenshot(path=OUT / f"{name}.png", full_page=True)


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
        pair = "".join(
            f'<div style="width:300px">{render("list", boards.reference(), Options(theme=theme))}</div>'  # type: ignore[arg-type]
            for theme in ("light", "dark")
        )
        body = f'<div style="display:flex;gap:24px;align-items:start">{pair}</div>'
        head = '<meta charset="utf-8"><style>body{font-family:"Liberation Sans",sans-serif}</style>'
        shoot(tab, "sidebar", f"<!doctype html><head>{head}</head><body>{body}</body>", 624, "light")
        browser.close()


if __name__ == "__main__":
    main()
