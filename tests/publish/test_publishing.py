"""What is published of a snapshot: the files, by name, and that they are what the service answers."""

import gzip
import json
from decimal import Decimal

import pytest
from aiohttp.test_utils import TestClient, TestServer
from snapshots import COINS, NOW, price, snapshot

from ticker.feed import Feed
from ticker.publishing import files
from ticker.server.app import Serving, make_app
from ticker.server.params import Defaults
from ticker.server.pictures import Pictures
from widgets.render import KINDS

SERVING = Serving(origin="https://prices.example.org", disclaimer="No advice.", defaults=Defaults(locale="de"))
PICTURES = Pictures(SERVING.origin, SERVING.disclaimer)
SHOWN = ("bitcoin", "ethereum", "pirate-chain")


class _NoStore:
    """A feed needs a store only when it is started."""


def test_names() -> None:
    """Every kind, every shown coin where a kind is of one, every configured coin's JSON, the lists, the style."""
    found = set(files(snapshot(), SERVING, PICTURES, NOW))
    assert {f"{door}/{kind}.html" for door in ("widget", "embed") for kind in KINDS} <= found
    assert {f"{door}/label/{coin}.html" for door in ("widget", "embed") for coin in SHOWN} <= found
    assert {f"v1/prices/{coin.id}.json" for coin in COINS} <= found
    assert {f"badge/{coin.id}.{ending}" for coin in COINS for ending in ("svg", "json")} <= found
    assert {"v1/prices.json", "v1/coins.json", "embed.css", "embed.js"} <= found
    assert "widget/label/openvoicecoin.html" not in found, "it is not in the list"


@pytest.mark.parametrize(
    "path",
    [
        "widget/list",
        "embed/table",
        "widget/label/bitcoin",
        "embed/card",
        "v1/prices",
        "v1/prices/bitcoin",
        "v1/coins",
        "badge/bitcoin.svg",
        "badge/ethereum.json",
        "embed.js",
    ],
)
async def test_the_same_as_the_service(path: str) -> None:
    """A file is, byte for byte, what the service answers at the same path."""
    feed = Feed(_NoStore())  # type: ignore[arg-type]
    feed._take(snapshot())
    async with TestClient(TestServer(make_app(feed, SERVING, lambda: NOW))) as client:
        answer = await client.get(f"/{path}")
        body = await answer.read()
    found = files(snapshot(), SERVING, PICTURES, NOW)
    (file,) = [found[name] for name in (path, f"{path}.html", f"{path}.json") if name in found]
    assert file.body == body


def test_what_is_news() -> None:
    """A later snapshot with the same prices is no news for any file; another price is, for files it is in."""
    before, same = files(snapshot(1), SERVING, PICTURES, NOW), files(snapshot(2), SERVING, PICTURES, NOW + 1)
    assert {path: file.news for path, file in before.items()} == {path: file.news for path, file in same.items()}
    assert before["v1/prices.json"].body != same["v1/prices.json"].body
    prices = (price("bitcoin", "64251"), *snapshot().prices[1:])
    after = files(snapshot(3, prices=prices), SERVING, PICTURES, NOW)
    changed = {path for path, file in after.items() if file.news != before[path].news}
    assert {"widget/list.html", "widget/label/bitcoin.html", "v1/prices.json", "v1/prices/bitcoin.json"} <= changed
    assert not [path for path in changed if "ethereum" in path or path in ("embed.css", "v1/coins.json")]


def test_a_copy_does_not_lie() -> None:
    """Every page says absolutely as of when its prices are; old ones are marked, gone ones are gone."""
    fresh = files(snapshot(), SERVING, PICTURES, NOW)["widget/list.html"].body.decode()
    assert "Stand 15.01.2027, 08:00 UTC" in fresh
    stale = files(snapshot(), SERVING, PICTURES, NOW + 400)["widget/list.html"].body.decode()
    assert 'data-freshness="stale"' in stale
    gone = json.loads(files(snapshot(), SERVING, PICTURES, NOW + 4000)["v1/prices/bitcoin.json"].body)
    assert gone["prices"][0]["price"] is None


def test_compressed() -> None:
    """With `compressed` what gains by it has a twin with the same content, and the same idea of what is news."""
    found = files(snapshot(), SERVING, PICTURES, NOW, compressed=True)
    assert gzip.decompress(found["widget/list.html.gz"].body) == found["widget/list.html"].body
    assert found["v1/prices.json.gz"].news == found["v1/prices.json"].news
    assert Decimal(len(found)) > len(files(snapshot(), SERVING, PICTURES, NOW))
