"""What does not fit between our coins and what sources say of them. Pure: answers in, findings out.

An error is what may put a wrong price or none on a page, a warning costs votes, a note is worth knowing.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from ticker.config import CoinSettings
from ticker.consensus.rules import OUTLIER_CAP, QUORUM
from ticker.consensus.statistics import median, median_of
from ticker.errors import SourceError
from ticker.identity.answers import Answer, Said
from ticker.identity.names import alike, canonical, shown
from ticker.model import CoinId, SourceName

Level = Literal["error", "warning", "note"]
Kind = Literal["failed", "absent", "no_price", "no_rate", "price", "identity", "renamed", "groups"]

LEVELS: tuple[Level, ...] = ("error", "warning", "note")
MOST_CANDIDATES = 3


class Finding(Struct, frozen=True):
    """One thing to look at, in a sentence. `coin` None = of the whole source, `source` None = of the whole coin."""

    level: Level
    kind: Kind
    coin: CoinId | None
    source: SourceName | None
    text: str


def findings(
    answers: Mapping[SourceName, Answer],
    failed: Mapping[SourceName, SourceError],
    said: Mapping[CoinId, Sequence[Said]],
    coins: Sequence[CoinSettings],
    tolerances: Mapping[CoinId, Decimal],
) -> list[Finding]:
    """All findings: sources that failed first, then coin by coin. `tolerances` are fractions."""
    found = [Finding("warning", "failed", None, name, str(error)) for name, error in failed.items()]
    for coin in coins:
        if coin.fixed is None:
            found += _of_coin(coin, said[coin.id], answers, tolerances[coin.id])
    return found


def _of_coin(
    coin: CoinSettings, said: Sequence[Said], answers: Mapping[SourceName, Answer], tolerance: Decimal
) -> list[Finding]:
    groups: dict[str, list[Decimal | None]] = {}
    for one in said:
        if one.dollars is not None:
            groups.setdefault(one.source.group, []).append(one.dollars)
    prices = {group: price for group, many in groups.items() if (price := median_of(many)) is not None}
    found = [finding for one in said if (finding := _unpriced(coin, one, answers))]
    found += _prices(coin, said, prices, tolerance)
    found += _identities(coin, said, prices, tolerance)
    found += _groups(coin, said, len(prices))
    return found


def _unpriced(coin: CoinSettings, one: Said, answers: Mapping[SourceName, Answer]) -> Finding | None:
    if one.dollars is not None:
        return None
    if one.row is not None and one.row.usable:
        text = f"{one.id} is priced in {one.row.currency}, which no source here prices in dollars"
        return Finding("warning", "no_rate", coin.id, one.source.name, text)
    # A public aggregator that is asked for all gives its largest coins only: below them is no delisting.
    largest_only = one.source.kind == "aggregator" and one.source.batch is None and not one.source.own
    level: Level = "warning" if largest_only else "error"
    similar = _candidates(coin, one, answers[one.source.name])
    hint = f"; it has {', '.join(similar)}" if similar else ""
    if one.row is None:
        return Finding(level, "absent", coin.id, one.source.name, f"has no {shown(one.id)} (delisted, renamed?){hint}")
    price = "no price" if one.row.price is None else f"a price of {one.row.price:f}"
    return Finding(level, "no_price", coin.id, one.source.name, f"{shown(one.id)} has {price} (delisted?){hint}")


def _candidates(coin: CoinSettings, one: Said, answer: Answer) -> list[str]:
    """Other ids of the same source that have the coin's symbol or name, and a price."""
    ours = coin.ids.get(one.source.name, ())
    found = []
    for row in answer.listed:
        symbol = row.symbol or one.source.symbol_of(row.id)
        fits = (symbol and canonical(symbol) == canonical(coin.symbol)) or (row.name and alike(row.name, coin.name))
        if fits and row.usable and row.id not in ours:
            found.append(f"{shown(row.id)} at {row.price:f} {row.currency}")
    return found[:MOST_CANDIDATES]


def _reference(group: str, prices: Mapping[str, Decimal]) -> Decimal | None:
    """What the price of a group is held against: the median of at least three, the other of two, else nothing."""
    if len(prices) >= QUORUM:
        return median(sorted(prices.values()))
    return next((price for other, price in prices.items() if other != group), None)


