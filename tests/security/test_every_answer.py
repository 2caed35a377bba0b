"""Every route there is, asked in every way: locked headers, no cookie, no version of what we run on (rules 32, 33)."""

import re

import aiohttp
from fakes import Clock, FakeStore
from loopback import HeldFeed, loopback
from snapshots import snapshot

from ticker.server.app import Serving, make_app

SAMPLES = {"kind": "list", "coin": "bitcoin", "door": "iframe", "name": "bitcoin.svg"}
MORE = (
    "/nothing",
    "/widget/nothing",
    "/widget/list?coins=nothing",
    "/widget/list?theme=pink",
    "/embed/list?coins=nothing",
    "/badge/nothing.svg",
    "/v1/prices?coins=nothing",
    "/v1/history/nothing",
    "/api/v3/nothing",
    "/api/v3/simple/price",
    f"/widget/list?x={'x' * 3000}",
)


def paths() -> list[str]:
    """A path for every route of the application, and some that end in a refusal."""
    app = make_app(HeldFeed(None), Serving(), Clock(), FakeStore(), FakeStore())  # type: ignore[arg-type]
    routes = [route for resource in app.router.resources() for route in resource]
    resources = {route.resource.canonical for route in routes if route.resource is not None}
    found = [re.sub(r"\{(\w+)\}", lambda match: SAMPLES[match[1]], path) for path in sorted(resources)]
    assert len(found) > 25
    return [*found, *MORE]


def locked(path: str, response: aiohttp.ClientResponse) -> None:
    """What holds for every answer."""
    headers, what = response.headers, f"{response.method} {path} {response.status}"
    assert headers.get("X-Content-Type-Options") == "nosniff", what
    assert headers.get("Referrer-Policy") == "no-referrer", what
    assert headers.get("Server") == "ticker", what
    assert not {"Set-Cookie", "X-Powered-By", "Access-Control-Allow-Credentials", "Location"} & set(headers), what
    policy = headers.get("Content-Security-Policy", "")
    assert "default-src 'none'" in policy, what
    assert "frame-ancestors" in policy, what
    assert "unsafe" not in policy, what
    if response.status >= 400:
        assert headers.get("Cache-Control") == "no-store", what
    if headers.get("Content-Type", "").startswith("text/html"):
        assert "base-uri 'none'" in policy, what


async def test_every_answer_is_locked() -> None:
    """GET, HEAD, OPTIONS, POST and a revalidation of every route; ready, and before the first price."""
    statuses = set()
    for held in (snapshot(), None):
        async with (
            loopback(held, past=FakeStore(), records=FakeStore()) as origin,  # type: ignore[arg-type]
            aiohttp.ClientSession(origin) as session,
        ):
            for path in paths():
                asked = [("GET", {}), ("HEAD", {}), ("OPTIONS", {}), ("POST", {}), ("GET", {"If-None-Match": "*"})]
                for method, given in asked:
                    async with session.request(method, path, headers=given, allow_redirects=False) as response:
                        locked(path, response)
                        statuses.add(response.status)
                        waits = held is None or path.startswith("/v1/explain/")  # nothing is kept of a last round
                        assert response.status < 500 or (response.status == 503 and waits), path

    assert {200, 204, 304, 400, 404, 405, 414, 503} <= statuses


async def test_there_are_no_cookies_and_none_is_read() -> None:
    """A reader who brings cookies gets the same bytes as one who does not."""
    async with loopback(snapshot()) as origin:
        async with aiohttp.ClientSession(origin) as session, session.get("/embed/list") as plain:
            bare = await plain.read()
        cookies = {"session": "x" * 50, "theme": "dark"}
        async with aiohttp.ClientSession(origin, cookies=cookies) as session, session.get("/embed/list") as dressed:
            assert await dressed.read() == bare
            assert not dressed.cookies
