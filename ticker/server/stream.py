"""All live streams of a process: which viewers there are of what, within which bounds, and the pulse that keeps them.

No task per viewer: a new snapshot, or a rung of the ladder, is written once a stream and handed to its viewers a slice
a turn of the loop, the streams with the most viewers first (trust rule 29). Knows no HTTP.
"""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from weakref import WeakValueDictionary

from ticker.model import Snapshot
from ticker.server.doors import not_ready
from ticker.server.frames import Frames
from ticker.server.hub import Hub, Transport, Viewer
from ticker.server.params import Ask, RequestError
from ticker.server.pen import Moment, Pen, moment
from ticker.server.views import next_deadline

log = logging.getLogger("ticker.server")

MOST_STREAMS = 256
IDLE = 60.0  # seconds that a stream without viewers is kept, so that one who comes back is told only what changed
BEAT = 1.0  # seconds
PING_EVERY = 15  # beats
LIFE = (1800.0, 3600.0)  # seconds after which a viewer must come back anew, so that none stays on a server for ever
BACK = (0.5, 4.0)  # seconds after which it may
SLICE = 256  # viewers a turn of the loop
SOONEST = 0.05  # seconds between two looks at the ladder
FREE, SHARE = 0.05, 0.5  # seconds of writing a round at once; beyond, of the time at most

POPULAR = 8  # streams that go before all others, so that a flood of odd ones does not slow them


@dataclass(frozen=True, slots=True)
class Limits:
    """How many viewers there may be in this process, and from one address."""

    viewers: int = 10_000
    per_address: int = 100


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class _Seat:
    """What belongs to a viewer here: whose it is, in which beat it is pinged, and when it must come back anew."""

    address: str | None
    beat: int
    until: float


