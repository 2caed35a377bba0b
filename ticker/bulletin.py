"""How polling stands, as values: what the poller that leads says of itself and its sources, and readers show.

One small record, written by the polling half and read by the serving half, which may be another process. It bears its
own time, so that a poller that died is seen as one. Knows no I/O and no clock; times are seconds since 1970. Nothing
in it is secret: no keys, no addresses, no words of strangers.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec
from msgspec import Struct

from ticker.model import CoinId, SourceName

SILENT = 20.0  # seconds without a new record after which a poller counts as gone; it writes one every 5
MOST_EXCLUDED = 50  # coins that are named for each source; the rest is a number
LARGEST = 256 * 1024  # bytes of a record; 20 sources with 50 exclusions each come to a fifth of it

Condition = Literal["up", "down", "waiting"]
Switch = Literal["closed", "open", "half-open"]


class Refusal(Struct, frozen=True):
    """A configuration that was refused: when, and the sentence that says why."""

    at: float
    reason: str


class ConfigStanding(Struct, frozen=True):
    """Which configuration is in use since when, and the last one that was refused since; None = none was.

    `refusals` counts those refused since the start.
    """

    version: str = ""
    loaded_at: float | None = None
    refused: Refusal | None = None
    refusals: int = 0


class Trouble(Struct, frozen=True):
    """Why a source is down: the code that counts it, and our own sentence for it."""

    code: str
    message: str


class Room(Struct, frozen=True):
    """What is left of a quota: of `units` in any `per` seconds."""

    units: float
    per: float
    left: float


class Feeding(Struct, frozen=True):
    """How the live feed of a source is doing."""

    connected: bool
    last_message_at: float | None = None
    error: str | None = None
    reconnects: int = 0
    rows: int = 0
    resting: bool = False


class Excluded(Struct, frozen=True):
    """A coin for which a source does not count, and the reason's name."""

    coin: CoinId
    reason: str


class SourceStanding(Struct, frozen=True):
    """One source: whether it answers, since when, how fast, how often it may be asked and will be.

    `condition` is "waiting" before its first answer or failure. `outcomes` counts turns by how they ended: "answered",
    "put_off", or the code of an error. `excluded` names at most `MOST_EXCLUDED` of `excluded_count` coins.
    """

    name: SourceName
    title: str
    kind: str
    group: str
    prices: str
    every: float
    condition: Condition
    since: float | None = None
    answered_at: float | None = None
    latency: float | None = None
    failures: int = 0
    error: Trouble | None = None
    outcomes: dict[str, int] = {}
    quota: str = ""
    budget: tuple[Room, ...] = ()
    breaker: Switch = "closed"
    breaker_until: float | None = None
    held: str | None = None
    next_turn: float | None = None
    stream: Feeding | None = None
    excluded: tuple[Excluded, ...] = ()
    excluded_count: int = 0


class Rounds(Struct, frozen=True):
    """Rounds of settling so far: how many, their seconds together and of the last, when that was."""

    count: int = 0
    seconds: float = 0.0
    last_seconds: float | None = None
    last_at: float | None = None


class Alert(Struct, frozen=True):
    """Something ops are told of: what kind, of which source or coin ("" = of the whole), since when it is so.

    `told_at` is None until it has been told; `clear_since` is when it seemed over, None while it is so.
    """

    kind: str
    subject: str
    since: float
    told_at: float | None = None
    clear_since: float | None = None


class Bulletin(Struct, frozen=True):
    """All of it at the moment `at`. `instance` is the machine's name and the process id of the poller.

    `clock_offset` is how many seconds the sources' clocks are ahead of the poller's; None where too few say.
    """

    at: float
    instance: str
    ticker: str
    started_at: float
    snapshot: str | None = None
    config: ConfigStanding = ConfigStanding()
    sources: tuple[SourceStanding, ...] = ()
    off: dict[SourceName, str] = {}
    rounds: Rounds = Rounds()
    late_turns: int = 0
    clock_steps: int = 0
    clock_offset: float | None = None
    store_errors: int = 0
    alerts: tuple[Alert, ...] = ()
    told: tuple[float, ...] = ()
    version: int = 1

    def gone(self, now: float) -> bool:
        """Whether nothing has been heard of that poller for too long."""
        return abs(now - self.at) > SILENT


def pack(bulletin: Bulletin) -> bytes:
    """A record as bytes. One that is too large is written without exclusions and alerts: rather that than none."""
    packed = msgspec.json.encode(bulletin)
    if len(packed) > LARGEST:
        sources = tuple(msgspec.structs.replace(one, excluded=()) for one in bulletin.sources)
        packed = msgspec.json.encode(msgspec.structs.replace(bulletin, sources=sources, alerts=()))
    return packed


def unpack(packed: bytes) -> Bulletin | None:
    """What `pack` packed; None for what is not a record, or one of another version."""
    try:
        found = msgspec.json.decode(packed, type=Bulletin)
    except msgspec.MsgspecError:
        return None
    return found if found.version == 1 else None


def excluded_of(refused: Mapping[CoinId, Mapping[SourceName, str]]) -> dict[SourceName, list[Excluded]]:
    """By source, the coins it does not count for, from what each coin refused."""
    found: dict[SourceName, list[Excluded]] = {}
    for coin, reasons in refused.items():
        for source, reason in reasons.items():
            found.setdefault(source, []).append(Excluded(coin, reason))
    return found


def up(sources: Iterable[SourceStanding], prices: str = "coins") -> list[SourceName]:
    """The names of the sources that answer and price coins."""
    return [one.name for one in sources if one.prices == prices and one.condition == "up"]
