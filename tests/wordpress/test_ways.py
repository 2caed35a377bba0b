"""The other ways into a real WordPress: pasted HTML, pasted addresses; the settings; and what PHP said meanwhile."""

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect
from wordpress.blog import PASSWORD, PATIENCE, Blog
from wordpress.desk import Desk

PASTE = """text => {
  const clipboardData = new DataTransfer()
  clipboardData.setData('text/plain', text)
  document.activeElement.dispatchEvent(new ClipboardEvent('paste', {clipboardData, bubbles: true, cancelable: true}))
}"""

pytestmark = [pytest.mark.wordpress, pytest.mark.browser, pytest.mark.timeout(150)]


def entry(html: str) -> str:
    """What became of a post's text."""
    (found,) = re.findall(
        r'<div class="[^"]*entry-content[^"]*">(.*?)</div>\s*<div class="wp-block-template-part', html, re.DOTALL
    )
    return str(found)


def enter(tab: Page, blog: Blog, who: str, page: str) -> None:
    """Log in and go to a page of the administration."""
    tab.set_default_timeout(PATIENCE * 1000)
    tab.goto(f"{blog.address}/wp-login.php?redirect_to={quote(f'{blog.address}/wp-admin/{page}')}")
    tab.fill("#user_login", who)
    tab.fill("#user_pass", PASSWORD)
    tab.click("#wp-submit")
    tab.wait_for_url(f"**/wp-admin/{page}")


@pytest.fixture
def unplugged(blog: Blog) -> Iterator[Blog]:
    """The blog without the plugin, and the ticker on a public host's usual port as far as WordPress can tell."""
    plugin = "require_once ABSPATH . 'wp-admin/includes/plugin.php'; {}( 'market-prices/market-prices.php' );"
    public = blog.site / "public.txt"
    blog.run(plugin.format("deactivate_plugins"))
    public.touch()
    yield blog
    public.unlink()
    blog.run(plugin.format("activate_plugin"))


def test_custom_html(blog: Blog, desk: Desk, tab: Page) -> None:
    """An administrator pastes the builder's line into a Custom HTML block: it lives."""
    line = blog.get(f"{desk.origin}/snippet/wordpress/list?coins=bitcoin")
    assert line.startswith("<!-- wp:html -->")
    tab.goto(blog.post(line))
    expect(tab.locator("market-prices .mp-price")).to_have_text("$64,250.12")
    desk.settle("65000.5")
    expect(tab.locator("market-prices .mp-price")).to_have_text("$65,000.50")


def test_custom_html_frame(blog: Blog, desk: Desk, bare: Page) -> None:
    """The same with the line for a frame, which needs no script."""
    bare.goto(
        blog.post(
            "<!-- wp:html -->\n" + blog.get(f"{desk.origin}/snippet/iframe/list?coins=bitcoin") + "<!-- /wp:html -->"
        )
    )
    expect(bare.frame_locator(".entry-content iframe").locator(".mp-price")).to_have_text("$64,250.12")


@pytest.mark.parametrize("door", ["wordpress", "iframe"])
def test_authors_html(blog: Blog, desk: Desk, door: str) -> None:
    """Of an author's HTML WordPress takes frame, script and element away: nothing is shown, nothing is broken."""
    line = blog.get(f"{desk.origin}/snippet/{door}/list?coins=bitcoin")
    html = entry(blog.get(blog.post(f"<p>Before.</p>{line}<p>After.</p>", by="author")))
    assert re.sub(r"\s", "", html) == "<p>Before.</p><p>After.</p>"


@pytest.mark.parametrize("wrapped", [False, True], ids=["line", "block"])
def test_pasted_address(blog: Blog, desk: Desk, bare: Page, wrapped: bool) -> None:
    """An author pastes the address of a widget's page: with the plugin it becomes the page in a frame of its height."""
    url = f"{desk.origin}/embed/list?coins=bitcoin,ethereum"
    block = (
        f'<!-- wp:embed {{"url":"{url}"}} --><figure class="wp-block-embed"><div class="wp-block-embed__wrapper">\n'
        f"{url}\n</div></figure><!-- /wp:embed -->"
    )
    bare.goto(blog.post(block if wrapped else f"Before.\n\n{url}\n\nAfter.", by="author"))
    frame = bare.locator(".entry-content iframe")
    assert frame.get_attribute("src") == url
    assert frame.get_attribute("sandbox") is None
    assert 100 < int(frame.get_attribute("height") or 0) < 400
    expect(bare.frame_locator(".entry-content iframe").locator(".mp-price")).to_have_text(["$64,250.12", "$1,957.73"])


def test_pasted_address_of_nothing(blog: Blog, desk: Desk) -> None:
    """A page that we do not have, and a stranger's address that ends in ours, stay the text they were."""
    for url in (f"{desk.origin}/embed/nothing", f"http://127.0.0.1:9/?{desk.origin}/embed/list"):
        html = entry(blog.get(blog.post(f"{url}", by="author")))
        assert "<iframe" not in html
        assert html.strip() == f"<p>{url}</p>"


