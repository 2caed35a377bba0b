"""Currencies: rates of a day beside rates of the minute, under the same rules as every price."""

from decimal import Decimal

from rounds import NOW, aggregator, quote

from ticker.consensus import CoinRule, Memory, Rules, settle

HOUR, DAY = 3600.0, 86_400.0
VOTERS = {
    "bank": aggregator("bank", 4 * HOUR, 6 * DAY),
    "daily": aggregator("daily", 6 * HOUR, 26 * HOUR),
    "quick": aggregator("quick", 4 * HOUR, 300.0),
}


def rules(*names: str) -> Rules:
    """The euro, from these sources."""
    return Rules({name: VOTERS[name] for name in names}, (CoinRule("eur", names, daily=True),))


def test_the_turn_is_that_of_the_slowest() -> None:
    """The median of three is a day's rate: by the turn of the quickest it would be gone before the day is over."""
    quotes = [
        quote("bank", "1.160", "eur", at=NOW - 2.5 * DAY),
        quote("daily", "1.162", "eur", at=NOW - 20 * HOUR),
        quote("quick", "1.164", "eur", at=NOW),
    ]
    price = settle(quotes, Memory(), NOW, rules(*VOTERS)).prices[0]

    assert (price.price, price.agreement, price.as_of) == (Decimal("1.162"), "ok", NOW - 20 * HOUR)
    assert price.freshness(NOW) == "live"
    assert price.live_until == NOW - 20 * HOUR + 1.5 * VOTERS["bank"].turn


def test_what_only_the_quick_one_quotes_keeps_its_turn() -> None:
    """Gold from one source that has fallen silent is not live for days because the euro would be."""
    quotes = [quote("quick", "4000", "eur")]
    price = settle(quotes, Memory(), NOW, rules(*VOTERS)).prices[0]

    assert price.agreement == "single"
    assert price.freshness(NOW + 6 * HOUR) == "live"
    assert price.freshness(NOW + 7 * HOUR) == "delayed"
    assert price.freshness(NOW + 11 * HOUR) == "none"


def test_currencies_agree_within_three_percent() -> None:
    """As coins do that only aggregators quote; two that are further apart make no price."""
    near = [quote("bank", "1.16", "eur"), quote("quick", "1.19", "eur")]
    far = [quote("bank", "1.16", "eur"), quote("quick", "1.31", "eur")]

    assert settle(near, Memory(), NOW, rules(*VOTERS)).prices[0].agreement == "degraded"
    price = settle(far, Memory(), NOW, rules(*VOTERS)).prices[0]
    assert (price.price, price.agreement) == (None, "disputed")
