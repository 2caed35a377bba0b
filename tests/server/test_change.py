"""Other settings while the server runs: the next request is answered by them, viewers stay and are told."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from server.test_app import Site, start
from server.viewers import frames
from snapshots import COINS, NOW, price, snapshot

from ticker.server.app import SITE, STREAM, Serving
from ticker.server.frames import Frames
from ticker.server.params import DEFAULTS, Defaults, RequestError, stream
from ticker.server.pen import Pen, moment
from ticker.server.stream import Limits

OTHERS = snapshot().prices[1:]


@asynccontextmanager
async def opened(serving: Serving | None = None) -> AsyncIterator[Site]:
    """A site with four coins, until the block ends."""
    site = await start(snapshot(), serving)
    try:
        yield site
    finally:
        await site.client.close()


async def change(site: Site, serving: Serving) -> None:
    """Go over to other settings."""
    assert site.client.app is not None
    await site.client.app[SITE].change(serving)


async def test_every_door_goes_over() -> None:
    """Title, currency, disclaimer, sharing, framing, addresses, the dialect: all by the new settings, at once."""
    site = await start(snapshot(), Serving(dialect=False))
    paths = (
        "/widget/list",
        "/embed/list",
        "/snippet/script/list",
        "/v1/prices",
        "/",
        "/api/v3/ping",
        "/v1/openapi.json",
    )
    before = {path: await site.get(path) for path in paths}
    await change(
        site,
        Serving(
            Defaults(title="Kurse", currency="btc"),
            "https://prices.example/ticker",
            "No advice.",
            ("https://news.example",),
            ("https://news.example",),
        ),
    )
    after = {path: await site.get(path) for path in paths}
    await site.client.close()

    assert (before["/api/v3/ping"][0], after["/api/v3/ping"][0]) == (404, 200)
    for path in ("/widget/list", "/embed/list"):
        assert "Latest Market Prices" in before[path][2]
        assert "Kurse" in after[path][2]
        assert "No advice." in after[path][2]
        assert "Latest Market Prices" not in after[path][2]
        assert "frame-ancestors https://news.example" in after[path][1]["Content-Security-Policy"]
    assert json.loads(after["/v1/prices"][2])["currency"] == "btc"
    assert before["/v1/prices"][1]["ETag"] != after["/v1/prices"][1]["ETag"]
    assert before["/v1/prices"][1]["Vary"] != after["/v1/prices"][1]["Vary"]
    assert "https://prices.example/ticker/" in after["/snippet/script/list"][2]
    assert "https://prices.example/ticker" in after["/v1/openapi.json"][2]


async def test_refusals_go_over_too() -> None:
    """A path that is not there, a wrong method: in the form of its door, with the present headers."""
    async with opened() as site:
        await change(site, Serving(cors_origins=("https://news.example",)))
        missing = await site.get("/nowhere", Origin="https://news.example")
        async with site.client.post("/v1/prices") as response:
            wrong = response.status, response.headers["Allow"]
        assert (missing[0], missing[1]["Access-Control-Allow-Origin"]) == (404, "https://news.example")
        assert wrong == (405, "GET,HEAD")


async def test_a_viewer_stays() -> None:
    """Its connection lives on, and says once that there is something new to read; then as before."""
    async with opened() as site, site.client.get("/v1/stream?coins=bitcoin") as response:
        got = b""

        async def told(count: int) -> dict[str, object]:
            nonlocal got
            async with asyncio.timeout(10):
                while len(frames(got)) < count:
                    got += await response.content.readany()
            return json.loads(got.decode().split("data: ")[count].partition("\n")[0])  # type: ignore[no-any-return]

        assert "list" not in await told(1)
        await change(site, Serving(Defaults(title="Kurse"), limits=Limits(1, 1)))
        second = await told(2)
        assert (second["list"], second["full"], second["prices"]) == (True, False, [])
        assert site.client.app is not None
        site.client.app[STREAM].update(snapshot(2, prices=(price("bitcoin", "65000"), *OTHERS)))
        assert "list" not in await told(3)
        async with site.client.get("/v1/stream") as refused:  # the bound is the new one, and full
            assert refused.status == 503
        assert site.client.app[STREAM].viewers == 1


async def test_who_came_before_is_answered_as_before_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that is under way while settings change does not put its answer under the keys of the new ones."""
    async with opened() as site:
        from ticker.server import then

        waiting, go = asyncio.Event(), asyncio.Event()
        original = then.then

        async def slow(*given: object) -> object:
            waiting.set()
            await go.wait()
            return await original(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(then, "then", slow)
        early = asyncio.create_task(site.get("/widget/price/bitcoin"))
        await waiting.wait()
        await change(site, Serving(Defaults(up="red")))
        go.set()
        before, after = (await early)[2], (await site.get("/widget/price/bitcoin"))[2]
        assert before != after


async def test_many_changes_leave_nothing_behind() -> None:
    """Shelves do not grow with the number of changes."""
    async with opened() as site:
        assert site.client.app is not None
        parts = site.client.app[SITE]._parts
        for number in range(20):
            await change(site, Serving(Defaults(title=str(number))))
            await site.get("/widget/list")
            await site.get("/api/v3/coins/list")
        assert (len(parts.shelf._variants), len(parts.shelf._beside)) == (1, 1)


def made(**query: str) -> Frames:
    ask = stream(list(query.items()), DEFAULTS)
    return Frames(ask, Pen(ask.currency, None))


def test_another_list_is_told_once() -> None:
    """To whoever was told before, with whatever else changed; not to who is new, nor twice."""
    said = made(coins="bitcoin")
    said.relist()
    said.take(moment(snapshot(), NOW))
    assert b'"list"' not in said.full()
    said.relist()
    assert said.take(moment(snapshot(), NOW))
    told = said.after(1)
    assert b'"full":false,"list":true,"prices":[]' in told
    assert b'"list":true' in said.full(1)
    assert b'"list"' not in said.full()
    assert b'"list"' not in said.after(2)
    assert not said.take(moment(snapshot(), NOW))


def test_a_removed_coin_leaves_the_others() -> None:
    """Who watches goes on with the coins that are left, if any; the first one who asks is refused."""
    without = snapshot(2, coins=COINS[1:], shown=("ethereum",), prices=OTHERS)
    both, alone, new = made(coins="bitcoin,ethereum"), made(coins="bitcoin"), made(coins="bitcoin,ethereum")
    for said, left in ((both, ["ethereum"]), (alone, [])):
        said.take(moment(snapshot(), NOW))
        assert said.take(moment(without, NOW))
        (frame,) = frames(said.after(1))
        assert (frame.full, list(frame.prices)) == (True, left)
    with pytest.raises(RequestError):
        new.take(moment(without, NOW))
