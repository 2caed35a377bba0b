"""The narrow contract between the two halves of the service: what a store keeps, and when a reader believes it.

A store keeps one publication (snapshot, quotes, memory) and tells readers when there is a newer one. Notices are only
hints: what counts is what `latest` reads (trust rules 21-26). Beside it a store keeps past prices, a point a coin and
step, and the log of decisions. How values look inside a store is `envelope`'s and the back ends'.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from decimal import Context, Decimal
from typing import Protocol

import msgspec

from ticker.errors import StoreError
from ticker.model import CoinId, Point, Quote, Snapshot, Step

HEARTBEAT = 5.0  # seconds between two signs of life of the publisher
SILENCE = 10.0  # seconds without any sign of life after which a reader looks for itself

HOUR, DAY = 3600.0, 86_400.0
SECONDS: Mapping[Step, float] = {"1m": 60.0, "1h": HOUR, "1d": DAY}  # the length of a step's slots, which begin in UTC
KEPT: Mapping[Step, float] = {"1m": 25 * HOUR, "1h": 8 * DAY, "1d": 365 * DAY}  # seconds; "1d" is `[history] keep`

FILLED = "fill:"  # before the ids of coins whose hours one source told us; no coin's id has a colon
FILLER = "coingecko"  # that source

DECISIONS_KEPT = 7 * DAY
ROUNDS_KEPT = DAY  # whole rounds, but for those of every fifth minute, which are kept like decisions
DECISIONS_BYTES = 50_000_000  # of the whole log, oldest out first

_DIGITS = Context(prec=18)

Report = Callable[[StoreError | None], None]
"""Told after every look at a store how it went: the error, or None when it works. It must not raise."""


class Publication(msgspec.Struct, frozen=True):
    """What a poller writes in one step: the snapshot for readers, quotes and memory for its successor.

    `memory` is opaque here: the bytes of whatever settling remembers between rounds.
    """

    snapshot: Snapshot
    quotes: tuple[Quote, ...] = ()
    memory: bytes = b""


class Entry(msgspec.Struct, frozen=True):
    """One line of the log of decisions: a change of one coin, or a whole round (`coin` ""), opaque here.

    `body` is whatever settling wrote, small and already compressed.
    """

    at: float
    coin: CoinId
    body: bytes


class Store(Protocol):
    """One back end. Every method may raise `StoreDown`; reading may raise `StoreCorrupt`."""

    async def open(self) -> None:
        """Make ready; called once before anything else.

        A Redis that does not answer is no error here, since readers start without it (trust rule 25). An embedded
        file that cannot be used is: `StoreDown` where another process has it or it cannot be written, `StoreCorrupt`
        where it is not a store of ours.
        """
        ...

    async def close(self) -> None:
        """Let go of everything; safe to call twice."""
        ...

    async def new_epoch(self, now: float) -> int:
        """A number for a poller that takes over: larger than every one before, at least `now` in milliseconds."""
        ...

    async def publish(self, publication: Publication) -> None:
        """Write all of it or nothing, and notify readers.

        Raises `Fenced` where the store already holds a snapshot of a higher epoch, or of the same epoch and the same
        or a higher seq. After `StoreDown` it may have been written all the same, so the next try takes the next seq.
        """
        ...

    async def resume(self) -> Publication | None:
        """The last publication whole, for a poller that starts; None in an empty store."""
        ...

    async def latest(self) -> Snapshot | None:
        """The last snapshot; None in an empty store."""
        ...

    def changes(self, report: Report | None = None) -> AsyncGenerator[Snapshot, None]:
        """Every newer snapshot from now on, the present one first; what does not `supersede` is never given.

        Ends never and raises nothing: a store that is down or holds what is not ours is asked again, with growing
        pauses of at most 2 s, and `report` hears of it. Snapshots in between may be left out. A reader that hears
        nothing for `SILENCE` seconds reads for itself.
        """
        ...

    async def add_points(self, step: Step, at: float, prices: Mapping[CoinId, Decimal]) -> None:
        """Keep one point of every coin given. A point of the same coin, step and slot replaces the one before.

        Prices are above zero and kept to 18 significant digits, which is what settling gives. Bounded by `KEPT`: what
        is older than a step is kept for goes when newer comes. It is not fenced: a poller adds points of what it has
        published, so one that is fenced has none to add.
        """
        ...

    async def points(self, coin: CoinId, step: Step, start: float, end: float) -> list[Point]:
        """The points of a coin from `start` up to and including `end`, oldest first."""
        ...

    async def points_near(
        self, coins: Sequence[CoinId], step: Step, at: float, within: float
    ) -> Mapping[CoinId, Point]:
        """For each coin that has one, the point nearest to `at`, at most `within` seconds from it.

        Of two that are equally near it is either.
        """
        ...

    async def record(self, entries: Sequence[Entry]) -> None:
        """Add to the log of decisions. What outlives its `lifetime` goes, and the oldest beyond `DECISIONS_BYTES`.

        An entry that is there already is not added again, so a call that failed may be repeated.
        """
        ...

    async def decisions(self, coin: CoinId, start: float, end: float, limit: int) -> list[Entry]:
        """The newest `limit` entries of one coin ("" for whole rounds) from `start` to `end`, newest first."""
        ...

    async def write_bulletin(self, bulletin: bytes) -> None:
        """Keep how polling stands, opaque here and small, in the place of what was kept of it."""
        ...

    async def read_bulletin(self) -> bytes | None:
        """What was last written of how polling stands; None where nothing was."""
        ...

    async def heartbeat(self) -> None:
        """A sign of life of the publisher, every `HEARTBEAT` seconds."""
        ...


def slot(step: Step, at: float) -> int:
    """The slot of a step that a moment is in: minutes, hours or days since 1970."""
    return int(at // SECONDS[step])


def slots_kept(step: Step, keep: float) -> int:
    """How many slots of a step are kept where days are kept for `keep` seconds: those, and the one that is open."""
    return int(-(-(keep if step == "1d" else KEPT[step]) // SECONDS[step])) + 1


def kept_price(price: Decimal) -> Decimal:
    """A price as a store keeps it: to 18 significant digits."""
    return _DIGITS.plus(price)


def lifetime(entry: Entry) -> float:
    """How long an entry of the log is kept, in seconds: a round a minute for a day, one in five for a week."""
    short = not entry.coin and slot("1m", entry.at) % 5 != 0
    return ROUNDS_KEPT if short else DECISIONS_KEPT


def supersedes(found: Snapshot, shown: Snapshot | None) -> bool:
    """Whether a reader who shows `shown` goes on to `found`.

    A higher (epoch, seq) does. A lower epoch does only with newer prices: a store that was wiped while the clock went
    back must not lock readers out, and an old dump that was restored must not take them back (trust rule 22).
    """
    if shown is None or found.order > shown.order:
        return True
    return found.epoch < shown.epoch and _as_of(found) > _as_of(shown)


def _as_of(snapshot: Snapshot) -> float:
    """The newest provider time among its prices; 1970 where no price has one."""
    return max((price.as_of for price in snapshot.prices if price.as_of is not None), default=0.0)
