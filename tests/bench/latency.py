"""How soon a reader sees a new price: from the poller's receipt of a source's bytes to the changed number in the page.

    PYTHONPATH=tests:. python tests/bench/latency.py [CHANGES]         (or: make exam, which sits it as "latency")

Everything on one machine, through real HTTP: a stand-in that speaks a venue's dialect, in this process; the service in
another, with poller, embedded store, feed, server and stream as `ticker run` has them; and Chromium, with
`<market-prices>` on a page of another origin, whose MutationObserver notes when a number has changed. What the screen
takes to paint it is not counted. Every poll changes all eleven prices. The poller is told when to poll, at odd moments.

A change may have to wait for the poller, which publishes at most once in `publish_every` (50 ms here): "raw" is with
that wait; "beyond" is without the part of it that was due: up to the end of the last publication plus `publish_every`.
A timer that is late is ours and counts.

Clocks: both processes read CLOCK_MONOTONIC, which is one for a machine. The browser's `performance.now()` is set
against it by asking for it 200 times before and after; of each the quickest answer counts, and half the time that it
took is how wrong it may be, which is said, as is how far the two have drifted apart. Exit code 1 where the 99th
percentile beyond is above 50 ms, or a change was never seen.
"""

import asyncio
import json
import os
import random
import shutil
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web
from faults.stage import id_of, tick
from playwright.async_api import Page, async_playwright

from ticker.asking import Assignment
from ticker.consensus import CoinRule, Rules, Voter
from ticker.feed import Feed
from ticker.fetch import Answer, Ask, Fetcher
from ticker.model import Coin
from ticker.poller import Listing, Poller
from ticker.server.app import STREAM, Serving, make_app
from ticker.simulate.dialects import DIALECTS
from ticker.simulate.dialects.wire import Ask as Asked
from ticker.simulate.dialects.wire import View
from ticker.sources import REGISTRY
from ticker.store import open_store

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
VENUE = "kraken"
COINS = tuple(f"coin-{number}" for number in range(11))
IDS = {coin: id_of(VENUE, coin, number) for number, coin in enumerate(COINS)}
PUBLISH_EVERY = 0.05
MOST = 0.050  # seconds, the 99th percentile beyond `publish_every`
PATIENCE = 15.0

NOTE = """() => {
  self.seen = {}
  const price = document.querySelector('.mp-row .mp-price')
  new MutationObserver(() => { seen[price.textContent] ??= performance.now() })
    .observe(price, {childList: true, characterData: true, subtree: true})
}"""


class Gate:
    """The road out, which notes when the bytes of an answer are here."""

    def __init__(self, road: Fetcher) -> None:
        self._road, self.received = road, 0.0

    async def fetch(self, ask: Ask) -> Answer:
        """The answer to one GET."""
        answer = await self._road.fetch(ask)
        self.received = time.monotonic()
        return answer


class Noted(Poller):
    """The service's own poller, which notes when it may publish again."""

    free = 0.0

    async def _publish(self, quotes: Any) -> None:
        await super()._publish(quotes)
        self.free = time.monotonic() + PUBLISH_EVERY


async def serve(source: str, folder: str) -> None:
    """The service: says its port, polls for every line it reads, and says when it had the bytes and might publish."""
    store = open_store(f"embedded:{folder}/store.sqlite3")
    await store.open()
    assigned = Assignment(
        REGISTRY[VENUE], source, 60.0, {coin: (one,) for coin, one in IDS.items()}, allow_private=True
    )
    voter = Voter(REGISTRY[VENUE].kind, REGISTRY[VENUE].group, 60.0)
    rules = Rules({VENUE: voter}, tuple(CoinRule(coin, (VENUE,)) for coin in COINS))
    listing = Listing(tuple(Coin(coin, coin.title(), coin.upper()) for coin in COINS), COINS)
    feed = Feed(store)
    async with Fetcher("bench", time.time) as fetcher:
        gate = Gate(fetcher)
        poller = Noted([assigned], rules, listing, store, gate, clock=time.time, publish_every=PUBLISH_EVERY)
        running = asyncio.create_task(poller.run())
        await feed.start()
        app = make_app(feed, Serving(), time.time, store)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        await poller.poll(VENUE)
        await poller.quiet()
        say(runner.addresses[0][1])
        while (await asyncio.to_thread(sys.stdin.readline)).strip():
            free = poller.free
            await poller.poll(VENUE)
            say([gate.received, free, app[STREAM].viewers])
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await runner.cleanup()
        await feed.stop()
    await store.close()


