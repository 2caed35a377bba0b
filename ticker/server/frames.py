"""The frames of one stream: everything at first, then only the Prices that changed, or what bridges a gap. Pure.

A frame is ready bytes of server-sent events (WHATWG HTML, 9.2). Knows no viewer, no loop and no clock.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from ticker.model import CoinId
from ticker.server.params import Ask
from ticker.server.pen import Moment, Pen
from ticker.server.views import names

BRIDGED = 256  # snapshots that a viewer may have seen last and be told only of what changed since
MOST_READY = 8  # frames of one generation that are kept: everything, the last change, some gaps

PING = b": ping\n\n"


def retry(seconds: float) -> bytes:
    """After how long to come back when the connection is lost."""
    return b"retry: %d\n\n" % (1000 * seconds)


class Frames:
    """What viewers of an ask are told. Its `generation` counts the times that anything changed."""

    def __init__(self, ask: Ask, pen: Pen) -> None:
        self._ask, self._pen = ask, pen
        self._bodies: dict[CoinId, bytes] = {}
        self._changed: dict[CoinId, int] = {}  # the generation that each Price is of
        self._seen: OrderedDict[str, int] = OrderedDict()  # the generation that each snapshot began with
        self._id = ""
        self._ready: dict[tuple[int | None, bool], bytes] = {}  # frames of this generation, by what was told before
        self._floor = 0  # what is from before this generation cannot be bridged
        self._relisted, self._relist = -1, False  # the generation that began with another list
        self.generation = 0

    def relist(self) -> None:
        """Widgets look otherwise with the next moment: other coins, another order, other settings."""
        self._relist = True

    def take(self, at: Moment) -> bool:
        """Go over to another moment; False where nothing changed. The first may raise `RequestError`: no such coin."""
        before = self.generation
        wanted = self._wanted(at)
        bodies = {name: self._pen.write(name, at) for name in wanted}
        others = bodies.keys() != self._bodies.keys()
        changed = [name for name, body in bodies.items() if body != self._bodies.get(name)]
        relisted, self._relist = self._relist and before > 0, False
        if others or changed or relisted:
            self.generation += 1
            self._relisted = self.generation if relisted else self._relisted
            self._changed.update(dict.fromkeys(changed, self.generation))
        if others:  # what is no longer listed cannot be said by a change
            self._floor = self.generation
            self._changed = {name: self._changed[name] for name in bodies}
        if others or changed or relisted or at.snapshot.id != self._id:
            self._ready = {}
        self._bodies, self._id = bodies, at.snapshot.id
        # Whoever saw this snapshot elsewhere may have seen it before time changed it: that is told again.
        self._seen.setdefault(self._id, self.generation if at.first else before)
        if len(self._seen) > BRIDGED:
            self._seen.popitem(last=False)
        return bool(others or changed or relisted)

    def _wanted(self, at: Moment) -> Sequence[CoinId]:
        """The coins of the ask. Whoever watches already goes on with those that are left when one is removed."""
        if self._ask.coins and self.generation:
            return [one for one in self._ask.coins if one in at.known][: self._ask.limit]
        return names(at.snapshot, at.known, self._ask)

    def full(self, since: int | None = None) -> bytes:
        """Everything, for a viewer that was told of generation `since` before, if any."""
        return self._frame(None, since)

    def after(self, generation: int) -> bytes:
        """What changed since that generation; everything where that would not do."""
        return self._frame(generation if self._floor <= generation <= self.generation else None, generation)

    def since(self, event: str | None) -> bytes:
        """What changed since the snapshot that a viewer names as the last it was told of; everything where unknown."""
        generation = None if event is None else self._seen.get(event)
        return self.full() if generation is None else self.after(generation)

    def _frame(self, generation: int | None, told: int | None) -> bytes:
        other_list = told is not None and told < self._relisted
        key = generation, other_list
        if key not in self._ready:
            changed = self._changed
            bodies = [body for name, body in self._bodies.items() if generation is None or changed[name] > generation]
            if len(self._ready) >= MOST_READY:
                self._ready = {}
            self._ready[key] = _frame(self._id, bodies, full=generation is None, other_list=other_list)
        return self._ready[key]


def _frame(name: str, prices: Iterable[bytes], *, full: bool, other_list: bool) -> bytes:
    flags = ("true" if full else "false") + (',"list":true' if other_list else "")
    head = f'id: {name}\nevent: prices\ndata: {{"id":"{name}","full":{flags},"prices":['
    return head.encode() + b",".join(prices) + b"]}\n\n"
