"""`/status` in a real browser: for everyone, without script, and quiet where it is told to be."""

import pytest
from browser.news import watch
from browser.stage import Stage
from browser.test_element import AXE
from playwright.sync_api import Browser, Page, expect


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_for_everyone(stage: Stage, tab: Page, width: int, scheme: str) -> None:
    """axe finds nothing, nothing is wider than the screen, nothing breaks the page's own policy."""
    seen = watch(tab)
    tab.set_viewport_size({"width": width, "height": 800})
    tab.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    tab.goto(stage.ours + "/status?refresh=off")
    expect(tab.locator("#sources")).to_be_visible()
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    assert seen.value("broken") == []
    assert seen.said == []
    assert seen.origins == {stage.ours}
    tab.evaluate(AXE)
    found = tab.evaluate("axe.run().then(all => all.violations.map(one => [one.id, one.nodes.map(n => n.html)]))")
    assert found == []


def test_without_script(stage: Stage, browser: Browser) -> None:
    """Every source and coin is there, with the words for how it is doing; it can be told not to ask again."""
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(stage.ours + "/status")
    expect(tab.locator("h1")).to_contain_text("wants your attention")
    expect(tab.locator("tr", has_text="OKX").first).to_contain_text("down")
    expect(tab.locator("table.coins")).to_contain_text("OpenVoiceCoin")
    tab.get_by_role("link", name="Stop").click()
    expect(tab.locator(".lead")).to_contain_text("stays as it is")
    context.close()
