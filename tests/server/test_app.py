"""The doors over real HTTP (design §7; trust rules 14, 24, 28, 31-33)."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
from aiohttp.test_utils import TestClient, TestServer
from fakes import Clock
from snapshots import NOW, price, snapshot

from ticker.model import Snapshot
from ticker.server.app import Serving, make_app


class FakeFeed:
    """A feed that says what a test says."""

    def __init__(self, held: Snapshot | None) -> None:
        self.snapshot = held
        self.tell: Callable[[Snapshot], None] | None = None

    def subscribe(self, callback: Callable[[Snapshot], None]) -> Callable[[], None]:
        self.tell = callback
        return lambda: setattr(self, "tell", None)


class Site:
    """A running application, its feed and its clock."""

    def __init__(self, client: TestClient, feed: FakeFeed, clock: Clock) -> None:  # type: ignore[type-arg]
        self.client, self.feed, self.clock = client, feed, clock

    async def get(self, path: str, **headers: str) -> tuple[int, Mapping[str, str], str]:
        """Status, headers (identity unless asked) and text."""
        given = {"Accept-Encoding": "identity", **{k.replace("_", "-"): v for k, v in headers.items()}}
        async with self.client.get(path, headers=given) as response:
            return response.status, response.headers, await response.text()

    async def settle(self, found: Snapshot) -> None:
        """A new snapshot, and the turns of the loop that rebuild what was asked for."""
        assert self.feed.tell is not None
        self.feed.tell(found)
        for _ in range(20):
            await asyncio.sleep(0)


async def start(held: Snapshot | None, serving: Serving | None = None) -> Site:
    """A site on a free port."""
    feed, clock = FakeFeed(held), Clock()
    client = TestClient(TestServer(make_app(feed, serving or Serving(), clock)))  # type: ignore[arg-type,var-annotated]
    await client.start_server()
    return Site(client, feed, clock)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A site with four coins."""
    found = await start(snapshot())
    yield found
    await found.client.close()


async def test_script_needs_no_prices() -> None:
    """The elements are there before the first price: a page that was opened early mends itself."""
    site = await start(None)
    assert (await site.get("/embed.js"))[0] == 200
    assert (await site.get("/widget/price/bitcoin"))[0] == 503
    await site.client.close()


PAGES = [
    ("/", "text/html"),
    ("/widget/list", "text/html"),
    ("/widget/label/bitcoin", "text/html"),
    ("/embed/list", "text/html"),
    ("/embed/label/openvoicecoin", "text/html"),
    ("/embed.css", "text/css"),
    ("/embed.js", "text/javascript"),
    ("/widget/price/bitcoin", "text/html"),
    ("/v1/prices", "application/json"),
    ("/v1/prices/bitcoin", "application/json"),
    ("/v1/coins", "application/json"),
]


@pytest.mark.parametrize(("path", "kind"), PAGES)
async def test_every_door_answers_cacheably(site: Site, path: str, kind: str) -> None:
    """200, its type, the cache contract, an ETag that gives 304, no cookie, sniffing off, and a policy on pages."""
    status, headers, text = await site.get(path)

    assert (status, headers["Content-Type"]) == (200, f"{kind}; charset=utf-8")
    assert headers["Cache-Control"] == "public, max-age=5, s-maxage=10, stale-while-revalidate=60, stale-if-error=300"
    assert headers["Vary"] == "Accept-Encoding"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Access-Control-Expose-Headers"] == "Date, Age, ETag"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert ("X-Robots-Tag" in headers) == path.startswith(("/widget", "/embed/"))
    assert text

    again, cached, nothing = await site.get(path, If_None_Match=f'"other", W/{headers["ETag"]}')
    assert (again, nothing, cached["ETag"], cached["Cache-Control"]) == (
        304,
        "",
        headers["ETag"],
        headers["Cache-Control"],
    )


@pytest.mark.parametrize(("path", "_kind"), PAGES)
async def test_head_is_get_without_a_body(site: Site, path: str, _kind: str) -> None:
    """Same headers, same length, nothing else."""
    _, headers, text = await site.get(path)
    async with site.client.head(path, headers={"Accept-Encoding": "identity"}) as response:
        assert (response.status, response.headers["ETag"], await response.read()) == (200, headers["ETag"], b"")
        assert response.headers["Content-Length"] == str(len(text.encode()))


