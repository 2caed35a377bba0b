"""From dollars to another currency: exact, no fresher and no surer than both, and silent where nobody can know."""

from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from snapshots import NOW, price, snapshot

from ticker.conversion import convert, rate_of
from ticker.currencies import CURRENCIES
from ticker.model import Agreement, Price, Snapshot

AGREEMENTS: list[Agreement] = list(get_args(Agreement))
DAY = 86_400.0
EURO = price("eur", "1.1622", NOW - DAY, live_until=NOW + 8 * DAY, delayed_until=NOW + 9 * DAY, gone_at=NOW + 9 * DAY)
amounts = st.decimals(Decimal("1e-12"), Decimal("1e12"), allow_nan=False, allow_infinity=False)
rates = st.decimals(Decimal("1e-6"), Decimal("1e6"), allow_nan=False, allow_infinity=False)


def rate(value: str | Decimal, code: str = "eur", **more: object) -> Price:
    """A rate of now, agreed by three groups."""
    return price(code, str(value), change_24h=None, **more)  # type: ignore[arg-type]


def with_rates(*rates_: Price) -> Snapshot:
    """Four coins and these rates."""
    return snapshot(rates=rates_)


def test_the_dollar_needs_no_rate() -> None:
    """A price in dollars is the very price, trailing zeros and all."""
    assert rate_of(with_rates(EURO), "usd") is None
    assert convert(price("ethereum", "1957.730"), None) == price("ethereum", "1957.730")


def test_a_price_in_euros() -> None:
    """64250.12 dollars at 1.1622 for a euro, to 18 digits; the deadlines are the price's, which are the earlier."""
    found = convert(price("bitcoin", "64250.12"), rate_of(with_rates(EURO), "eur"))

    assert str(found.price) == "55283.1870590259852"
    assert (found.as_of, found.live_until, found.gone_at) == (NOW, NOW + 120, NOW + 3600)
    assert (found.coin, found.used, found.total, found.sources) == ("bitcoin", 5, 7, ("kraken", "coingecko"))


def test_every_figure_in_dollars_is_converted() -> None:
    """High, low, volume and cap are counted in the currency like the price."""
    figures = {"high_24h": "10", "low_24h": "5", "volume_24h": "1000", "market_cap": "1e9"}
    one = price("bitcoin", "8", **{name: Decimal(value) for name, value in figures.items()})
    found = convert(one, rate("1.25"))

    assert [found.price, found.high_24h, found.low_24h] == [Decimal("6.4"), Decimal(8), Decimal(4)]
    assert [found.volume_24h, found.market_cap] == [Decimal(800), Decimal("8e8")]


def test_a_coin_as_currency() -> None:
    """Ethereum in bitcoin is the one price over the other; what the day's high was in bitcoin, nobody knows."""
    coins = (
        price("bitcoin", "64000", change_24h=Decimal(-20)),
        price("ethereum", "2000", change_24h=Decimal(-10), high_24h=Decimal(2100), volume_24h=Decimal(64000)),
        price("pirate-chain", None),
        price("openvoicecoin", None),
    )
    found = convert(coins[1], rate_of(snapshot(prices=coins), "btc"))

    assert found.price == Decimal("0.03125")
    assert found.change_24h == Decimal("12.5")  # 0.9 over 0.8
    assert (found.high_24h, found.low_24h, found.volume_24h) == (None, None, Decimal(1))


@pytest.mark.parametrize(("code", "expected"), [("btc", "1"), ("bits", "1000000"), ("sats", "100000000")])
def test_bitcoin_in_its_own_units(code: str, expected: str) -> None:
    """Exactly one, a million, a hundred million, and never a change."""
    found = convert(snapshot().prices[0], rate_of(snapshot(), code))

    assert f"{found.price:f}" == expected
    assert found.change_24h == 0


def test_a_rate_that_nobody_gives() -> None:
    """No price, which is honest, and no error; not even where the snapshot is from before there were rates."""
    for found in (snapshot(), with_rates(Price("eur", None, "none"))):
        converted = convert(found.prices[0], rate_of(found, "eur"))
        assert (converted.price, converted.agreement, converted.freshness(NOW)) == (None, "none", "none")
        assert (converted.market_cap, converted.change_24h, converted.next_deadline(NOW)) == (None, None, None)
    assert convert(snapshot().prices[0], rate_of(snapshot(), "eos")).price is None


