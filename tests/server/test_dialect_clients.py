"""The clients of the dialect as their authors publish them, against a real server: every call they have, one by one.

`pycoingecko` and `coingecko-sdk` are used unmodified; only their base URL is changed. What the dialect offers is asked
call by call in `OFFERED_*`; every other call they have gets CoinGecko's 404.
"""

import asyncio
import inspect
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import coingecko_sdk
import pytest
from coingecko_sdk import Coingecko
from loopback import loopback
from pycoingecko import CoinGeckoAPI
from server.test_currencies import with_rates
from snapshots import NOW, price

from ticker.model import CoinId, Point, Snapshot, Step

DOCS = Path(__file__).resolve().parents[2] / "docs" / "coingecko-dialect.md"
WHERE_NOTHING_IS = {"error": inspect.cleandoc("""
    Incorrect path. There are ping, simple/price, simple/supported_vs_currencies, coins/list and coins/markets here
""")}  # fmt: skip


class Week:
    """A store with three hours of bitcoin."""

    async def points(self, coin: CoinId, step: Step, start: float, end: float) -> list[Point]:
        values = ("64100.5", "64198.50", "64250") if (coin, step) == ("bitcoin", "1h") else ()
        return [Point(end - 3600 * (2 - place), Decimal(value)) for place, value in enumerate(values)]


def held() -> Snapshot:
    """Four coins in dollars, euros and pesos; the first with all that a source may tell."""
    told = {"market_cap": Decimal(1276665213556), "volume_24h": Decimal("41286537713.17")}
    told |= {"change_1h": Decimal("0.06"), "high_24h": Decimal("65571.20"), "low_24h": Decimal("63784.16")}
    first = price("bitcoin", "64250.12", **told)
    found = with_rates()
    return with_rates(prices=(first, *found.prices[1:]))


def at_the_server(job: Callable[[str], None], snapshot: Snapshot | None = None) -> None:
    """Let a client do its job, in a thread as a program of its own would, against a server on a real port."""

    async def run() -> None:
        async with loopback(snapshot or held(), past=Week()) as origin:
            await asyncio.to_thread(job, origin)

    asyncio.run(run())


def python_client(origin: str) -> CoinGeckoAPI:
    """`pycoingecko`, told where we are."""
    client = CoinGeckoAPI()
    client.api_base_url = f"{origin}/api/v3/"
    return client


def official_client(origin: str) -> Coingecko:
    """`coingecko-sdk`, told where we are. It wants some key; every one will do."""
    return Coingecko(base_url=f"{origin}/api/v3", demo_api_key="none", max_retries=0)


BITCOIN = {
    "usd": 64250.12,
    "usd_market_cap": 1276665213556,
    "usd_24h_vol": 41286537713.17,
    "usd_24h_change": -1.8712,
    "eur": 51400.096,
    "eur_market_cap": 1021332170844.8,
    "eur_24h_vol": 33029230170.536,
    "eur_24h_change": None,  # nobody knows how the euro moved since yesterday
    "last_updated_at": 1800000000,
}
EVERYTHING = {f"include_{what}": True for what in ("market_cap", "24hr_vol", "24hr_change", "last_updated_at")}
OFFERED_PYTHON: dict[str, tuple[Callable[[CoinGeckoAPI], Any], Any]] = {
    "ping": (lambda api: api.ping(), {"gecko_says": "(V3) To the Moon!"}),
    "get_price": (
        lambda api: api.get_price(
            ids=["pirate-chain", "bitcoin", "openvoicecoin", "no-such-coin"], vs_currencies=["usd", "zzz"]
        ),
        {"bitcoin": {"usd": 64250.12}, "openvoicecoin": {"usd": None}, "pirate-chain": {"usd": 0.00000644}},
    ),
    "get_supported_vs_currencies": (
        lambda api: api.get_supported_vs_currencies(),
        ["btc", "eth", "usd", "ars", "eur", "bits", "sats"],
    ),
    "get_coins_list": (
        lambda api: api.get_coins_list(),
        [
            {"id": "bitcoin", "symbol": "btc", "name": "Bitcoin"},
            {"id": "ethereum", "symbol": "eth", "name": "Ethereum"},
            {"id": "openvoicecoin", "symbol": "openvc", "name": "OpenVoiceCoin"},
            {"id": "pirate-chain", "symbol": "arrr", "name": "Pirate Chain"},
        ],
    ),
    "get_coins_markets": (
        lambda api: [
            (row["id"], row["current_price"], row["market_cap"], row["sparkline_in_7d"])
            for row in api.get_coins_markets("usd", ids=["bitcoin", "ethereum"], sparkline=True)
        ],
        [
            ("bitcoin", 64250.12, 1276665213556, {"price": [64100.5, 64198.5, 64250]}),
            ("ethereum", 1957.73, None, {"price": []}),
        ],
    ),
}


