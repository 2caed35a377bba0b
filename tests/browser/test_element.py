"""`<market-prices>` in a real browser, on a news site of another origin with a strict policy."""

import pytest
from browser.stage import Stage
from playwright.sync_api import BrowserContext, Page, expect
from snapshots import NOW, price, snapshot

pytestmark = pytest.mark.browser


def site(stage: Stage, body: str, head: str = "") -> str:
    """A page of the news site, without any script or style of its own: one other origin is allowed, and no inline."""
    ours = stage.ours
    policy = (
        f"default-src 'none'; script-src {ours}; style-src {ours}; connect-src {ours}; img-src {ours}; "
        f"frame-src {ours} {stage.stranger}"
    )
    links = f'<link rel="stylesheet" href="{ours}/embed.css"><script src="{ours}/embed.js" async></script>'
    html = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>News</title>{links}{head}</head>'
    stage.pages["/"] = (f"{html}<body>{body}</body></html>", policy)
    return stage.host + "/"


def test_first(stage: Stage, tab: Page) -> None:
    said = []
    tab.on("console", lambda m: said.append(m.text))
    tab.on("pageerror", lambda m: said.append(str(m)))
    tab.goto(site(stage, '<h1>News</h1><market-prices rows="3"></market-prices><p>below</p>'))
    try:
        expect(tab.locator(".mp-row")).to_have_count(3)
        stage.settle(snapshot(2, prices=(price("bitcoin", "65000"), *snapshot().prices[1:])))
        expect(tab.locator(".mp-price").first).to_have_text("$65,000.00")
    finally:
        print(said, stage.asked)
        tab.screenshot(path="/tmp/first.png")