def test_a_disputed_rate_is_told() -> None:
    """The last good rate converts, and the price is called disputed; without one there is no price."""
    disputed = convert(price("bitcoin", "1"), rate("1.25", agreement="disputed"))
    assert (disputed.price, disputed.agreement) == (Decimal("0.8"), "disputed")
    none = convert(price("bitcoin", "1"), rate_of(with_rates(Price("eur", None, "disputed")), "eur"))
    assert (none.price, none.agreement) == (None, "disputed")


def test_a_coin_without_a_price_has_none_anywhere() -> None:
    """And keeps why."""
    assert convert(Price("nano", None, "disputed", total=3), EURO) == Price("nano", None, "disputed", total=3)


@pytest.mark.parametrize("of_price", AGREEMENTS)
@pytest.mark.parametrize("of_rate", AGREEMENTS)
def test_agreement_is_the_weaker_one(of_price: Agreement, of_rate: Agreement) -> None:
    """A rate of two groups or more leaves the price's own; a single, disputed or missing one shows."""
    found = convert(price("x", "1", agreement=of_price), rate("2", agreement=of_rate)).agreement
    order = ["ok", "degraded", "single", "fixed", "disputed", "none"]

    assert found == (of_price if of_rate in ("ok", "degraded") else max(of_price, of_rate, key=order.index))


def test_deadlines_are_the_earlier_ones() -> None:
    """A price is live only while price and rate are; a fixed price ages with the rate."""
    late = rate("2", live_until=NOW + 5, delayed_until=NOW + 200, gone_at=NOW + 9999)
    found = convert(price("x", "1"), late)
    assert (found.live_until, found.delayed_until, found.gone_at) == (NOW + 5, NOW + 200, NOW + 3600)
    assert [found.freshness(NOW + after) for after in (0, 5, 200, 3600)] == ["live", "delayed", "stale", "none"]
    fixed = convert(Price("x", Decimal(1), "fixed"), late)
    assert fixed.freshness(NOW + 5) == "delayed"
    assert convert(price("x", "1"), Price("eur", Decimal(2), "fixed")).live_until == NOW + 120


def test_a_change_is_known_only_with_the_rate_s_own() -> None:
    """In dollars it rose, in euros perhaps it fell: without the euro's change there is none, with it it is exact."""
    rose = price("x", "1", change_24h=Decimal("0.5"), change_7d=Decimal(10))
    assert convert(rose, rate("1.25")).change_24h is None
    found = convert(rose, price("eur", "1.25", change_24h=Decimal(1), change_7d=Decimal(-100)))
    assert found.change_24h is not None
    assert round(found.change_24h, 4) == Decimal("-0.4950")
    assert (found.change_1h, found.change_7d) == (None, None)


def test_confidence_is_both_spreads_together() -> None:
    """And unknown where one is."""
    wide = price("x", "1", confidence=Decimal("0.0004"))
    assert convert(wide, rate("2", confidence=Decimal("0.001"))).confidence == Decimal("0.0014")
    assert convert(wide, rate("2", confidence=None)).confidence is None


@given(amounts, rates)
def test_there_and_back(amount: Decimal, per_unit: Decimal) -> None:
    """A price in a currency, counted back at its rate, is the price to 17 digits."""
    there = convert(price("x", str(amount)), rate(per_unit)).price
    assert there is not None
    back = convert(price("x", str(there)), rate(1 / per_unit)).price
    assert back is not None
    assert abs(back / amount - 1) < Decimal("1e-16")


@given(amounts, amounts, rates)
def test_order_is_kept(one: Decimal, other: Decimal, per_unit: Decimal) -> None:
    """Whichever coin costs more in dollars costs no less in any currency."""
    low, high = sorted((one, other))
    first, second = (convert(price("x", str(value)), rate(per_unit)).price for value in (low, high))
    assert first is not None
    assert second is not None
    assert first <= second
    assert len(first.as_tuple().digits) <= 18


@given(amounts, st.sampled_from(sorted(CURRENCIES)), rates)
def test_every_currency_converts(amount: Decimal, code: str, per_unit: Decimal) -> None:
    """With a rate for it, and a price for every coin, each of them gives a price above zero."""
    named = {one.coin for one in CURRENCIES.values() if one.coin}
    found = Snapshot(1, 1, NOW, (), (), tuple(price(coin, str(per_unit)) for coin in named), (rate(per_unit, code),))
    converted = convert(price("x", str(amount)), rate_of(found, code)).price
    assert converted is not None
    assert converted > 0
