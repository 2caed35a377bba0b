"""`<market-prices>` in a real browser, on a news site of another origin with a strict policy."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from browser.news import EQUAL, moved, site, until, watch
from browser.stage import Stage
from playwright.sync_api import Browser, Page, expect
from snapshots import NOW, price, snapshot

from ticker.model import Point
from widgets.render import KINDS

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
PARAGRAPH = "<p>Below it the news goes on, and must not move.</p>"


def test_strict_host(stage: Stage, tab: Page) -> None:
    """With the very line that we print: no policy is broken, no third party asked, no cookie set, nothing kept, nothing
    said, nothing moves, though the server takes its time.
    """
    seen = watch(tab)
    line = tab.request.get(stage.ours + "/snippet/script/list?css=link").text()
    assert f'<script src="{stage.ours}/embed.js" async></script><market-prices kind="list" rows="3"' in line
    stage.faults.delay = {"/widget/": 0.3}
    tab.goto(site(stage, f"<h1>News</h1>{line}{PARAGRAPH}", script=False, style=False))
    expect(tab.locator(".mp-row")).to_have_count(3)
    stage.settle(moved(price("bitcoin", "65000.5")))
    expect(tab.locator(".mp-price").first).to_have_text("$65,000.50")

    assert seen.value("broken") == []
    assert seen.said == []
    assert seen.origins == {stage.host, stage.ours}
    assert tab.context.cookies() == []
    assert tab.evaluate("localStorage.length + sessionStorage.length") == 0
    assert tab.evaluate("shift") == 0
    assert tab.locator("market-prices > .mp").evaluate("e => getComputedStyle(e).borderRadius") == "11.25px"


@pytest.mark.parametrize(("zeros", "shown"), [("count", "$0.0₅71 $0.0000071"), ("all", "$0.0000071")])
def test_a_tiny_price_keeps_its_form(stage: Stage, tab: Page, zeros: str, shown: str) -> None:
    """Zeros that the server counted stay counted for eyes, and whole for ears, when the price changes."""
    stage.settle(moved(price("bitcoin", "0.00000644")))
    tab.goto(site(stage, f'<market-prices zeros="{zeros}"></market-prices>'))
    expect(tab.locator(".mp-price").first).to_contain_text("$0.00000644")
    stage.settle(moved(price("bitcoin", "0.0000071")))
    expect(tab.locator(".mp-price").first).to_have_text(shown)
    assert tab.locator(".mp-price").first.locator("[aria-hidden]").count() == (zeros == "count")
    stage.settle(moved(price("bitcoin", "64250.12")))
    expect(tab.locator(".mp-price").first).to_have_text("$64,250.12")


@pytest.mark.parametrize("width", [300, 800])
@pytest.mark.parametrize("rows", [None, 3])
def test_room_is_kept(stage: Stage, tab: Page, rows: int | None, width: int) -> None:
    """With `rows` nothing below moves, in a sidebar and in a column; without, it does, so the measure measures."""
    watch(tab)
    tab.set_viewport_size({"width": width, "height": 700})
    stage.faults.held, stage.faults.delay = ("/widget/",), {"/embed.js": 0.2}
    attribute = "" if rows is None else f' rows="{rows}"'
    tab.goto(site(stage, f"<h1>News</h1><market-prices{attribute}></market-prices>{PARAGRAPH * 3}"))
    before = tab.locator("main > p").first.bounding_box()
    stage.faults.held = ()
    expect(tab.locator(".mp-row")).to_have_count(3)
    tab.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    after = tab.locator("main > p").first.bounding_box()
    assert before is not None
    assert after is not None
    assert (tab.evaluate("shift") == 0, before["y"] == after["y"]) == ((rows is not None,) * 2)
    inside = tab.locator(".mp").bounding_box()
    assert inside is not None
    assert inside["y"] + inside["height"] <= after["y"]


def test_without_script(stage: Stage, browser: Browser) -> None:
    """With script disabled, what a server printed inside is whole, and what it did not print is what the author put."""
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    printed = tab.request.get(stage.ours + "/widget/list?css=link").text()
    tab.goto(site(stage, f"<market-prices>{printed}</market-prices><market-prices><p>Off.</p></market-prices>"))
    expect(tab.locator(".mp-row")).to_have_count(3)
    expect(tab.get_by_text("$64,250.12")).to_be_visible()
    expect(tab.get_by_text("Off.")).to_be_visible()
    context.close()


def states() -> list[Any]:
    """Snapshots in which every coin changes its state, time standing still."""
    old, first = NOW - 200, price("bitcoin", "64250.12")
    return [
        moved(
            price("bitcoin", "64300", change_1h=Decimal("-0.7"), change_24h=Decimal("2.5"), change_7d=Decimal(0)),
            price("ethereum", "1900", used=4, change_1h=Decimal("0.3"), change_7d=Decimal(-12)),
            seq=2,
        ),
        moved(price("bitcoin", "64300", agreement="degraded", used=2), price("ethereum", None), seq=3),
        moved(price("bitcoin", "64300.5", old, agreement="single", used=1), price("ethereum", "1901", old), seq=4),
        moved(price("bitcoin", "1.5", NOW - 400, agreement="disputed"), price("ethereum", "1901", NOW - 400), seq=5),
        moved(price("bitcoin", "1.25", agreement="disputed"), price("ethereum", "1", change_24h=None), seq=6),
        moved(price("bitcoin", None), price("ethereum", None), price("pirate-chain", None), seq=7),
        moved(first, price("ethereum", "0.00001234", change_24h=Decimal("0.001")), seq=8),
    ]


@pytest.mark.parametrize(
    "ask",
    [
        "kind=list",
        "kind=list locale=fa change=24h",
        "kind=list locale=de show=name,price",
        "kind=list change=7d",
        "kind=table",
        "kind=table change=7d",
        "kind=tape",
        "kind=label",
    ],
)
def test_drawn_as_the_server_would(stage: Stage, tab: Page, ask: str) -> None:
    """Through every state, what the stream makes of a row is what the server draws for it, to the last attribute."""
    pairs = [pair.split("=") for pair in ask.split()]
    attributes = " ".join(f'{name}="{value}"' for name, value in pairs)
    query = f"widget/{dict(pairs)['kind']}?css=none&" + "&".join(f"{name}={value}" for name, value in pairs[1:])
    tab.goto(site(stage, f"<market-prices {attributes}></market-prices>"))
    tab.wait_for_selector(".mp-row")
    until(lambda: stage.viewers() == 1)
    for state in states():
        stage.settle(state)
        different = [""]

        def equal(different: list[str] = different) -> bool:
            different[0] = tab.evaluate(EQUAL, [query])
            return not different[0]

        try:
            until(equal)
        except AssertionError:
            pytest.fail(f"{state.id}: {different[0]}")


def test_a_change_is_marked_gently(stage: Stage, tab: Page, browser: Browser) -> None:
    """A price that moved is coloured for a moment and comes back to its colour; without motion if that is wished."""
    colour = "e => getComputedStyle(e).color"
    tab.goto(site(stage, "<market-prices></market-prices>"))
    tab.wait_for_selector(".mp-row")
    until(lambda: stage.viewers() == 1)
    cell = tab.locator(".mp-price").first
    calm = cell.evaluate(colour)
    tab.evaluate("""self.marks = []; new MutationObserver(all => all.forEach(one => marks.push(
        one.target.dataset.moved ?? getComputedStyle(one.target).transitionDuration)))
        .observe(document.querySelector('.mp-price'), {attributeFilter: ['data-moved']})""")
    stage.settle(moved(price("bitcoin", "65000"), seq=2))
    expect(cell).to_have_text("$65,000.00")
    stage.settle(moved(price("bitcoin", "64000"), seq=3))
    expect(cell).to_have_text("$64,000.00")
    until(lambda: tab.evaluate("marks.at(-1)") == "1.2s")
    assert {"up", "down"} <= set(tab.evaluate("marks"))
    until(lambda: cell.evaluate(colour) == calm)

    still = browser.new_page(reduced_motion="reduce")
    still.goto(site(stage, "<market-prices></market-prices>"))
    cell = still.locator(".mp-price").first
    expect(cell).to_have_text("$64,000.00")
    cell.evaluate("e => e.dataset.moved = 'up'")
    assert (cell.evaluate(colour), cell.evaluate("e => getComputedStyle(e).transitionDuration")) == (calm, "0s")
    still.close()


def test_printed_by_the_host(stage: Stage, tab: Page) -> None:
    """What the host's server printed, and a page cache kept for months, is not fetched again but made true at once."""
    old = snapshot(prices=(price("bitcoin", "20000", NOW - 9e6), *snapshot().prices[1:]))
    stage.now = NOW - 9e6
    stage.settle(old)
    printed = tab.request.get(stage.ours + "/widget/list?css=link").text()
    assert "$20,000.00" in printed
    stage.now = NOW
    stage.settle(moved(price("bitcoin", "65000")))
    stage.asked.clear()
    tab.goto(site(stage, f"<market-prices>{printed}</market-prices>"))
    expect(tab.locator(".mp-price").first).to_have_text("$65,000.00")
    until(lambda: not tab.evaluate(EQUAL, ["widget/list?css=none"]))
    assert not [path for path, _ in stage.asked if path.startswith("/widget/") and "css=none" not in path]


