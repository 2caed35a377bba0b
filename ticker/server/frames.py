"""The frames of one stream: everything at first, then only the Prices that changed, or what bridges a gap. Pure.

A frame is ready bytes of server-sent events (WHATWG HTML, 9.2). Knows no viewer, no loop and no clock.
"""

from collections import OrderedDict
from collections.abc import Iterable

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
        self._ready: dict[int | None, bytes] = {}  # frames of this generation, by the one they are told after
        self._floor = 0  # what is from before this generation cannot be bridged
        self.generation = 0

    def take(self, at: Moment) -> bool:
        """Go over to another moment. False where it changed nothing. Raises `RequestError` for a coin that is gone."""
        before = self.generation
        wanted = names(at.snapshot, at.known, self._ask)
        bodies = {name: self._pen.write(name, at) for name in wanted}
        others = bodies.keys() != self._bodies.keys()
        changed = [name for name, body in bodies.items() if body != self._bodies.get(name)]
        if others or changed:
            self.generation += 1
            self._changed.update(dict.fromkeys(changed, self.generation))
        if others:  # what is no longer listed cannot be said by a change
            self._floor = self.generation
            self._changed = {name: self._changed[name] for name in bodies}
        if others or changed or at.snapshot.id != self._id:
            self._ready = {}
        self._bodies, self._id = bodies, at.snapshot.id
        # Whoever saw this snapshot elsewhere may have seen it before time changed it: that is told again.
        self._seen.setdefault(self._id, self.generation if at.first else before)
        if len(self._seen) > BRIDGED:
            self._seen.popitem(last=False)
        return bool(others or changed)

    def full(self) -> bytes:
        """Everything."""
        return self._frame(None)

    def after(self, generation: int) -> bytes:
        """What changed since that generation; everything where that would not do."""
        return self._frame(generation if self._floor <= generation <= self.generation else None)

    def since(self, event: str | None) -> bytes:
        """What changed since the snapshot that a viewer names as the last it was told of; everything where unknown."""
        generation = None if event is None else self._seen.get(event)
        return self.full() if generation is None else self.after(generation)

    def _frame(self, generation: int | None) -> bytes:
        if generation not in self._ready:
            changed = self._changed
            told = [body for name, body in self._bodies.items() if generation is None or changed[name] > generation]
            if len(self._ready) >= MOST_READY:
                self._ready = {}
            self._ready[generation] = _frame(self._id, told, full=generation is None)
        return self._ready[generation]


def _frame(name: str, prices: Iterable[bytes], *, full: bool) -> bytes:
    head = 'id: {0}\nevent: prices\ndata: {{"id":"{0}","full":{1},"prices":['.format(name, "true" if full else "false")
    return head.encode() + b",".join(prices) + b"]}\n\n"
