"""Which connections there are, how long each may take, and which must go when there are too many (trust rule 30).

A request that has begun must be whole soon, and so must the first one of a connection; an answer must be taken before
long. One timer for all of them: those that began first are at the front. Knows neither HTTP nor sockets.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

log = logging.getLogger("ticker.server")

LOOKED_AT = 32  # connections that are looked at to make room for one more
AT_ONCE = 32  # connections that are ended in one turn of the loop, so that nobody waits for the end of a crowd
SOONEST = 0.05  # seconds between two looks where nothing is overdue
SAID_EVERY = 60.0  # seconds between two lines of the log that say the same


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds for the head of a request, for taking an answer and between requests; connections at a time."""

    header: float = 10.0
    taking: float = 60.0
    keep_alive: float = 75.0
    connections: int = 10_000


class Guarded(Protocol):
    """A connection."""

    def idle(self) -> bool:
        """Whether nobody waits for an answer on it."""
        ...

    def end(self) -> None:
        """Close it now."""
        ...


class Guard:
    """The connections of a process. `clock` is the event loop's."""

    def __init__(self, bounds: Bounds, clock: Callable[[], float]) -> None:
        self.bounds = bounds
        self.ended: dict[str, int] = {"header": 0, "taking": 0, "room": 0, "refused": 0}
        self._clock = clock
        self._there: dict[Guarded, None] = {}
        self._since: dict[str, dict[Guarded, float]] = {"header": {}, "taking": {}}
        self._most = {"header": bounds.header, "taking": bounds.taking}
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._said_at = -SAID_EVERY

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._there)

    def admit(self, connection: Guarded) -> bool:
        """Take one more in, its first request to come soon; False where it must go: all others are at work."""
        if len(self._there) >= self.bounds.connections and not self._made_room():
            self._count("refused")
            return False
        self._there[connection] = None
        self.begins(connection, "header")
        return True

    def leave(self, connection: Guarded) -> None:
        """It is closed, or no longer ours."""
        self._there.pop(connection, None)
        for waiting in self._since.values():
            waiting.pop(connection, None)

    def begins(self, connection: Guarded, what: str) -> None:
        """A request has begun on it ("header"), or an answer waits to be taken ("taking"). Twice is once."""
        if connection not in self._there or connection in self._since[what]:
            return
        now = self._clock()
        self._since[what][connection] = now
        if self._timer is None or now + self._most[what] < self._due:
            self._set()

    def done(self, connection: Guarded, what: str) -> None:
        """The request is whole, or the answer is taken."""
        self._since[what].pop(connection, None)

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, soonest: float = SOONEST) -> None:
        """Come back when the next of them is due."""
        self.close()
        dues = [next(iter(found.values())) + self._most[what] for what, found in self._since.items() if found]
        if dues:
            now = self._clock()
            self._due = max(now + soonest, min(dues))
            self._timer = asyncio.get_running_loop().call_later(self._due - now, self._sweep)

    def _sweep(self) -> None:
        """End what took too long; if that is much, the rest of it in the next turns."""
        now, more = self._clock(), False
        for what, found in self._since.items():
            late = []
            for connection, since in islice(found.items(), AT_ONCE):
                if now < since + self._most[what]:
                    break
                late.append(connection)
            for connection in late:
                self._count(what)
                self.leave(connection)
                connection.end()
            more = more or len(late) == AT_ONCE
        self._set(0.0 if more else SOONEST)

    def _made_room(self) -> bool:
        """Close one of the connections that have been there longest and on which nobody waits."""
        for connection in list(islice(self._there, LOOKED_AT)):
            if connection.idle():
                self._count("room")
                self.leave(connection)
                connection.end()
                return True
            self._there[connection] = self._there.pop(connection)  # at work: others are looked at next time
        return False

    def _count(self, why: str) -> None:
        self.ended[why] += 1
        now = self._clock()
        if why in ("room", "refused") and now >= self._said_at + SAID_EVERY:
            self._said_at = now
            log.warning("there are %d connections, as many as [server] max_connections allows", len(self._there))
