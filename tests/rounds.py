"""Quotes and rules for settling tests, in few words."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from ticker.consensus import CoinRule, Memory, Rules, Settlement, Voter, settle
from ticker.model import Price, Quote

NOW = 1_800_000_000.0


def quote(source: str, price: str | Decimal, coin: str = "bitcoin", **more: object) -> Quote:
    """A quote received now, in US dollars unless told otherwise."""
    given: dict[str, object] = {"currency": "usd", "received": NOW, "poll": 1, **more}
    return Quote(source=source, coin=coin, price=Decimal(price), **given)  # type: ignore[arg-type]


def venue(group: str, every: float = 60.0, cache: float = 0.0) -> Voter:
    """An exchange."""
    return Voter("venue", group, every, cache)


def aggregator(group: str, every: float = 300.0, cache: float = 60.0) -> Voter:
    """An aggregator."""
    return Voter("aggregator", group, every, cache)


def rules(voters: Mapping[str, Voter] | Iterable[str], *coins: str, **more: object) -> Rules:
    """Rules for these coins, each listed by all these voters; bare names are venues."""
    known = dict(voters) if isinstance(voters, Mapping) else {name: venue(name) for name in voters}
    listed = tuple(CoinRule(coin, tuple(known)) for coin in coins or ("bitcoin",))
    return Rules(known, listed, **more)  # type: ignore[arg-type]


def settled(quotes: Iterable[Quote], memory: Memory | None = None, now: float = NOW, **more: object) -> Settlement:
    """One round over the sources of these quotes, all venues, for bitcoin."""
    quotes = list(quotes)
    return settle(quotes, memory or Memory(), now, rules([q.source for q in quotes], **more))


def bitcoin(settlement: Settlement) -> Price:
    """The price of the first coin."""
    return settlement.prices[0]


def venues(*prices: str | Decimal) -> list[Quote]:
    """One venue a price: v0, v1, …"""
    return [quote(f"v{i}", price) for i, price in enumerate(prices)]
