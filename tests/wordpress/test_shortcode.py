"""The shortcode in a real WordPress: complete without script, kept while the ticker is away, never in anyone's way."""

import re
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from playwright.sync_api import Page, expect
from wordpress.blog import PLUGIN, Blog
from wordpress.desk import Desk

pytestmark = [pytest.mark.wordpress, pytest.mark.browser, pytest.mark.timeout(150)]

SHORTCODE = '[market_prices kind="list" coins="bitcoin, ethereum"]'
HANDBOOK = PLUGIN.parents[2] / "docs" / "wordpress.md"
DASH = '<p class="mp mp-error">—</p>'


def source() -> str:
    """The plugin."""
    return (PLUGIN / "market-prices.php").read_text(encoding="utf-8")


def until(true: Callable[[], bool]) -> None:
    """Wait for what is certain to come."""
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def as_of(html: str) -> str:
    """The moment that the foot of a widget names."""
    (found,) = re.findall(r'<p class="mp-asof"><time datetime="([^"]+)">', html)
    return str(found)


def test_lint(blog: Blog) -> None:
    """PHP finds no fault with the plugin, and its readme names the same version."""
    done = subprocess.run(["php", "-l", PLUGIN / "market-prices.php"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    (version,) = re.findall(r"^ \* Version: (.+)$", source(), re.MULTILINE)
    readme = (PLUGIN / "readme.txt").read_text(encoding="utf-8")
    assert f"Stable tag: {version}\n" in readme
    for name in ("Requires at least", "Requires PHP", "License"):
        (said,) = re.findall(rf"^ \* {name}: (.+)$", source(), re.MULTILINE)
        assert f"{name}: {said}\n" in readme


def test_same_names_as_the_element() -> None:
    """What can be asked for by the element can be by the shortcode."""
    element = (PLUGIN.parents[2] / "widgets/element/embed.js").read_text(encoding="utf-8")
    (names,) = re.findall(r"^const NAMES = \[(.*?)\]", element, re.MULTILINE | re.DOTALL)
    (ours,) = re.findall(r"^const NAMES\s+= array\((.*?)^\);", source(), re.MULTILINE | re.DOTALL)
    assert {"kind", "coin", *re.findall(r"\w+", names)} == set(re.findall(r"'(\w+)'", ours))


def test_complete_without_script(blog: Blog, desk: Desk, bare: Page) -> None:
    """Prices, style and the absolute time stand in the page; the reader's browser asks nobody but the blog."""
    asked: set[str] = set()
    bare.on("request", lambda one: asked.add("{0.scheme}://{0.netloc}".format(urlsplit(one.url))))
    bare.goto(blog.post(SHORTCODE, by="author"))
    expect(bare.locator(".mp-price")).to_have_text(["$64,250.12", "$1,957.73"])
    expect(bare.locator(".mp-asof")).to_contain_text(re.compile(r"as of \w+ \d+, \d{4}, \d\d:\d\d UTC"))
    assert bare.locator(".mp").evaluate("e => getComputedStyle(e).borderRadius") != "0px"
    assert asked == {blog.address}
    assert desk.asked == ["/widget/list?coins=bitcoin%2Cethereum"]


def test_every_parameter(blog: Blog, desk: Desk) -> None:
    """All the ticker's parameters reach it; what is no parameter does not."""
    given = 'kind="label" coin="bitcoin" locale="de" theme="dark" change="7d" show="name,price" title="Über" css="none"'
    html = blog.get(blog.post(f'[market_prices {given} nonce="1" data-x="2"]'))
    assert desk.asked == [
        "/widget/label/bitcoin?locale=de&theme=dark&change=7d&show=name%2Cprice&title=%C3%9Cber&css=none"
    ]
    assert "64.250,12\N{NO-BREAK SPACE}$" in html


def test_as_the_handbook_writes_it(blog: Blog, desk: Desk) -> None:
    """The line of docs/wordpress.md asks for what it names."""
    (line,) = re.findall(r"^    (\[market_prices .*\])$", HANDBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    blog.get(blog.post(line))
    assert desk.asked == ["/widget/list?coins=bitcoin%2Cmonero&currency=eur"]


def test_asked_seldom(blog: Blog, desk: Desk) -> None:
    """The ticker is asked once in 15 seconds, however many pages are read; then new prices are shown."""
    page = blog.post(SHORTCODE)
    blog.get(page)
    desk.settle("65000.5")
    assert "$64,250.12" in blog.get(page)
    assert len(desk.asked) == 1
    blog.later(15)
    assert "$65,000.50" in blog.get(page)
    assert len(desk.asked) == 2


def test_one_asks(blog: Blog, desk: Desk) -> None:
    """While one visitor's request asks, the others get the copy at once."""
    page = blog.post(SHORTCODE)
    blog.get(page)
    blog.later(20)
    desk.settle("65000.5")
    desk.held.clear()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(blog.get, page)
        until(lambda: len(desk.asked) == 2)
        others = [blog.get(page) for _ in range(3)]
        assert not first.done()
        desk.held.set()
        assert "$65,000.50" in first.result(10)
    assert all("$64,250.12" in html for html in others)
    assert len(desk.asked) == 2


def test_stale_copy(blog: Blog, desk: Desk) -> None:
    """The ticker is gone: its last answer stays for a day, saying of when it is; then a dash."""
    page = blog.post(SHORTCODE)
    good = blog.get(page)
    desk.stop()
    blog.later(23 * 3600)
    kept = blog.get(page)
    assert "$64,250.12" in kept
    assert as_of(kept) == as_of(good)
    blog.later(3600)
    assert DASH in blog.get(page)
    assert "$64,250.12" not in blog.get(page)

    desk.start()
    blog.later(15)
    assert "$64,250.12" in blog.get(page)


def test_never_reachable(blog: Blog, desk: Desk) -> None:
    """A ticker that was never there costs the page nothing but a dash."""
    page = blog.post(f"Before. {SHORTCODE} After.")
    desk.stop()
    html = blog.get(page)
    assert DASH in html
    assert "After." in html


def test_hanging(blog: Blog, desk: Desk) -> None:
    """A ticker that takes the question and never answers costs one visitor two seconds, and the next ones nothing."""
    page = blog.post(SHORTCODE)
    desk.held.clear()
    begun = time.monotonic()
    assert DASH in blog.get(page)
    assert 1.9 < time.monotonic() - begun < 8
    assert DASH in blog.get(page)
    assert len(desk.asked) == 1


@pytest.mark.parametrize(
    "instead",
    [
        web.Response(status=500, body=b'<p class="mp">broken</p>'),
        web.Response(status=302, body=b'<p class="mp">elsewhere</p>'),
        web.Response(status=200, body=b'<section class="mp">' + b"x" * 131072),
        web.Response(status=200, body=b"<h1>Log in to the hotel</h1>"),
        web.Response(status=200, body=b""),
    ],
    ids=["500", "302", "oversized", "stranger", "empty"],
)
def test_refused(blog: Blog, desk: Desk, instead: web.Response) -> None:
    """What is no widget is not printed; what was there before is."""
    page = blog.post(SHORTCODE)
    desk.instead = instead
    assert DASH in blog.get(page)
    blog.later(20)
    desk.instead = None
    assert "$64,250.12" in blog.get(page)
    blog.later(20)
    desk.instead = instead
    assert "$64,250.12" in blog.get(page)
    assert len(desk.asked) == 3


def test_untrusted_attributes(blog: Blog, desk: Desk, tab: Page) -> None:
    """Whatever an author writes into the shortcode stays inside its attribute, or is refused without asking."""
    hits: list[str] = []
    tab.on("dialog", lambda dialog: (hits.append(dialog.message), dialog.dismiss()))
    evil = (
        "coins='\"><img src=x onerror=alert(1)>'",
        "kind='../v1/prices'",
        "coin='bitcoin/../../..'",
        "currency='usd&coins=all'",
        "locale='en\nHost: evil'",
        "css='none&#34;'",
        "title='\"><svg onload=alert(2)>' live='on'",
        "title='&quot; onmouseover=&quot;alert(3)' live='on'",
        "title='&lt;img src=x onerror=alert(4)&gt;' live='on'",
    )
    tab.goto(blog.post("\n\n".join(f"[market_prices {one}]" for one in evil), by="author"))
    expect(tab.locator("market-prices .mp-row")).to_have_count(3 * tab.locator("market-prices").count())
    assert tab.locator("market-prices").count() >= 2
    for element in tab.locator("market-prices").all():
        assert set(element.evaluate("e => e.getAttributeNames()")) <= {"title"}
        element.hover()
    assert hits == []
    assert all(one.startswith(("/widget/list", "/embed.js", "/v1/prices?", "/v1/stream?")) for one in desk.asked)
    assert tab.locator(".entry-content img, .entry-content script").count() == 0


def test_author_is_told_why(blog: Blog, desk: Desk) -> None:
    """Visitors see a dash; who may write posts reads what is wrong, as text."""
    shown = blog.run(
        "wp_set_current_user( get_user_by( 'login', 'author' )->ID ); return array( "
        "do_shortcode( '[market_prices coins=\"nocoin\"]' ), do_shortcode( '[market_prices coins=\"a b;c\"]' ) );"
    )
    assert "404" in shown[0]
    assert "nocoin" in shown[0]
    assert shown[1] == '<p class="mp mp-error">Market prices: coins cannot be that</p>'
    assert DASH in blog.get(blog.post('[market_prices coins="nocoin"]'))


def test_in_a_feed(blog: Blog, desk: Desk) -> None:
    """Feed readers get the prices and their time, and neither style nor script."""
    blog.post('[market_prices coins="bitcoin" title="In a feed" live="on"]')
    (item,) = re.findall(
        r"<content:encoded>.*?In a feed.*?</content:encoded>", blog.get(f"{blog.address}/?feed=rss2"), re.DOTALL
    )[:1]
    item = item.rpartition("<content:encoded>")[2]
    assert "$64,250.12" in item
    assert as_of(item)
    assert "<style" not in item
    assert "market-prices" not in item


def test_full_page_cache(blog: Blog, desk: Desk, bare: Page, tab: Page) -> None:
    """A page cache hands out old HTML for ever: it says of when it is, and with live="on" a browser mends it."""
    pages = {live: blog.post(f'[market_prices coins="bitcoin"{live}]') + "?kept=1" for live in ("", ' live="on"')}
    for page in pages.values():
        blog.get(page)
    desk.settle("65000.5")
    blog.later(20)
    moment = as_of(blog.get(pages[""]))

    bare.goto(pages[' live="on"'])
    expect(bare.locator(".mp-price")).to_have_text("$64,250.12")
    assert bare.locator(".mp-asof time").get_attribute("datetime") == moment

    tab.goto(pages[""])
    expect(tab.locator(".mp-price")).to_have_text("$64,250.12")
    tab.goto(pages[' live="on"'])
    expect(tab.locator(".mp-price")).to_have_text("$65,000.50")
    desk.settle("65001.5")
    expect(tab.locator(".mp-price")).to_have_text("$65,001.50")
    assert "$64,250.12" in blog.get(pages[' live="on"'])
