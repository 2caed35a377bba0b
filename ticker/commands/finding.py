"""What `ticker coins search` and `add` ask the sources, and make of the answers. Writes and prints nothing."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from ticker.asking import Assignment
from ticker.commands import assembly
from ticker.config import Config
from ticker.errors import SourceError, TickerError
from ticker.fetch import Fetcher
from ticker.identity import Answer, Hit, Refusal, ask_all, catalogues, propose, rates
from ticker.identity import search as search_rows
from ticker.identity.answers import STABLECOINS
from ticker.identity.names import canonical, shown
from ticker.model import CoinId, SourceName
from ticker.sources import Row

NAMER = "coingecko"  # our ids are its ids, and its price is what others are held against
MOST_SUGGESTED = 5

_NOT_IN_IDS = re.compile(r"[^a-z0-9-]+")
_LONGEST_ID, _LONGEST_NAME, _LONGEST_SYMBOL = 64, 64, 24


@dataclass(slots=True)
class Found:
    """What sources list, CoinGecko's priced rows of some coins, the rates for dollars; and who failed."""

    listed: dict[SourceName, tuple[Row, ...]] = field(default_factory=dict)
    failed: dict[SourceName, SourceError] = field(default_factory=dict)
    named: dict[str, Row] = field(default_factory=dict)
    rates: dict[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Identified:
    """A coin to add, with its ids, and what looks like it and is not taken."""

    id: CoinId
    name: str
    symbol: str
    ids: Mapping[SourceName, str]
    refused: tuple[Refusal, ...]


async def look_for(config: Config, text: str, most: int) -> tuple[Found, dict[SourceName, list[Hit]]]:
    """What every usable source has with a text in it; CoinGecko's first `most` with their prices."""
    found = Found()
    async with Fetcher(assembly.user_agent(config), time.time) as fetcher:
        await _list(config, _usable(config), found, fetcher)
        if NAMER in found.listed:
            hits = search_rows(text, {NAMER: found.listed[NAMER]}, config.registry, {})[NAMER]
            await _name(config, [hit.id for hit in hits[:most]], found, fetcher)
            found.listed[NAMER] = tuple(found.named.get(row.id, row) for row in found.listed[NAMER])
    _rate(config, found)
    return found, search_rows(text, found.listed, config.registry, found.rates)


async def gather(config: Config, ids: Sequence[str]) -> Found:
    """CoinGecko's rows of some coins, and all that the other usable sources list.

    Raises TickerError where CoinGecko may not be asked. Its own list is asked for only where it does not know an id,
    to say which it has.
    """
    barred = config.sources[NAMER].barred
    if barred:
        raise TickerError(f"coins are added by their CoinGecko ids, and CoinGecko is off: {barred}")
    found = Found()
    async with Fetcher(assembly.user_agent(config), time.time) as fetcher:
        await _name(config, ids, found, fetcher)
        if NAMER not in found.failed:
            missing = any(one not in found.named for one in ids)
            asked = [one for one in _usable(config) if missing == (one.source.name == NAMER)]
            await _list(config, asked, found, fetcher)
    _rate(config, found)
    return found


def identify(config: Config, found: Found, one: str) -> Identified:
    """The coin behind a CoinGecko id, and its ids elsewhere. Raises TickerError where there is no such id."""
    row = found.named.get(one)
    if row is None:
        raise TickerError(f'CoinGecko has no coin "{shown(one)}"{_suggestions(one, found.listed.get(NAMER, ()))}')
    proposal = propose(row, found.listed, config.registry, found.rates)
    owners = {(name, id_): coin.id for coin in config.coins for name, many in coin.ids.items() for id_ in many}
    taken = {name: id_ for name, id_ in proposal.ids.items() if (name, id_) in owners}
    refused = tuple(Refusal(name, id_, f'is the id of "{owners[name, id_]}" already') for name, id_ in taken.items())
    ids = {NAMER: one} | {name: id_ for name, id_ in proposal.ids.items() if name not in taken}
    order = [name for name in config.registry if name in ids]
    return Identified(
        our_id(one),
        _line(row.name or one, _LONGEST_NAME),
        _line((row.symbol or one).upper(), _LONGEST_SYMBOL),
        {name: ids[name] for name in order},
        (*proposal.refused, *refused),
    )


def our_id(one: str) -> CoinId:
    """A CoinGecko id as an id of ours: a few of them have characters that ours have not."""
    return _NOT_IN_IDS.sub("-", one.lower()).strip("-")[:_LONGEST_ID]


def _line(text: str, longest: int) -> str:
    return "".join(char for char in text if char.isprintable())[:longest].strip()


def _suggestions(one: str, rows: Sequence[Row]) -> str:
    """An id that nobody has is often a symbol, or a name; one that is there may be of a coin that nobody trades."""
    if any(row.id == one for row in rows):
        return " with a price: it lists it, and has no market for it now"
    wanted = one.casefold()
    similar = [
        row.id
        for row in rows
        if canonical(row.symbol or "") == canonical(one) or wanted in (row.id, (row.name or "").casefold())
    ]
    if not similar:
        return "; `ticker coins search` finds its id"
    more = ", …" if len(similar) > MOST_SUGGESTED else ""
    plural = "ids with this symbol or name are" if len(similar) > 1 else "the id with this symbol or name is"
    return f"; {plural} {', '.join(map(shown, similar[:MOST_SUGGESTED]))}{more}"


def _usable(config: Config) -> list[Assignment]:
    names = [name for name in config.usable_sources() if config.registry[name].of == "coins"]
    return [assembly.assignment(config, name) for name in names]


async def _list(config: Config, asked: Sequence[Assignment], found: Found, fetcher: Fetcher) -> None:
    for name, answer in (await catalogues(asked, fetcher)).items():
        if isinstance(answer, SourceError):
            found.failed[name] = answer
        else:
            found.listed[name] = answer


async def _name(config: Config, ids: Sequence[str], found: Found, fetcher: Fetcher) -> None:
    """CoinGecko's own rows, with prices: of these coins, and of the stablecoins that others are counted in."""
    wanted = {one: (one,) for one in (*ids, *STABLECOINS)}
    (answer,) = (await ask_all([replace(assembly.assignment(config, NAMER), ids=wanted)], fetcher)).values()
    if isinstance(answer, Answer):
        found.named = dict(answer.rows)
    else:
        found.failed[NAMER] = answer


def _rate(config: Config, found: Found) -> None:
    rows = {name: {row.id: row for row in many} for name, many in found.listed.items()}
    found.rates = rates({**rows, NAMER: rows.get(NAMER, {}) | found.named}, config.coins)
