"""Where the numbers come from: a stream, polls while it is broken, nothing while nobody looks."""

import urllib.request
from decimal import Decimal

import pytest
from browser.news import lasting, moved, site, until, watch
from browser.stage import Stage
from playwright.sync_api import Page, expect
from snapshots import NOW, price, snapshot

from ticker.model import Coin
from ticker.server.app import SITE, Serving
from ticker.server.params import Defaults

pytestmark = pytest.mark.browser

LISTED = ("openvoicecoin", "bitcoin")
HIDE = """hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true})
  document.dispatchEvent(new Event('visibilitychange')) }"""


def polls(stage: Stage) -> list[str | None]:
    """The If-None-Match of every poll so far."""
    return [tag for path, tag in stage.asked if path.startswith("/v1/prices")]


def test_hidden_tab_stops_and_resumes(stage: Stage, tab: Page) -> None:
    """A tab that nobody sees holds no connection and asks for nothing; seen again it is true at once."""
    tab.clock.install(time=NOW)
    tab.goto(site(stage, "<market-prices></market-prices>"))
    until(lambda: stage.viewers() == 1)
    tab.evaluate(HIDE, True)
    until(lambda: stage.viewers() == 0)
    stage.asked.clear()
    tab.clock.run_for(300_000)
    assert stage.asked == []
    stage.settle(moved(price("bitcoin", "65000")))
    tab.evaluate(HIDE, False)
    expect(tab.locator(".mp-price").first).to_have_text("$65,000.00")
    until(lambda: stage.viewers() == 1)


def test_stream_dies_and_comes_back(stage: Stage, tab: Page) -> None:
    """A dead stream is replaced by polls that ask with If-None-Match, and replaces them when it is back; the page is
    told each time.
    """
    seen = watch(tab)
    tab.clock.install(time=NOW)
    tab.goto(site(stage, "<market-prices></market-prices>"))
    until(lambda: stage.viewers() == 1)
    stage.faults.refused = ("/v1/stream",)
    stage.cut()
    until(lambda: len(polls(stage)) >= 1, lambda: tab.clock.run_for(500))
    stage.settle(moved(lasting("bitcoin", "65000")))
    first = tab.locator(".mp-price").first
    until(lambda: first.inner_text() == "$65,000.00", lambda: tab.clock.run_for(1_000))
    count = len(polls(stage))
    until(lambda: len(polls(stage)) > count and polls(stage)[-1], lambda: tab.clock.run_for(1_000))
    assert stage.viewers() == 0

    stage.faults.refused = ("/v1/",)
    until(lambda: seen.value("states")[-1]["connection"] == "lost", lambda: tab.clock.run_for(5_000))
    stage.faults.refused = ()
    until(lambda: stage.viewers() == 1, lambda: tab.clock.run_for(5_000))
    stage.settle(moved(lasting("bitcoin", "66000"), seq=3))
    expect(first).to_have_text("$66,000.00")
    order = [one["connection"] for one in seen.value("states")]
    assert list(dict.fromkeys(order)) == ["wait", "stream", "poll", "lost"]
    assert order[-1] == "stream"
    stage.asked.clear()
    tab.clock.run_for(20_000)
    assert polls(stage) == []


def test_another_list_is_read_at_once(stage: Stage, tab: Page) -> None:
    """Coins that ops add and remove, and another title, are on an open page within two seconds of its own clock, while
    its stream goes on.
    """
    tab.clock.install(time=NOW)
    tab.goto(site(stage, '<market-prices></market-prices><market-price coin="pirate-chain"></market-price>'))
    until(lambda: stage.viewers() == 1)
    rows = "[...document.querySelectorAll('market-prices [data-coin]')].map(row => row.dataset.coin)"
    assert tab.evaluate(rows) == ["bitcoin", "ethereum", "pirate-chain"]
    coins, prices = snapshot().coins, snapshot().prices
    stage.settle(snapshot(2, coins=coins[:2] + coins[3:], prices=prices[:2] + prices[3:], shown=LISTED))
    until(lambda: tab.evaluate(rows) == list(LISTED), lambda: tab.clock.run_for(1_000))
    until(lambda: stage.viewers() == 1, lambda: tab.clock.run_for(1_000))
    stage.settle(moved(lasting("bitcoin", "65000"), seq=3))
    expect(tab.locator("[data-coin=bitcoin] .mp-price").first).to_have_text("$65,000.00")
    stage.do(stage.app[SITE].change(Serving(Defaults(title="Kurse"), stage.ours)))
    until(lambda: "Kurse" in tab.inner_text("market-prices"), lambda: tab.clock.run_for(1_000))
    stage.do(stage.app[SITE].change(Serving(origin=stage.ours)))


