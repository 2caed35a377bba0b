"""Our pages in other people's frames: as high as what is in them, alive, and deaf to strangers (trust rule 35)."""

from typing import Any

import pytest
from browser.news import moved, site, until, watch
from browser.stage import Stage
from playwright.sync_api import Browser, Frame, Page, expect
from snapshots import price

pytestmark = pytest.mark.browser

# What a stranger might send in the hope that we take it for ours.
LIES = """[{type: 'mp:height', height: 3000}, {type: 'mp:height', height: '3000'}, {type: 'mp:height'}, 'mp:height',
  null, {type: 'mp:height', height: NaN}, {type: 'mp:height', height: Infinity}, {height: 3000}, 3000]"""


def frame(stage: Stage, attributes: str = "", path: str = "/embed/list") -> str:
    """An iframe of ours, too low for what is in it."""
    return f'<iframe src="{stage.ours}{path}" title="Prices" width="300" height="41" {attributes}></iframe>'


def inside(tab: Page, stage: Stage) -> Frame:
    """Our page in the tab."""
    (found,) = [one for one in tab.frames if one.url.startswith(stage.ours)]
    return found


def needed(found: Frame) -> int:
    """How high it must be."""
    return int(found.evaluate("Math.ceil(document.body.getBoundingClientRect().height)"))


@pytest.mark.parametrize("sandbox", ["", 'sandbox="allow-scripts"'])
def test_height_and_life(stage: Stage, tab: Page, sandbox: str) -> None:
    """A frame of ours, even one sandboxed without an origin, becomes as high as its page, follows it, and is live; no
    policy is broken, inside or outside.
    """
    seen = watch(tab)
    tab.goto(site(stage, frame(stage, sandbox)))
    iframe = tab.locator("iframe")
    expect(tab.frame_locator("iframe").locator(".mp-row")).to_have_count(3)
    found = inside(tab, stage)
    until(lambda: int(iframe.get_attribute("height") or 0) == needed(found) > 200)
    assert found.evaluate("self.origin") == ("null" if sandbox else stage.ours)
    assert found.evaluate("document.documentElement.scrollHeight <= innerHeight")
    assert tab.evaluate("document.querySelector('iframe').hasAttribute('style')") is False
    stage.settle(moved(price("bitcoin", "65000")))
    expect(tab.frame_locator("iframe").locator(".mp-price").first).to_have_text("$65,000.00")
    before = needed(found)
    iframe.evaluate("e => e.width = 700")
    until(lambda: int(iframe.get_attribute("height") or 0) == needed(found) != before)
    assert seen.value("broken") == []
    assert found.evaluate("broken") == []
    assert seen.said == []
    assert seen.origins == {stage.host, stage.ours}


def test_without_script_or_rights(stage: Stage, tab: Page) -> None:
    """In a sandbox that allows nothing at all the page is whole."""
    tab.goto(site(stage, frame(stage, "sandbox")))
    expect(tab.frame_locator("iframe").locator(".mp-row")).to_have_count(3)
    expect(tab.frame_locator("iframe").get_by_text("$64,250.12")).to_be_visible()
    assert tab.locator("iframe").get_attribute("height") == "41"


def test_says_nothing_else(stage: Stage, browser: Browser) -> None:
    """A hostile page that frames ours is told heights and nothing else; what it sends changes nothing."""
    tab = browser.new_page()
    listen = "self.heard = []; addEventListener('message', e => heard.push([e.data, e.source === frames[0]]))"
    stage.pages["/"] = (f"<script>{listen}</script>{frame(stage)}", "")
    tab.goto(stage.stranger + "/")
    tab.wait_for_function("heard.length > 0")
    found = inside(tab, stage)
    expect(found.locator(".mp-row")).to_have_count(3)
    before = found.evaluate("document.body.innerHTML")
    tab.evaluate(f"{LIES}.forEach(lie => frames[0].postMessage(lie, '*'))")
    tab.evaluate("frames[0].postMessage({type: 'mp:update', prices: [{id: 'bitcoin', price: '1'}], html: '<b>'}, '*')")
    stage.settle(moved(price("bitcoin", "64250.12"), price("ethereum", "2000")))
    expect(found.locator(".mp-price").nth(1)).to_have_text("$2,000.00")
    assert found.locator(".mp-price").first.inner_text() == "$64,250.12"
    assert len(found.evaluate("document.body.innerHTML")) == pytest.approx(len(before), abs=120)
    heard: list[Any] = tab.evaluate("heard")
    assert all(ours for _, ours in heard)
    assert {tuple(sorted(data)) for data, _ in heard} == {("height", "type")}
    assert all(data["type"] == "mp:height" and isinstance(data["height"], int) for data, _ in heard)
    tab.close()


def test_strangers_are_not_believed(stage: Stage, tab: Page) -> None:
    """Neither a hostile sibling frame, nor the page itself, nor a frame of ours that went elsewhere sets a height."""
    lie = f"<script>setInterval(() => {LIES}.forEach(lie => parent.postMessage(lie, '*')), 20)</script>"
    stage.pages["/lie"] = (lie, "")
    body = f'{frame(stage)}<iframe id="stranger" src="{stage.stranger}/lie" title="Ad" height="90"></iframe>'
    tab.goto(site(stage, body))
    expect(tab.frame_locator("iframe").first.locator(".mp-row")).to_have_count(3)
    ours, stranger = tab.locator("iframe").first, tab.locator("#stranger")
    until(lambda: int(ours.get_attribute("height") or 0) > 200)
    right = ours.get_attribute("height")
    tab.evaluate(f"""() => new Promise(done => {{ let count = 0
      addEventListener('message', () => {{ if (++count > 60) done() }});
      {LIES}.forEach(lie => postMessage(lie, '*')) }})""")
    assert (ours.get_attribute("height"), stranger.get_attribute("height")) == (right, "90")
    inside(tab, stage).goto(stage.stranger + "/lie")
    tab.evaluate(
        "() => new Promise(done => { let n = 0; addEventListener('message', () => { if (++n > 60) done() }) })"
    )
    assert (ours.get_attribute("height"), stranger.get_attribute("height")) == (right, "90")


@pytest.mark.parametrize(("height", "shown"), [("1e9", "4000"), ("-5", "40"), ("0", "40"), ("123.2", "124")])
def test_heights_are_bounded(stage: Stage, tab: Page, height: str, shown: str) -> None:
    """Whatever one of our own pages says, a frame stays between 40 and 4,000 pixels."""
    tab.goto(site(stage, frame(stage, path="/embed/label/bitcoin")))
    expect(tab.frame_locator("iframe").locator(".mp-row")).to_have_count(1)
    iframe = tab.locator("iframe")
    until(lambda: iframe.get_attribute("height") != "41")
    inside(tab, stage).evaluate(f"parent.postMessage({{type: 'mp:height', height: {height}}}, '*')")
    until(lambda: iframe.get_attribute("height") == shown)


def test_links_open_outside(stage: Stage, tab: Page) -> None:
    """A page that reads itself again keeps what only a framed page has."""
    tab.goto(site(stage, frame(stage)))
    expect(tab.frame_locator("iframe").locator(".mp-row")).to_have_count(3)
    found = inside(tab, stage)
    found.evaluate("document.querySelector('market-prices').setAttribute('kind', 'list')")
    until(lambda: found.locator("market-prices > style").count() == 1)
    assert found.locator("a:not([target=_blank])").count() == 0
    assert found.locator("a").count() > 0
