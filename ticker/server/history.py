"""`/v1/history/{coin}`: past prices, read from the store when they are asked for, and kept ready for a while.

The only door that asks the store on a request: no process holds everyone's past. So it is bounded: few reads at a time,
few in line, and equal asks share one. Knows neither the back end nor HTTP.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from ticker.errors import StoreError
from ticker.model import CoinId, Point, Step
from ticker.server import params
from ticker.server.params import RequestError
from ticker.server.shelf import Ready, ready
from ticker.server.views import iso, plain
from ticker.store.base import SECONDS, slot

MOST_POINTS = 1500
SPAN: Mapping[Step, float] = {"1m": 86_400.0, "1h": 7 * 86_400.0, "1d": 365 * 86_400.0}  # where no `from` is given
KEPT = 256  # answers
FRESH = 5.0  # seconds an answer is good for whose last slot is open
OVER = 600.0  # seconds for one whose last slot is over
READS = 4  # at a time
IN_LINE = 64  # asks that may wait for their turn; more are sent away

_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?",
    re.ASCII,
)


class Past(Protocol):
    """Whoever has past prices: a store."""

    async def points(self, coin: CoinId, step: Step, start: float, end: float) -> list[Point]:
        """The points of a coin from `start` up to and including `end`, oldest first. May raise `StoreError`."""
        ...


@dataclass(frozen=True, slots=True)
class Range:
    """What is asked for: the slots of a step, from the first up to and including the last.

    Points from before `since` are left out: the coin was counted in another unit then.
    """

    coin: CoinId
    step: Step
    first: int
    last: int
    since: float = 0.0

    @property
    def start(self) -> float:
        """When its first slot begins."""
        return self.first * SECONDS[self.step]

    @property
    def end(self) -> float:
        """When its last slot is over."""
        return (self.last + 1) * SECONDS[self.step]


def asked(query: Sequence[tuple[str, str]], coin: str, now: float) -> Range:
    """The range behind a URL, in whole slots; what is after `now` is cut off. Raises `RequestError`."""
    given = params.known(query, {"from", "to", "step", "currency"})
    params.one_of(given, "currency", ("usd",), "usd")  # what is kept is in dollars
    step: Step = params.one_of(given, "step", tuple(SECONDS), "1h")  # type: ignore[assignment]  # one of its keys
    end = min(_moment(given, "to", now), now)
    start = _moment(given, "from", max(0.0, end - SPAN[step]))
    if start > end:
        raise RequestError("bad_parameter", "from must be before to, and not in the future", "from")
    first, last = slot(step, start), slot(step, end)
    if "from" not in given:
        first = min(first + 1, last)  # a day of minutes is 1,440, of which the last is the one that is open
    if last - first + 1 > MOST_POINTS:
        raise RequestError("too_many", f"at most {MOST_POINTS} points; ask for less time, or for a longer step", "from")
    return Range(params.coin_id(coin), step, first, last)


def _moment(given: Mapping[str, str], name: str, default: float) -> float:
    """An ISO 8601 moment, in UTC where it names no zone; a date is its midnight."""
    if name not in given:
        return default
    text = given[name].replace(" ", "+")  # a plus that nobody escaped
    refusal = RequestError("bad_parameter", f"{name} must be a time such as 2026-11-22 or 2026-11-22T21:00:00Z", name)
    if not _TIME.fullmatch(text):
        raise refusal
    try:
        moment = datetime.fromisoformat(text)
        at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise refusal from None
    if at < 0:
        raise refusal
    return at


def history_json(what: Range, points: Sequence[Point], *, simulated: bool) -> dict[str, Any]:
    """The body: `points` are pairs of moment and price, oldest first."""
    start = max(what.start, what.since)
    return {
        "version": 1,
        "coin": what.coin,
        "currency": "usd",
        "step": what.step,
        "from": iso(what.start),
        "to": iso(what.end),
        "simulated": simulated,
        "points": [[iso(point.at), plain(point.price)] for point in points if start <= point.at < what.end],
    }


@dataclass(slots=True)
class _Kept:
    answer: Ready
    good_until: float


class History:
    """Answers of one process. `clock` gives seconds since 1970; `charge` is called before a read, and may refuse it."""

    def __init__(self, past: Past, clock: Callable[[], float], charge: Callable[[], None] = lambda: None) -> None:
        self._past, self._clock, self._charge = past, clock, charge
        self._kept: OrderedDict[tuple[Range, bool], _Kept] = OrderedDict()
        self._reading: dict[tuple[Range, bool], asyncio.Task[Ready]] = {}
        self._turns = asyncio.Semaphore(READS)

    async def get(self, what: Range, *, simulated: bool = False) -> Ready:
        """The ready answer. While the store is down, the last one to the same ask, whatever its age.

        Raises `RequestError`: `not_ready` where there is none, `rate_limited` where too many wait.
        """
        key = (what, simulated)
        kept = self._kept.get(key)
        if kept is not None and self._clock() < kept.good_until:
            self._kept.move_to_end(key)
            return kept.answer
        task = self._reading.get(key)
        if task is None:
            self._charge()
            if len(self._reading) >= READS + IN_LINE:
                raise RequestError("rate_limited", "too many ask for history at the moment; try again in a moment")
            task = asyncio.create_task(self._read(key))
            self._reading[key] = task
            task.add_done_callback(lambda done: self._over(key, done))
        try:
            return await asyncio.shield(task)  # who goes away does not take it from the others who wait
        except StoreError as error:
            if kept is not None:
                return kept.answer
            raise RequestError("not_ready", "history cannot be read at present; try again in a moment") from error

    async def close(self) -> None:
        """Wait for no read any more."""
        reading = list(self._reading.values())
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)

    def _over(self, key: tuple[Range, bool], task: asyncio.Task[Ready]) -> None:
        del self._reading[key]
        if not task.cancelled():
            task.exception()  # whoever waits is told; where nobody does any more, nobody needs to be

    async def _read(self, key: tuple[Range, bool]) -> Ready:
        what, simulated = key
        async with self._turns:
            points = await self._past.points(what.coin, what.step, what.start, what.end)
        now = self._clock()
        answer = ready(msgspec.json.encode(history_json(what, points, simulated=simulated)))
        self._kept[key] = _Kept(answer, now + (FRESH if now < what.end else OVER))
        self._kept.move_to_end(key)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return answer