def test_a_coin_that_is_gone_silences_nobody(stage: Stage, tab: Page) -> None:
    """Where one element still has a coin that was removed, as from a cached page, the server refuses what all of a page
    ask for together: each is read again, and the others are live.
    """
    with urllib.request.urlopen(f"{stage.ours}/widget/price/pirate-chain?css=link") as answer:
        kept = answer.read().decode()
    coins, prices = snapshot().coins, snapshot().prices
    stage.settle(snapshot(2, coins=coins[:2] + coins[3:], prices=prices[:2] + prices[3:], shown=LISTED))
    tab.clock.install(time=NOW)
    tab.goto(site(stage, f'<market-prices></market-prices><market-price coin="pirate-chain">{kept}</market-price>'))
    until(lambda: stage.viewers() == 1, lambda: tab.clock.run_for(1_000))
    expect(tab.locator("market-price .mp-error")).to_be_attached()
    stage.settle(moved(lasting("bitcoin", "65000"), seq=3))
    expect(tab.locator("[data-coin=bitcoin] .mp-price").first).to_have_text("$65,000.00")


def test_a_list_that_changes_while_it_is_read(stage: Stage, tab: Page) -> None:
    """What is still on its way when the list changes again is not what stays."""
    late = []
    tab.clock.install(time=NOW)
    tab.goto(site(stage, "<market-prices></market-prices>"))
    until(lambda: stage.viewers() == 1)
    tab.route("**/widget/list*", lambda route: late.append((route, route.fetch())), times=1)
    stage.settle(snapshot(2, shown=("ethereum", "bitcoin")))
    until(lambda: late, lambda: tab.clock.run_for(1_000))
    stage.settle(snapshot(3, prices=(lasting("bitcoin", "65000"), *snapshot().prices[1:]), shown=LISTED))
    expect(tab.locator("[data-coin=bitcoin] .mp-price")).to_have_text("$65,000.00")  # so the page has heard of it
    late[0][0].fulfill(response=late[0][1])
    rows = "[...document.querySelectorAll('market-prices [data-coin]')].map(row => row.dataset.coin)"
    until(lambda: tab.evaluate(rows) == list(LISTED), lambda: tab.clock.run_for(100))


def test_frozen_stream_is_noticed(stage: Stage, tab: Page) -> None:
    """A stream that stays open and silent while there is something to say is opened anew."""
    tab.clock.install(time=NOW)
    tab.goto(site(stage, "<market-prices></market-prices>"))
    until(lambda: stage.viewers() == 1)
    deaf, stage.feed.tell = stage.feed.tell[0], stage.feed.tell[1:]  # the stream hears of nothing
    try:
        stage.settle(moved(lasting("bitcoin", "65000")))
        first = tab.locator(".mp-price").first
        stage.asked.clear()
        until(lambda: first.inner_text() == "$65,000.00", lambda: tab.clock.run_for(10_000))
        until(lambda: any(path.startswith("/v1/stream") for path, _ in stage.asked), lambda: tab.clock.run_for(1_000))
    finally:
        stage.feed.tell.insert(0, deaf)


def test_polls_back_off(stage: Stage, tab: Page) -> None:
    """While nothing of ours answers, the asking grows rare: in an hour at most 25 polls, and a try a minute at the
    stream.
    """
    tab.clock.install(time=NOW)
    tab.goto(site(stage, "<market-prices></market-prices>"))
    until(lambda: stage.viewers() == 1)
    stage.faults.refused = ("/",)
    stage.asked.clear()
    stage.cut()
    for _ in range(60):
        tab.clock.run_for(60_000)
        tab.wait_for_timeout(15)
    assert len(polls(stage)) <= 25
    assert len([path for path, _ in stage.asked if path.startswith("/v1/stream")]) <= 90
    until(lambda: len(polls(stage)) >= 3, lambda: tab.clock.run_for(60_000))


