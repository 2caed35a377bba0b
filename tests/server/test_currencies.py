"""Prices in other currencies, over HTTP and on boards: every figure, the rate's day, the credits, the absence."""

import json
from decimal import Decimal
from typing import Any

import pytest
from server.test_app import Site, start
from snapshots import NOW, price, snapshot

from ticker.currencies import CURRENCIES, RATED
from ticker.model import Credit, Price, Snapshot
from ticker.server import views
from ticker.server.app import Serving
from ticker.server.params import Ask, Defaults

DAY = 86_400.0
FRIDAY = NOW - 2 * DAY
LADDER = {"live_until": NOW + 7 * DAY, "delayed_until": NOW + 9 * DAY, "gone_at": NOW + 9 * DAY, "change_24h": None}
COINGECKO = Credit("coingecko", "Data provided by CoinGecko", "https://www.coingecko.com")
BANK = Credit("ecb", "Based on ECB reference rates", "https://www.ecb.europa.eu")
OPEN = Credit("openerapi", "Rates By Exchange Rate API", "https://www.exchangerate-api.com")
ALIKE = Credit("coingeckorates", COINGECKO.text, COINGECKO.url)


def with_rates(*rates: Price, **more: object) -> Snapshot:
    """Four coins, the euro at 1.25 and the peso at 0.001 dollars as of Friday, and all credits."""
    euro = price("eur", "1.25", FRIDAY, **LADDER, sources=("coingeckorates", "ecb"), agreement="degraded")
    peso = price("ars", "0.001", FRIDAY, **LADDER, sources=("openerapi",), agreement="single")
    given: dict[str, Any] = {"rates": rates or (euro, peso), "credits": (COINGECKO, BANK, OPEN, ALIKE), **more}
    return snapshot(**given)


def shown(currency: str, found: Snapshot | None = None, now: float = NOW) -> dict[str, Any]:
    """The first price of the JSON."""
    first: dict[str, Any] = views.prices_json(found or with_rates(), Ask(currency=currency), now)["prices"][0]
    return first


def test_a_price_in_euros_key_by_key() -> None:
    """Converted at the settled rate, as of the rate's own day; a change that nobody knows is null, not the dollar's."""
    one = price("bitcoin", "64250.12", high_24h=Decimal(65000), market_cap=Decimal(1_250_000_000))
    found = shown("eur", with_rates(prices=(one, *snapshot().prices[1:])))

    assert found == {
        "id": "bitcoin",
        "symbol": "BTC",
        "name": "Bitcoin",
        "price": "51400.096",
        "currency": "eur",
        "currency_as_of": "2027-01-13T08:00:00.000Z",
        "change_1h": None,
        "change_24h": None,
        "change_7d": None,
        "high_24h": "52000",
        "low_24h": None,
        "volume_24h": None,
        "market_cap": "1000000000",
        "freshness": "live",
        "agreement": "ok",
        "confidence": "0.0008",
        "sources": {"used": 5, "total": 7},
        "as_of": "2027-01-15T08:00:00.000Z",
        "live_until": "2027-01-15T08:02:00.000Z",
        "delayed_until": "2027-01-15T08:05:00.000Z",
        "gone_at": "2027-01-15T09:00:00.000Z",
        "clock_suspect": False,
    }


def test_a_rate_of_one_group_is_labelled() -> None:
    """At most "single", on the board as well."""
    assert (shown("ars")["agreement"], shown("ars")["price"]) == ("single", "64250120")
    assert {row.agreement for row in views.board(with_rates(), Ask(currency="ars"), NOW).rows} == {"single"}


def test_a_rate_that_is_gone_takes_the_prices_along() -> None:
    """At its last deadline the board turns to "—" by itself, with a price of now in every coin."""
    end = FRIDAY + 3600
    soon = price("eur", "1.25", FRIDAY, live_until=end - 60, delayed_until=end - 30, gone_at=end)
    late = with_rates(soon, prices=tuple(price(c.id, "1", end - 70) for c in snapshot().coins))
    board = views.board(late, Ask(currency="eur"), end)

    assert views.next_deadline(late, end - 61) == end - 60
    assert [shown("eur", late, end - left)["freshness"] for left in (61, 60, 30, 0)] == [
        "live",
        "delayed",
        "stale",
        "none",
    ]
    assert {row.price for row in board.rows} == {None}
    assert board.rate is None
    assert shown("usd", late, end)["price"] == "1"


