"""The widgets over real HTTP: lines and charts of our own history, sorted and paged tables, looks, the gallery."""

import asyncio
import re
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp.test_utils import TestClient, TestServer
from fakes import Clock
from past_store import CountingStore
from snapshots import NOW, price, snapshot

from ticker.conversion import rate_of
from ticker.model import Coin
from ticker.server import gallery
from ticker.server.app import Serving, make_app
from ticker.server.params import DEFAULTS, Ask, Defaults, RequestError, widget
from ticker.server.pictures import Pictures, in_order, query
from widgets import render

HOUR, DAY = 3600.0, 86_400.0
MANY = tuple(Coin(f"coin{n}", f"Coin {n:02}", f"C{n}") for n in range(45))


def many() -> Any:
    """Forty-five coins, all in the list, dearer the later they come; the last has no price."""
    prices = tuple(
        price(coin.id, str(n + 1), market_cap=Decimal(1000 - n), change_1h=Decimal(n % 7))
        for n, coin in enumerate(MANY[:-1])
    )
    return snapshot(coins=MANY, shown=tuple(coin.id for coin in MANY), prices=(*prices, price(MANY[-1].id, None)))


class Feed:
    """A feed that stands still."""

    def __init__(self, held: Any) -> None:
        self.snapshot = held

    def subscribe(self, _: object) -> Any:
        return lambda: None


class Site:
    """A running application and its store."""

    def __init__(self, client: Any, store: CountingStore) -> None:
        self.client, self.store = client, store

    async def get(self, path: str) -> tuple[int, Any, str]:
        """Status, headers and text."""
        async with self.client.get(path) as response:
            return response.status, response.headers, await response.text()

    async def until(self, path: str, words: str) -> str:
        """The text of a path as soon as it has these words."""
        async with asyncio.timeout(10):
            while words not in (text := (await self.get(path))[2]):  # noqa: ASYNC110 - it is remote
                await asyncio.sleep(0.01)
        return text


async def start(held: Any, **serving: Any) -> Site:
    """A site on a free port over an empty store."""
    store = CountingStore()
    app = make_app(Feed(held), Serving(**serving), Clock(), past=store)  # type: ignore[arg-type]
    client: Any = TestClient(TestServer(app))
    await client.start_server()
    return Site(client, store)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """Four coins, Bitcoin with a day of minutes, a week of hours and a month of days."""
    found = await start(snapshot())
    for step, width, count in (("1m", 60.0, 1440), ("1h", HOUR, 169), ("1d", DAY, 31)):
        await found.store.fill("bitcoin", step, width, count, NOW - 1)  # type: ignore[arg-type]
    yield found
    await found.client.close()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/widget/list?show=name,price,spark", 'data-direction="down"'),
        ("/embed/card/bitcoin", 'preserveAspectRatio="none" data-direction="down"'),  # as its change
        ("/widget/table?show=name,spark", 'data-direction="up"'),  # of seven days
        ("/widget/chart/bitcoin", 'class="mp-plot"'),
        ("/embed/chart/bitcoin?range=7d", 'class="mp-grid"'),
        ("/embed/chart?range=30d&css=none", 'class="mp-grid"'),
    ],
)
async def test_lines_and_charts_come_by_themselves(site: Site, path: str, words: str) -> None:
    """The first answer does not wait for the store; as soon as the past is there, the next one has it."""
    site.store.gate.clear()
    status, _, text = await site.get(path)
    assert (status, words in text) == (200, False)
    site.store.gate.set()
    await site.until(path, words)


async def test_no_request_asks_the_store(site: Site) -> None:
    """However many are made, in however many variants: what is drawn is read once, in the background (rule 28)."""
    await site.until("/widget/chart/bitcoin?css=none", 'class="mp-plot"')
    reads = len(site.store.reads)
    for n in range(60):
        assert (await site.get(f"/widget/chart/bitcoin?title=t{n}"))[0] == 200
    assert len(site.store.reads) == reads


async def test_a_chart_ends_with_the_price_of_now(site: Site) -> None:
    """The line and the figure above it do not contradict each other."""
    text = await site.until("/widget/chart/bitcoin?css=none", 'class="mp-plot"')
    assert re.search(r"Bitcoin: from \$[\d,.]+ to \$64,250\.12", text)


async def test_no_line_in_a_coin(site: Site) -> None:
    """In the currency of a coin the past has another shape, which nobody knows: no line rather than a wrong one."""
    found = snapshot()
    assert rate_of(found, "btc") is not None
    await site.until("/widget/list?show=name,spark", 'data-direction="down"')
    assert "mp-spark" not in (await site.get("/widget/list?show=name,price,spark&currency=btc&css=none"))[2]


async def test_a_table_is_sorted_and_paged_without_script() -> None:
    """Its own links lead from page to page, each coin is on one of them, and what is unknown comes last."""
    site = await start(many())
    seen: list[str] = []
    path = "/embed/table?sort=-price&limit=20&css=none&locale=de"
    while path:
        status, _, text = await site.get(path)
        assert status == 200
        seen += re.findall(r'data-coin="([a-z0-9]+)"', text)
        (path,) = re.findall(r'href="([^"]+)" rel="nofollow">Weiter<', text) or [""]
        path = path.replace("&amp;", "&")
    assert seen == [f"coin{n}" for n in range(43, -1, -1)] + ["coin44"]
    await site.client.close()


