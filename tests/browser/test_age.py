"""A price grows old by itself: at the right seconds, whatever the server, a cache or the reader's clock say.

The tab's time is the test's: it stands until it is told to run. The service's time stands at NOW.
"""

from datetime import UTC, datetime
from typing import Any

import pytest
from browser.news import EQUAL, moved, site, until
from browser.stage import Stage
from playwright.sync_api import Page, expect
from snapshots import NOW, price, snapshot

pytestmark = pytest.mark.browser

LIVE, DELAYED, GONE = 120, 300, 3600  # seconds after its time at which a price of the snapshots leaves a rung


def opened(stage: Stage, tab: Page, body: str, skew: float = 0) -> None:
    """The page in a tab whose clock is wrong by `skew` and stands, with every row drawn."""
    tab.clock.install(time=datetime.fromtimestamp(NOW + skew, UTC))
    tab.clock.pause_at(datetime.fromtimestamp(NOW + skew + 1, UTC))
    tab.goto(site(stage, body))
    until(lambda: tab.locator(".mp-row").count() == 3, lambda: tab.clock.run_for(50))


def rungs(tab: Page) -> list[str]:
    """The rung of each row."""
    return list(tab.locator(".mp-row").evaluate_all("rows => rows.map(row => row.dataset.freshness)"))


def run_to(tab: Page, seconds: float) -> None:
    """Let the tab's time run, so long after the page was opened."""
    passed = tab.evaluate("performance.now()") / 1000
    tab.clock.run_for(round(1000 * (seconds - passed)))


@pytest.mark.parametrize("skew", [-3600, 0, 3600])
def test_ladder_of_a_frozen_server(stage: Stage, tab: Page, skew: float) -> None:
    """Delayed, stale and gone within three seconds of their time though nothing answers any more and the clock
    is an hour off; in the words and the picture of the server, but for what only hovering tells.
    """
    opened(stage, tab, "<market-prices></market-prices>", skew)
    until(lambda: stage.viewers() == 1, lambda: tab.clock.run_for(100))
    stage.faults.held = ("/v1/",)
    ladder = (("live", LIVE, "delayed"), ("delayed", DELAYED, "stale"), ("stale", GONE, "none"))
    for before, at, after in ladder:
        if at == GONE:
            tab.clock.fast_forward(3000_000)
        run_to(tab, at - 1)
        assert rungs(tab) == [before] * 3
        run_to(tab, at + 3)
        assert rungs(tab) == [after] * 3
        stage.now = NOW + at + 3
        assert tab.evaluate(EQUAL, ["widget/list?css=none", "title"]) == ""
        stage.now = NOW
    assert tab.locator(".mp-price").all_inner_texts() == ["—"] * 3
    assert tab.locator(".mp-asof").inner_text().lower() == "no prices at the moment"


@pytest.mark.parametrize(("locale", "word"), [("de", "verzögert"), ("fa", "با تأخیر"), ("mr", "delayed")])
def test_words_of_the_language(stage: Stage, tab: Page, locale: str, word: str) -> None:
    """The words and the digits of an aged row are those of the widget's language."""
    opened(stage, tab, f'<market-prices locale="{locale}" live="off"></market-prices>')
    run_to(tab, LIVE + 3)
    assert word in tab.locator(".mp-note").first.inner_text()
    stage.now = NOW + LIVE + 3
    stage.settle(stage.feed.snapshot)
    assert tab.evaluate(EQUAL, [f"widget/list?css=none&locale={locale}", "title"]) == ""


def test_old_copy_that_tells_its_age(stage: Stage, tab: Page) -> None:
    """What a cache kept for four minutes is delayed as soon as it is drawn, by its Age."""
    stage.faults.age = 240
    opened(stage, tab, '<market-prices live="off"></market-prices>')
    assert rungs(tab) == ["delayed"] * 3