def say(value: object) -> None:
    """One line to the other process."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


class Venue:
    """The stand-in, and the page with the prices."""

    def __init__(self) -> None:
        self.change, self.page, self.origin = 0, "", ""

    @property
    def price(self) -> Decimal:
        """The first coin's, another with every change."""
        return Decimal(60_000) + Decimal(self.change) / 100

    async def open(self) -> web.AppRunner:
        """Take a port."""
        app = web.Application()
        app.router.add_get("/page", self._page)
        app.router.add_get("/{path:.*}", self._answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    async def _answer(self, request: web.Request) -> web.Response:
        dialect, now = DIALECTS[VENUE], time.time()
        ticks = [
            tick(one, coin, self.price / (number + 1), dialect.currency_of(one), now, Decimal(1000))
            for number, (coin, one) in enumerate(IDS.items())
        ]
        said = dialect.encode(View(ticks, now), Asked(dict(request.query), {}))
        return web.Response(body=said.body, content_type="application/json")

    async def _page(self, _: web.Request) -> web.Response:
        return web.Response(text=self.page, content_type="text/html")


async def set_against(tab: Page) -> tuple[float, float]:
    """What to add to the browser's seconds to have ours, and how wrong that may be."""
    best, offset = 1.0, 0.0
    for _ in range(200):
        before = time.monotonic()
        theirs = await tab.evaluate("performance.now()") / 1000
        took = time.monotonic() - before
        if took < best:
            best, offset = took, before + took / 2 - theirs
    return offset, best / 2


async def measure(changes: int) -> bool:
    """Print what was found; whether it is good enough."""
    venue = Venue()
    stand = await venue.open()
    with tempfile.TemporaryDirectory() as folder:
        service = await asyncio.create_subprocess_exec(
            *(sys.executable, Path(__file__), "--serve", venue.origin, folder), stdin=-1, stdout=-1
        )
        asking, answers = service.stdin, service.stdout
        assert asking is not None
        assert answers is not None
        port = json.loads(await asyncio.wait_for(answers.readline(), PATIENCE))
        ours = f"http://127.0.0.1:{port}"
        venue.page = (
            f'<!doctype html><title>News</title><link rel="stylesheet" href="{ours}/embed.css">'
            f'<script src="{ours}/embed.js" async></script><market-prices rows="11"></market-prices>'
        )
        noted: dict[str, tuple[float, float]] = {}
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            tab = await browser.new_page()
            await tab.goto(venue.origin.replace("127.0.0.1", "localhost") + "/page")
            await tab.wait_for_selector(".mp-row .mp-price")
            await tab.evaluate(NOTE)
            before, wrong = await set_against(tab)
            dice, live = random.Random(4), 0
            while venue.change < changes + live:
                venue.change += 1
                asking.write(b"poll\n")
                received, free, viewers = json.loads(await asyncio.wait_for(answers.readline(), PATIENCE))
                if viewers:
                    noted[f"${venue.price:,.2f}"] = received, free
                else:
                    live += 1  # the stream is not open yet
                # Most come while the poller is free, some while it waits.
                await asyncio.sleep(max(0.0, free - received) + dice.uniform(0.025, 0.2))
            await asyncio.sleep(1.0)
            seen: dict[str, float] = await tab.evaluate("seen")
            after, wrong_after = await set_against(tab)
            await browser.close()
        asking.write(b"\n")
        await service.wait()
    await stand.cleanup()
    ready: dict[str, float] = {}
    at = 0.0
    for price in reversed(noted):  # one that the next overtook in the poller is there when that is
        at = seen[price] / 1000 + (before + after) / 2 if price in seen else at
        if at:
            ready[price] = at
    raw = sorted(at - noted[price][0] for price, at in ready.items())
    beyond = sorted(at - max(noted[price]) for price, at in ready.items())
    waited = sum(free > received for received, free in noted.values())
    sys.stdout.write(
        f"{len(ready)} changes of {len(noted)} arrived, {sum(one not in seen for one in noted)} of them with the next; "
        f"{waited} had to wait for publish_every = {PUBLISH_EVERY:g} s\n"
    )
    for name, delays in (("raw", raw), ("beyond", beyond)):
        p50, p99 = (delays[int(len(delays) * part)] for part in (0.5, 0.99))
        sys.stdout.write(
            f"{name:<6} p50 {1000 * p50:.1f} ms, p99 {1000 * p99:.1f} ms, max {1000 * delays[-1]:.1f} ms\n"
        )
    sys.stdout.write(
        f"clocks: wrong by at most {1000 * max(wrong, wrong_after):.1f} ms, drift {1000 * abs(after - before):.1f} ms; "
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n"
    )
    return len(ready) == len(noted) and beyond[int(len(beyond) * 0.99)] <= MOST


def main(arguments: list[str]) -> int:
    """0 = good enough."""
    if arguments[:1] == ["--serve"]:
        uvloop.run(serve(*arguments[1:]))
        return 0
    changes = int(arguments[0]) if arguments else 300
    if not 20 <= changes <= 10_000:
        raise SystemExit("from 20 to 10,000 changes")
    return 0 if asyncio.run(measure(changes)) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
