"""How answers are written down, and what every dialect is made of.

Numbers leave as their exact text: `text` for dialects that quote them, `number` for those that do not. A broken number
(a fault asks for one) goes through both as the token NaN, as broken servers send it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import Any, Literal

from msgspec import DecodeError, Raw, json

from ticker.model import CoinId, SourceName
from ticker.simulate.market import Tick


@dataclass(frozen=True, slots=True)
class Ask:
    """What was asked, beside the path: the query (the first of equal names), the headers by lower-case name."""

    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """A body, its HTTP status and its type."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class View:
    """All markets of one source as it sees them at `at`, the time the source itself would give."""

    ticks: Sequence[Tick]
    at: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What a client's message does: the ids it subscribes to, and the replies to it."""

    ids: Sequence[str] = ()
    replies: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class Live:
    """How one source speaks over WebSocket.

    `greet` is said to everyone who connects. `hear` reads a client's message, knowing all markets there are and those
    it has subscribed to. `tell` says one market: whether for the first time, and as which number of all that is said.
    `beat` is said every second to a client with these markets.
    """

    path: str
    greet: Sequence[bytes]
    hear: Callable[[str, AbstractSet[str], Sequence[str], float], Heard]
    tell: Callable[[Tick, bool, int], bytes]
    beat: Callable[[Sequence[str], float, int], Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one source speaks: its path, what its own ids are counted in, and the encoder.

    `refresh` is how long the source keeps an answer: in between it repeats prices and times; `published` says instead
    from which moment its answer of a moment is. `origin` is the source whose figures it republishes, "" for its own.
    `live` is its stream, `of` says what it prices.
    """

    source: SourceName
    path: str
    currency_of: Callable[[str], str]
    encode: Callable[[View, Ask], Reply]
    refresh: float = 0.0
    live: Live | None = None
    published: Callable[[float], float] | None = None
    origin: SourceName = ""
    of: Literal["coins", "currencies"] = "coins"

    def kept(self, at: float) -> float:
        """The moment of the answer that the source still gives at `at`."""
        if self.published is not None:
            return self.published(at)
        return at // self.refresh * self.refresh if self.refresh else at


_WIDE = Context(prec=80)  # faults make prices longer than the usual 28 digits

CURRENCIES: Mapping[str, CoinId] = {"USD": "usd", "USDT": "tether", "USDC": "usd-coin"}


def dollars(_: str) -> str:
    """Every id of an aggregator is counted in US dollars."""
    return "usd"


def currency_after(separator: str) -> Callable[[str], str]:
    """Reads the currency of a market named BASE+separator+QUOTE. It raises ValueError for others."""

    def currency_of(market: str) -> str:
        base, _, quote = market.rpartition(separator)
        if not base or quote not in CURRENCIES:
            raise ValueError(f"cannot tell the currency of market {market!r}")
        return CURRENCIES[quote]

    return currency_of


def stablecoin_at_end(market: str) -> str:
    """The currency of a market named BTCUSDT or btcusdt; ValueError for all but USDT and USDC, such as BTCFDUSD."""
    end = market[-4:].upper()
    if len(market) == len(end) or end not in CURRENCIES:
        raise ValueError(f"cannot tell the currency of market {market!r}")
    return CURRENCIES[end]


def reply(value: object, status: int = 200) -> Reply:
    """A value as JSON in the order it was built."""
    return Reply(json.encode(value), status)


def message_of(text: str) -> dict[str, Any]:
    """A client's message as an object; an empty one where it is none."""
    try:
        found = json.decode(text)
    except DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def rounded(value: Decimal, places: int) -> Decimal:
    """To this many decimals, never a negative zero."""
    return _WIDE.add(value.quantize(Decimal(1).scaleb(-places), context=_WIDE), Decimal(0))


def significant(value: Decimal, digits: int, *, least: int = 0) -> Decimal:
    """To this many digits that count, with at least `least` decimals; whole numbers stay whole."""
    return rounded(value, max(least, digits - 1 - value.adjusted()) if value else least)


def trimmed(value: Decimal) -> Decimal:
    """Without zeros at the end."""
    short = value.normalize(_WIDE)
    return short.quantize(Decimal(1), context=_WIDE) if short == short.to_integral() else short


def text(value: Decimal) -> str:
    """A number as text with all its decimals, never in scientific notation."""
    return format(value, "f")


def number(value: Decimal) -> Raw:
    """A number as a JSON number with all its digits."""
    return Raw(str(value).replace("E", "e").encode())


def iso(at: float, *, milliseconds: bool = True) -> str:
    """An ISO 8601 time in UTC, as aggregators write it."""
    moment = datetime.fromtimestamp(at, UTC)
    return moment.isoformat(timespec="milliseconds" if milliseconds else "seconds").replace("+00:00", "Z")


def iso_micro(at: float) -> str:
    """An ISO 8601 time in UTC with microseconds, as exchanges stream it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def unix_ms(at: float) -> int:
    """Unix milliseconds."""
    return round(at * 1000)


def per_unit(dollars: Decimal, price: Decimal) -> Decimal:
    """How much of a currency with this price some dollars are. A broken price of zero is written as zero."""
    return _WIDE.divide(dollars, price) if price else Decimal(0)


def ranked(ticks: Sequence[Tick]) -> Iterator[tuple[int, Tick]]:
    """The largest first, with ranks from 1."""
    return enumerate(sorted(ticks, key=lambda tick: tick.market_cap, reverse=True), 1)


def whole(value: str | None, default: int) -> int:
    """A query parameter as a whole number; the default where it is absent or none."""
    return int(value) if value is not None and value.isdecimal() else default