def test_old_copy_that_hides_its_age(stage: Stage, tab: Page) -> None:
    """A cache that hands out old copies for ever, as if they were new, stops no price from ageing; the first honest
    answer tells the true age, and no later lie takes that back.
    """
    stage.faults.dated, stage.faults.refused = NOW, ("/v1/stream",)
    opened(stage, tab, "<market-prices></market-prices>")
    until(lambda: rungs(tab) == ["delayed"] * 3, lambda: tab.clock.run_for(5_000))
    assert tab.evaluate("performance.now()") / 1000 == pytest.approx(LIVE, abs=8)
    stage.faults.dated = NOW + 200
    passed = tab.evaluate("performance.now()") / 1000
    until(lambda: rungs(tab) == ["stale"] * 3, lambda: tab.clock.run_for(1_000))
    assert tab.evaluate("performance.now()") / 1000 - passed < DELAYED - 200 + 30
    stage.faults.dated = NOW
    tab.clock.run_for(60_000)
    assert rungs(tab) == ["stale"] * 3


def test_never_unmarked_without_a_time(stage: Stage, tab: Page) -> None:
    """Printed by the host, and we cannot be reached: after ten seconds nothing looks live; with the first answer the
    age is known and told.
    """
    printed = tab.request.get(stage.ours + "/widget/list?css=link").text()
    stage.faults.refused = ("/v1/", "/widget/")
    opened(stage, tab, f"<market-prices>{printed}</market-prices>", skew=3600)
    tab.clock.run_for(8_000)
    assert rungs(tab) == ["live"] * 3
    tab.clock.run_for(3_000)
    assert rungs(tab) == ["delayed"] * 3
    stage.faults.refused = ()
    until(lambda: rungs(tab) == ["live"] * 3, lambda: tab.clock.run_for(5_000))


def test_sleep_counts(stage: Stage, tab: Page) -> None:
    """A machine that slept does not wake up with fresh-looking prices: their true age is asked for at once, and while
    it is not known for ten seconds nothing is unmarked.
    """
    opened(stage, tab, "<market-prices></market-prices>")
    tab.clock.run_for(3_000)
    stage.faults.refused = ("/v1/",)
    tab.evaluate("{ const now = Date.now; Date.now = () => now() + 3_500_000 }")
    tab.clock.run_for(12_000)
    assert rungs(tab) == ["delayed"] * 3
    stage.faults.refused, stage.now = (), NOW + 3500
    stage.settle(moved(price("bitcoin", "65000", stage.now), seq=2))
    until(lambda: rungs(tab) == ["live", "stale", "stale"], lambda: tab.clock.run_for(5_000))
    expect(tab.locator(".mp-price").first).to_have_text("$65,000.00")


def test_fixed_prices_never_age(stage: Stage, tab: Page) -> None:
    """What the publisher set has no age, and no clock changes it."""
    fixed: dict[str, Any] = dict.fromkeys(("as_of", "live_until", "delayed_until", "gone_at"))
    house = price("bitcoin", "1")
    house = type(house)("bitcoin", house.price, "fixed", **fixed)
    stage.settle(snapshot(2, prices=(house, *snapshot().prices[1:])))
    opened(stage, tab, '<market-prices live="off"></market-prices>')
    run_to(tab, DELAYED + 5)
    assert rungs(tab) == ["live", "stale", "stale"]


def test_a_cached_answer_takes_nothing_back(stage: Stage, tab: Page) -> None:
    """A poll that a cache answers with an older snapshot than the stream's changes nothing."""
    opened(stage, tab, "<market-prices></market-prices>")
    until(lambda: stage.viewers() == 1, lambda: tab.clock.run_for(200))
    stage.settle(moved(price("bitcoin", "65000"), seq=9))
    expect(tab.locator(".mp-price").first).to_have_text("$65,000.00")
    tab.route("**/v1/prices*", lambda route: route.fulfill(json=old, headers={"access-control-allow-origin": "*"}))
    old = tab.request.get(stage.ours + "/v1/prices?locale=en").json() | {"id": "7-3"}
    old["prices"][0]["price"], old["prices"][0]["text"]["price"] = "1", "$1.00"
    told: list[str] = []
    tab.on("requestfinished", lambda request: told.append(request.url))
    until(lambda: told, lambda: tab.clock.run_for(1_000))
    tab.clock.run_for(1_000)
    assert "/v1/prices" in told[0]
    assert tab.locator(".mp-price").first.inner_text() == "$65,000.00"