def test_what_is_refused_for_good_is_asked_rarely(stage: Stage, tab: Page) -> None:
    """More coins than one question may name, of several elements together: each keeps what the server drew, and in an
    hour at most 25 polls are refused, after each of which the elements are read again.
    """
    coins = tuple(Coin(f"a-coin-with-a-long-name-{i:03}", f"Coin {i}", f"C{i}") for i in range(100))
    prices = tuple(price(coin.id, "1") for coin in coins)
    stage.settle(snapshot(2, coins=coins, prices=prices, shown=tuple(coin.id for coin in coins[:3])))
    lists = [",".join(coin.id for coin in coins[part::5]) for part in range(5)]
    tab.clock.install(time=NOW)
    tab.goto(site(stage, "".join(f'<market-prices coins="{one}"></market-prices>' for one in lists)))
    until(lambda: tab.locator(".mp-row").count() == 100, lambda: tab.clock.run_for(1_000))
    stage.asked.clear()
    for _ in range(120):
        tab.clock.run_for(30_000)
        tab.wait_for_timeout(15)
    assert 3 <= len(polls(stage)) <= 25
    assert len([path for path, _ in stage.asked if path.startswith("/widget/")]) <= 5 * 30
    assert tab.locator(".mp-row").count() == 100


def test_moved_before_it_was_there(stage: Stage, tab: Page) -> None:
    """An element that a page puts elsewhere while its first HTML is on the way is read again."""
    stage.faults.held = ("/widget/",)
    tab.clock.install(time=NOW)
    tab.goto(site(stage, "<market-prices></market-prices><aside></aside>"))
    until(lambda: any(path.startswith("/widget/") for path, _ in stage.asked), lambda: tab.clock.run_for(500))
    tab.evaluate("document.querySelector('aside').append(document.querySelector('market-prices'))")
    stage.faults.held = ()
    until(lambda: tab.locator("aside .mp-row").count() == 3, lambda: tab.clock.run_for(500))


def test_first_fetch_is_repeated(stage: Stage, tab: Page) -> None:
    """Where the first HTML cannot be had, what the author put inside stays, and the widget comes when we are back."""
    stage.faults.refused = ("/widget/",)
    tab.clock.install(time=NOW)
    tab.goto(site(stage, "<market-prices><p>Prices come soon.</p></market-prices>"))
    until(
        lambda: len([path for path, _ in stage.asked if path.startswith("/widget/")]) >= 2,
        lambda: tab.clock.run_for(500),
    )
    expect(tab.get_by_text("Prices come soon.")).to_be_visible()
    stage.faults.refused = ()
    until(lambda: tab.locator(".mp-row").count() == 3, lambda: tab.clock.run_for(1_000))
    expect(tab.get_by_text("Prices come soon.")).to_have_count(0)


def test_focus_is_not_taken_away(stage: Stage, tab: Page) -> None:
    """Nothing is drawn anew while a reader is in it with the keyboard; numbers are patched all the same."""
    tab.clock.install(time=NOW)
    tab.goto(site(stage, "<market-prices></market-prices>"))
    until(lambda: stage.viewers() == 1)
    link = tab.locator("a.mp-name")
    link.focus()
    tab.clock.run_for(1_300_000)
    stage.settle(moved(price("bitcoin", "65000")))
    expect(tab.locator(".mp-price").first).to_have_text("$65,000.00")
    expect(link).to_be_focused()


def test_what_no_frame_brings_is_read_again(stage: Stage, tab: Page) -> None:
    """A column that the stream does not tell follows within some ten seconds, and no sooner for many frames."""
    tab.clock.install(time=NOW)
    tab.goto(site(stage, '<market-prices show="name,price,cap"></market-prices>'))
    until(lambda: stage.viewers() == 1)
    tab.clock.run_for(20_000)
    tab.clock.pause_at(tab.evaluate("Date.now()") / 1000 + 1)  # from here on time is ours alone, however slow we are
    stage.asked.clear()
    for seq, value in enumerate(("65000", "65001", "65002"), start=2):
        stage.settle(moved(price("bitcoin", value, market_cap=Decimal(1234567890123)), seq=seq))
        expect(tab.locator(".mp-price").first).to_have_text(f"${int(value):,}.00")
    assert tab.locator(".mp-cap").first.inner_text() != "$1.23T"
    until(lambda: "1.23T" in tab.locator(".mp-cap").first.inner_text(), lambda: tab.clock.run_for(1_000))
    assert len([path for path, _ in stage.asked if path.startswith("/widget/")]) == 1
