"""Pages of the news site, and what a browser says about them: every policy broken, every request, every shift."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from browser.stage import PATIENCE, Stage
from playwright.sync_api import Page
from snapshots import NOW, price, snapshot

from ticker.model import Price, Snapshot

LISTEN = """
  self.broken = []; self.shift = 0; self.states = []; self.updates = []
  addEventListener('securitypolicyviolation', e => broken.push(e.violatedDirective + ' ' + e.blockedURI))
  new PerformanceObserver(all => all.getEntries().forEach(one => self.shift += one.value))
    .observe({type: 'layout-shift', buffered: true})
  addEventListener('mp:state', e => states.push(e.detail))
  addEventListener('mp:update', e => updates.push(e.detail))
"""

# The element's own root beside the one that the server draws at the same moment: equal but for what is only felt.
EQUAL = """async ([query, ...ignored]) => {
  const element = document.querySelector('market-prices, market-price')
  const base = document.querySelector('script[src$="/embed.js"]').src.replace('embed.js', '')
  const text = await (await fetch(base + query, {cache: 'no-store'})).text()
  const drawn = new DOMParser().parseFromString(text, 'text/html').querySelector('[data-kind]')
  const kept = element.querySelector('[data-kind]').cloneNode(true)
  for (const root of [drawn, kept]) {
    root.querySelectorAll('[data-moved]').forEach(one => one.removeAttribute('data-moved'))
    for (const one of ignored) root.querySelectorAll('.mp-note').forEach(note => note.removeAttribute(one))
  }
  drawn.normalize(); kept.normalize()
  return drawn.isEqualNode(kept) ? '' : drawn.outerHTML + '\\n--- kept as ---\\n' + kept.outerHTML
}"""


def lasting(coin: str, value: str) -> Price:
    """A price that stays whatever a page's clock says, for tests that move it until something has come."""
    return price(coin, value, live_until=NOW + 1e7, delayed_until=NOW + 2e7, gone_at=NOW + 3e7)


def moved(*prices: Price, seq: int = 2) -> Snapshot:
    """The usual snapshot with other prices for its first coins."""
    return snapshot(seq, prices=(*prices, *snapshot().prices[len(prices) :]))


def site(stage: Stage, body: str, *, script: bool = True, style: bool = True, lang: str = "en") -> str:
    """The address of a page without any script or style of its own: one other origin is allowed, and nothing inline."""
    ours = stage.ours
    policy = (
        f"default-src 'none'; script-src {ours}; style-src {ours}; connect-src {ours}; img-src {ours}; "
        f"frame-src {ours} {stage.stranger}; base-uri 'none'; form-action 'none'"
    )
    links = f'<link rel="stylesheet" href="{ours}/embed.css">' if style else ""
    links += f'<script src="{ours}/embed.js" async></script>' if script else ""
    head = f'<head><meta charset="utf-8"><title>News</title>{links}</head>'
    direction = "rtl" if lang == "fa" else "ltr"
    html = f'<!doctype html><html lang="{lang}" dir="{direction}">{head}<body><main>{body}</main></body></html>'
    stage.pages["/"] = (html, policy)
    return stage.host + "/"


@dataclass
class Watch:
    """What happened in a tab."""

    tab: Page
    origins: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)

    def value(self, name: str) -> Any:
        """One of the lists that the page keeps."""
        return self.tab.evaluate(name)


def watch(tab: Page) -> Watch:
    """Look at a tab from now on."""
    found = Watch(tab)
    tab.add_init_script(LISTEN)
    tab.on("request", lambda one: found.origins.add("{0.scheme}://{0.netloc}".format(urlsplit(one.url))))
    tab.on("console", lambda one: found.said.append(one.text))
    tab.on("pageerror", lambda one: found.said.append(str(one)))
    return found


def until(true: Callable[[], object], meanwhile: Callable[[], object] = lambda: None) -> None:
    """Wait for what is certain to come. What is done `meanwhile`, such as moving a page's clock, is done at most 40
    times a second: what the page asks of a server takes real time, and on a slow machine its hours would fly by.
    """
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not come"
        meanwhile()
        time.sleep(0.025)
