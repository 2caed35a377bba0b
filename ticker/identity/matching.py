"""Finding coins on sources: by a text, for a person to choose; by a coin and its price, to add its ids. Pure.

A symbol alone never makes a match (trust rule 10): a venue's market is the coin's when it costs what the coin costs.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Struct

from ticker.identity.answers import dollars
from ticker.identity.names import alike, canonical, shown
from ticker.model import SourceName
from ticker.sources import Row, Source

AGREES = Decimal("0.02")  # of CoinGecko's price: a source may be minutes older than another
CURRENCIES = ("usd", "tether", "usd-coin")  # the order in which a venue's markets are preferred


class Hit(Struct, frozen=True):
    """A coin or market of a source that has the text in its id, name or symbol. `dollars` is None where unknown."""

    source: SourceName
    id: str
    name: str | None
    symbol: str | None
    dollars: Decimal | None = None


class Refusal(Struct, frozen=True):
    """An id that is not added, and why."""

    source: SourceName
    id: str
    reason: str


class Proposal(Struct, frozen=True):
    """The ids of a coin on the sources, and those that look like it and are not taken."""

    ids: dict[SourceName, str]
    refused: tuple[Refusal, ...]


def search(
    text: str,
    listed: Mapping[SourceName, Iterable[Row]],
    registry: Mapping[SourceName, Source],
    rates: Mapping[str, Decimal],
) -> dict[SourceName, list[Hit]]:
    """What has the text in it, by source: the whole symbol first, then the whole name or id, then beginnings."""
    wanted = text.strip().casefold()
    found: dict[SourceName, list[Hit]] = {}
    for name, rows in listed.items():
        ranked = []
        for row in rows:
            if row.currency is None:
                continue  # a market against a currency that we do not count in
            symbol = row.symbol or registry[name].symbol_of(row.id)
            rank = _rank(wanted, symbol, row)
            if rank is not None:
                ranked.append((rank, row.id, Hit(name, row.id, row.name, symbol, dollars(row, rates))))
        found[name] = [hit for _, _, hit in sorted(ranked, key=lambda one: one[:2])]
    return found


def _rank(wanted: str, symbol: str | None, row: Row) -> int | None:
    words = [word.casefold() for word in (symbol, row.name, row.id) if word]
    if symbol and canonical(symbol) == canonical(wanted):
        return 0  # also under its other symbol, which may not have the text in it
    if wanted in words:
        return 1
    if any(word.startswith(wanted) for word in words):
        return 2
    return 3 if any(wanted in word for word in words) else None


def propose(
    coin: Row,
    listed: Mapping[SourceName, Iterable[Row]],
    registry: Mapping[SourceName, Source],
    rates: Mapping[str, Decimal],
) -> Proposal:
    """The ids of a coin on other sources. `coin` is CoinGecko's row of it, with name, symbol and price."""
    ids: dict[SourceName, str] = {}
    refused: list[Refusal] = []
    for name, rows in listed.items():
        source = registry[name]
        similar = [row for row in rows if row.currency is not None and _has_symbol(row, source, coin)]
        similar.sort(key=lambda row: CURRENCIES.index(row.currency or "usd"))
        reasons = [(row, _against(row, coin, rates)) for row in similar]
        fit = [row for row, reason in reasons if reason is None]
        coins = fit if source.kind == "aggregator" else fit[:1]  # a venue has one coin in several currencies
        if len(coins) == 1:
            ids[name] = coins[0].id
            continue
        refused += [Refusal(name, row.id, "two coins there fit; add the right one by hand") for row in coins]
        refused += [Refusal(name, row.id, reason) for row, reason in reasons if reason is not None]
    return Proposal(ids, tuple(refused))


def _has_symbol(row: Row, source: Source, coin: Row) -> bool:
    symbol = row.symbol or source.symbol_of(row.id)
    return bool(symbol and coin.symbol) and canonical(symbol or "") == canonical(coin.symbol or "")


def _against(row: Row, coin: Row, rates: Mapping[str, Decimal]) -> str | None:
    """Why a row of the same symbol is not the coin, or None where it is."""
    ours, theirs = dollars(coin, rates), dollars(row, rates)
    if row.price is not None and theirs is None and row.currency not in rates:
        return f"no price for {row.currency} to compare it by"
    if theirs is None:
        return "no price there (delisted?)"
    if ours is None:
        return "CoinGecko has no price to compare it by"
    if abs(theirs / ours - 1) > AGREES:
        return f"price disagrees, ${theirs:f} there and ${ours:f} on CoinGecko (another coin of that symbol?)"
    if row.name and not alike(row.name, coin.name or ""):
        return f"it is called {shown(row.name)} there; if it is the same coin, add it by hand"
    return None
