"""The builder in a real browser: with script and without, on a narrow screen, and its line on somebody's page."""

import re

import pytest
from browser.news import site, watch
from browser.stage import Stage
from browser.test_element import AXE
from playwright.sync_api import Browser, Page, expect

from widgets.render import KINDS


def pick(tab: Page, name: str, value: str) -> None:
    """Click what a person clicks: the words, not the hidden button behind them."""
    tab.locator(f'label:has([name={name}][value="{value}"])').click()


def test_with_script(stage: Stage, tab: Page) -> None:
    """Each pick is drawn at once, stands in the address, and the line is the server's own."""
    seen = watch(tab)
    tab.goto(stage.ours + "/")
    expect(tab.locator(".go")).to_be_hidden()
    pick(tab, "kind", "card")
    pick(tab, "coins", "ethereum")
    pick(tab, "theme", "dark")
    tab.locator("[name=locale]").select_option("de")
    expect(tab.locator('.stage [data-kind=card][data-theme=dark] [data-coin="ethereum"]')).to_be_visible()
    query = "coins=ethereum&locale=de&theme=dark"
    expect(tab.locator(".line code")).to_have_text(
        tab.request.get(f"{stage.ours}/snippet/script/card?{query}").text().strip()
    )
    pick(tab, "door", "markdown")
    expect(tab.locator(".line code")).to_have_text(re.compile(r"^\[!\["))
    assert tab.url == f"{stage.ours}/?kind=card&door=markdown&{query}"
    tab.reload()
    expect(tab.locator('.stage [data-kind=card][data-theme=dark] [data-coin="ethereum"]')).to_be_visible()
    expect(tab.locator(".line code")).to_have_text(re.compile(r"^\[!\["))

    assert seen.value("broken") == []
    assert seen.said == []
    assert seen.origins == {stage.ours}


def test_order_is_that_of_ticking(stage: Stage, tab: Page) -> None:
    """Coins stand in the order in which they were ticked; unticked, they go."""
    tab.goto(stage.ours + "/")
    for coin in ("ethereum", "bitcoin", "pirate-chain", "ethereum"):
        pick(tab, "coins", coin)
    expect(tab.locator(".line code")).to_contain_text('coins="bitcoin,pirate-chain"')
    expect(tab.locator(".stage .mp-row")).to_have_count(2)


def test_find(stage: Stage, tab: Page) -> None:
    """Names and symbols are found; nothing is drawn anew for it."""
    tab.goto(stage.ours + "/")
    tab.locator(".find").fill("arrr")
    expect(tab.locator(".boxes label:visible")).to_have_count(1)
    tab.locator(".find").fill("")
    expect(tab.locator(".boxes label:visible")).to_have_count(4)


def test_columns_follow_the_kind(stage: Stage, tab: Page) -> None:
    """Each kind begins with its own columns, which stand in no line until they are changed."""
    tab.goto(stage.ours + "/")
    pick(tab, "kind", "table")
    expect(tab.locator("[name=show][value=spark]")).to_be_checked()
    expect(tab.locator(".line code")).to_contain_text('kind="table"')
    expect(tab.locator(".line code")).not_to_contain_text("show=")
    pick(tab, "show", "volume")
    expect(tab.locator(".line code")).to_contain_text("show=")


def test_without_script(stage: Stage, browser: Browser) -> None:
    """The same by asking again."""
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(stage.ours + "/")
    pick(tab, "kind", "label")
    pick(tab, "coins", "pirate-chain")
    pick(tab, "door", "ssi")
    tab.locator(".go").click()
    expect(tab.locator(".stage [data-kind=label]")).to_contain_text("Pirate Chain")
    expect(tab.locator(".line code")).to_have_text('<!--#include virtual="/widget/label?coins=pirate-chain" -->')
    context.close()


@pytest.mark.parametrize("kind", KINDS)
def test_its_line_on_a_strict_page(stage: Stage, tab: Page, kind: str) -> None:
    """The builder's own line, with the style as a file, on a page that allows nothing inline."""
    seen = watch(tab)
    line = tab.request.get(f"{stage.ours}/snippet/script/{kind}?coins=bitcoin&css=link").text()
    tab.goto(site(stage, f"<h1>News</h1>{line}", script=False, style=False))
    expect(tab.locator(f"[data-kind={kind}]")).to_be_visible()
    expect(tab.locator("market-prices")).to_contain_text("64,250.12")

    assert seen.value("broken") == []
    assert seen.said == []
    assert seen.origins == {stage.host, stage.ours}
    assert tab.context.cookies() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_for_everyone(stage: Stage, tab: Page, width: int, scheme: str) -> None:
    """axe finds nothing, and nothing is wider than the screen."""
    tab.set_viewport_size({"width": width, "height": 800})
    tab.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    tab.goto(stage.ours + "/")
    expect(tab.locator(".copy")).to_be_visible()
    tab.evaluate(AXE)
    found = tab.evaluate("axe.run().then(all => all.violations.map(one => [one.id, one.nodes.map(n => n.html)]))")
    assert found == []
    assert tab.evaluate("document.documentElement.scrollWidth") == width
