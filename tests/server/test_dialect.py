"""The CoinGecko dialect: never a wrong number, exact ones, bounded asks, CoinGecko's own refusals (issue 4, 8)."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from loopback import loopback
from msgspec.structs import replace
from past_store import CountingStore
from server.test_app import Site, start
from server.test_currencies import with_rates
from snapshots import COINS, NOW, price, snapshot

from ticker.currencies import CURRENCIES
from ticker.errors import StoreDown
from ticker.model import Coin, CoinId, Point, Snapshot, Step
from ticker.server.app import Serving
from ticker.server.dialect import answers, asks, refusal
from ticker.server.dialect.answers import number
from ticker.server.dialect.sparks import AGAIN, KEPT, Sparklines
from ticker.server.params import RequestError

BITCOIN = COINS[0]


def simple(found: Snapshot, now: float = NOW, **query: str) -> dict[str, Any]:
    """The answer to a `simple/price`, its numbers as exact decimals."""
    given = {"ids": "bitcoin", "vs_currencies": "usd", **query}
    ask = asks.simple_price(list(given.items()), asks.known(found))
    answer: dict[str, Any] = json.loads(answers.simple_price(found, ask, now), parse_float=Decimal, parse_int=Decimal)
    return answer


def markets(found: Snapshot, now: float = NOW, **query: str) -> list[dict[str, Any]]:
    """The answer to a `coins/markets`, likewise."""
    ask = asks.markets(list({"vs_currency": "usd", **query}.items()), asks.known(found))
    answer: list[dict[str, Any]] = json.loads(
        answers.markets(found, ask, now, "https://x.example", answers.no_sparks), parse_float=Decimal, parse_int=Decimal
    )
    return answer


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        ("64250.12", None, "64250.12"),
        ("1957.730", None, "1957.73"),
        ("64250.00", None, "64250"),
        ("1E+9", None, "1000000000"),
        ("6.44E-15", None, "0.00000000000000644"),
        ("0.1234567890123456789012345", None, "0.1234567890123456789012345"),
        ("64250.125", 2, "64250.12"),
        ("64250.12", 0, "64250"),
        ("0.00000644", 2, "0.00000644"),
        ("0.00000644", 7, "0.0000064"),
        ("-0.00", None, "0"),
        ("NaN", None, None),
    ],
)
def test_numbers_are_exact_and_in_digits(value: str, places: int | None, text: str | None) -> None:
    """Neither a float's error nor an exponent; rounding never makes nothing of something."""
    found = number(Decimal(value), places)

    assert (None if found is None else msgspec.json.encode(found).decode()) == text


def test_a_price_goes_down_the_ladder() -> None:
    """Live and delayed as it is; stale without its change, as CoinGecko tells it; gone: null, with its time."""
    asked = {"include_24hr_change": "true", "include_last_updated_at": "true", "include_market_cap": "true"}
    found = snapshot(prices=(price("bitcoin", "64250.12", market_cap=Decimal(7)), *snapshot().prices[1:]))
    rungs = [simple(found, NOW + after, **asked)["bitcoin"] for after in (0, 119, 299, 3599, 3600)]
    live, stale, gone = (Decimal("64250.12"), Decimal("-1.8712")), (Decimal("64250.12"), None), (None, None)

    assert [(rung["usd"], rung["usd_24h_change"]) for rung in rungs] == [live, live, live, stale, gone]
    assert [rung["usd_market_cap"] for rung in rungs] == [7, 7, 7, 7, None]
    assert {rung["last_updated_at"] for rung in rungs} == {NOW}
    rows = [markets(found, NOW + after, ids="bitcoin", price_change_percentage="24h")[0] for after in (0, 3599, 3600)]
    keys = ("current_price", "price_change_percentage_24h", "price_change_percentage_24h_in_currency")
    assert [tuple(row[key] for key in keys) for row in rows] == [(*live, live[1]), (*stale, None), (*gone, None)]


def test_a_disputed_price_is_none_here() -> None:
    """Nothing in the answer could say that the last good price is not the price; whether coin or rate is disputed."""
    disputed = snapshot(prices=(price("bitcoin", "64250.12", agreement="disputed"), *snapshot().prices[1:]))
    euro = price("eur", "1.25", agreement="disputed")

    assert simple(disputed, include_last_updated_at="true") == {"bitcoin": {"usd": None, "last_updated_at": NOW}}
    assert markets(disputed, ids="bitcoin")[0]["current_price"] is None
    assert simple(with_rates(euro), vs_currencies="usd,eur") == {"bitcoin": {"usd": Decimal("64250.12"), "eur": None}}


