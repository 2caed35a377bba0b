"""What every source said of every coin, in dollars, side by side. Pure; judges nothing."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import Context, Decimal

import msgspec
from msgspec import Struct

from ticker.config import CoinSettings
from ticker.consensus.statistics import median_of
from ticker.errors import SourceError
from ticker.model import CoinId, SourceName
from ticker.sources import Row, Source, answered
from ticker.sources.base import EVERYTHING

STABLECOINS: tuple[CoinId, ...] = ("tether", "usd-coin")

_DIGITS = Context(prec=12)


class Answer(Struct, frozen=True):
    """One source's answer: the rows of the ids asked for, and all its rows where it gives all (else none)."""

    source: Source
    rows: Mapping[str, Row]
    listed: tuple[Row, ...] = ()


class Said(Struct, frozen=True):
    """What one source says of one of our coins, under one of its ids; `row` None = it has none of them.

    `name` and `symbol` are the source's words; a venue's symbol is the one in its id. `dollars` is None without a
    price, or without a rate for its currency.
    """

    source: Source
    coin: CoinId
    id: str
    row: Row | None = None
    name: str | None = None
    symbol: str | None = None
    dollars: Decimal | None = None


def read(source: Source, bodies: Sequence[bytes], ids: Sequence[str]) -> Answer:
    """The bodies of one poll as an answer. Raises the source's error where they are not what it documents."""
    asked: dict[str, Row] = {}
    for row in answered(source, bodies, ids):
        if asked.setdefault(row.id, row).price != row.price:
            asked[row.id] = Row(row.id, None, name=row.name, symbol=row.symbol)  # at two prices it has none
    listed = tuple(_all(source, bodies)) if source.batch is None else ()
    return Answer(source, asked, listed)


def _all(source: Source, bodies: Sequence[bytes]) -> Iterable[Row]:
    """Every row up to one that cannot be read: among markets that nobody asked for, such a one does no harm."""
    found: list[Row] = []
    with suppress(SourceError, msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        for body in bodies:
            found.extend(source.parse(body, EVERYTHING))
    return found


def rates(answers: Mapping[SourceName, Mapping[str, Row]], coins: Iterable[CoinSettings]) -> dict[str, Decimal]:
    """What one unit of each currency is in dollars: a stablecoin by the median of the sources that quote it in dollars.

    `answers` are rows by source and id.
    """
    found = {"usd": Decimal(1)}
    for coin in coins:
        if coin.id in STABLECOINS:
            there = (answers[name].get(one) for name, many in coin.ids.items() if name in answers for one in many)
            prices = [row.price for row in there if row is not None and row.currency == "usd" and row.usable]
            rate = median_of(prices)
            if rate is not None:
                found[coin.id] = rate
    return found


def dollars(row: Row, known: Mapping[str, Decimal]) -> Decimal | None:
    """The price of a row in US dollars to twelve digits; None without a price or a rate."""
    if row.price is None or row.currency is None or row.currency not in known or not row.usable:
        return None
    return _DIGITS.normalize(row.price * known[row.currency])


def said(answers: Mapping[SourceName, Answer], coins: Sequence[CoinSettings]) -> dict[CoinId, list[Said]]:
    """For each coin what each answering source that should list it says, in the order of the coins and the sources.

    Of several ids the first with a price speaks, else the first that is there.
    """
    known = rates({name: answer.rows for name, answer in answers.items()}, coins)
    found: dict[CoinId, list[Said]] = {}
    for coin in coins:
        found[coin.id] = []
        for name, answer in answers.items():
            ids = () if coin.fixed is not None else coin.ids.get(name, ())
            if ids:
                there = [(one, answer.rows[one]) for one in ids if one in answer.rows]
                one = next((one for one, row in there if row.usable), there[0][0] if there else ids[0])
                found[coin.id].append(_said(answer.source, coin.id, one, answer.rows.get(one), known))
    return found


def _said(source: Source, coin: CoinId, one: str, row: Row | None, known: Mapping[str, Decimal]) -> Said:
    if row is None:
        return Said(source, coin, one, symbol=source.symbol_of(one))
    symbol = row.symbol if row.symbol is not None else source.symbol_of(one)
    return Said(source, coin, one, row, row.name, symbol, dollars(row, known))
