"""What a source is: facts, and two pure functions, one that says what to ask and one that reads the answer.

Adapters decode only the fields they use and hand over `Row`s under the source's own ids; this module turns rows into
quotes of our coins, so that what counts as a price is decided once. Knows no network, no clock, no configuration.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, NoReturn, Self

import msgspec

from ticker.errors import Malformed
from ticker.model import CoinId, Kind, Quote, SourceName

SECOND, MINUTE, HOUR, DAY, MONTH = 1.0, 60.0, 3600.0, 86_400.0, 30 * 86_400.0
MIB = 2**20

HIGHEST_PRICE = Decimal("1e15")
LOWEST_PRICE = Decimal("1e-24")
HIGHEST_CHANGE = Decimal("1e7")  # percent, up or down
HIGHEST_SUM = Decimal("1e24")  # of a day's volume or a market cap


@dataclass(frozen=True, slots=True)
class Request:
    """One GET, relative to the base address: path, query in order, headers beside the usual ones."""

    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `calls` in `per` seconds, counted in the source's own unit (calls, or weight)."""

    calls: int
    per: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A way to be served: its base address, the header its key goes into (None: keyless), and its limits."""

    name: str
    base_url: str
    key_header: str | None = None
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """What the source's terms allow: their address, the day they were read ("" = never), and what we found there.

    None = not found there, or not read. `note` says what the verdict rests on.
    """

    url: str
    read: str
    display: bool | None
    derive: bool | None
    redistribute: bool | None
    note: str = ""

    @property
    def forbid(self) -> bool:
        """Whether they seem to forbid our use, so that ops must accept them by name."""
        return False in (self.display, self.derive, self.redistribute)

    @classmethod
    def unread(cls, url: str) -> Self:
        """Terms that nobody here has read yet."""
        return cls(url, "", display=None, derive=None, redistribute=None, note="not read")


class Row(msgspec.Struct, gc=False):
    """One row of an answer under the source's own id. Fields as in `Quote`; volumes and caps in `currency`.

    A row without a price, or in a currency that is neither the dollar nor a stablecoin (None), is no quote.
    `sequence` is for streams that number what they say of a market: a row with a lower one is older.
    """

    id: str
    price: Decimal | None
    currency: str | None = "usd"
    at: float | None = None
    change_1h: Decimal | None = None
    change_24h: Decimal | None = None
    change_7d: Decimal | None = None
    high_24h: Decimal | None = None
    low_24h: Decimal | None = None
    volume_24h: Decimal | None = None
    market_cap: Decimal | None = None
    name: str | None = None
    symbol: str | None = None
    sequence: int | None = None

    @property
    def usable(self) -> bool:
        """Whether it can be a quote: a price within all prices (trust rule 15), in a currency that we have."""
        price = self.price
        if not self.currency or price is None or not price.is_finite():
            return False
        return LOWEST_PRICE <= price <= HIGHEST_PRICE


class _Everything(AbstractSet[str]):
    """The ids of every row there is: what `parse` takes as wanted by someone who wants them all. It has no end."""

    def __contains__(self, _: object) -> bool:
        return True

    def __and__(self, other: Iterable[str]) -> AbstractSet[str]:
        return frozenset(other)

    __rand__ = __and__

    def __iter__(self) -> NoReturn:
        raise TypeError("everything cannot be counted")

    __len__ = __iter__


EVERYTHING: AbstractSet[str] = _Everything()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """How to ask for all that a source lists: one request, and rows of it, which may have names and no prices."""

    request: Request
    parse: Callable[[bytes], Iterator[Row]]
    max_body: int


class Week(msgspec.Struct):
    """A coin's last days under the source's own id: US dollars hour by hour, oldest first, None where it has none.

    The hours have no times. `at`, `price` and `change_24h` are those of its row, and may be hours later than the last.
    """

    id: str
    at: float
    price: Decimal
    change_24h: Decimal | None
    prices: tuple[Decimal | None, ...]


@dataclass(frozen=True, slots=True)
class Archive:
    """How to ask for the last days of coins: as `Source.request` and `Source.parse`, with as many ids at once."""

    request: Callable[[Sequence[str]], Request]
    parse: Callable[[bytes, AbstractSet[str]], Iterator[Week]]


@dataclass(frozen=True, slots=True)
class Stream:
    """A source's live feed over WebSocket, beside its polls: two more pure functions and a few facts.

    `subscribe(ids)` gives the text messages to send after connecting, `read(message)` the rows in one received message
    (none for acknowledgements, heartbeats and the like), raising as `parse` does; `NotFound` is about one id and leaves
    the others alone. A row's time is None only if the feed has no times: one that forgets says 1970. A feed that says
    nothing at all for `silence` seconds is dead. `ping` is a text to send every `ping_every` seconds, where the source
    wants one.
    """

    url: str
    subscribe: Callable[[Sequence[str]], list[str]]
    read: Callable[[bytes], Iterator[Row]]
    silence: float = 30.0
    ping: str | None = None
    ping_every: float = 20.0


@dataclass(frozen=True, slots=True)
class Source:
    """One public price API.

    `group` is its operator and data origin, which has one vote. `every` and `cache` are seconds: how often we ask, and
    how long it keeps an answer itself. `batch` is the ids a request may name (None: one request has every market).
    `cost` is what one request counts against `limits`. `typical_bytes` is an answer on the wire, compressed.
    `timed` says that it gives its own time with every row. `id_pattern` is what its ids look like; a venue's has a
    group `base`, the venue's symbol of the coin. `of` says what it prices: coins, or currencies (ids are then codes,
    "EUR", and a row's price is US dollars for one). Sources that share one allowance name the same `quota`; "" is a
    quota of its own. `listing` is how to ask for all its coins where polls name ids, `archive` for their last days.
    `own` marks a source that was made from the configuration: whoever wrote it answers for its ids, maybe symbols.
    """

    name: SourceName
    title: str
    kind: Kind
    group: str
    docs: str
    plans: tuple[Plan, ...]
    terms: Terms
    id_pattern: re.Pattern[str]
    request: Callable[[Sequence[str]], Request]
    parse: Callable[[bytes, AbstractSet[str]], Iterator[Row]]
    currency_of: Callable[[str], str | None]
    every: float = MINUTE
    cache: float = 0.0
    batch: int | None = None
    cost: int = 1
    max_body: int = 2 * MIB
    typical_bytes: int = 0
    timed: bool = False
    content_types: tuple[str, ...] = ("application/json",)
    credit: tuple[str, str] | None = None
    id_example: str = field(default="")
    of: Literal["coins", "currencies"] = "coins"
    quota: str = ""
    stream: Stream | None = None
    listing: Catalogue | None = None
    archive: Archive | None = None
    own: bool = False

    def requests(self, ids: Sequence[str]) -> list[Request]:
        """All requests of one poll for these ids, in order; none for no ids."""
        return [self.request(batch) for batch in self.batches(ids)]

    def batches(self, ids: Sequence[str]) -> list[Sequence[str]]:
        """The ids that each request of one poll names, in order."""
        if not ids:
            return []
        if self.batch is None:
            return [ids]
        return [ids[i : i + self.batch] for i in range(0, len(ids), self.batch)]

    def catalogue(self) -> Catalogue | None:
        """How to ask for all that it lists; None where it prices only what it is asked for by name."""
        if self.listing is None and self.batch is None:
            return Catalogue(self.request(()), lambda body: self.parse(body, EVERYTHING), self.max_body)
        return self.listing

    def symbol_of(self, market: str) -> str | None:
        """The venue's symbol of the coin in one of its market ids, in capitals; None for ids that hold none."""
        found = self.id_pattern.fullmatch(market)
        return found["base"].upper() if found and "base" in self.id_pattern.groupindex else None