async def test_gzip_is_its_own_variant(site: Site) -> None:
    """Smaller, the same body inside, another ETag."""
    _, plain, text = await site.get("/widget/list")
    async with site.client.get("/widget/list", headers={"Accept-Encoding": "gzip"}, auto_decompress=False) as response:
        raw = await response.read()
        assert response.headers["Content-Encoding"] == "gzip"
        assert response.headers["ETag"] != plain["ETag"]
    assert gzip.decompress(raw).decode() == text
    assert len(raw) < len(text.encode()) / 2


@pytest.mark.parametrize("header", ["gzip;q=0", "br", "", "*;q=0", "identity"])
async def test_gzip_only_where_it_is_taken(site: Site, header: str) -> None:
    """q=0 means no."""
    _, headers, _ = await site.get("/widget/list", Accept_Encoding=header)

    assert "Content-Encoding" not in headers


@pytest.mark.parametrize(
    ("path", "status", "code", "param"),
    [
        ("/v1/prices/dogecoin", 404, "unknown_coin", "coins"),
        ("/v1/prices?coins=bitcoin,nope", 404, "unknown_coin", "coins"),
        ("/v1/prices?currency=zzz", 400, "bad_parameter", "currency"),
        ("/v1/prices?coins=" + ",".join(["a"] * 251), 400, "too_many", "coins"),
        ("/v1/nothing", 404, "not_found", None),
        ("/favicon.ico", 404, "not_found", None),
    ],
)
async def test_json_errors_have_one_shape(site: Site, path: str, status: int, code: str, param: str | None) -> None:
    """`{"error":{code,message,param}}`, never stored."""
    async with site.client.get(path) as response:
        error = (await response.json())["error"]
        assert (response.status, error["code"], error["param"]) == (status, code, param)
        assert set(error) == {"code", "message", "param"}
        assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/widget/cat", 404),
        ("/embed/list/dogecoin", 404),
        ("/widget/list?theme=pink", 400),
        ("/widget/list?title=<script>alert(1)</script>" + "x" * 80, 400),
        ("/embed/<script>alert(1)</script>", 404),
    ],
)
async def test_html_errors_are_a_quiet_paragraph(site: Site, path: str, status: int) -> None:
    """In the form of the door, escaped, never stored."""
    found, headers, text = await site.get(path)

    assert (found, headers["Cache-Control"]) == (status, "no-store")
    assert text.startswith('<p class="mp mp-error"')
    assert "<script" not in text


async def test_only_reading_is_allowed(site: Site) -> None:
    """405 with what is allowed."""
    async with site.client.post("/v1/prices") as response:
        assert response.status == 405
        assert "GET" in response.headers["Allow"]


async def test_before_the_first_snapshot() -> None:
    """Alive, not ready, and 503 in the form of each door."""
    site = await start(None)
    assert (await site.get("/healthz"))[0] == 200
    assert (await site.get("/readyz"))[0] == 503
    status, headers, text = await site.get("/widget/list")
    assert (status, headers["Retry-After"]) == (503, "2")
    assert text.startswith("<p")
    assert (await site.get("/v1/prices"))[0] == 503
    await site.settle(snapshot())
    assert (await site.get("/readyz"))[0] == 200
    assert (await site.get("/widget/list"))[0] == 200
    await site.client.close()


async def test_an_empty_snapshot_is_ready_and_full_of_dashes() -> None:
    """No price is no error: 200 with "—"."""
    site = await start(snapshot(prices=tuple(price(c.id, None) for c in snapshot().coins)))
    assert (await site.get("/readyz"))[0] == 200
    status, _, text = await site.get("/widget/list")
    assert status == 200
    assert text.count('data-freshness="none"') == 3
    assert "—" in text
    assert "0.00" not in text
    await site.client.close()


async def test_a_new_snapshot_is_a_new_answer(site: Site) -> None:
    """The next request has the new price and a new ETag."""
    _, before, text = await site.get("/widget/list")
    assert "64,250.12" in text
    await site.settle(snapshot(2, prices=(price("bitcoin", "65000"), *snapshot().prices[1:])))
    _, after, text = await site.get("/widget/list")

    assert "65,000" in text
    assert before["ETag"] != after["ETag"]