@pytest.mark.parametrize("call", OFFERED_PYTHON)
def test_pycoingecko(call: str) -> None:
    """Each call we offer, through its own method."""
    ask, expected = OFFERED_PYTHON[call]
    at_the_server(lambda origin: _equal(ask(python_client(origin)), expected))


def _equal(found: Any, expected: Any) -> None:
    assert found == expected


def test_pycoingecko_is_told_all_that_it_can_ask_of_a_price() -> None:
    """Two currencies, cap, volume, change, time: exact numbers, null for what nobody knows."""
    at_the_server(
        lambda origin: _equal(python_client(origin).get_price("bitcoin", "usd,eur", **EVERYTHING), {"bitcoin": BITCOIN})
    )


def test_pycoingecko_gets_a_whole_row() -> None:
    """Every key of `coins/markets` is there."""

    def job(origin: str) -> None:
        (row,) = python_client(origin).get_coins_markets("usd", ids="bitcoin", price_change_percentage="1h,24h,30d")
        assert row == {
            "id": "bitcoin",
            "symbol": "btc",
            "name": "Bitcoin",
            "image": "http://127.0.0.1:8080/api/v3/coins/bitcoin/image.svg",
            "current_price": 64250.12,
            "market_cap": 1276665213556,
            "market_cap_rank": None,
            "fully_diluted_valuation": None,
            "total_volume": 41286537713.17,
            "high_24h": 65571.2,
            "low_24h": 63784.16,
            "price_change_24h": -1225.17369563,
            "price_change_percentage_24h": -1.8712,
            "market_cap_change_24h": None,
            "market_cap_change_percentage_24h": None,
            "circulating_supply": None,
            "total_supply": None,
            "max_supply": None,
            "ath": None,
            "ath_change_percentage": None,
            "ath_date": None,
            "atl": None,
            "atl_change_percentage": None,
            "atl_date": None,
            "roi": None,
            "last_updated": "2027-01-15T08:00:00.000Z",
            "price_change_percentage_1h_in_currency": 0.06,
            "price_change_percentage_24h_in_currency": -1.8712,
            "price_change_percentage_30d_in_currency": None,
        }

    at_the_server(job)


def test_pycoingecko_raises_what_it_raises() -> None:
    """A refusal arrives as its `ValueError` with CoinGecko's body."""

    def job(origin: str) -> None:
        api = python_client(origin)
        with pytest.raises(ValueError, match="Missing parameter ids"):
            api.get_price("", "usd")
        with pytest.raises(ValueError, match="Missing parameter vs_currencies"):
            api.get_price("bitcoin", "")
        with pytest.raises(ValueError, match="invalid vs_currency"):
            api.get_coins_markets("zzz")

    at_the_server(job)


def test_pycoingecko_asks_for_515_coins_at_once() -> None:
    """All of them are in one answer; the request line is beyond what any other door takes."""

    def job(origin: str) -> None:
        ids = ["bitcoin", *(f"an-id-of-some-length-{place}" for place in range(514))]
        assert python_client(origin).get_price(ids, "usd") == {"bitcoin": {"usd": 64250.12}}
        with pytest.raises(ValueError, match="at most 515 ids"):
            python_client(origin).get_price([*ids, "ethereum"], "usd")

    at_the_server(job)


def _methods(client: object) -> Iterator[str]:
    return (name for name, _ in inspect.getmembers(client, inspect.ismethod) if not name.startswith("_"))


REFUSED_PYTHON = sorted(set(_methods(CoinGeckoAPI())) - set(OFFERED_PYTHON))


def test_every_other_call_of_pycoingecko_is_not_found() -> None:
    """With CoinGecko's 404 body, which it raises."""

    def job(origin: str) -> None:
        for name in REFUSED_PYTHON:
            method = getattr(python_client(origin), name)
            needed = [
                one for one in inspect.signature(method).parameters.values() if one.kind is one.POSITIONAL_OR_KEYWORD
            ]
            with pytest.raises(ValueError, match="Incorrect path") as raised:
                method(*("1" for _ in needed))
            assert raised.value.args == (WHERE_NOTHING_IS,), name

    at_the_server(job)
    assert len(REFUSED_PYTHON) >= 50