def test_attributes(stage: Stage, tab: Page) -> None:
    """Another attribute is another widget; an error is said in place, and mended by the next attribute."""
    tab.goto(site(stage, '<market-prices coins="bitcoin" title="Coins"></market-prices>'))
    element = tab.locator("market-prices")
    expect(element.locator(".mp-title")).to_have_text("Coins")
    expect(element.locator(".mp-row")).to_have_count(1)
    element.evaluate("e => e.setAttribute('coins', 'ethereum,bitcoin')")
    expect(element.locator(".mp-name")).to_have_text(["Ethereum", "Bitcoin"])
    element.evaluate("e => e.setAttribute('theme', 'dark')")
    expect(element.locator(".mp[data-theme=dark]")).to_have_count(1)
    element.evaluate("e => e.setAttribute('coins', 'nope')")
    expect(element.locator(".mp-error")).to_contain_text("there is no coin 'nope' here")
    element.evaluate("e => { e.setAttribute('kind', 'label'); e.setAttribute('coins', 'bitcoin') }")
    expect(element.locator(".mp[data-kind=label]")).to_have_count(1)
    stage.settle(moved(price("bitcoin", "65000")))
    expect(element.locator(".mp-price")).to_have_text("$65,000.00")


def test_one_stream_for_all(stage: Stage, tab: Page) -> None:
    """Many elements of one currency and language share a connection; what leaves the page lets go of it."""
    one = '<market-price coin="{}"></market-price>'
    coins = ("bitcoin", "ethereum", "pirate-chain", "openvoicecoin") * 3
    body = "<p>" + " and ".join(one.format(coin) for coin in coins) + "</p><market-prices></market-prices>"
    tab.goto(site(stage, body))
    expect(tab.locator(".mp")).to_have_count(13)
    stage.settle(moved(price("bitcoin", "65000"), price("ethereum", "2000")))
    expect(tab.locator("[data-coin=bitcoin] .mp-price")).to_have_text(["$65,000.00"] * 4)
    until(lambda: stage.viewers() == 1)
    tab.evaluate("document.querySelectorAll('market-price').forEach(one => one.remove())")
    stage.settle(moved(price("bitcoin", "66000"), seq=3))
    expect(tab.locator(".mp-price").first).to_have_text("$66,000.00")
    tab.evaluate("document.querySelector('market-prices').remove()")
    until(lambda: stage.viewers() == 0)
    tab.evaluate("document.body.append(Object.assign(document.createElement('market-prices')))")
    expect(tab.locator(".mp-price").first).to_have_text("$66,000.00")
    until(lambda: stage.viewers() == 1)