def test_a_currency_nobody_gives() -> None:
    """Null, 200, no credit of a rate; the coins' own credit stays."""
    found = views.prices_json(with_rates(), Ask(currency="gbp"), NOW)

    assert {one["price"] for one in found["prices"]} == {None}
    assert {one["currency_as_of"] for one in found["prices"]} == {None}
    assert [one["source"] for one in found["credits"]] == ["coingecko"]


@pytest.mark.parametrize(
    ("currency", "sources", "lines"),
    [
        ("usd", ["coingecko"], [COINGECKO.text]),
        ("btc", ["coingecko"], [COINGECKO.text]),
        ("eur", ["coingecko", "ecb", "coingeckorates"], [COINGECKO.text, BANK.text]),
        ("ars", ["coingecko", "openerapi"], [COINGECKO.text, OPEN.text]),
    ],
)
def test_credits_are_those_of_the_rate_used(currency: str, sources: list[str], lines: list[str]) -> None:
    """A board in dollars owes the bank nothing; one operator's line stands once on a board."""
    ask = Ask(currency=currency)
    assert [one["source"] for one in views.prices_json(with_rates(), ask, NOW)["credits"]] == sources
    assert [one.text for one in views.board(with_rates(), ask, NOW).credits] == lines


def test_the_board_tells_the_rate_and_its_day() -> None:
    """What a euro was counted at, as of Friday; the board's own time stays that of its prices."""
    board = views.board(with_rates(), Ask(currency="eur"), NOW)

    assert (board.currency, board.rate) == ("eur", Decimal("1.25"))
    assert board.rate_as_of is not None
    assert board.as_of is not None
    assert (board.rate_as_of.timestamp(), board.as_of.timestamp()) == (FRIDAY, NOW)
    dollars = views.board(with_rates(), Ask(), NOW)
    assert (dollars.rate, dollars.rate_as_of) == (None, None)


@pytest.fixture
async def site() -> Any:
    """A site with rates, whose own currency is the euro."""
    found = await start(with_rates(), Serving(defaults=Defaults(currency="eur")))
    yield found
    await found.client.close()


async def test_every_currency_is_served(site: Site) -> None:
    """All 75 by every door: a price where the rate is known, null and "—" with 200 where it is not."""
    rates = tuple(price(code, "0.5", FRIDAY, **LADDER) for code in RATED)
    await site.settle(with_rates(*rates))
    known = 0
    for code in CURRENCIES:
        status, _, text = await site.get(f"/v1/prices/bitcoin?currency={code}")
        (one,) = json.loads(text)["prices"]
        assert (status, one["currency"]) == (200, code)
        known += one["price"] is not None
        status, _, html = await site.get(f"/widget/list?currency={code}")
        assert (status, f'data-currency="{code}"' in html) == (200, True)
        assert ('<p class="mp-rate">' in html) == (one["price"] is not None and code != "usd")
    assert known == len(RATED) + len(["usd", "btc", "eth", "bits", "sats"])


async def test_the_operator_s_currency_is_the_default(site: Site) -> None:
    """Pages that name none are in euros, the front page too."""
    _, _, text = await site.get("/v1/prices")
    assert json.loads(text)["currency"] == "eur"
    for path in ("/", "/widget/list", "/embed/label/bitcoin"):
        _, _, html = await site.get(path)
        assert "€51,400.10" in html
        assert "€1.00 = $1.25" in html
        assert BANK.url in html
    _, _, html = await site.get("/widget/list?currency=usd")
    assert BANK.url not in html
    assert "mp-rate" not in html.partition("<style>")[0]


async def test_capitals_and_strangers_are_refused(site: Site) -> None:
    """A currency is named by its lower-case code, and the refusal lists them."""
    for code in ("EUR", "vef", "euro", "", "eur,usd"):
        status, _, text = await site.get(f"/v1/prices?currency={code}")
        error = json.loads(text)["error"]
        assert (status, error["code"], error["param"]) == (400, "bad_parameter", "currency")
        assert "eur" in error["message"]