def test_what_nobody_has_is_left_out_and_what_nobody_knows_is_null() -> None:
    """An unknown id or currency is missing from the answer; a coin without a price and a rate without one are null."""
    found = simple(snapshot(), ids="bitcoin,openvoicecoin,dogecoin", vs_currencies="usd,gbp,zzz")

    assert found == {
        "bitcoin": {"usd": Decimal("64250.12"), "gbp": None},
        "openvoicecoin": {"usd": None, "gbp": None},
    }
    assert simple(snapshot(), vs_currencies="zzz") == {"bitcoin": {}}


def test_equal_asks_are_one_variant() -> None:
    """Order, doubling, blanks, unknown names and unknown ids make no difference."""
    there = asks.known(snapshot())
    one = asks.simple_price([("ids", "ethereum,bitcoin"), ("vs_currencies", "usd,eur")], there)
    query = [("x_cg_demo_api_key", "k"), ("vs_currencies", "EUR, usd,usd,q"), ("ids", "bitcoin,ethereum,bitcoin,nope")]

    assert asks.simple_price(query, there) == one
    pages = {asks.markets([("vs_currency", "usd"), ("page", page)], there) for page in ("2", "3", "999999999")}
    assert len(pages) == 1


def test_a_symbol_that_two_coins_bear_names_neither() -> None:
    """In `simple/price` nobody could tell which is meant; rows of `coins/markets` say their ids, if asked for all."""
    twice = snapshot(
        coins=(*COINS, Coin("bitcoin-two", "Bitcoin", "btc")), prices=(*snapshot().prices, price("bitcoin-two", "1"))
    )

    assert simple(twice, ids="", symbols="btc,eth") == {"eth": {"usd": Decimal("1957.73")}}
    assert simple(twice, ids="", names="Bitcoin") == {}
    assert markets(twice, symbols="btc") == []
    assert [row["id"] for row in markets(twice, symbols="btc", include_tokens="all")] == ["bitcoin", "bitcoin-two"]


def sized() -> Snapshot:
    """Four coins of different size, of which one is not known."""
    sizes = {"bitcoin": (30, 1), "ethereum": (20, 3), "pirate-chain": (10, 2)}
    return snapshot(
        prices=tuple(
            price(coin.id, "1", market_cap=Decimal(sizes[coin.id][0]), volume_24h=Decimal(sizes[coin.id][1]))
            if coin.id in sizes
            else price(coin.id, None)
            for coin in COINS
        )
    )


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("market_cap_desc", "bitcoin ethereum pirate-chain openvoicecoin"),
        ("market_cap_asc", "pirate-chain ethereum bitcoin openvoicecoin"),
        ("volume_desc", "ethereum pirate-chain bitcoin openvoicecoin"),
        ("volume_asc", "bitcoin pirate-chain ethereum openvoicecoin"),
        ("id_asc", "bitcoin ethereum openvoicecoin pirate-chain"),
        ("id_desc", "pirate-chain openvoicecoin ethereum bitcoin"),
        ("gecko_desc", "bitcoin ethereum pirate-chain openvoicecoin"),
    ],
)
def test_order(order: str, expected: str) -> None:
    """What is not known comes last either way."""
    assert [row["id"] for row in markets(sized(), order=order)] == expected.split()


def test_pages() -> None:
    """Cut at the page; past the end there is an empty list; more than 250 a page is cut to it in silence."""
    assert [row["id"] for row in markets(sized(), per_page="2", page="2")] == ["pirate-chain", "openvoicecoin"]
    assert markets(sized(), per_page="2", page="3") == []
    assert asks.markets([("vs_currency", "usd"), ("per_page", "9999")], asks.known(sized())).per_page == 250


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ({}, "missing_parameter", "Missing parameter ids"),
        ({"ids": "bitcoin"}, "missing_parameter", "Missing parameter vs_currencies"),
        ({"ids": ",".join("a" * 516), "vs_currencies": "usd"}, "too_many", "at most 515 ids"),
        ({"ids": "bitcoin", "vs_currencies": "usd", "precision": "19"}, "bad_parameter", "invalid precision"),
        ({"ids": "b", "vs_currencies": "usd", "include_24hr_vol": "2"}, "bad_parameter", "invalid include_24hr_vol"),
    ],
)
def test_refusals_of_simple_price(query: dict[str, str], code: str, message: str) -> None:
    """In CoinGecko's words where it has some."""
    with pytest.raises(RequestError) as raised:
        asks.simple_price(list(query.items()), asks.known(snapshot()))
    assert (raised.value.code, raised.value.message) == (code, message)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("vs_currency", "zzz"),
        ("order", "best"),
        ("per_page", "0"),
        ("per_page", "²"),
        ("page", "-1"),
        ("page", "1" * 5000),
        ("sparkline", "yes"),
        ("price_change_percentage", "2h"),
        ("include_tokens", "some"),
        ("precision", "-1"),
    ],
)
def test_refusals_of_markets(name: str, value: str) -> None:
    """A wrong value of a known name is refused, never guessed at."""
    with pytest.raises(RequestError, match=f"invalid {name}"):
        asks.markets(list({"vs_currency": "usd", "symbols": "btc", name: value}.items()), asks.known(snapshot()))


