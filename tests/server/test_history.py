"""`/v1/history` over real HTTP: what it hands out, what it refuses, and how little it asks of the store."""

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import pytest
from aiohttp.test_utils import TestClient, TestServer
from fakes import Clock
from msgspec.structs import replace
from past_store import CountingStore
from snapshots import COINS, NOW, snapshot

from ticker.errors import StoreDown
from ticker.model import Snapshot
from ticker.server import history
from ticker.server.app import Serving, make_app
from ticker.server.history import Range, asked
from ticker.server.params import RequestError

# NOW is 2027-01-15T08:00:00Z
HOUR, DAY = 3600.0, 86_400.0


class Feed:
    """A feed that stands still."""

    def __init__(self, held: Snapshot | None) -> None:
        self.snapshot = held

    def subscribe(self, _: object) -> Any:
        return lambda: None


class Site:
    """A running application, its store and its clock."""

    def __init__(self, client: TestClient, store: CountingStore, clock: Clock) -> None:  # type: ignore[type-arg]
        self.client, self.store, self.clock = client, store, clock

    async def get(self, path: str, **headers: str) -> tuple[int, Any, Any]:
        """Status, headers and JSON."""
        async with self.client.get(path, headers=headers) as response:
            text = await response.text()
            return response.status, response.headers, json.loads(text) if text else None


