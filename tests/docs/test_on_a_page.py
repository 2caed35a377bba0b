"""Every line of HTML and of script in the pages, on a page of another origin, shows what is said beside it.

Under the very policy that docs/for-site-owners.md asks of a strict host. docs/for-page-authors.md has tests of its own.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from browser.news import until, watch
from browser.stage import Stage
from docs.followed import Block
from docs.pages import SERVICE, TEXTS, inline, named, of
from playwright.sync_api import Page, expect

from ticker.model import Point

pytestmark = pytest.mark.browser

OWNERS = TEXTS["docs/for-site-owners.md"]
AUTHORS = "docs/for-page-authors.md"
SHOWN = [(name, block.text) for name, block in of("html", AUTHORS)]
SHOWN += [(name, one) for name in TEXTS for one in inline(name) if re.search(r"<(market-prices?|iframe) \w", one)]
LINES = '<link rel="stylesheet" href="{0}/embed.css"><script src="{0}/embed.js" async></script>'


@pytest.fixture(autouse=True)
def past(stage: Stage) -> None:
    """The price of the day that the pages speak of."""
    stage.past.kept = [Point(datetime(2026, 7, 27, 0, 1, tzinfo=UTC).timestamp(), Decimal("118012.50"))]


def policy(stage: Stage) -> str:
    """What the page for site owners asks for, and nothing else."""
    asked = re.findall(r"script-src https://[^\n`]+|frame-src https://[^\n`]+", OWNERS)
    assert len(asked) == 2
    return SERVICE.sub(stage.ours, "; ".join(["default-src 'none'", *asked]))


def on_page(stage: Stage, tab: Page, snippet: str) -> None:
    """A snippet on the news site; an element alone has the lines that bring its script and style."""
    html = SERVICE.sub(stage.ours, snippet)
    head = "" if "<script" in html or "<iframe" in html else LINES.format(stage.ours)
    stage.pages["/"] = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>News</title>{head}{html}',
        policy(stage),
    )
    tab.goto(stage.host + "/")


@pytest.mark.parametrize(("name", "snippet"), SHOWN, ids=[f"{name}-{n}" for n, (name, _) in enumerate(SHOWN)])
def test_a_snippet_shows_prices(name: str, snippet: str, stage: Stage, tab: Page) -> None:
    """Drawn, without an error, with a price, and nothing that a strict host forbids."""
    seen = watch(tab)
    on_page(stage, tab, snippet)
    place = tab.frame_locator("iframe") if "<iframe" in snippet else tab
    expect(place.locator(".mp-price, .mp-now, .mp").first).to_contain_text("$64,250.12")
    expect(place.locator(".mp-error")).to_have_count(0)
    assert seen.value("broken") == []
    assert seen.origins <= {stage.host, stage.ours}


def test_there_are_snippets() -> None:
    """In blocks and in sentences."""
    assert {name for name, _ in SHOWN} == {"README.md", "docs/for-site-owners.md"}
    assert len(SHOWN) >= 6


def test_then_and_now(stage: Stage, tab: Page) -> None:
    """The sentence about a day says what the page quotes below it, word for word; behind it stands the credit."""
    (snippet,) = (text for _, text in SHOWN if 'on="' in text)
    (quoted,) = re.findall(r"^> (Bitcoin stood at .*)$", OWNERS, re.MULTILINE)
    on_page(stage, tab, snippet)
    expect(tab.locator("market-price")).to_contain_text("118,012.50")
    said = tab.locator("body").evaluate(
        "body => { body.querySelectorAll('.mp-spoken').forEach(one => one.remove()); return body.innerText }"
    )
    assert " ".join(said.split()) == quoted.replace("**", "").removesuffix(".") + " (Data provided by CoinGecko)."


@pytest.mark.parametrize(("name", "block"), found := of("js", AUTHORS), ids=named(found))
def test_a_script_hears_the_prices(name: str, block: Block, stage: Stage, tab: Page) -> None:
    """On a page with the element it says what it is told."""
    tab.add_init_script("self.logged = ''; console.log = (...all) => logged += all.join(' ') + ' '")
    tab.add_init_script(block.text)
    on_page(stage, tab, "<market-prices></market-prices>")
    until(lambda: "$64,250.12" in tab.evaluate("logged"))