async def test_a_page_that_is_no_more_is_the_last(site: Site) -> None:
    """Coins may have been removed since the link was made."""
    status, _, text = await site.get("/widget/table?page=9&limit=2&css=none")
    assert (status, "Page 2 of 2" in text) == (200, True)


@pytest.mark.parametrize(
    ("sort", "first", "last"),
    [("price", 0, 44), ("-price", 43, 44), ("-cap", 0, 44), ("cap", 43, 44), ("name", 0, 44), ("-name", 44, 0)],
)
def test_sorting(sort: str, first: int, last: int) -> None:
    """By any column, both ways; what has no figure is never on top."""
    board = Pictures("https://p.example").board("table", many(), Ask(sort=sort, limit=None), NOW)
    assert (board.rows[0].coin, board.rows[-1].coin) == (f"coin{first}", f"coin{last}")


def test_equals_keep_their_order() -> None:
    """The operator's."""
    rows = Pictures("").board("table", many(), Ask(), NOW).rows
    ones = [row.coin for row in in_order(rows, "-1h") if row.changes[0] == 3]
    assert ones == [f"coin{n}" for n in range(44) if n % 7 == 3]


def test_a_page_is_as_of_its_own_oldest_price() -> None:
    """Not of one on another page."""
    prices = (
        price("bitcoin", "1", NOW - 90),
        price("ethereum", "1"),
        price("pirate-chain", "1"),
        price("openvoicecoin", None),
    )
    pictures = Pictures("")
    times = [pictures.board("table", snapshot(prices=prices), Ask(limit=1, page=n), NOW).as_of for n in (1, 2)]
    assert [at.timestamp() for at in times if at] == [NOW - 90, NOW]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ([], {}),
        ([("theme", "dark"), ("look", "news"), ("up", "blue")], {"theme": "dark", "look": "news", "up": "blue"}),
        ([("coins", "bitcoin,ethereum"), ("limit", "5")], {"coins": "bitcoin,ethereum", "limit": "5"}),
        ([("title", ""), ("css", "link"), ("sort", "-cap"), ("page", "2")], {"title": ""}),
        ([("show", "name,price"), ("locale", "de")], {"show": "name,price", "locale": "de"}),
    ],
)
def test_links_carry_what_was_asked_for(asked: list[tuple[str, str]], expected: dict[str, str]) -> None:
    """No more and no less, and asking so again is asking the same."""
    ask = widget(asked, None, DEFAULTS, "table")
    carried = query("table", ask, DEFAULTS)
    assert dict(carried) == expected
    again = widget(list(carried), None, DEFAULTS, "table")
    assert (again.coins, again.show, again.title, again.look) == (ask.coins, ask.show, ask.title, ask.look)


def test_links_know_the_operators_choices() -> None:
    """What is the default here needs not be said."""
    chosen = Defaults(title="Kurse", locale="de", up="red")
    assert query("table", widget([], None, chosen, "table"), chosen) == ()
    assert dict(query("table", widget([("locale", "en")], None, chosen, "table"), chosen)) == {"locale": "en"}


@pytest.mark.parametrize("kind", ["card", "converter", "chart"])
async def test_kinds_of_one_coin_show_the_first(site: Site, kind: str) -> None:
    """Unless more are named, up to six."""
    assert set(re.findall(r'data-coin="([a-z-]+)"', (await site.get(f"/widget/{kind}"))[2])) == {"bitcoin"}
    two = (await site.get(f"/widget/{kind}?coins=ethereum,bitcoin"))[2]
    assert list(dict.fromkeys(re.findall(r'data-coin="([a-z-]+)"', two))) == ["ethereum", "bitcoin"]
    assert (await site.get(f"/widget/{kind}?coins=a,b,c,d,e,f,g"))[0] == 400


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("list", "look", "pink"),
        ("list", "density", "dense"),
        ("list", "up", "pink"),
        ("table", "sort", "rank"),
        ("table", "sort", "--cap"),
        ("table", "page", "0"),
        ("table", "page", "100"),
        ("chart", "range", "1y"),
        ("chart", "limit", "7"),
    ],
)
def test_wrong_values_are_refused(kind: str, name: str, value: str) -> None:
    """By name."""
    with pytest.raises(RequestError) as caught:
        widget([(name, value)], None, DEFAULTS, kind)
    assert (caught.value.code, caught.value.param) == ("bad_parameter", name)


@pytest.mark.parametrize(
    ("kind", "name", "value"), [("list", "sort", "-cap"), ("list", "range", "7d"), ("chart", "page", "2")]
)
def test_parameters_of_other_kinds_are_unknown(kind: str, name: str, value: str) -> None:
    """And never part of a key."""
    assert widget([(name, value)], None, DEFAULTS, kind) == widget([], None, DEFAULTS, kind)