async def start(held: Snapshot | None) -> Site:
    """A site on a free port."""
    store, clock = CountingStore(), Clock(NOW + 90)
    client = TestClient(TestServer(make_app(Feed(held), Serving(), clock, store)))  # type: ignore[arg-type,var-annotated]
    await client.start_server()
    return Site(client, store, clock)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A site that knows four coins and no past."""
    found = await start(snapshot())
    yield found
    await found.client.close()


async def test_points_are_handed_out(site: Site) -> None:
    """Moment and price of each, oldest first, in digits only, of the slots asked for and no other."""
    for minute, value in enumerate(["64250.12", "1E-9", "7E+3", "5"]):
        await site.store.add_points("1m", NOW + 60 * minute - 90, {"bitcoin": Decimal(value)})
    status, headers, found = await site.get(
        "/v1/history/bitcoin?step=1m&from=2027-01-15T07:59:00Z&to=2027-01-15T08:00:59Z"
    )
    assert (status, headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert found == {
        "version": 1,
        "coin": "bitcoin",
        "currency": "usd",
        "step": "1m",
        "from": "2027-01-15T07:59:00.000Z",
        "to": "2027-01-15T08:01:00.000Z",
        "simulated": False,
        "points": [["2027-01-15T07:59:30.000Z", "0.000000001"], ["2027-01-15T08:00:30.000Z", "7000"]],
    }
    assert headers["Cache-Control"].startswith("public, max-age=5")
    status, _, nothing = await site.get(
        "/v1/history/bitcoin?step=1m&from=2027-01-15T07:59:00Z&to=2027-01-15T08:00:00Z",
        **{"If-None-Match": headers["ETag"]},
    )
    assert (status, nothing) == (304, None)


async def test_prices_in_another_unit_are_not_handed_out() -> None:
    """Of a coin that was redenominated there are no points from before: nobody draws two units as one line."""
    coins = tuple(replace(coin, since=NOW) if coin.id == "bitcoin" else coin for coin in COINS)
    site = await start(snapshot(coins=coins))
    for coin in ("bitcoin", "ethereum"):
        await site.store.add_points("1m", NOW - 60, {coin: Decimal(65_000_000)})
        await site.store.add_points("1m", NOW, {coin: Decimal(65_000)})

    assert [price for _, price in (await site.get("/v1/history/bitcoin?step=1m"))[2]["points"]] == ["65000"]
    assert len((await site.get("/v1/history/ethereum?step=1m"))[2]["points"]) == 2
    await site.client.close()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ("1h", NOW - 167 * HOUR, NOW + HOUR)),
        ("step=1m", ("1m", NOW - 1438 * 60, NOW + 120)),
        ("step=1d", ("1d", NOW - 8 * HOUR - 364 * DAY, NOW + 16 * HOUR)),
        ("from=2027-01-15", ("1h", NOW - 8 * HOUR, NOW + HOUR)),
        ("from=2027-01-15&to=2027-01-15T01:30%2B01:00", ("1h", NOW - 8 * HOUR, NOW - 7 * HOUR)),
        ("from=2027-01-15&to=2027-01-15T01:30+01:00", ("1h", NOW - 8 * HOUR, NOW - 7 * HOUR)),
        ("from=2027-01-15T07:30:59.999&to=2099-01-01", ("1h", NOW - HOUR, NOW + HOUR)),
        ("from=1970-01-01&to=1970-01-01", ("1h", 0.0, HOUR)),
        ("to=1970-01-01", ("1h", 0.0, HOUR)),
        ("step=1m&from=2027-01-14T07:02:00Z", ("1m", NOW - DAY - 58 * 60, NOW + 120)),
    ],
)
def test_what_is_asked(query: str, expected: tuple[str, float, float]) -> None:
    """Whole slots in UTC, the last week by default, never beyond the present."""
    found = asked(parse_qsl(query), "bitcoin", NOW + 90)
    assert (found.step, found.start, found.end) == expected


@pytest.mark.parametrize(
    ("path", "status", "code", "param"),
    [
        ("bitcoin?step=5m", 400, "bad_parameter", "step"),
        ("bitcoin?step=1h&step=1d", 400, "bad_parameter", "step"),
        ("bitcoin?currency=eur", 400, "bad_parameter", "currency"),
        ("bitcoin?from=yesterday", 400, "bad_parameter", "from"),
        ("bitcoin?from=1800000000", 400, "bad_parameter", "from"),
        ("bitcoin?from=2027-13-01", 400, "bad_parameter", "from"),
        ("bitcoin?from=0000-01-01", 400, "bad_parameter", "from"),
        ("bitcoin?from=1969-12-31", 400, "bad_parameter", "from"),
        ("bitcoin?from=0001-01-01T00:00%2B23:00", 400, "bad_parameter", "from"),
        ("bitcoin?to=2027-01-15T24:00:01Z", 400, "bad_parameter", "to"),
        ("bitcoin?to=٢٠٢٧-01-15", 400, "bad_parameter", "to"),
        ("bitcoin?from=2027-01-15&to=2027-01-14", 400, "bad_parameter", "from"),
        ("bitcoin?from=2028-01-15", 400, "bad_parameter", "from"),
        ("bitcoin?step=1m&from=2027-01-14", 400, "too_many", "from"),
        ("bitcoin?step=1m&from=1970-01-01", 400, "too_many", "from"),
        ("BTC", 404, "unknown_coin", "coin"),
        ("dogecoin", 404, "unknown_coin", "coins"),
    ],
)
async def test_wrong_asks_are_refused(site: Site, path: str, status: int, code: str, param: str) -> None:
    """With the parameter at fault, never stored, and without asking the store."""
    found, headers, body = await site.get(f"/v1/history/{path}")
    assert (found, body["error"]["code"], body["error"]["param"]) == (status, code, param)
    assert headers["Cache-Control"] == "no-store"
    assert site.store.reads == []


def test_as_many_points_as_allowed() -> None:
    """1,500 are given, 1,501 are not."""
    at = NOW - 60 * 1499
    found = asked([("step", "1m"), ("from", history.iso(at) or "")], "bitcoin", NOW)
    assert found.last - found.first + 1 == 1500
    with pytest.raises(RequestError, match="1500 points"):
        asked([("step", "1m"), ("from", history.iso(at - 60) or "")], "bitcoin", NOW)


async def test_before_the_first_snapshot() -> None:
    """503, as everywhere."""
    site = await start(None)
    status, headers, body = await site.get("/v1/history/bitcoin")
    assert (status, body["error"]["code"], headers["Retry-After"]) == (503, "not_ready", "2")
    await site.client.close()


async def test_without_a_past_there_is_no_such_door() -> None:
    """An application that was given no store says so."""
    client = TestClient(TestServer(make_app(Feed(snapshot()), Serving(), Clock())))  # type: ignore[arg-type,var-annotated]
    await client.start_server()
    assert (await client.get("/v1/history/bitcoin")).status == 404
    await client.close()


async def test_equal_asks_share_one_read(site: Site) -> None:
    """A hundred readers at once, and all within the next seconds: one read. Then what is new is seen."""
    site.store.gate.clear()
    asks = [asyncio.create_task(site.get("/v1/history/bitcoin?unknown=" + str(i))) for i in range(100)]
    await asyncio.sleep(0.1)
    site.store.gate.set()
    assert {status for status, _, _ in await asyncio.gather(*asks)} == {200}
    assert len(site.store.reads) == 1
    await site.store.add_points("1h", NOW + 91, {"bitcoin": Decimal(5)})
    site.clock.now += history.FRESH - 1
    assert (await site.get("/v1/history/bitcoin"))[2]["points"] == []
    site.clock.now += 2
    assert len((await site.get("/v1/history/bitcoin"))[2]["points"]) == 1
    assert len(site.store.reads) == 2


async def test_what_is_over_is_read_once(site: Site) -> None:
    """A range whose slots are all past is good for minutes."""
    for _ in range(5):
        await site.get("/v1/history/bitcoin?from=2027-01-01&to=2027-01-02")
        site.clock.now += history.OVER / 6
    assert len(site.store.reads) == 1


async def test_a_store_that_is_down(site: Site) -> None:
    """Whoever asks what was asked before has that answer; others are told, and nothing of it is kept."""
    await site.store.add_points("1h", NOW, {"bitcoin": Decimal(5)})
    before = await site.get("/v1/history/bitcoin")
    site.store.down = True
    site.clock.now += 60
    after = await site.get("/v1/history/bitcoin")
    assert (after[0], after[2]) == (200, before[2])
    status, headers, body = await site.get("/v1/history/ethereum")
    assert (status, body["error"]["code"], headers["Retry-After"]) == (503, "not_ready", "2")
    site.store.down = False
    assert (await site.get("/v1/history/ethereum"))[0] == 200


async def test_a_slow_store_is_not_overrun(site: Site) -> None:
    """A few reads at a time, a bounded line, and whoever comes then is sent away; nobody else is harmed."""
    site.store.gate.clear()
    days = [f"/v1/history/bitcoin?step=1d&from=2026-{1 + i // 28:02}-{1 + i % 28:02}" for i in range(100)]
    asks = {asyncio.create_task(site.get(day)) for day in days}
    refused: set[asyncio.Task[tuple[int, Any, Any]]] = set()
    while len(refused) < 100 - history.READS - history.IN_LINE:  # those who are sent away; the others wait
        done, _ = await asyncio.wait(asks - refused, return_when=asyncio.FIRST_COMPLETED)
        refused |= done
    assert len(site.store.reads) == history.READS
    site.store.gate.set()
    statuses = [status for status, _, _ in await asyncio.gather(*asks)]
    assert statuses.count(200) == history.READS + history.IN_LINE
    assert statuses.count(429) == 100 - history.READS - history.IN_LINE


async def test_a_reader_who_goes_away_takes_nothing_from_others() -> None:
    """One of two who wait for the same is cancelled; the other has the answer, and no task is left in the end."""
    store = CountingStore()
    answers = history.History(store, Clock(NOW))
    what = Range("bitcoin", "1h", 1, 2)
    store.gate.clear()
    one, two = (asyncio.create_task(answers.get(what)) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    await asyncio.sleep(0)
    store.gate.set()
    assert b'"points":[]' in (await two).body
    store.gate.clear()
    three = asyncio.create_task(answers.get(Range("bitcoin", "1h", 1, 3)))
    await asyncio.sleep(0)
    await answers.close()
    with pytest.raises(asyncio.CancelledError):
        await three
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_failure_nobody_waits_for_is_no_noise(caplog: pytest.LogCaptureFixture) -> None:
    """The reader is gone and the read fails: nothing is logged about a task that nobody asked."""
    store = CountingStore()
    answers = history.History(store, Clock(NOW))
    store.gate.clear()
    reader = asyncio.create_task(answers.get(Range("bitcoin", "1h", 1, 2)))
    await asyncio.sleep(0)
    reader.cancel()
    await asyncio.wait([reader])
    store.down = True
    store.gate.set()
    await asyncio.sleep(0.01)
    assert caplog.records == []
    with pytest.raises(RequestError) as caught:
        await answers.get(Range("bitcoin", "1h", 1, 2))
    assert isinstance(caught.value.__cause__, StoreDown)


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ranges are asked for, only the last of them stay."""
    monkeypatch.setattr(history, "KEPT", 10)
    answers = history.History(CountingStore(), Clock(NOW))
    for i in range(50):
        await answers.get(Range("bitcoin", "1h", i, i + 1))
    assert [key[0].first for key in answers._kept] == list(range(40, 50))