def _off(one: Said, prices: Mapping[str, Decimal]) -> Decimal | None:
    """How far a price is from what the others say, as a fraction of that; None where there is nothing to compare."""
    reference = _reference(one.source.group, prices)
    return None if one.dollars is None or reference is None else abs(one.dollars / reference - 1)


def _prices(
    coin: CoinSettings, said: Sequence[Said], prices: Mapping[str, Decimal], tolerance: Decimal
) -> list[Finding]:
    found = []
    for one in said:
        off = _off(one, prices)
        if off is not None and off > tolerance and one.dollars is not None:
            far = off > OUTLIER_CAP
            text = f"{shown(one.id)} costs {_dollars(one.dollars)} there, {_times(one, prices)} elsewhere"
            text += ": another coin of that symbol, or not its price any more?" if far else ""
            found.append(Finding("error" if far else "warning", "price", coin.id, one.source.name, text))
    return found


def _times(one: Said, prices: Mapping[str, Decimal]) -> str:
    reference = _reference(one.source.group, prices)
    return "—" if reference is None else _dollars(reference)


def _dollars(price: Decimal) -> str:
    return f"${price:f}"


def _identities(
    coin: CoinSettings, said: Sequence[Said], prices: Mapping[str, Decimal], tolerance: Decimal
) -> list[Finding]:
    there = [one for one in said if one.row is not None]
    named = [one for one in there if one.name]
    if len({one.source.group for one in named}) > 1 and all(
        alike(one.name or "", named[0].name or "") and not alike(one.name or "", coin.name) for one in named
    ):
        return [_called_otherwise(coin, named)]
    return [finding for one in there if (finding := _identity(coin, one, _off(one, prices), tolerance))]


def _called_otherwise(coin: CoinSettings, named: Sequence[Said]) -> Finding:
    """Every source that names the coin has the same other name for it: then it is our list that may be wrong."""
    symbols = {canonical(one.symbol) for one in named if one.symbol}
    other = canonical(coin.symbol) not in symbols
    said = f"{shown(named[0].name or '')} ({', '.join(sorted(map(shown, symbols)))})"
    text = f"coins.toml calls it {coin.name} ({coin.symbol}); every source calls it {said}"
    return Finding("error" if other else "warning", "identity", coin.id, None, text)


def _identity(coin: CoinSettings, one: Said, off: Decimal | None, tolerance: Decimal) -> Finding | None:
    """Name and symbol against ours. A price that agrees with the others makes a difference in words a note."""
    other_name = bool(one.name) and not alike(one.name or "", coin.name)
    symbol = one.symbol or coin.symbol
    other_symbol = canonical(symbol) != canonical(coin.symbol)
    said = " ".join(shown(part) for part in (one.name, one.symbol and f"({one.symbol})") if part)
    text = f"{shown(one.id)} is {said} there, {coin.name} ({coin.symbol}) in coins.toml"
    agrees = off is not None and off <= tolerance
    if not other_name and not other_symbol:
        renamed = symbol.upper() != coin.symbol.upper()
        return (
            Finding("note", "renamed", coin.id, one.source.name, f"{text}: one coin, two symbols") if renamed else None
        )
    if other_name and other_symbol:
        level: Level = "warning" if agrees else "error"
    elif other_symbol and one.name:
        level = "note" if off is None or agrees else "error"
    else:
        level = "note" if agrees else "error"
    ending = ": the price agrees, so it is renamed or named differently" if agrees else ": another coin?"
    return Finding(level, "identity", coin.id, one.source.name, text + ending)


def _groups(coin: CoinSettings, said: Sequence[Said], groups: int) -> list[Finding]:
    if groups >= QUORUM:
        return []
    if not coin.ids:
        return [Finding("note", "groups", coin.id, None, 'no source lists it: it shows "—"')]
    if not groups:
        level: Level = "error" if said else "warning"
        return [Finding(level, "groups", coin.id, None, 'no source that answered prices it: it shows "—"')]
    many = f"{groups} independent source{'s price' if groups > 1 else ' prices'} it"
    return [Finding("warning", "groups", coin.id, None, f"{many}; {QUORUM} are needed to outvote a wrong one")]
