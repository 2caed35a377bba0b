"""oEmbed 1.0 (https://oembed.com), and the doors of snippets, over HTTP."""

import json
from collections.abc import AsyncIterator, Mapping
from html import unescape
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from aiohttp.test_utils import TestClient, TestServer
from fakes import Clock
from server.test_snippets import NASTY, Tags
from server.viewers import Feed
from snapshots import snapshot

from ticker.server.app import Serving, make_app
from ticker.server.snippets import DOORS

ORIGIN = "https://prices.example/ticker"


class Site:
    """A running application behind a proxy that takes /ticker away."""

    def __init__(self, client: TestClient) -> None:  # type: ignore[type-arg]
        self.client = client

    async def get(self, path: str) -> tuple[int, Mapping[str, str], str]:
        async with self.client.get(path) as response:
            return response.status, response.headers, await response.text()

    async def described(self, url: str, more: str = "") -> tuple[int, dict[str, Any]]:
        status, _, text = await self.get(f"/oembed?url={quote(url, safe='')}{more}")
        return status, json.loads(text)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A site with four coins and a public address that has a path."""
    app = make_app(Feed(snapshot()), Serving(origin=ORIGIN), Clock())  # type: ignore[arg-type]
    client: Any = TestClient(TestServer(app))
    await client.start_server()
    yield Site(client)
    await client.close()


async def test_a_page_is_described(site: Site) -> None:
    """Everything that "rich" requires, and the frame as it is pasted."""
    status, found = await site.described(f"{ORIGIN}/embed/list?theme=dark")
    assert status == 200
    assert found == {
        "version": "1.0",
        "type": "rich",
        "title": "Latest Market Prices",
        "provider_name": "prices.example",
        "provider_url": f"{ORIGIN}/",
        "cache_age": 3600,
        "width": 300,
        "height": 251,
        "html": f'<iframe src="{ORIGIN}/embed/list?theme=dark" title="Latest Market Prices" width="300" height="251" '
        'frameborder="0" loading="lazy"></iframe>',
    }


@pytest.mark.parametrize(
    ("most", "width", "height"),
    [
        ("&maxwidth=250", 250, 251),
        ("&maxwidth=1200", 600, 251),
        ("&maxheight=200", 300, 200),
        ("&maxwidth=120&maxheight=150", 120, 150),
        ("&format=json&unknown=1", 300, 251),
    ],
)
async def test_a_frame_fits_where_it_must(site: Site, most: str, width: int, height: int) -> None:
    """Never wider or higher than the page that asks has room for."""
    _, found = await site.described(f"{ORIGIN}/embed/list", most)
    assert (found["width"], found["height"]) == (width, height)
    ((_, frame),) = Tags(found["html"]).found
    assert (frame["width"], frame["height"]) == (str(width), str(height))


@pytest.mark.parametrize(
    "url",
    [
        f"{ORIGIN}/embed/label/bitcoin",
        "http://prices.example/ticker/embed/list",
        "https://prices.example:443/ticker/embed/list",
        "https://PRICES.example/ticker/embed/list?unknown=1",
        f"{ORIGIN}/embed/list#part",
    ],
)
async def test_our_own_pages_are_ours_however_written(site: Site, url: str) -> None:
    """Another scheme, the port written out, capitals, a fragment."""
    status, found = await site.described(url)
    assert status == 200
    assert f'src="{ORIGIN}/embed/' in found["html"]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/ticker/embed/list",
        "https://prices.example.evil.example/ticker/embed/list",
        "https://prices.example@evil.example/ticker/embed/list",
        "https://me@prices.example/ticker/embed/list",
        "https://prices.example/embed/list",
        "https://prices.example:8443/ticker/embed/list",
        f"{ORIGIN}/widget/list",
        "https://prices.example/x",
        f"{ORIGIN}/embed/",
        f"{ORIGIN}/embed/cat",
        f"{ORIGIN}/embed/list/bitcoin/more",
        f"{ORIGIN}/embed/../embed/list",
        f"{ORIGIN}/embed/list/dogecoin",
        f"{ORIGIN}/embed/list?coins=dogecoin",
        f"{ORIGIN}/embed/list?theme=pink",
        f"{ORIGIN}/embed/list?" + "&".join(f"a{i}=1" for i in range(60)),
        "javascript:alert(1)",
        "https://[::1/embed/list",
        "https://prices.example:99999/ticker/embed/list",
        "",
        "\x00",
    ],
)
async def test_nothing_but_our_own_pages_is_described(site: Site, url: str) -> None:
    """404, which consumers take for "no answer"."""
    status, found = await site.described(url)
    assert status == 404
    assert found["error"]["code"] in ("not_found", "unknown_coin")


@pytest.mark.parametrize(
    ("query", "status", "code", "param"),
    [
        ("format=xml", 501, "unsupported", "format"),
        (f"url={quote(ORIGIN)}/embed/list&format=yaml", 501, "unsupported", "format"),
        ("", 400, "bad_parameter", "url"),
        (f"url={quote(ORIGIN)}/embed/list&maxwidth=0", 400, "bad_parameter", "maxwidth"),
        (f"url={quote(ORIGIN)}/embed/list&maxheight=-1", 400, "bad_parameter", "maxheight"),
        (f"url={quote(ORIGIN)}/embed/list&maxwidth=1e9", 400, "bad_parameter", "maxwidth"),
    ],
)
async def test_wrong_wishes(site: Site, query: str, status: int, code: str, param: str) -> None:
    """501 for XML, as the standard has it."""
    found, headers, text = await site.get(f"/oembed?{query}")
    assert (found, headers["Cache-Control"]) == (status, "no-store")
    assert (json.loads(text)["error"]["code"], json.loads(text)["error"]["param"]) == (code, param)


@pytest.mark.parametrize("nasty", NASTY)
async def test_no_title_leaves_its_attribute(site: Site, nasty: str) -> None:
    """What a stranger writes into the address stays text."""
    status, found = await site.described(f"{ORIGIN}/embed/list?title={quote(nasty, safe='')}")
    assert (status, found["title"]) == (200, nasty)
    ((tag, frame),) = Tags(found["html"]).found
    assert (tag, frame["title"]) == ("iframe", nasty)


@pytest.mark.parametrize(
    ("page", "described"),
    [
        ("/embed/list", "/embed/list"),
        ("/embed/label/bitcoin?theme=dark&unknown=1&locale=en", "/embed/label/bitcoin?theme=dark"),
        ("/embed/list?title=A%26B%22", "/embed/list?title=A%26B%22"),
        ("/", "/embed/list"),
    ],
)
async def test_pages_say_where_they_are_described(site: Site, page: str, described: str) -> None:
    """A link in the head, which leads to a description of that very page; fragments have none."""
    _, _, text = await site.get(page)
    (link,) = (given for tag, given in Tags(text).found if given.get("type") == "application/json+oembed")
    assert link["rel"] == "alternate"
    parts = urlsplit(link["href"] or "")
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{ORIGIN}/oembed"
    assert parse_qs(parts.query)["url"] == [ORIGIN + described]
    status, found = await site.described(parse_qs(parts.query)["url"][0])
    assert status == 200
    assert ORIGIN + described in unescape(found["html"])
    assert "oembed" not in (await site.get("/widget/list"))[2]


@pytest.mark.parametrize(
    "path", ["/oembed?url=" + quote(f"{ORIGIN}/embed/list"), *(f"/snippet/{one}/list" for one in DOORS)]
)
async def test_they_are_cached_and_locked_like_the_rest(site: Site, path: str) -> None:
    """The cache contract, an ETag, CORS, no sniffing (rules 32 and 33)."""
    status, headers, _ = await site.get(path)
    assert status == 200
    assert headers["Content-Type"].partition(";")[0] == ("application/json" if "oembed" in path else "text/plain")
    assert headers["Cache-Control"].startswith("public, max-age=5")
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["X-Content-Type-Options"] == "nosniff"
    async with site.client.get(path, headers={"If-None-Match": headers["ETag"]}) as again:
        assert again.status == 304


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/snippet/telepathy/list", 404, "unknown_kind"),
        ("/snippet/script/cat", 404, "unknown_kind"),
        ("/snippet/script/list?theme=pink", 400, "bad_parameter"),
        ("/snippet/script/list?coins=dogecoin", 404, "unknown_coin"),
        ("/snippet/script/label/dogecoin", 404, "unknown_coin"),
    ],
)
async def test_lines_that_would_not_work_are_refused(site: Site, path: str, status: int, code: str) -> None:
    """Where the widget would be an error, so is its line."""
    found, _, text = await site.get(path)
    assert (found, json.loads(text)["error"]["code"]) == (status, code)


async def test_a_page_may_run_our_script_and_ask_us(site: Site) -> None:
    """And nobody else's: the policy of embeds (rule 33)."""
    _, headers, _ = await site.get("/embed/list")
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert (policy["script-src"], policy["connect-src"]) == ("'self'", "'self'")
    assert (policy["base-uri"], policy["form-action"], policy["frame-ancestors"]) == ("'none'", "'none'", "*")
