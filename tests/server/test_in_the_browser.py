"""Our own pages in a real browser: nothing is blocked, nothing comes from elsewhere, links lead where they say."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from chromium import ABSENT, CHROMIUM, FLAGS
from fakes import Clock
from past_store import CountingStore
from playwright.async_api import Page, async_playwright
from service import free_port
from snapshots import NOW, snapshot

from ticker.server.app import Serving, make_app

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><rect width="8" height="8" fill="gold"/></svg>'

pytestmark = pytest.mark.browser


class Feed:
    """A feed that stands still."""

    snapshot = snapshot()

    def subscribe(self, _: object) -> Any:
        return lambda: None


@pytest.fixture
async def origin(tmp_path: Path) -> AsyncIterator[str]:
    """Where a site with a past and an icon of Bitcoin is."""
    (tmp_path / "bitcoin.svg").write_text(SVG)
    store = CountingStore()
    await store.fill("bitcoin", "1m", 60.0, 1440, NOW - 1)
    port = free_port()
    serving = Serving(icons=tmp_path, origin=f"http://127.0.0.1:{port}")
    app = make_app(Feed(), serving, Clock(), past=store)  # type: ignore[arg-type]
    client: Any = TestClient(TestServer(app, port=port))
    await client.start_server()
    yield serving.origin
    await client.close()


@pytest.fixture
async def tab() -> AsyncIterator[Page]:
    """A fresh tab that remembers what it asked for and what was said, and fails on script."""
    if not CHROMIUM:
        pytest.skip(ABSENT)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield await browser.new_page(viewport={"width": 1200, "height": 900}, java_script_enabled=False)
        await browser.close()


@pytest.mark.parametrize("path", ["/gallery", "/gallery?look=glass&locale=fa", "/embed/table", "/embed/chart/bitcoin"])
async def test_strict_pages(tab: Page, origin: str, path: str) -> None:
    """Under the policy they carry, without script, all is drawn, and only our own address is asked for anything."""
    asked: list[str] = []
    said: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: said.append(message.text))
    await tab.goto(origin + path)
    assert await tab.locator(".mp-row").first.is_visible()
    assert await tab.locator(".mp-mark img").first.is_visible()
    assert {url.split("/")[2] for url in asked} == {origin.split("/")[2]}
    assert [text for text in said if "404" not in text] == []  # no policy is broken; there is no favicon


async def test_a_table_by_clicks(tab: Page, origin: str) -> None:
    """Without script a reader sorts and turns pages."""
    await tab.goto(f"{origin}/embed/table?limit=2")
    names = tab.locator("tbody .mp-name")
    assert await names.all_inner_texts() == ["Bitcoin", "Ethereum"]
    await tab.get_by_role("link", name="Next").click()
    assert await names.all_inner_texts() == ["Pirate Chain"]
    await tab.get_by_role("link", name="Price").click()
    assert await names.all_inner_texts() == ["Bitcoin", "Ethereum"]
    await tab.get_by_role("link", name="Price").click()
    assert await names.all_inner_texts() == ["Pirate Chain", "Ethereum"]


async def test_a_chart_by_clicks(tab: Page, origin: str) -> None:
    """Without script a reader goes from a day to a month; where nothing is known it says so."""
    await tab.goto(f"{origin}/embed/chart/bitcoin")
    await tab.get_by_role("link", name="30d").click()
    assert "range=30d" in tab.url
    assert await tab.locator("[aria-current]").inner_text() == "30d"


async def test_the_gallery_by_clicks(tab: Page, origin: str) -> None:
    """What is picked stays picked when more is picked."""
    await tab.goto(f"{origin}/gallery")
    await tab.get_by_role("link", name="terminal").click()
    await tab.get_by_role("link", name="Deutsch").click()
    assert await tab.locator('.mp[data-kind="list"][data-look=terminal][lang=de]').count() == 2
