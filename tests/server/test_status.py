"""`/status` and `/v1/status`: what they say, from where, and to whom."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from bulletins import bulletin, down, resting, source
from fakes import FakeStore
from loopback import loopback
from msgspec.structs import replace
from snapshots import NOW, price, snapshot

from ticker.bulletin import LARGEST, Alert, Bulletin, ConfigStanding, Excluded, Refusal, pack, unpack
from ticker.server.app import Serving
from ticker.server.status import ServerStanding, status

WELL = bulletin(alerts=())
ECB = source("ecb", prices="currencies")
REFUSED = ConfigStanding("v", NOW, Refusal(NOW, "x"), 1)


def codes(found: dict[str, Any]) -> list[str]:
    """What is wrong, by code."""
    return [one["code"] for one in found["problems"]]


def server(**more: Any) -> ServerStanding:
    """A server that is well."""
    given = {"viewers": 1, "streams": 1, "variants": 2, "requests": 3, "trouble": False, "config": ConfigStanding("c1")}
    return ServerStanding("web:1", "0.1.0", NOW - 60, **{**given, **more})


def test_all_is_well() -> None:
    """A poller that reports, sources that answer, live prices: nothing wants attention."""
    found = status(WELL, snapshot(), NOW, server())
    assert (found["verdict"], found["problems"]) == ("ok", [])
    assert found["poller"]["age"] == 1.0
    assert found["server"]["uptime"] == 60.0
    assert {one["name"]: one["condition"] for one in found["sources"]}["okx"] == "down"
    assert [one["one_source"] for one in found["coins"]] == [False, False, True, False]


def test_a_dead_poller_is_seen_as_such() -> None:
    """The record bears its own time: an old one does not look alive, whatever it says."""
    found = status(bulletin(at=NOW - 21, alerts=()), snapshot(), NOW, server())
    assert (found["verdict"], codes(found)) == ("attention", ["poller_silent"])
    assert found["poller"]["gone"] is True


@pytest.mark.parametrize(
    ("is_so", "held", "own", "verdict", "expected"),
    [
        (None, snapshot(), server(), "attention", ["poller_silent"]),
        (WELL, None, server(), "down", ["no_prices"]),
        (replace(WELL, sources=(down("a"), ECB)), snapshot(), server(), "down", ["no_source"]),
        (WELL, snapshot(), server(trouble=True), "attention", ["store_down"]),
        (WELL, snapshot(prices=(price("bitcoin", None),) * 4), server(), "attention", ["nothing_live"]),
        (replace(WELL, config=REFUSED), snapshot(), server(), "attention", ["config_refused"]),
        (WELL, snapshot(), server(config=REFUSED), "attention", ["config_refused"]),
        (replace(WELL, clock_offset=-6.0), snapshot(), server(), "attention", ["clock_wrong"]),
        (replace(WELL, clock_offset=4.0), snapshot(), server(), "ok", []),
        (bulletin(), snapshot(), None, "attention", ["source_down"]),
        (bulletin(alerts=(Alert("one_source", "neo", NOW - 900),)), snapshot(), None, "ok", []),
    ],
)  # fmt: skip
def test_what_wants_attention(
    is_so: Bulletin | None, held: Any, own: ServerStanding | None, verdict: str, expected: list[str]
) -> None:
    """Each trouble has its code; what ops were not told yet is none."""
    found = status(is_so, held, NOW, own)
    assert (found["verdict"], codes(found)) == (verdict, expected)


def test_those_told_of_are_named() -> None:
    """The sentence says which source."""
    assert status(bulletin(), snapshot(), NOW)["problems"][0]["text"] == "Down for long: okx."


def test_a_record_is_bounded() -> None:
    """However much is excluded, what is written stays small; what is not a record is none."""
    many = tuple(Excluded("x" * 64, "outlier") for _ in range(5000))
    packed = pack(bulletin(sources=tuple(source(f"s{i}", excluded=many) for i in range(5))))
    assert len(packed) < LARGEST
    assert unpack(packed) is not None
    assert unpack(b"\x00") is None
    assert unpack(pack(replace(bulletin(), version=2))) is None


async def test_it_is_read_in_the_background_and_never_for_a_request() -> None:
    """A store that goes down changes nothing but a word; what it said stays, with its age."""
    store = FakeStore()
    await store.write_bulletin(pack(bulletin(alerts=())))
    serving = Serving(status="public")
    site = loopback(snapshot(), serving, bulletins=store, clock=lambda: NOW)
    async with site as origin, aiohttp.ClientSession() as session:
        await asyncio.sleep(0)  # the first look needs a turn of the loop, and no request
        async with session.get(origin + "/v1/status") as response:
            assert (response.status, response.headers["Cache-Control"]) == (200, "no-store")
            first = json.loads(await response.text())
        store.down = True
        async with session.get(origin + "/v1/status") as response:
            assert json.loads(await response.text()) == first
    assert first["poller"]["instance"] == "prices-1:4711"


async def test_a_feed_that_rests_is_not_broken() -> None:
    """It is closed on purpose: the page and the JSON say so."""
    store = FakeStore()
    await store.write_bulletin(pack(resting()))
    async with loopback(snapshot(), bulletins=store) as origin, aiohttp.ClientSession() as session:
        async with session.get(origin + "/status") as response:
            page = await response.text()
        async with session.get(origin + "/v1/status") as response:
            found = json.loads(await response.text())
    assert page.count("feed rests: nobody asks") == 2
    assert page.count("refused") == 1
    assert "broken" not in page
    assert found["sources"][0]["stream"]["resting"] is True


async def test_who_may_see_it() -> None:
    """This machine, by a name of its own; not a proxy's reader, not a page whose name leads here; not at all if off."""
    asked = [
        ({}, 200),
        ({"Host": "localhost:8080"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"X-Forwarded-For": "203.0.113.9"}, 403),
        ({"Via": "1.1 proxy"}, 403),
    ]
    async with aiohttp.ClientSession() as session:
        async with loopback(snapshot()) as origin:
            for path in ("/status", "/v1/status"):
                for headers, expected in asked:
                    async with session.get(origin + path, headers=headers) as response:
                        assert (response.status, path, headers) == (expected, path, headers)
            async with session.get(origin + "/v1/status") as response:
                assert "Access-Control-Allow-Origin" not in response.headers  # a page in a browser here may not read it
        async with loopback(snapshot(), Serving(status="off")) as origin, session.get(origin + "/status") as response:
            assert response.status == 404
        public = loopback(snapshot(), Serving(status="public"))
        elsewhere = {"Host": "prices.example"}
        async with public as origin, session.get(origin + "/v1/status", headers=elsewhere) as response:
            assert response.status == 200
            assert response.headers["Access-Control-Allow-Origin"] == "*"


async def test_http_1_0_is_not_this_machine() -> None:
    """A proxy as installed speaks HTTP/1.0 to us and names no reader: it is taken for a stranger."""
    async with loopback(snapshot()) as origin:
        host, port = origin.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /v1/status HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
        assert (await reader.readline()).split()[1] == b"403"
        writer.close()


async def test_the_page_asks_again_unless_told_not_to() -> None:
    """By a header, so that no script is needed; a reader can stop it."""
    async with loopback(snapshot()) as origin, aiohttp.ClientSession() as session:
        async with session.get(origin + "/status") as response:
            assert response.headers["Refresh"] == "15"
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        async with session.get(origin + "/status?refresh=off") as response:
            assert "Refresh" not in response.headers
