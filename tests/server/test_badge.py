"""`/badge/{coin}.svg` and `.json` over HTTP: never a broken image, cached like the rest, in the form of their door."""

import json
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator, Iterator

import pytest
from server.test_app import Site, start
from snapshots import NOW, snapshot

from ticker.server.params import DEFAULTS, RequestError, badge

CACHE = "public, max-age=5, s-maxage=10, stale-while-revalidate=60, stale-if-error=300"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A site with four coins."""
    found = await start(snapshot())
    yield found
    await found.client.close()


def said(svg: str) -> Iterator[str]:
    """The texts of an image."""
    return (text.text or "" for text in ET.fromstring(svg).findall("{http://www.w3.org/2000/svg}text"))


async def test_an_image(site: Site) -> None:
    """Its type, its policy, the cache contract, and an ETag that gives 304."""
    status, headers, text = await site.get("/badge/bitcoin.svg")

    assert (status, headers["Content-Type"], headers["Cache-Control"]) == (200, "image/svg+xml; charset=utf-8", CACHE)
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self' 'sha256-")
    assert (headers["Access-Control-Allow-Origin"], headers["X-Robots-Tag"]) == ("*", "noindex")
    assert list(said(text)) == ["Bitcoin", "$64,250.12", "▼ -1.87%", "08:00 UTC"]
    assert (await site.get("/badge/bitcoin.svg", If_None_Match=headers["ETag"]))[0] == 304


async def test_words_for_shields(site: Site) -> None:
    """The endpoint's schema, cached and shared like the rest of the JSON."""
    status, headers, text = await site.get("/badge/bitcoin.json?locale=de")

    assert (status, headers["Cache-Control"], headers["Access-Control-Allow-Origin"]) == (200, CACHE, "*")
    assert json.loads(text) == {
        "schemaVersion": 1,
        "label": "Bitcoin",
        "message": "64.250,12\u00a0$ ▼ -1,87\u00a0% 08:00 UTC",
        "color": "c4263a",
        "cacheSeconds": 300,
    }


async def test_it_goes_down_the_ladder(site: Site) -> None:
    """The same address: delayed, stale, gone at their seconds."""
    found = []
    for after in (0, 120, 300, 3600):
        site.clock.now = NOW + after
        found.append(list(said((await site.get("/badge/bitcoin.svg?show=price"))[2])))

    price = "$64,250.12"
    assert found == [
        [price, "08:00 UTC"],
        [price, "delayed", "08:00 UTC"],
        [price, "as of 08:00 UTC"],
        ["—", "no price"],
    ]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/badge/dogecoin", ["dogecoin", "—", "unknown coin"]),
        ("/badge/Bitcoin", ["—", "unknown coin"]),
        ("/badge/%3Cscript%3E", ["—", "unknown coin"]),
        ("/badge/a/b", ["—", "unknown coin"]),
        ("/badge/bitcoin|currency=zzz", ["bitcoin", "—", "wrong currency"]),
        ("/badge/bitcoin|theme=pink", ["bitcoin", "—", "wrong theme"]),
        ("/badge/bitcoin|locale=xx-YY", ["bitcoin", "—", "wrong locale"]),
        ("/badge/bitcoin|show=price&show=name", ["bitcoin", "—", "wrong show"]),
        ("/badge/bitcoin|x=" + "y" * 3000, ["bitcoin", "—", "address too long"]),
    ],
)
async def test_it_is_never_a_broken_image(site: Site, path: str, expected: list[str]) -> None:
    """200 and a picture that says what is wrong, not stored; for shields.io the same in its words."""
    address, _, query = path.partition("|")
    status, headers, text = await site.get(f"{address}.svg?{query}")
    assert (status, headers["Content-Type"], headers["Cache-Control"]) == (
        200,
        "image/svg+xml; charset=utf-8",
        "no-store",
    )
    assert list(said(text)) == expected
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    status, headers, text = await site.get(f"{address}.json?{query}")
    found = json.loads(text)
    assert (status, headers["Cache-Control"], found["isError"], found["message"]) == (
        200,
        "no-store",
        True,
        expected[-1],
    )


async def test_before_the_first_snapshot() -> None:
    """A picture that says so."""
    site = await start(None)
    status, headers, text = await site.get("/badge/bitcoin.svg")
    assert (status, headers["Cache-Control"], list(said(text))) == (200, "no-store", ["bitcoin", "—", "no prices yet"])
    await site.client.close()


async def test_our_own_fault_is_a_picture_too(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug of ours does not break a page of theirs."""
    from widgets import badge as badges

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(badges, "badge", broken)
    status, _, text = await site.get("/badge/bitcoin.svg")
    assert (status, list(said(text))) == (200, ["bitcoin", "—", "cannot be shown now"])


async def test_what_is_no_badge_is_not_found(site: Site) -> None:
    """Another ending is nothing that anybody shows as an image of ours."""
    status, _, text = await site.get("/badge/bitcoin.png")
    assert (status, json.loads(text)["error"]["code"]) == (404, "not_found")


async def test_only_reading_is_allowed(site: Site) -> None:
    """405 as everywhere."""
    async with site.client.post("/badge/bitcoin.svg") as response:
        assert response.status == 405


def test_equal_asks_are_one_variant() -> None:
    """What a badge has no room for is not part of the key; what is wrong is refused."""
    assert badge([("show", "price,cap,spark,volume")], "bitcoin", DEFAULTS) == badge(
        [("show", "price")], "bitcoin", DEFAULTS
    )
    assert badge([("show", "cap")], "bitcoin", DEFAULTS).show == ("price",)
    assert badge([("coins", "a,b"), ("limit", "x"), ("title", "t")], "bitcoin", DEFAULTS) == badge(
        [], "bitcoin", DEFAULTS
    )
    with pytest.raises(RequestError):
        badge([("change", "2h")], "bitcoin", DEFAULTS)
