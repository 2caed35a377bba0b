"""The corpus through every field of sources and of the configuration and every parameter, at every door, in a real
browser: nothing runs, no policy is so much as asked, nothing leaves its place (trust rule 34).
"""

import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from pathlib import Path

import msgspec
import pytest
from browser.conftest import FLAGS as FLAGS
from browser.corpus import BUILT, CORPUS, ESCAPED, WATCHED
from browser.hostile import (
    CALM,
    STRANGE_ICON,
    TEXTS,
    Press,
    Said,
    Service,
    ask_all,
    coin_of,
    corpus_service,
    escaped,
    poisoned,
)
from browser.news import until
from browser.stage import Stage
from markdown_it import MarkdownIt
from playwright.sync_api import Browser, BrowserContext, Page
from snapshots import NOW

from ticker.model import Point
from ticker.server.params import OF_ONE
from ticker.server.snippets import DOORS
from widgets.render import KINDS

pytestmark = pytest.mark.browser

ALL = [coin_of(number) for number in range(len(TEXTS))]
STYLE = "body{margin:8px}main{width:600px}.slot{display:flow-root}.after{margin:10px 0 0;height:20px}"
PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "/widget/table": (
        *("coins", "currency", "limit", "locale", "theme", "change", "show", "title", "css", "look", "density", "up"),
        *("zeros", "sort", "page", "unknown"),
    ),
    "/embed/chart": ("coins", "currency", "locale", "title", "range", "unknown"),
    "/widget/price/coin-0": ("on", "currency", "locale"),
    "/": ("kind", "door", "coins", "currency", "title", "show", "was"),
    "/gallery": ("look", "density", "up", "locale"),
    "/badge/coin-0.svg": ("currency", "locale", "theme", "change", "show"),
    "/embed.css": ("kind", "look"),
}
DATA: Mapping[str, tuple[str, ...]] = {
    "/badge/coin-0.json": ("currency", "show"),
    "/oembed": ("url", "maxwidth", "maxheight", "format"),
    "/snippet/script/list": ("coins", "title"),
    "/v1/prices": ("coins", "currency", "limit", "locale"),
    "/v1/history/coin-0": ("from", "to", "step", "currency"),
    "/v1/stream": ("coins", "currency", "locale"),
    "/api/v3/simple/price": ("ids", "vs_currencies"),
}
PATHS = ("/widget/{}", "/widget/list/{}", "/widget/price/{}", "/embed/{}", "/embed/list/{}", "/badge/{}.svg")
DATA_PATHS = ("/{}", "/badge/{}.json", "/v1/prices/{}", "/v1/explain/{}", "/v1/history/{}", "/snippet/{}/list")
DATA_PATHS += ("/snippet/script/{}", "/icons/{}", "/api/v3/{}")


@dataclass
class Theatre:
    """The stage with the services on it: the corpus's, its calm twin's, and one for each text."""

    stage: Stage
    corpus: Service
    calm: Service
    worlds: list[Service]
    press: Press

    @property
    def policy(self) -> str:
        """What a strict news site allows: us."""
        us = "http://127.0.0.1:*"
        return (
            f"default-src 'none'; script-src {us}; style-src {us}; connect-src {us}; img-src {us}; frame-src {us}; "
            f"base-uri 'none'; form-action 'none'"
        )

    def page(self, slots: Mapping[str, str], head: str = "") -> str:
        """The address of a news site's page with something of ours in each slot."""
        style = self.press.print(STYLE, "", "text/css")
        body = "".join(
            f'<div class="slot" data-name="{escape(name)}">{inside}</div><p class="after">The news go on.</p>'
            for name, inside in slots.items()
        )
        html = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>News</title>{head}'
        html += f'<link rel="stylesheet" href="{style}"></head><body><main>{body}</main></body></html>'
        return self.press.print(html, self.policy)

    def ask(self, urls: list[str]) -> list[Said]:
        """What doors answer."""
        return list(self.stage.do(ask_all(urls)))


@pytest.fixture(scope="module")
def played(theatre: Stage, tmp_path_factory: pytest.TempPathFactory) -> Theatre:
    """All of it, once."""
    icons = tmp_path_factory.mktemp("icons")
    for coin in (coin_of(0), coin_of(1)):
        (icons / f"{coin}.svg").write_text(STRANGE_ICON, encoding="utf-8")
    past = [Point(NOW - 3600 * hour, Decimal(60_000 + hour)) for hour in range(200, -1, -1)]

    async def build() -> Theatre:
        corpus = await corpus_service(theatre, icons)
        corpus.past.kept = past
        worlds = [await corpus_service(theatre, icons, (text,), text) for text in TEXTS]
        calm = await corpus_service(theatre, icons, CALM)
        calm.past.kept = past
        return Theatre(theatre, corpus, calm, worlds, await Press().open(theatre))

    return theatre.do(build())  # type: ignore[no-any-return]


@dataclass
class Watch:
    """A tab, and what was caught in it."""

    tab: Page
    caught: list[str]