def test_a_category_is_refused() -> None:
    """To ignore it would answer with coins that were not asked for; an empty one is none."""
    there = asks.known(snapshot())
    with pytest.raises(RequestError, match="no categories"):
        asks.markets([("vs_currency", "usd"), ("category", "layer-1")], there)
    assert asks.markets([("vs_currency", "usd"), ("category", "")], there).coins is None


def test_too_many_requests_have_a_shape_of_their_own() -> None:
    """As CoinGecko's 429, which clients look into."""
    assert json.loads(refusal(RequestError("rate_limited", "slower, please"))) == {
        "status": {"error_code": 429, "error_message": "slower, please"}
    }


def test_an_answer_is_bounded() -> None:
    """515 coins in ten currencies, or 68 coins in all; not both."""
    coins = tuple(Coin(f"coin-{i}", f"Coin {i}", f"C{i}") for i in range(515))
    there = asks.known(snapshot(coins=coins, prices=tuple(price(coin.id, "1") for coin in coins)))
    ids, codes = ",".join(coin.id for coin in coins), ",".join(CURRENCIES)
    ten = ",".join(list(CURRENCIES)[:10])

    assert len(asks.simple_price([("ids", ids), ("vs_currencies", ten)], there).currencies) == 10
    assert len(asks.simple_price([("ids", ",".join(ids.split(",")[:68])), ("vs_currencies", codes)], there).coins) == 68
    with pytest.raises(RequestError, match="at most 5150 prices"):
        asks.simple_price([("ids", ids), ("vs_currencies", codes)], there)


class Hours:
    """A store that counts its readers."""

    def __init__(self) -> None:
        self.reads, self.down = 0, False

    async def points(self, coin: CoinId, step: Step, start: float, end: float) -> list[Point]:
        self.reads += 1
        await asyncio.sleep(0)
        if self.down:
            raise StoreDown("the store is down")
        return [Point(end, Decimal(self.reads))]


async def test_sparklines_are_read_once_and_survive_the_store() -> None:
    """A crowd reads once; a store that is down takes nothing away, and is asked again after a while."""
    store, now = Hours(), [NOW]
    sparks = Sparklines(store, lambda: now[0])
    await asyncio.gather(*(sparks.read([BITCOIN]) for _ in range(20)))
    assert (store.reads, sparks.of(BITCOIN)) == (1, (Decimal(1),))
    store.down, now[0] = True, NOW + KEPT
    await sparks.read([BITCOIN])
    await sparks.read([BITCOIN])
    assert (store.reads, sparks.of(BITCOIN)) == (2, (Decimal(1),))
    store.down, now[0] = False, now[0] + AGAIN
    await sparks.read([BITCOIN])
    assert sparks.of(BITCOIN) == (Decimal(3),)


async def test_a_sparkline_is_in_the_unit_of_now() -> None:
    """From the moment that a coin is counted otherwise, what was read before is gone, and read anew from there."""
    store, changed = CountingStore(), replace(BITCOIN, since=NOW - 1800)
    for before, value in ((7200.0, 65_000_000), (3600.0, 64_000_000), (0.0, 65_000)):
        await store.add_points("1h", NOW - before, {"bitcoin": Decimal(value)})
    sparks = Sparklines(store, lambda: NOW)
    await sparks.read([BITCOIN])
    assert len(sparks.of(BITCOIN)) == 3
    assert sparks.of(changed) == ()
    await sparks.read([changed])
    assert (sparks.of(changed), sparks.of(BITCOIN)) == ((Decimal(65_000),), ())