def test_live_off(stage: Stage, tab: Page) -> None:
    """`live="off"` opens no stream and polls nothing."""
    tab.goto(site(stage, '<market-prices live="off"></market-prices>'))
    expect(tab.locator(".mp-row")).to_have_count(3)
    assert tab.evaluate("document.querySelector('market-prices').querySelector('.mp-row').dataset.freshness") == "live"
    assert stage.viewers() == 0
    assert not [path for path, _ in stage.asked if path.startswith("/v1/")]


def test_events(stage: Stage, tab: Page) -> None:
    """`mp:update` brings the Prices that are new, `mp:state` where they come from and how many stand on which rung."""
    seen = watch(tab)
    tab.goto(site(stage, '<market-prices coins="bitcoin,openvoicecoin"></market-prices>'))
    until(lambda: [one["connection"] for one in seen.value("states")][-1:] == ["stream"])
    assert seen.value("states")[-1] == {
        "connection": "stream",
        "rows": {"live": 1, "delayed": 0, "stale": 0, "none": 1},
    }
    stage.settle(moved(price("bitcoin", "65000")))
    until(lambda: [p["price"] for p in seen.value("updates")[-1]["prices"]] == ["65000"])
    assert seen.value("updates")[-1]["id"] == "7-2"


def test_then_and_now(stage: Stage, tab: Page) -> None:
    """In a sentence: the first price of a day, the price now, the change between the two; a lone price is live."""
    stage.past.kept = [Point(NOW - 86_400 * 5 + 60, Decimal("32125.06"))]
    stage.now = NOW
    sentence = (
        '<p>Bitcoin stood at <market-price coin="bitcoin" on="2027-01-10"></market-price>, or '
        '<market-price coin="ethereum"></market-price> for an ether.</p>'
    )
    seen = watch(tab)
    tab.goto(site(stage, sentence))
    expect(tab.locator(".mp-was")).to_have_text("$32,125.06")
    expect(tab.locator(".mp-on")).to_have_text("(Jan 10, 2027)")
    both = tab.locator("market-price").first
    expect(both.locator(".mp-price")).to_have_text("$64,250.12")
    expect(both.locator(".mp-change [aria-hidden]")).to_have_text("▲ +100.00%")
    stage.settle(moved(price("bitcoin", "65000"), price("ethereum", "2000")))
    expect(tab.locator("market-price").last.locator(".mp-price")).to_have_text("$2,000.00")
    assert both.evaluate("e => getComputedStyle(e.firstElementChild).display") == "inline"
    assert seen.value("broken") == []


