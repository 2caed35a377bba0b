"""`/widget/price/{coin}` over HTTP: then and now, from our own history (design §7)."""

from collections.abc import AsyncIterator, Callable
from decimal import Decimal

import pytest
from aiohttp.test_utils import TestClient, TestServer
from fakes import Clock, FakeStore
from msgspec.structs import replace
from snapshots import NOW, snapshot

from ticker.errors import StoreDown
from ticker.model import CoinId, Point, Snapshot, Step
from ticker.server.app import Serving, make_app
from ticker.server.params import Defaults

# NOW is 2027-01-15T08:00:00Z


class Feed:
    """A feed that stands still."""

    snapshot: Snapshot | None = snapshot()

    def subscribe(self, _: object) -> Callable[[], None]:
        return lambda: None


class CountingStore(FakeStore):
    """Counts reads."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    async def points(self, coin: CoinId, step: Step, start: float, end: float) -> list[Point]:
        self.reads += 1
        return await super().points(coin, step, start, end)


class Site:
    """A running application and its store."""

    def __init__(self, serving: Serving, *, past: bool = True) -> None:
        self.store = CountingStore()
        self.feed = Feed()
        app = make_app(self.feed, serving, Clock(NOW), self.store if past else None)  # type: ignore[arg-type]
        self.client: TestClient = TestClient(TestServer(app))  # type: ignore[type-arg]

    async def get(self, path: str) -> tuple[int, str]:
        """Status and text."""
        async with self.client.get(path) as response:
            return response.status, await response.text()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A site whose default currency is another one, and that knows bitcoin's price of one day."""
    found = Site(Serving(defaults=Defaults(currency="btc")))
    await found.store.add_points("1d", NOW - 5 * 86_400 + 60, {"bitcoin": Decimal("32125.06")})
    await found.client.start_server()
    yield found
    await found.client.close()


async def test_then_and_now(site: Site) -> None:
    """The first price of that day, the price now, and the change between them; cacheable like every widget."""
    status, html = await site.get("/widget/price/bitcoin?on=2027-01-10&css=none")

    assert status == 200
    assert "$32,125.06" in html
    assert "$64,250.12" in html
    assert "+100.00%" in html
    async with site.client.get("/widget/price/bitcoin?on=2027-01-10&css=none") as response:
        assert response.headers["Cache-Control"].startswith("public")
        assert "ETag" in response.headers
        assert "script-src 'self'" in response.headers["Content-Security-Policy"]


async def test_now_alone(site: Site) -> None:
    """Without a day nothing is asked of the store, and any currency will do."""
    assert "$1,957.73" in (await site.get("/widget/price/ethereum?currency=usd"))[1]
    assert "BTC" in (await site.get("/widget/price/ethereum"))[1]
    assert site.store.reads == 0


async def test_equal_days_are_read_once(site: Site) -> None:
    """The past is kept ready, so readers of an old article cost the store nothing."""
    for _ in range(3):
        assert (await site.get("/widget/price/bitcoin?on=2027-01-10"))[0] == 200
    assert site.store.reads == 1


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("on=2027-01-09", 200, "—"),
        ("on=yesterday", 400, "on must be a day such as 2026-07-27"),
        ("on=20270110", 400, "on must be a day such as 2026-07-27"),
        ("on=2027-01-16", 400, "not in the future"),
        ("on=1969-12-31", 400, "a day since 1970"),
        ("on=0001-01-01", 400, "a day since 1970"),
        ("on=2027-01-10&on=2027-01-11", 400, "on is given twice"),
        ("on=2027-01-10&currency=eur", 400, "past prices are kept in usd"),
        ("on=2027-01-10&currency=usd", 200, "$32,125.06"),
        ("coins=ethereum", 400, "exclude each other"),
    ],
)
async def test_days(site: Site, query: str, status: int, said: str) -> None:
    """A day we have no price of is "—"; what is no day of the past is refused."""
    found = await site.get(f"/widget/price/bitcoin?{query}")
    assert found[0] == status
    assert said in found[1]


async def test_unknown_coin(site: Site) -> None:
    """Refused before anything is read."""
    assert (await site.get("/widget/price/nope?on=2027-01-10"))[0] == 404
    assert (await site.get("/widget/price/nope"))[0] == 404
    assert site.store.reads == 0


async def test_another_unit() -> None:
    """A day before the coin's unit changed has no price that could stand beside today's."""
    old = Site(Serving())
    old.feed.snapshot = snapshot(coins=tuple(replace(coin, since=NOW - 86_400) for coin in snapshot().coins))
    await old.store.add_points("1d", NOW - 5 * 86_400 + 60, {"bitcoin": Decimal("32125.06")})
    await old.client.start_server()
    status, html = await old.get("/widget/price/bitcoin?on=2027-01-10&css=none")
    assert (status, "32,125" in html, "%" in html) == (200, False, False)
    await old.client.close()


async def test_store_down(site: Site) -> None:
    """The past cannot be read: the page is told to come back, and not told another price."""

    async def fails(*_: object) -> list[Point]:
        raise StoreDown("away")

    site.store.points = fails  # type: ignore[method-assign]
    assert (await site.get("/widget/price/bitcoin?on=2027-01-10"))[0] == 503


async def test_without_history() -> None:
    """A server that has no past says "—" of every day."""
    site = Site(Serving(), past=False)
    await site.client.start_server()
    status, html = await site.get("/widget/price/bitcoin?on=2027-01-10")
    assert (status, "—" in html, "$64,250.12" in html) == (200, True, True)
    await site.client.close()