async def test_looks_reach_the_page_and_its_policy(site: Site) -> None:
    """The style of the look is in the page, allowed by its hash."""
    for look in render.LOOKS:
        _, headers, text = await site.get(f"/embed/table?look={look}")
        assert (f'data-look="{look}"' in text) == (look != "card")
        assert render.style_hash("table", look) in headers["Content-Security-Policy"]


async def test_the_external_style(site: Site) -> None:
    """Of list and label at its old address, of the others at their own, which their fragments name."""
    assert (await site.get("/embed.css"))[2] == render.stylesheet()
    for kind in render.KINDS:
        for look in ("card", "glass"):
            _, _, text = await site.get(f"/widget/{kind}?css=link&look={look}")
            (address,) = re.findall(r'<link rel="stylesheet" href="([^"]+)">', text)
            parts = urlsplit(address.replace("&amp;", "&"))
            _, headers, sheet = await site.get(f"{parts.path}?{parts.query}")
            assert headers["Content-Type"].startswith("text/css")
            assert f"[data-kind={kind}]" in sheet
            assert (".mp.mp[data-look=glass]" in sheet) == (look == "glass")
    assert (await site.get("/embed.css?kind=cat"))[0] == 400


async def test_the_gallery(site: Site) -> None:
    """Every kind, light and dark, as it really is; what is picked is a link; nobody may frame it."""
    status, headers, text = await site.get("/gallery?look=news&up=blue&locale=fa")
    assert status == 200
    for kind in render.KINDS:
        assert len(re.findall(f'data-kind="{kind}" data-theme="(light|dark)" data-up="blue"', text)) == 2
    assert "<script" not in text
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "gallery?look=news&amp;up=blue&amp;locale=fa&amp;density=compact" in text
    for path in re.findall(r'class="address" href="([^"]+)"', text):
        assert (await site.get("/" + path.replace("&amp;", "&")))[0] == 200
    assert (await site.get("/gallery?look=pink"))[0] == 400


async def test_the_gallery_of_simulated_prices_says_so() -> None:
    """As every page."""
    site = await start(snapshot(simulated=True))
    assert "These prices are simulated" in (await site.get("/gallery"))[2]
    await site.client.close()


def test_every_kind_is_explained() -> None:
    """A new kind needs a sentence in the gallery."""
    assert set(gallery._SAID) == set(render.KINDS)


@pytest.fixture
async def new() -> AsyncIterator[Site]:
    """Bitcoin with an hour of our own and, before it, a week of hours that one source told us."""
    found = await start(snapshot())
    for step, width in (("1m", 60.0), ("1h", HOUR)):
        await found.store.fill("bitcoin", step, width, 2, NOW - 1)  # type: ignore[arg-type]
    await found.store.fill("fill:bitcoin", "1h", HOUR, 168)
    yield found
    await found.client.close()


@pytest.mark.parametrize("range_", ["24h", "7d"])
async def test_a_new_install_has_charts(new: Site, range_: str) -> None:
    """What one source said stands before our own, dotted; its figures are nowhere on the page."""
    text = await new.until(f"/widget/chart/bitcoin?range={range_}&css=none&show=name", 'class="mp-told"')
    told = re.findall(r'class="mp-told" d="([^"]+)"', text)
    assert told[0].count("l") >= 23
    assert "$834" not in text  # the first of the hours


async def test_a_new_install_has_lines(new: Site) -> None:
    """Of 24 hours and of 7 days."""
    for path in ("/widget/list?show=name,spark&css=none", "/widget/table?show=name,spark&css=none"):
        text = await new.until(path, "vector-effect")
        assert len(re.findall(r"l-?\d+ -?\d+", text)) >= 20


async def test_hours_of_one_source_are_no_history(new: Site) -> None:
    """`/v1/history`, the price of another day and the dialect have our own points only."""
    points = (await new.get("/v1/history/bitcoin?step=1h"))[2]
    assert len(re.findall(r'\["', points)) == 2
    assert (await new.get("/v1/history/fill:bitcoin?step=1h"))[0] == 404
    sparks = (await new.get("/api/v3/coins/markets?vs_currency=usd&ids=bitcoin&sparkline=true"))[2]
    assert re.findall(r'"sparkline_in_7d":\{"price":\[([^]]*)\]', sparks)[0].count(",") == 1


async def test_no_hours_without_their_credit(new: Site) -> None:
    """A source is drawn only where its line is shown."""
    uncredited = await start(snapshot(credits=()))
    uncredited.store.history = new.store.history
    text = await uncredited.until("/widget/chart/bitcoin?css=none&range=7d", 'class="mp-plot"')
    assert "mp-told" not in text
    await uncredited.client.close()


async def test_no_hours_from_before_a_change_of_unit(new: Site) -> None:
    """They were counted otherwise, however they came into the store."""
    coins = (Coin("bitcoin", "Bitcoin", "BTC", since=NOW - 3000), *snapshot().coins[1:])
    changed = await start(snapshot(coins=coins))
    changed.store.history = new.store.history
    text = await changed.until("/widget/chart/bitcoin?css=none", 'class="mp-plot"')
    assert "mp-told" not in text
    await changed.client.close()
