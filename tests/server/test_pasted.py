"""What a browser makes of pasted lines and of the stream: frames that fit, an EventSource that comes back by itself."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from chromium import ABSENT, CHROMIUM, FLAGS
from fakes import Clock
from playwright.async_api import Page, async_playwright
from server.viewers import Feed
from snapshots import price, snapshot

from ticker.model import Snapshot
from ticker.server.app import STREAM, Serving, make_app
from ticker.server.places import SIZES

PATIENCE = 10.0
OTHERS = snapshot().prices[1:]

pytestmark = pytest.mark.browser


class Server:
    """The service on a port that stays the same when it starts again, and a news site on another."""

    def __init__(self) -> None:
        self.feed, self.html, self.port = Feed(snapshot()), "", 0
        self.news = self.origin = ""
        self.lasts: list[str | None] = []
        self._runners: list[web.AppRunner] = []

    async def start(self) -> None:
        """The service, on the port it had before."""

        @web.middleware
        async def note(request: web.Request, handler: Any) -> web.StreamResponse:
            if request.path == "/v1/stream":
                self.lasts.append(request.headers.get("Last-Event-ID"))
            answer: web.StreamResponse = await handler(request)
            return answer

        self.app = make_app(self.feed, Serving(origin=self.origin or "http://127.0.0.1"), Clock())  # type: ignore[arg-type]
        self.app.middlewares.append(note)
        self.port = await self._listen(self.app, self.port)
        if not self.origin:
            self.origin = f"http://127.0.0.1:{self.port}"
            await self.restart()

    async def restart(self) -> None:
        await self._runners.pop().cleanup()
        await self.start()

    async def publish(self) -> None:
        """The news site."""

        async def page(_: web.Request) -> web.Response:
            return web.Response(text=self.html, content_type="text/html")

        news = web.Application()
        news.router.add_get("/", page)
        self.news = f"http://localhost:{await self._listen(news, 0, first=True)}/"

    async def _listen(self, app: web.Application, port: int, *, first: bool = False) -> int:
        runner = web.AppRunner(app, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
        self._runners.insert(0 if first else len(self._runners), runner)
        found: int = runner.addresses[0][1]
        return found

    async def stop(self) -> None:
        for runner in self._runners:
            await runner.cleanup()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """Both sites."""
    found = Server()
    await found.start()
    await found.publish()
    yield found
    await found.stop()


@pytest.fixture
async def tab() -> AsyncIterator[Page]:
    """A tab of Chromium."""
    if not CHROMIUM:
        pytest.skip(ABSENT)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield await browser.new_page(viewport={"width": 800, "height": 900})
        await browser.close()


def moved(seq: int, value: str) -> Snapshot:
    """A snapshot with another price of bitcoin."""
    return snapshot(seq, prices=(price("bitcoin", value), *OTHERS))


@pytest.mark.parametrize("query", ["", "?coins=bitcoin", "?locale=de&currency=btc", "?locale=ar"])
@pytest.mark.parametrize("kind", SIZES)
async def test_a_pasted_frame_fits(server: Server, tab: Page, kind: str, query: str) -> None:
    """Without its script: no scroll bar, no more than two lines to spare, and nothing moves while it loads."""
    async with asyncio.timeout(30):
        response = await tab.request.get(f"{server.origin}/snippet/iframe/{kind}{query}")
        server.html = f"<!doctype html><body>{(await response.text()).partition('<script')[0]}<p>below</p>"
        await tab.add_init_script(
            "new PerformanceObserver(list => { for (const one of list.getEntries()) globalThis.moved = one.value })"
            ".observe({type: 'layout-shift', buffered: true})"
        )
        await tab.goto(server.news, wait_until="load")
        frame = tab.frames[1]
        await frame.wait_for_selector(".mp")
        needs, has = await frame.evaluate("[Math.ceil(document.body.getBoundingClientRect().height), innerHeight]")

    spare = 110 if kind == "card" else 40  # a card keeps room for its line, and for what its price may have to say
    assert needs <= has <= needs + spare, (needs, has)
    assert await frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await tab.evaluate("globalThis.moved ?? 0") == 0


async def test_a_browser_comes_back_by_itself(server: Server, tab: Page) -> None:
    """A page of another site hears of a change; when the server starts again, it is back within seconds, and says what
    it heard last.
    """
    server.html = f"""<!doctype html><script>
      globalThis.heard = []
      new EventSource('{server.origin}/v1/stream?coins=bitcoin&locale=en').addEventListener('prices', event => {{
        const {{full, prices}} = JSON.parse(event.data)
        heard.push([event.lastEventId, full, ...prices.map(price => price.text.price)].join(' '))
      }})
    </script>"""
    async with asyncio.timeout(50):
        await tab.goto(server.news)
        await tab.wait_for_function("heard.length == 1")
        server.feed.tell(moved(2, "65000"))
        await tab.wait_for_function("heard.length == 2")
        await server.restart()
        await tab.wait_for_function("heard.length == 3", timeout=20_000)
        server.feed.tell(moved(3, "65001"))
        await tab.wait_for_function("heard.length == 4")

        assert await tab.evaluate("heard") == [
            "7-1 true $64,250.12",
            "7-2 false $65,000.00",
            "7-2 false",  # nothing since
            "7-3 false $65,001.00",
        ]
        assert server.lasts[-1] == "7-2"
        await tab.close()
        while server.app[STREAM].viewers:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)