class Stream:
    """The streams of a process. `clock` gives seconds since 1970."""

    def __init__(self, clock: Callable[[], float], limits: Limits) -> None:
        self._clock, self._limits = clock, limits
        self._moment: Moment | None = None
        self._deadline: float | None = None
        self._hubs: dict[Ask, Hub] = {}
        self._pens: WeakValueDictionary[tuple[str, str | None], Pen] = WeakValueDictionary()
        self._idle: dict[Ask, float] = {}  # since when
        self._seats: dict[Viewer, _Seat] = {}
        self._addresses: Counter[str] = Counter()
        self._due: dict[Ask, None] = {}
        self._told: dict[Ask, float] = {}
        self._spent = 0.0
        self._at_work: Hub | None = None
        self._work_handle: asyncio.Handle | None = None
        self._ladder_handle: asyncio.TimerHandle | None = None
        self._pulse_handle: asyncio.TimerHandle | None = None
        self._beat = 0
        self._skipped = 0  # in streams that are forgotten
        self._closed = False

    @property
    def viewers(self) -> int:
        """How many there are."""
        return len(self._seats)

    @property
    def streams(self) -> int:
        """How many different ones are kept."""
        return len(self._hubs)

    @property
    def skipped(self) -> int:
        """Frames that viewers were not sent, since earlier bytes still waited for them; they get the latest later."""
        return self._skipped + sum(hub.skipped for hub in self._hubs.values())

    def update(self, snapshot: Snapshot) -> None:
        """Go over to another snapshot."""
        self._look(snapshot, first=True)

    def hub(self, ask: Ask, address: str | None) -> Hub:
        """The stream for one more viewer from an address. Raises `RequestError`: no room, no prices, no such coin."""
        at = self._present()
        if self._closed or len(self._seats) >= self._limits.viewers:
            raise RequestError("busy", "as many watch live as this server takes; the prices are at /v1/prices")
        if address is not None and self._addresses[address] >= self._limits.per_address:
            raise RequestError("busy", "as many watch live from your address as this server takes; see /v1/prices")
        hub = self._hubs.get(ask)
        if hub is None:
            self._make_room()
            hub = Hub(Frames(ask, self._pen(ask)))
        hub.take(at)  # may raise: then nothing is kept
        self._hubs[ask] = hub
        if not hub.viewers:
            self._idle[ask] = asyncio.get_running_loop().time()
        if self._pulse_handle is None:
            self._pulse_handle = asyncio.get_running_loop().call_later(BEAT, self._pulse)
        return hub

    def seat(self, ask: Ask, hub: Hub, transport: Transport, address: str | None, *, paused: bool = False) -> Viewer:
        """One more viewer of a stream that `hub` gave; it is told nothing until it is greeted."""
        viewer = Viewer(transport, hub, lambda gone: self._leave(ask, hub, gone), paused=paused)
        until = asyncio.get_running_loop().time() + random.uniform(*LIFE)
        self._seats[viewer] = _Seat(address, random.randrange(PING_EVERY), until)
        if address is not None:
            self._addresses[address] += 1
        self._idle.pop(ask, None)
        return viewer

    @staticmethod
    def back() -> float:
        """After how many seconds a viewer may come back; not all at once."""
        return random.uniform(*BACK)

    def close(self) -> None:
        """Send all viewers away, to come back soon, and stop all timers."""
        self._closed = True
        for handle in (self._work_handle, self._ladder_handle, self._pulse_handle):
            if handle is not None:
                handle.cancel()
        self._work_handle = self._ladder_handle = self._pulse_handle = None
        for viewer in list(self._seats):
            viewer.farewell(self.back())

    def _pen(self, ask: Ask) -> Pen:
        key = (ask.currency, ask.locale if ask.texts else None)
        pen = self._pens.get(key)
        if pen is None:
            pen = self._pens[key] = Pen(*key)
        return pen

    def _make_room(self) -> None:
        if len(self._hubs) < MOST_STREAMS:
            return
        oldest = next(iter(self._idle), None)
        if oldest is None:
            raise RequestError("busy", "too many different streams are open here; the prices are at /v1/prices")
        self._forget(oldest)

    def _forget(self, ask: Ask) -> None:
        self._skipped += self._hubs[ask].skipped if ask in self._hubs else 0
        for kept in (self._hubs, self._idle, self._due, self._told):
            kept.pop(ask, None)

    def _leave(self, ask: Ask, hub: Hub, viewer: Viewer) -> None:
        seat = self._seats.pop(viewer, None)
        if seat is not None and seat.address is not None:
            self._addresses[seat.address] -= 1
            if not self._addresses[seat.address]:
                del self._addresses[seat.address]
        if not hub.viewers and self._hubs.get(ask) is hub:
            self._idle.pop(ask, None)
            self._idle[ask] = asyncio.get_running_loop().time()
            self._due.pop(ask, None)

    # The present, and who must hear of it.

    def _present(self) -> Moment:
        if self._moment is None:
            raise not_ready()
        if self._deadline is not None and self._clock() >= self._deadline:
            self._look(
                self._moment.snapshot
            )  # the timer is late: a busy loop, a suspended machine, a clock that was set
        return self._moment

    def _look(self, snapshot: Snapshot, *, first: bool = False) -> None:
        """Look at a snapshot now; look again when a price or a rate of it changes its rung."""
        if self._closed:
            return
        now = self._clock()
        self._moment = moment(snapshot, now, first=first)
        self._deadline = next_deadline(snapshot, now)
        loop = asyncio.get_running_loop()
        if self._ladder_handle is not None:
            self._ladder_handle.cancel()
            self._ladder_handle = None
        if self._deadline is not None:
            self._ladder_handle = loop.call_later(max(SOONEST, self._deadline - now), self._look, snapshot)
        self._due = dict.fromkeys(self._in_turn())
        self._spent = 0.0
        if self._due and self._work_handle is None:
            self._work_handle = loop.call_soon(self._work)

    def _in_turn(self) -> Iterator[Ask]:
        """The streams with viewers: the popular ones, then whoever was told longest ago."""
        watched = [ask for ask, hub in self._hubs.items() if hub.viewers]
        watched.sort(key=lambda ask: -len(self._hubs[ask].viewers))
        yield from watched[:POPULAR]
        yield from sorted(watched[POPULAR:], key=lambda ask: self._told.get(ask, 0.0))

    def _work(self) -> None:
        """Tell a slice of viewers, or write the next stream that is due; come back for the rest."""
        loop = asyncio.get_running_loop()
        self._work_handle = None
        pause = 0.0
        if self._at_work is None:
            ask = next(iter(self._due), None)
            if ask is None or self._moment is None:
                return
            del self._due[ask]
            started = time.monotonic()
            self._write(ask, self._moment)
            took = time.monotonic() - started
            self._spent += took
            self._told[ask] = loop.time()
            pause = 0.0 if self._spent < FREE else took * (1 / SHARE - 1)
        if self._at_work is not None and not self._at_work.deliver(SLICE):
            self._at_work = None
        if self._at_work is not None or self._due:
            self._work_handle = loop.call_later(pause, self._work) if pause else loop.call_soon(self._work)

    def _write(self, ask: Ask, at: Moment) -> None:
        hub = self._hubs[ask]
        try:
            hub.take(at)
        except RequestError:  # a coin was removed: who comes back is told
            self._end(ask, hub)
        except Exception:  # a fault of ours in one stream must not stop the others
            log.exception("cannot write the stream of %s", ask)
            self._end(ask, hub)
        else:
            self._at_work = hub

    def _end(self, ask: Ask, hub: Hub) -> None:
        self._forget(ask)
        for viewer in list(hub.viewers):
            viewer.farewell(self.back())

    # The pulse.

    def _pulse(self) -> None:
        """Once a second: ping some, send the oldest away to come back, abort the stalled, forget idle streams."""
        loop = asyncio.get_running_loop()
        now, self._beat = loop.time(), (self._beat + 1) % PING_EVERY
        for viewer, seat in list(self._seats.items()):
            if viewer.stalled(now):
                viewer.abort()
            elif now >= seat.until:
                viewer.farewell(self.back())
            elif seat.beat == self._beat:
                viewer.ping()
        for ask in [ask for ask, since in self._idle.items() if now - since >= IDLE]:
            self._forget(ask)
        self._pulse_handle = loop.call_later(BEAT, self._pulse) if self._hubs else None