async def test_the_same_page_goes_down_the_ladder_by_itself(site: Site) -> None:
    """All sources silent: delayed, stale, gone at their deadlines with new ETags, from one snapshot."""
    seen = []
    for after in (0, 60, 119.9, 120, 200, 300, 3000, 3600, 5000):
        site.clock.now = NOW + after
        status, headers, text = await site.get("/widget/list?coins=bitcoin")
        freshness = text.split('data-freshness="')[1].split('"')[0]
        _, json_headers, body = await site.get("/v1/prices/bitcoin")
        assert f'"freshness":"{freshness}"' in body
        assert status == 200
        assert ("64,250.12" in text) == (after < 3600)
        seen.append((freshness, headers["ETag"], json_headers["ETag"]))

    assert [rung for rung, _, _ in seen] == ["live"] * 3 + ["delayed"] * 2 + ["stale"] * 2 + ["none"] * 2
    assert len({etag for _, etag, _ in seen}) == len({etag for _, _, etag in seen}) == 4


async def test_nothing_is_drawn_on_a_request(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first ask, and after a new snapshot, requests find ready bytes (rule 28)."""
    drawn = 0
    from widgets import render

    original = render.render

    def counting(*given: object) -> str:
        nonlocal drawn
        drawn += 1
        return original(*given)  # type: ignore[arg-type]

    counting.__name__ = original.__name__
    monkeypatch.setattr(render, "render", counting)
    await site.get("/widget/list")
    assert drawn == 1
    for _ in range(5):
        await site.get("/widget/list?unknown=1")
    assert drawn == 1
    await site.settle(snapshot(2))
    assert drawn == 2
    await site.get("/widget/list")
    assert drawn == 2


async def test_variants_are_bounded(site: Site) -> None:
    """Thousands of different titles keep no more than the bound in memory."""
    from ticker.server import shelf

    before = shelf.MOST_VARIANTS
    shelf.MOST_VARIANTS = 50
    try:
        for i in range(120):
            assert (await site.get(f"/widget/list?title=t{i}&limit=1"))[0] == 200
        site_shelf = site.feed.tell.__self__  # type: ignore[union-attr]
        assert len(site_shelf._variants) == 50
    finally:
        shelf.MOST_VARIANTS = before


async def test_headers_never_change_the_body(site: Site) -> None:
    """X-Forwarded-Host and friends are nobody's key (rule 31)."""
    bodies = {
        (await site.get("/", **{header: "evil.example"}))[2]
        for header in (
            "Host",
            "X_Forwarded_Host",
            "X_Forwarded_Proto",
            "Forwarded",
            "X_Original_URL",
            "Accept_Language",
        )
    }

    assert bodies == {(await site.get("/"))[2]}
    assert "evil" not in bodies.pop()


async def test_named_origins_only_where_configured() -> None:
    """With a list, others are not told they may read, and caches are told to keep them apart."""
    site = await start(
        snapshot(), Serving(cors_origins=("https://news.example",), frame_ancestors=("https://news.example",))
    )
    _, mine, _ = await site.get("/v1/prices", Origin="https://news.example")
    _, other, _ = await site.get("/v1/prices", Origin="https://evil.example")
    _, page, _ = await site.get("/embed/list")

    assert mine["Access-Control-Allow-Origin"] == "https://news.example"
    assert "Access-Control-Allow-Origin" not in other
    assert mine["Vary"] == other["Vary"] == "Accept-Encoding, Origin"
    assert page["Content-Security-Policy"].endswith("frame-ancestors https://news.example")
    await site.client.close()


async def test_preflight(site: Site) -> None:
    """A browser may ask first."""
    async with site.client.options("/v1/prices", headers={"Origin": "https://a.example"}) as response:
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Methods"] == "GET, HEAD"


async def test_our_own_fault_is_called_internal(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug is logged and told as 500 in the door's form, and does not become sticky."""
    from ticker.server import views

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    original = views.prices_json
    monkeypatch.setattr(views, "prices_json", broken)
    status, _, text = await site.get("/v1/prices")
    assert (status, '"code":"internal"' in text, "Zero" in text) == (500, True, False)
    monkeypatch.setattr(views, "prices_json", original)
    assert (await site.get("/v1/prices"))[0] == 200


async def test_simulated_prices_say_so_everywhere() -> None:
    """On every page and in the JSON."""
    site = await start(snapshot(simulated=True))
    for path in ("/", "/widget/list", "/embed/label/bitcoin"):
        assert "simulated" in (await site.get(path))[2].lower()
    assert '"simulated":true' in (await site.get("/v1/prices"))[2]
    await site.client.close()