def test_pasted_while_away(blog: Blog, desk: Desk) -> None:
    """What WordPress did not find once it never asks for again; an address with a word more, it does."""
    page = blog.post(f"{desk.origin}/embed/list", by="author")
    desk.stop()
    assert "<iframe" not in entry(blog.get(page))
    desk.start()
    assert "<iframe" not in entry(blog.get(page))
    again = blog.post(f"{desk.origin}/embed/list?again=1", by="author")
    assert "<iframe" in entry(blog.get(again))


def test_pasted_address_without_plugin(unplugged: Blog, desk: Desk, tab: Page) -> None:
    """WordPress finds our description by itself and puts the page into a sandbox, where it still shows prices."""
    tab.goto(unplugged.post(f"{desk.origin}/embed/list?coins=bitcoin,ethereum", by="author"))
    frame = tab.locator(".entry-content iframe")
    assert frame.get_attribute("sandbox") == "allow-scripts"
    assert 100 < int(frame.get_attribute("height") or 0) < 400
    expect(tab.frame_locator(".entry-content iframe").locator(".mp-price")).to_have_text(["$64,250.12", "$1,957.73"])


def test_pasted_private_address_without_plugin(unplugged: Blog, desk: Desk) -> None:
    """Without the plugin WordPress asks no private host, nor a port but 80, 443 and 8080: the text stays."""
    (unplugged.site / "public.txt").unlink()
    url = f"{desk.origin}/embed/list"
    try:
        assert entry(unplugged.get(unplugged.post(url, by="author"))).strip() == f"<p>{url}</p>"
        assert desk.asked == []
    finally:
        (unplugged.site / "public.txt").touch()


def test_plugin_opens_one_path(blog: Blog, desk: Desk) -> None:
    """The plugin lets WordPress ask our /oembed and no other private address."""
    asked = blog.run(
        f"return array_map( 'wp_http_validate_url', array( '{desk.origin}/oembed?url=x', '{desk.origin}/', "
        f"'{desk.origin}0/oembed?url=x', 'http://127.0.0.1:22/oembed?', 'http://10.0.0.1/' ) );"
    )
    assert asked == [f"{desk.origin}/oembed?url=x", False, False, False, False]


def test_settings(blog: Blog, desk: Desk, tab: Page) -> None:
    """The administrator enters the ticker's address; what is none is not kept; TICKER_URL overrules."""
    enter(tab, blog, "admin", "options-general.php")
    field, save = tab.locator("#market_prices_url"), tab.locator("#submit")
    kept = {}
    for given in ('javascript:alert(1)//"><b>', "http://u:p@127.0.0.1/", f" {desk.origin}/ "):
        field.evaluate("(e, value) => { e.type = 'text'; e.value = value }", given)
        with tab.expect_navigation():
            save.click()
        kept[given] = field.input_value()
    assert list(kept.values()) == ["", "", desk.origin]

    told = blog.site / "ticker-url.txt"
    told.write_text("https://prices.example.org/base/", encoding="utf-8")
    try:
        tab.reload()
        assert field.input_value() == "https://prices.example.org/base"
        assert field.get_attribute("readonly") is not None
    finally:
        told.unlink()


def test_settings_are_not_for_authors(blog: Blog, tab: Page) -> None:
    """An author reaches no setting of ours."""
    enter(tab, blog, "author", "profile.php")
    answer = tab.goto(f"{blog.address}/wp-admin/options-general.php")
    assert answer is not None
    assert answer.status == 403


def test_editor(blog: Blog, desk: Desk, tab: Page) -> None:
    """An author adds the address in the block editor, sees the prices there, publishes, and they are on the page. A
    pasted http address stays text in the editor, which takes https alone, and becomes a frame on the page all the same.
    """
    blog.greet("author")
    url = f"{desk.origin}/embed/list?coins=bitcoin,ethereum"
    prices = ["$64,250.12", "$1,957.73"]
    enter(tab, blog, "author", "post-new.php")
    tab.locator(".block-editor-default-block-appender__content").click()
    tab.evaluate(PASTE, url)
    tab.evaluate(
        "url => wp.data.dispatch('core/block-editor').insertBlocks(wp.blocks.createBlock('core/embed', {url}))", url
    )
    preview = tab.frame_locator(".wp-block-embed iframe").frame_locator("iframe")
    expect(preview.locator(".mp-price")).to_have_text(prices, timeout=PATIENCE * 1000)
    tab.click(".editor-post-publish-panel__toggle")
    tab.click(".editor-post-publish-button")
    tab.goto(str(tab.locator(".post-publish-panel__postpublish-header a").get_attribute("href")))
    expect(tab.locator(".entry-content iframe")).to_have_count(2)
    for place in range(2):
        shown = tab.frame_locator(f".entry-content iframe >> nth={place}").locator(".mp-price")
        expect(shown).to_have_text(prices)


def test_nothing_is_logged(blog: Blog) -> None:
    """In all that these tests did PHP complained of nothing but WordPress's own library, older than it."""
    complaints = [line for line in blog.log.splitlines() if "PHP" in line]
    core = re.compile(r"PHP Deprecated: .* in /\S+/wp-(includes|admin)/\S+ on line \d+$")
    assert [line for line in complaints if not core.search(line)] == []
    assert "market-prices" not in blog.log