PATHS = [
    "/ping",
    "/simple/price?ids=bitcoin&vs_currencies=usd",
    "/simple/supported_vs_currencies",
    "/coins/list",
    "/coins/markets?vs_currency=usd",
    "/coins/bitcoin/image.svg",
]


@pytest.fixture
async def site() -> Any:
    """A site with four coins."""
    found = await start(snapshot())
    yield found
    await found.client.close()


@pytest.mark.parametrize("path", PATHS)
async def test_every_call_is_cached_and_shared_like_ours(site: Site, path: str) -> None:
    """The cache contract, CORS, an ETag that gives 304, HEAD."""
    status, headers, text = await site.get("/api/v3" + path)
    assert (status, bool(text)) == (200, True)
    assert headers["Cache-Control"] == "public, max-age=5, s-maxage=10, stale-while-revalidate=60, stale-if-error=300"
    assert (headers["Vary"], headers["Access-Control-Allow-Origin"]) == ("Accept-Encoding", "*")
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert (await site.get("/api/v3" + path, If_None_Match=headers["ETag"]))[0] == 304
    async with site.client.head("/api/v3" + path, headers={"Accept-Encoding": "identity"}) as response:
        assert (response.status, response.headers["ETag"]) == (200, headers["ETag"])


async def test_a_new_snapshot_reaches_the_dialect(site: Site) -> None:
    """The shelf of the dialect goes over to it with the others."""
    path = "/api/v3/simple/price?ids=bitcoin&vs_currencies=usd"
    for _ in range(5):
        assert json.loads((await site.get(path))[2]) == {"bitcoin": {"usd": 64250.12}}
    await site.settle(snapshot(2, prices=(price("bitcoin", "65000"), *snapshot().prices[1:])))

    assert json.loads((await site.get(path))[2]) == {"bitcoin": {"usd": 65000}}


async def test_a_coin_that_was_removed_is_left_out_of_what_was_asked_for(site: Site) -> None:
    """The answer that stands ready is built without it, not lost."""
    path = "/api/v3/simple/price?ids=bitcoin,ethereum&vs_currencies=usd"
    for _ in range(3):
        await site.get(path)
    await site.settle(snapshot(2, coins=COINS[1:], shown=(), prices=snapshot().prices[1:]))

    assert json.loads((await site.get(path))[2]) == {"ethereum": {"usd": 1957.73}}
    assert (await site.get("/api/v3/coins/bitcoin/image.svg"))[0] == 404


async def test_refusals_have_coingeckos_bodies(site: Site) -> None:
    """`{"error": "…"}` with its status, never stored, readable by any page."""
    for path, status in [
        ("", 404),
        ("/coins/bitcoin", 404),
        ("/simple/price", 422),
        ("/coins/markets?vs_currency=zzz", 400),
    ]:
        found, headers, text = await site.get("/api/v3" + path)
        assert (found, headers["Cache-Control"]) == (status, "no-store")
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert set(json.loads(text)) == {"error"}


async def test_before_the_first_snapshot() -> None:
    """503, which clients retry."""
    site = await start(None)
    for path in PATHS:
        status, headers, text = await site.get("/api/v3" + path)
        assert (status, headers["Retry-After"], set(json.loads(text))) == (503, "2", {"error"})
    await site.client.close()


async def test_the_dialect_can_be_switched_off() -> None:
    """`[server] dialect = false`: there is nothing at its paths."""
    site = await start(snapshot(), Serving(dialect=False))
    assert {(await site.get("/api/v3" + path))[0] for path in PATHS} == {404}
    await site.client.close()


@pytest.mark.parametrize(
    ("path", "length", "status"),
    [
        ("/v1/prices?x=", 2048, 200),
        ("/v1/prices?x=", 2049, 414),
        ("/widget/list?x=", 2049, 414),
        ("/api/v3/ping?x=", 16384, 200),
        ("/api/v3/ping?x=", 16385, 414),
        ("/api/v30?x=", 2049, 414),
    ],
)
async def test_a_request_line_has_the_length_of_its_path(path: str, length: int, status: int) -> None:
    """2 KiB, and 16 KiB on the dialect; longer is refused in the form of the door."""
    async with loopback(snapshot()) as origin:
        host, port = origin.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        start_, end = f"GET {path}", " HTTP/1.1"
        line = start_ + "y" * (length - len(start_) - len(end)) + end
        writer.write(f"{line}\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = (await asyncio.wait_for(reader.read(), 10)).decode()
        writer.close()

    assert len(line) == length
    assert answer.split()[1] == str(status)
    assert ("no-store" in answer) == (status == 414)
