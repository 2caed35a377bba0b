"""`/v1/explain/{coin}` over what a real poller has written (trust rule 16)."""

import asyncio
import contextlib
import json

import pytest
from aiohttp.test_utils import TestClient, TestServer
from fakes import Clock, FakeFetcher, FakeStore, assignment

from ticker.consensus import METHOD, CoinRule, Rules, Voter
from ticker.model import Coin, Snapshot
from ticker.poller import Listing, Poller
from ticker.server.app import Serving, make_app
from ticker.store.base import Publication


class _Feed:
    """A feed that holds one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    def subscribe(self, _: object) -> object:
        return lambda: None


@pytest.fixture
async def store() -> FakeStore:
    """What a poller wrote of three venues, one of them far off."""
    fetcher = FakeFetcher(a="100", b="100.1", c="150")
    sources = [assignment(name) for name in "abc"]
    rules = Rules({name: Voter("venue", name, 60.0) for name in "abc"}, (CoinRule("bitcoin", tuple("abc")),))
    listing = Listing((Coin("bitcoin", "Bitcoin", "BTC"),), ("bitcoin",))
    found = FakeStore()
    poller = Poller(sources, rules, listing, found, fetcher, clock=Clock(), publish_every=0.01)  # type: ignore[arg-type]
    task = asyncio.create_task(poller.run())
    for name in "abc":
        await poller.poll(name)
    while not found.published:  # noqa: ASYNC110 - the store has no event
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return found


async def get(store: FakeStore, path: str, snapshot: Snapshot) -> tuple[int, dict]:  # type: ignore[type-arg]
    """Status and JSON of one GET."""
    app = make_app(_Feed(snapshot), Serving(), Clock(), records=store)  # type: ignore[arg-type]
    async with TestClient(TestServer(app)) as client, client.get(path) as response:
        return response.status, json.loads(await response.text())


async def test_every_quote_is_told(store: FakeStore) -> None:
    """The price, how many agree, and each source with its vote or the reason it has none."""
    assert store.held is not None
    status, found = await get(store, "/v1/explain/bitcoin", store.held.snapshot)

    assert status == 200
    assert (found["id"], found["coin"], found["method"]) == (store.held.snapshot.id, "bitcoin", METHOD)
    assert (found["agreement"], found["price"], found["groups"], found["agreeing"]) == ("degraded", "100.05", 3, 2)
    told = {one["source"]: (one["used"], one["reason"]) for one in found["sources"]}
    assert told == {"a": (True, None), "b": (True, None), "c": (False, "outlier")}
    assert found["settled_at"].endswith("Z")


async def test_a_round_and_its_changes_are_on_record(store: FakeStore) -> None:
    """One whole round, and the change of the coin, are in the log of decisions."""
    assert [entry.coin for entry in await store.decisions("bitcoin", 0, 1e12, 10)] == ["bitcoin"]
    assert len(await store.decisions("", 0, 1e12, 10)) == 1


async def test_what_cannot_be_explained(store: FakeStore) -> None:
    """A coin that is not there is 404, a store that is down 503, another version's record 503."""
    assert store.held is not None
    snapshot = store.held.snapshot
    assert (await get(store, "/v1/explain/dogecoin", snapshot))[0] == 404
    store.down = True
    assert (await get(store, "/v1/explain/bitcoin", snapshot))[0] == 503
    store.down = False
    store.held = Publication(snapshot, store.held.quotes, b"{}")
    assert (await get(store, "/v1/explain/bitcoin", snapshot))[0] == 503
