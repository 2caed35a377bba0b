"""Ready answers: built once per snapshot and rung of the ladder, handed out as bytes.

A variant is built when it is first asked for; what was asked for twice lately is built anew, one a turn of the loop and
for a part of the time only, as soon as there is a newer snapshot or a price changes its rung. The rest is built when it
is asked for again: an answer from before a deadline, or from more than one snapshot ago, is never handed out. Knows
neither HTTP nor what the answers mean.
"""

import asyncio
import gzip
import hashlib
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from ticker.model import Snapshot
from ticker.server.params import RequestError
from ticker.server.views import next_deadline

log = logging.getLogger("ticker.server")

MOST_VARIANTS = 2048
LATELY = 60.0  # seconds; what nobody asked for in this time is forgotten
SHARE = 0.2  # of the time at most goes into building ahead of requests; a flood of odd variants gains no more
SMALLEST_GZIP = 256  # bytes; below, compressing gains nothing

Build = Callable[[Snapshot, float], bytes]


@dataclass(frozen=True, slots=True)
class Ready:
    """One body in its encodings, each with its ETag; `compressed` is None where that would not be smaller."""

    body: bytes
    etag: str
    compressed: bytes | None
    compressed_etag: str


def ready(body: bytes) -> Ready:
    """A body in its encodings."""
    digest = hashlib.sha256(body).hexdigest()[:32]
    compressed = gzip.compress(body, 6, mtime=0) if len(body) >= SMALLEST_GZIP else None
    if compressed is not None and len(compressed) >= len(body):
        compressed = None
    return Ready(body, f'"{digest}"', compressed, f'"{digest}-gzip"')


@dataclass(slots=True)
class _Variant:
    build: Build
    asked_at: float
    asked: int = 1
    generation: int = -1
    good_until: float = 0.0
    ready: Ready | None = field(default=None)


class Shelf:
    """All variants of the present moment. `clock` gives seconds since 1970; `most` is how many are kept."""

    def __init__(self, clock: Callable[[], float], most: int | None = None) -> None:
        self._clock = clock
        self._most = most
        self._variants: OrderedDict[Hashable, _Variant] = OrderedDict()
        self._snapshot: Snapshot | None = None
        self._generation = 0
        self._at = 0.0
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._rebuilding: asyncio.Handle | None = None
        self._outdated: list[Hashable] = []
        self._beside: list[Shelf] = []

    def beside(self, most: int) -> "Shelf":
        """A shelf of its own size that goes over to every snapshot with this one, and is closed with it."""
        other = Shelf(self._clock, most)
        self._beside.append(other)
        return other

    @property
    def snapshot(self) -> Snapshot | None:
        """The snapshot that answers are made of; None before the first."""
        return self._snapshot

    @property
    def variants(self) -> int:
        """How many answers are kept, beside it too."""
        return len(self._variants) + sum(other.variants for other in self._beside)

    def update(self, snapshot: Snapshot) -> None:
        """Go over to another snapshot."""
        self._snapshot = snapshot
        self._next_generation()
        for other in self._beside:
            other.update(snapshot)

    def refresh(self) -> None:
        """Build anew what is asked for: something beside the snapshot has changed, such as the known past."""
        self._next_generation()

    def get(self, key: Hashable, build: Build) -> Ready:
        """The ready answer of a variant. `build` may raise; then nothing is kept. Needs a snapshot."""
        now = self._clock()
        if self._deadline is not None and now >= self._deadline:
            self._next_generation()  # the timer is late: a busy loop, a suspended machine, a clock that was set
        variant = self._variants.get(key)
        if variant is None:
            variant = _Variant(build, now)
            ready = self._make(variant)
            self._variants[key] = variant
            if len(self._variants) > (self._most or MOST_VARIANTS):
                self._variants.popitem(last=False)
            return ready
        variant.asked_at, variant.asked = now, variant.asked + 1
        self._variants.move_to_end(key)
        behind = self._generation - variant.generation
        waits_its_turn = behind == 1 and variant.asked > 2  # it is being rebuilt; until then the last one will do
        if variant.ready is None or now >= variant.good_until or (behind and not waits_its_turn):
            return self._make(variant)
        return variant.ready

    def close(self) -> None:
        """Stop all timers."""
        self._stop()
        for other in self._beside:
            other.close()

    def _stop(self) -> None:
        for handle in (self._timer, self._rebuilding):
            if handle is not None:
                handle.cancel()
        self._timer = self._rebuilding = None

    def _next_generation(self) -> None:
        if self._snapshot is None:
            return
        self._stop()
        self._generation += 1
        self._at = self._clock()
        lately = self._at - LATELY
        for key in [key for key, variant in self._variants.items() if variant.asked_at < lately]:
            del self._variants[key]
        self._deadline = next_deadline(self._snapshot, self._at)
        loop = asyncio.get_running_loop()
        if self._deadline is not None:
            self._timer = loop.call_later(max(0.0, self._deadline - self._at), self._next_generation)
        # The one asked for last is at the end, and rebuilt first.
        self._outdated = [key for key, variant in self._variants.items() if variant.asked > 1]
        self._rebuilding = loop.call_soon(self._rebuild)

    def _rebuild(self) -> None:
        """Build one outdated variant, and come back for the next: requests are answered in between."""
        self._rebuilding = None
        while self._outdated:
            key = self._outdated.pop()
            variant = self._variants.get(key)
            if variant is None or variant.generation == self._generation:
                continue
            started = time.monotonic()
            try:
                self._make(variant)
            except RequestError:  # a coin was removed: the reader who asks next is told
                del self._variants[key]
            except Exception:  # a fault of ours in one variant must not stop the others
                log.exception("cannot rebuild %s", key)
                del self._variants[key]
            pause = (time.monotonic() - started) * (1 / SHARE - 1)
            self._rebuilding = asyncio.get_running_loop().call_later(pause, self._rebuild)
            return

    def _make(self, variant: _Variant) -> Ready:
        if self._snapshot is None:
            raise RuntimeError("there is no snapshot to build from")
        variant.ready = ready(variant.build(self._snapshot, self._at))
        variant.generation = self._generation
        variant.good_until = math.inf if self._deadline is None else self._deadline
        return variant.ready
