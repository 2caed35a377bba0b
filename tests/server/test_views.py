"""From a snapshot at a moment to JSON and to a board (design §7 Price)."""

from decimal import Decimal

import pytest
from snapshots import NOW, price, snapshot

from ticker.server import views
from ticker.server.params import Ask, RequestError

ALL = Ask(coins=())


def test_a_price_has_every_key_and_strings_for_numbers() -> None:
    """Written out once, key by key."""
    first = views.prices_json(snapshot(), ALL, NOW)["prices"][0]

    assert first == {
        "id": "bitcoin",
        "symbol": "BTC",
        "name": "Bitcoin",
        "price": "64250.12",
        "currency": "usd",
        "currency_as_of": None,
        "change_1h": None,
        "change_24h": "-1.87",
        "change_7d": None,
        "high_24h": None,
        "low_24h": None,
        "volume_24h": None,
        "market_cap": None,
        "freshness": "live",
        "agreement": "ok",
        "confidence": "0.0004",
        "sources": {"used": 5, "total": 7},
        "as_of": "2027-01-15T08:00:00.000Z",
        "live_until": "2027-01-15T08:02:00.000Z",
        "delayed_until": "2027-01-15T08:05:00.000Z",
        "gone_at": "2027-01-15T09:00:00.000Z",
        "clock_suspect": False,
    }


def test_a_coin_without_a_price_is_null_never_zero() -> None:
    """OPENVC: nobody quotes it."""
    last = views.prices_json(snapshot(), ALL, NOW)["prices"][-1]

    assert (last["id"], last["price"], last["freshness"], last["agreement"]) == ("openvoicecoin", None, "none", "none")


@pytest.mark.parametrize("text", ["0.00000644", "1E-18", "1E+9", "0.000000000000000001234", "123456789012345678"])
def test_numbers_are_never_scientific(text: str) -> None:
    """From 1e-18 to 1e17, in digits."""
    found = views.prices_json(snapshot(prices=tuple(price(c.id, text) for c in snapshot().coins)), ALL, NOW)

    shown = found["prices"][0]["price"]
    assert set(shown) <= set("0123456789.")
    assert Decimal(shown) == Decimal(text)


@pytest.mark.parametrize(
    ("after", "freshness", "has_price"),
    [(0, "live", True), (119, "live", True), (120, "delayed", True), (300, "stale", True), (3600, "none", False)],
)
def test_the_ladder_is_that_of_the_moment(after: float, freshness: str, has_price: bool) -> None:
    """The same snapshot, later: JSON and board say the same, and a gone price takes its figures along."""
    moment = NOW + after
    shown = views.prices_json(snapshot(), Ask(), moment)["prices"][0]
    row = views.board(snapshot(), Ask(), moment).rows[0]

    assert (shown["freshness"], shown["price"] is not None, shown["change_24h"] is not None) == (
        freshness,
        has_price,
        has_price,
    )
    assert (row.freshness, row.price is not None, row.change is not None) == (freshness, has_price, has_price)
    assert shown["as_of"] is not None


def test_order_and_limit_are_kept() -> None:
    """As asked; the default list where nothing is."""
    ids = [one["id"] for one in views.prices_json(snapshot(), Ask(coins=("openvoicecoin", "bitcoin")), NOW)["prices"]]

    assert ids == ["openvoicecoin", "bitcoin"]
    assert [row.coin for row in views.board(snapshot(), Ask(limit=2), NOW).rows] == ["bitcoin", "ethereum"]


def test_an_unknown_coin_is_refused_by_name() -> None:
    """Not left out in silence."""
    with pytest.raises(RequestError, match="'dogecoin'") as caught:
        views.board(snapshot(), Ask(coins=("dogecoin",)), NOW)
    assert caught.value.code == "unknown_coin"


def test_the_board_is_as_of_its_oldest_price() -> None:
    """Nothing on it is older than it says."""
    prices = (
        price("bitcoin", "1"),
        price("ethereum", "1", NOW - 50),
        price("pirate-chain", None),
        price("openvoicecoin", None),
    )

    assert views.board(snapshot(prices=prices), Ask(), NOW).as_of.timestamp() == NOW - 50


def test_change_is_of_the_period_asked_for() -> None:
    """1 h, 24 h or 7 days."""
    prices = tuple(price(c.id, "1", change_1h=Decimal(1), change_7d=Decimal(7)) for c in snapshot().coins)
    changes = [views.board(snapshot(prices=prices), Ask(change=p), NOW).rows[0].change for p in ("1h", "24h", "7d")]

    assert changes == [Decimal(1), Decimal("-1.8712"), Decimal(7)]


def test_next_deadline_is_the_nearest_of_all() -> None:
    """When the page must change by itself."""
    prices = (
        price("bitcoin", "1"),
        price("ethereum", "1", NOW - 50),
        price("pirate-chain", None),
        price("openvoicecoin", None),
    )
    found = snapshot(prices=prices)

    assert views.next_deadline(found, NOW) == NOW + 70
    assert views.next_deadline(found, NOW + 70) == NOW + 120
    assert views.next_deadline(found, NOW + 4000) is None


def test_coins_lists_all_and_says_which_are_shown() -> None:
    """Every configured coin, in order."""
    found = views.coins_json(snapshot())["coins"]

    assert [(one["id"], one["shown"]) for one in found] == [
        ("bitcoin", True), ("ethereum", True), ("pirate-chain", True), ("openvoicecoin", False),
    ]  # fmt: skip