def answered(source: Source, bodies: Sequence[bytes], ids: Sequence[str]) -> Iterator[Row]:
    """The rows in the answers of one poll for these ids, the bodies in the order of `Source.requests`.

    A row under another id than its request named is left out, whatever the adapter does (trust rule 10). Raises the
    source's error where an answer is not what the source documents.
    """
    batches = source.batches(ids) if source.batch is not None else [ids] * len(bodies)
    try:
        for body, batch in zip(bodies, batches, strict=False):
            wanted = set(batch)
            yield from (row for row in source.parse(body, wanted) if row.id in wanted)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed(source.name, str(error)) from error


def quotes(
    source: Source, bodies: Sequence[bytes], ids: Mapping[CoinId, Sequence[str]], *, received: float, poll: int
) -> list[Quote]:
    """The quotes in the answers of one poll. Of a coin's ids, the first that has a price wins.

    A price that is absent, zero, negative or beyond `LOWEST_PRICE`..`HIGHEST_PRICE` is no quote (trust rule 15), and
    neither is an id that stands there at two prices. What is absurd beside a price is None.
    Raises the source's error where an answer is not what the source documents.
    """
    asked = [one for many in ids.values() for one in many]
    priced: dict[str, Row] = {}
    contradicted: set[str] = set()
    for row in answered(source, bodies, asked):
        if row.usable and priced.setdefault(row.id, row).price != row.price:
            contradicted.add(row.id)
    found = []
    for coin, many in ids.items():
        for one in many:
            best = priced.get(one)
            if best is not None and one not in contradicted:
                break
        else:
            continue
        if best.price is None or best.currency is None:
            continue
        high, low = (
            _bounded(best.high_24h, LOWEST_PRICE, HIGHEST_SUM),
            _bounded(best.low_24h, LOWEST_PRICE, HIGHEST_SUM),
        )
        if high is not None and low is not None and high < low:
            high = low = None
        found.append(
            Quote(
                source=source.name,
                coin=coin,
                price=best.price,
                currency=best.currency,
                received=received,
                poll=poll,
                # A source that gives times and gives none here is not fresh: 1970 is refused where votes are counted.
                at=(best.at or 0.0) if source.timed else best.at,
                change_1h=_bounded(best.change_1h, -HIGHEST_CHANGE, HIGHEST_CHANGE),
                change_24h=_bounded(best.change_24h, -HIGHEST_CHANGE, HIGHEST_CHANGE),
                change_7d=_bounded(best.change_7d, -HIGHEST_CHANGE, HIGHEST_CHANGE),
                high_24h=high,
                low_24h=low,
                # A volume of zero is news: a market at a standstill is known by it.
                volume_24h=_bounded(best.volume_24h, Decimal(0), HIGHEST_SUM),
                market_cap=_bounded(best.market_cap, LOWEST_PRICE, HIGHEST_SUM),
                name=best.name,
                symbol=best.symbol,
            )
        )
    return found


def _bounded(value: Decimal | None, low: Decimal, high: Decimal) -> Decimal | None:
    if value is None:
        return None
    return value if value.is_finite() and low <= value <= high else None


def heard(source: SourceName, stream: Stream, message: bytes) -> list[Row]:
    """The rows in one message of a stream that can be quotes.

    Raises the source's error where it says one, or is not what the source documents, and nothing else.
    """
    try:
        return [row for row in stream.read(message) if row.usable]
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed(source, str(error)) from error