def test_said_politely(stage: Stage, tab: Page) -> None:
    """A screen reader hears nothing of prices that change, and of their age only where that was asked for: at most once
    a minute, all that changed in one breath.
    """
    tab.clock.install(time=NOW)
    tab.goto(site(stage, "<market-prices announce></market-prices><market-prices></market-prices>"))
    expect(tab.locator(".mp-row")).to_have_count(6)
    status = tab.get_by_role("status")
    expect(status).to_have_count(1)
    assert status.evaluate("e => getComputedStyle(e).clipPath") == "inset(50%)"
    stage.settle(moved(price("bitcoin", "65000")))
    expect(tab.locator(".mp-price").first).to_have_text("$65,000.00")
    tab.clock.run_for(5_000)
    assert status.text_content() == ""
    stage.settle(moved(price("bitcoin", None), seq=3))
    until(lambda: status.text_content() == "Bitcoin — no price", lambda: tab.clock.run_for(500))
    stage.settle(moved(price("bitcoin", "65000"), price("ethereum", None), seq=4))
    expect(tab.locator(".mp-price").first).to_have_text("$65,000.00")
    tab.clock.run_for(20_000)
    assert status.text_content() == "Bitcoin — no price"
    until(lambda: "Ethereum — no price" in (status.text_content() or ""), lambda: tab.clock.run_for(5_000))
    assert "Bitcoin $65,000.00" in (status.text_content() or "")


@pytest.mark.parametrize("lang", ["en", "fa"])
@pytest.mark.parametrize("kind", [*KINDS, "price"])
def test_accessible(stage: Stage, tab: Page, kind: str, lang: str) -> None:
    """axe finds nothing, in any theme, on a light and a dark page, left to right and right to left, in any state."""
    stage.settle(states()[2])
    name = "price" if kind == "price" else "prices"
    coins = 'coin="bitcoin"' if kind in ("label", "price") else 'coins="bitcoin,ethereum,pirate-chain,openvoicecoin"'
    elements = "".join(
        f'<div><market-{name} kind="{kind}" {coins} locale="{lang}" theme="{theme}" title="{theme}" announce{on}>'
        f"</market-{name}></div>"
        for theme, on in (("auto", ""), ("light", ""), ("dark", ' on="2027-01-10"' if kind == "price" else ""))
    )
    tab.goto(site(stage, f"<h1>News</h1>{elements}", lang=lang))
    expect(tab.locator(".mp")).to_have_count(3)
    expect(tab.locator("[data-freshness=delayed]").first).to_be_visible()
    tab.evaluate(AXE)
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found = tab.evaluate("axe.run().then(all => all.violations.map(one => [one.id, one.nodes.map(n => n.html)]))")
        assert found == [], scheme