OFFERED_SDK: dict[str, tuple[Callable[[Coingecko], Any], Any]] = {
    "ping.get": (lambda sdk: sdk.ping.get().gecko_says, "(V3) To the Moon!"),
    "simple.price.get": (
        lambda sdk: {
            name: one.to_dict()
            for name, one in sdk.simple.price.get(vs_currencies="usd,eur", ids="bitcoin", **EVERYTHING).items()
        },
        {"bitcoin": BITCOIN},
    ),
    "simple.supported_vs_currencies.get": (
        lambda sdk: sdk.simple.supported_vs_currencies.get(),
        ["btc", "eth", "usd", "ars", "eur", "bits", "sats"],
    ),
    "coins.list.get": (
        lambda sdk: [
            (one.id, one.symbol, one.name, one.platforms) for one in sdk.coins.list.get(include_platform=True)
        ],
        [
            ("bitcoin", "btc", "Bitcoin", {}),
            ("ethereum", "eth", "Ethereum", {}),
            ("openvoicecoin", "openvc", "OpenVoiceCoin", {}),
            ("pirate-chain", "arrr", "Pirate Chain", {}),
        ],
    ),
    "coins.markets.get": (
        lambda sdk: [
            (
                one.id,
                one.current_price,
                one.market_cap,
                one.last_updated,
                one.sparkline_in_7d and one.sparkline_in_7d.price,
            )
            for one in sdk.coins.markets.get(
                vs_currency="usd", per_page=2, sparkline=True, locale="en", precision="full"
            )
        ],
        [
            ("bitcoin", 64250.12, 1276665213556, datetime.fromtimestamp(NOW, UTC), [64100.5, 64198.5, 64250]),
            ("ethereum", 1957.73, None, datetime.fromtimestamp(NOW, UTC), []),
        ],
    ),
}


@pytest.mark.parametrize("call", OFFERED_SDK)
def test_coingecko_sdk(call: str) -> None:
    """Each call we offer, through its own method, into its own types."""
    ask, expected = OFFERED_SDK[call]
    at_the_server(lambda origin: _equal(ask(official_client(origin)), expected))


@pytest.mark.parametrize("call", OFFERED_SDK)
def test_coingecko_sdk_validates_what_it_gets(call: str) -> None:
    """With its own strict validation on, every answer about coins that have a price is of its types."""
    ask, _ = OFFERED_SDK[call]

    def job(origin: str) -> None:
        strict = Coingecko(base_url=f"{origin}/api/v3", demo_api_key="none", _strict_response_validation=True)
        assert ask(strict)

    at_the_server(job)


def test_coingecko_sdk_looks_up_by_name_and_symbol() -> None:
    """The answer calls a coin by the word that was asked for; ids go before names, names before symbols."""

    def job(origin: str) -> None:
        get = official_client(origin).simple.price.get
        assert set(get(vs_currencies="usd", names="bitcoin,Pirate Chain,Nobody")) == {"Bitcoin", "Pirate Chain"}
        assert set(get(vs_currencies="usd", symbols="BTC,arrr")) == {"btc", "arrr"}
        assert set(get(vs_currencies="usd", ids="ethereum", names="Bitcoin", symbols="btc")) == {"ethereum"}

    at_the_server(job)


def test_coingecko_sdk_raises_what_it_raises() -> None:
    """Its own exception classes, by status, with CoinGecko's body."""

    def job(origin: str) -> None:
        sdk = official_client(origin)
        with pytest.raises(coingecko_sdk.UnprocessableEntityError) as missing:
            sdk.simple.price.get(vs_currencies="usd")
        assert missing.value.body == {"error": "Missing parameter ids"}
        with pytest.raises(coingecko_sdk.BadRequestError) as wrong:
            sdk.coins.markets.get(vs_currency="zzz")
        assert wrong.value.body == {"error": "invalid vs_currency"}

    at_the_server(job)


def test_coingecko_sdk_is_told_when_there_is_nothing_yet() -> None:
    """503 before the first snapshot, which it may retry."""

    async def run() -> None:
        async with loopback(None) as origin:
            with pytest.raises(coingecko_sdk.InternalServerError) as raised:
                await asyncio.to_thread(official_client(origin).ping.get)
            assert raised.value.status_code == 503

    asyncio.run(run())


def _calls(resource: object, path: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every call of the official client, by its dotted name."""
    for name in dir(type(resource)):
        if name.startswith(("_", "with_")):
            continue
        value = getattr(resource, name)
        if type(value).__module__.startswith("coingecko_sdk.resources"):
            yield from _calls(value, f"{path}{name}.")
        elif path and inspect.ismethod(value) and name.startswith("get"):
            yield path + name, value


def test_every_other_call_of_the_sdk_is_not_found() -> None:
    """404 with CoinGecko's body."""
    refused: list[str] = []

    def job(origin: str) -> None:
        started = time.monotonic()
        for name, call in _calls(official_client(origin)):
            if name in OFFERED_SDK:
                continue
            needed = [one.name for one in inspect.signature(call).parameters.values() if one.default is one.empty]
            with pytest.raises(coingecko_sdk.NotFoundError) as raised:
                call(**dict.fromkeys(needed, "1"))
            assert raised.value.body == WHERE_NOTHING_IS, name
            refused.append(name)
        assert time.monotonic() - started < 30

    at_the_server(job)
    assert len(refused) > 60


def test_every_call_we_offer_is_in_the_docs() -> None:
    """The table names each of them, as either client calls it."""
    text = DOCS.read_text(encoding="utf-8")
    assert [name for name in (*OFFERED_PYTHON, *OFFERED_SDK) if f"`{name}`" not in text] == []
