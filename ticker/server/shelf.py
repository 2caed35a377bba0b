"""Ready answers: built once per snapshot and rung of the ladder, handed out as bytes.

A variant is built when it is first asked for; what was asked for twice lately is built anew, one a turn of the loop and
for a part of the time only, as soon as there is a newer snapshot or a price changes its rung. The rest is built when it
is asked for again: an answer from before a deadline, or from more than one snapshot ago, is never handed out. Knows
neither HTTP nor what the answers mean.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from ticker.model import Snapshot
from ticker.server.codings import IDENTITY
from ticker.server.params import RequestError
from ticker.server.ready import UNKNOWN, Edition, Ready, ready
from ticker.server.views import next_deadline

log = logging.getLogger("ticker.server")

MOST_VARIANTS = 2048
MOST_BYTES = 32 * 1024 * 1024  # of all variants in all codings; those asked for longest ago go first
LATELY = 60.0  # seconds; what nobody asked for in this time is forgotten
SHARE = 0.2  # of the time at most goes into building ahead of requests; a flood of odd variants gains no more

Build = Callable[[Snapshot, float], bytes]


@dataclass(slots=True)
class _Variant:
    build: Build
    asked_at: float
    ready: Ready
    asked: int = 1
    generation: int = -1
    weight: int = 0
    codings: dict[str, float] = field(default_factory=dict)  # by when they were last given
    due: list[str] = field(default_factory=list)  # codings to be made ahead

    def look(self) -> None:
        """Note how, and when, the answer was last given, whichever road it went."""
        for coding, second in self.ready.given().items():
            self.codings[coding] = second
            self.asked_at = max(self.asked_at, second)


class Shelf:
    """All variants of the present moment. `clock` gives seconds since 1970; `most` is how many are kept.

    `charge` is called before a variant is built that is not kept; it may raise, and then nothing is built.
    """

    def __init__(
        self, clock: Callable[[], float], most: int | None = None, charge: Callable[[], None] | None = None
    ) -> None:
        self._clock, self._charge = clock, charge
        self._most = most
        self._variants: OrderedDict[Hashable, _Variant] = OrderedDict()
        self._bytes = 0
        self._snapshot: Snapshot | None = None
        self._generation = 0
        self._edition = UNKNOWN
        self._at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._rebuilding: asyncio.Handle | None = None
        self._outdated: list[Hashable] = []
        self._beside: list[Shelf] = []

    def beside(self, most: int) -> "Shelf":
        """A shelf of its own size that goes over to every snapshot with this one, and is closed with it."""
        other = Shelf(self._clock, most, self._charge)
        self._beside.append(other)
        if self._snapshot is not None:
            other.update(self._snapshot)
        return other

    @property
    def snapshot(self) -> Snapshot | None:
        """The snapshot that answers are made of; None before the first."""
        return self._snapshot

    @property
    def weight(self) -> int:
        """About how many bytes the variants take."""
        return self._bytes

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

    def forget(self) -> None:
        """Drop every answer, and the shelves beside: who builds them now builds other ones under the same names."""
        for other in self._beside:
            other.forget()
            other.close()
        self._beside.clear()
        self._variants.clear()
        self._bytes = 0
        self._next_generation()

    def once(self, build: Build) -> Ready:
        """An answer of the present moment that is not kept. Needs a snapshot."""
        return self._made(build).alone()

    def get(self, key: Hashable, build: Build) -> Ready:
        """The ready answer of a variant. `build` may raise; then nothing is kept. Needs a snapshot."""
        now = self._clock()
        if now >= self._edition.until:
            self._next_generation()  # the timer is late: a busy loop, a suspended machine, a clock that was set
        variant = self._variants.get(key)
        if variant is None:
            if self._charge is not None:
                self._charge()
            variant = _Variant(build, now, self._made(build), generation=self._generation)
            self._variants[key] = variant
            self._weigh(variant)
            return variant.ready
        variant.asked_at, variant.asked = now, variant.asked + 1
        self._variants.move_to_end(key)
        behind = self._generation - variant.generation
        waits_its_turn = behind == 1 and variant.asked > 2  # it is being rebuilt; until then the last one will do
        if now >= variant.ready.edition.until or (behind and not waits_its_turn):
            self._remake(variant)
        elif variant.ready.weight != variant.weight:
            self._weigh(variant)  # it was asked for in another coding
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
        self._edition.over = True
        deadline = next_deadline(self._snapshot, self._at)
        self._edition = Edition() if deadline is None else Edition(deadline)
        lately = self._at - LATELY
        for key, variant in list(self._variants.items()):
            variant.look()
            if variant.asked_at < lately:
                self._drop(key)
        loop = asyncio.get_running_loop()
        if deadline is not None:
            self._timer = loop.call_later(max(0.0, deadline - self._at), self._next_generation)
        # The one asked for last is at the end, and rebuilt first.
        self._outdated = [key for key, variant in self._variants.items() if variant.asked > 1]
        self._rebuilding = loop.call_soon(self._rebuild)

    def _rebuild(self) -> None:
        """Build one outdated variant, or one coding of it, and come back: requests are answered in between."""
        self._rebuilding = None
        while self._outdated:
            key = self._outdated[-1]
            variant = self._variants.get(key)
            if variant is None or (variant.generation == self._generation and not variant.due):
                self._outdated.pop()
                continue
            started = time.monotonic()
            try:
                self._step(variant)
            except RequestError:  # a coin was removed: the reader who asks next is told
                self._drop(key)
            except Exception:  # a fault of ours in one variant must not stop the others
                log.exception("cannot rebuild %s", key)
                self._drop(key)
            pause = (time.monotonic() - started) * (1 / SHARE - 1)
            self._rebuilding = asyncio.get_running_loop().call_later(pause, self._rebuild)
            return

    def _step(self, variant: _Variant) -> None:
        if variant.generation != self._generation:
            self._remake(variant)
            lately = self._at - LATELY
            variant.due = [one for one, at in variant.codings.items() if one != IDENTITY and at >= lately]
        else:
            variant.ready.coded((variant.due.pop(), IDENTITY))
            self._weigh(variant)

    def _remake(self, variant: _Variant) -> None:
        variant.look()
        variant.ready, variant.generation, variant.due = self._made(variant.build), self._generation, []
        self._weigh(variant)

    def _made(self, build: Build) -> Ready:
        if self._snapshot is None:
            raise RuntimeError("there is no snapshot to build from")
        return ready(build(self._snapshot, self._at), self._edition)

    def _weigh(self, variant: _Variant) -> None:
        """Count what a variant takes now; if that is too much in all, let go of others."""
        self._bytes += variant.ready.weight - variant.weight
        variant.weight = variant.ready.weight
        most = self._most or MOST_VARIANTS
        while (self._bytes > MOST_BYTES or len(self._variants) > most) and len(self._variants) > 1:
            self._drop(next(iter(self._variants)))

    def _drop(self, key: Hashable) -> None:
        self._bytes -= self._variants.pop(key).weight