@pytest.fixture
def watch(context: BrowserContext) -> Watch:
    """A tab in which everything is caught, in frames as well."""
    context.add_init_script(WATCHED)
    found = Watch(context.new_page(), [])
    found.tab.on("console", lambda said: found.caught.append(said.text) if said.text.startswith("CAUGHT") else None)
    found.tab.on("dialog", lambda dialog: (found.caught.append(dialog.message), dialog.dismiss()))
    return found


def test_what_is_caught(played: Theatre, watch: Watch) -> None:
    """Were nothing escaped, the corpus would run, ask policies and leave its place: the measure measures."""
    loud = {name: text for name, text in CORPUS.items() if "alert(1)" in text and name != "plaintext"}
    watch.tab.goto(played.page(loud))
    until(lambda: len(watch.caught) > 30, lambda: watch.tab.wait_for_timeout(20))
    assert watch.tab.evaluate(ESCAPED) != []
    assert any("alert" in said for said in watch.caught)
    assert any("script-src" in said for said in watch.caught)


def elements(number: int) -> dict[str, str]:
    """Every kind with every coin, as the custom element."""
    ids = [coin_of(place) for place in range(number)]
    by_six = [",".join(ids[at : at + 6]) for at in range(0, number, 6)]
    by_thirty = [",".join(ids[at : at + 30]) for at in range(0, number, 30)]
    found = {}
    for kind in KINDS:
        for coins in by_six if kind in OF_ONE else by_thirty:
            show = "logo,name,price,symbol,change,spark,cap,volume"
            found[f"{kind} {coins[:8]}"] = (
                f'<market-prices kind="{kind}" coins="{coins}" show="{show}" announce></market-prices>'
            )
    for one in ids[::3]:
        found[f"price {one}"] = f'<market-price coin="{one}" on="2027-01-10"></market-price>'
    return found


def attributes(texts: Mapping[str, str]) -> dict[str, str]:
    """Every text as what is said to an element; more would be a page of tens of thousands of links."""
    return {
        f"{attribute} {name}": f'<market-prices coins="coin-0" {attribute}="{escape(text)}"></market-prices>'
        for name, text in texts.items()
        for attribute in ("title", "kind", "coin")
    }


def drawn(tab: Page) -> None:
    """Wait until every element says something."""
    silent = """() => [...document.querySelectorAll('main > .slot > *')]
      .filter(one => !one.querySelector('[data-kind], .mp-error')).map(one => one.outerHTML)"""
    try:
        until(lambda: tab.evaluate(silent) == [])
    except AssertionError:
        raise AssertionError(tab.evaluate(silent)) from None


def built(tab: Page) -> set[str]:
    """What all frames of a tab are built of, but for the tab's own page where it has frames."""
    return {what for frame in tab.frames for what in frame.evaluate(BUILT)}


def script(service: Service) -> str:
    """What puts the element on a page."""
    return (
        f'<link rel="stylesheet" href="{service.origin}/embed.css"><script src="{service.origin}/embed.js"></script>'
    )


def test_elements(played: Theatre, watch: Watch) -> None:
    """As the element draws it, changes it and lets it age, on somebody's page."""
    stage, tab = played.stage, watch.tab
    stage.reset()
    tab.goto(played.page(elements(len(CALM)), script(played.calm)))
    drawn(tab)
    calm = built(tab)
    tab.goto(played.page(elements(len(TEXTS)), script(played.corpus)))
    drawn(tab)
    assert built(tab) - calm == set()
    assert tab.evaluate(ESCAPED) == []

    async def change() -> None:
        for tell in played.corpus.feed.tell:
            tell(poisoned(2, more=1))

    stage.do(change())
    until(lambda: tab.locator("[data-kind=list] .mp-price").first.inner_text() == "$64,251.12")
    assert built(tab) - calm <= {"span[data-moved]"}
    assert tab.evaluate(ESCAPED) == []
    assert watch.caught == []


def test_attributes(played: Theatre, watch: Watch) -> None:
    """What is said to an element reaches our widgets alone, and comes back as text."""
    tab = watch.tab
    played.stage.reset()
    tab.goto(played.page(attributes({"calm": "calm"}), script(played.calm)))
    drawn(tab)
    calm = built(tab)
    tab.goto(played.page(attributes(CORPUS), script(played.calm)))
    drawn(tab)
    assert built(tab) - calm == set()
    assert tab.evaluate(ESCAPED) == []
    assert watch.caught == []


@pytest.mark.parametrize("path", ["../v1/coins?", "../v1/prices?coins=all&amp;x=", "../v1/explain/coin-0?"])
def test_only_widgets_are_put_on_a_page(played: Theatre, watch: Watch, path: str) -> None:
    """No attribute makes the element take data, in which text is not escaped for HTML, for a widget."""
    tab = watch.tab
    played.stage.reset()
    tab.goto(played.page({path: f'<market-prices kind="{path}"></market-prices>'}, script(played.corpus)))
    drawn(tab)
    assert tab.locator("market-prices").inner_html().startswith('<p class="mp mp-error">')
    assert watch.caught == []
