"""What the fast lane remembers: the exact bytes of a request, and the whole answer they were given.

Nothing is parsed here. A request is remembered when the web framework has answered the very same bytes twice, and its
answer is given for as long as its edition is valid: until a newer snapshot, or the next rung of a price. Bounded in
entries and bytes, and so that a crowd of requests that nobody repeats neither fills it nor drives others out.
"""

from collections import Counter
from collections.abc import Callable

from ticker.server.ready import Edition, Wire

LONGEST = 4096  # bytes of a request
MOST_ENTRIES = 4096
MOST_BYTES = 4 * 1024 * 1024  # of requests; answers are shared with the shelves, which have bounds of their own
MOST_SEEN = 8192  # requests of which it is known that they came once, twice over
TRIED = 8  # entries that are looked at to make room for one more
PUSHES = 256  # entries a second that may be driven out

Label = tuple[str, int]


class Entry:
    """One request, `asked`: its answer while that is valid, under which label it counts, how often it was given and
    counted. One that was driven out has no answer any more, for whoever still holds it.
    """

    __slots__ = ("asked", "counted", "given", "label", "used", "what", "wire")

    def __init__(self, asked: bytes, wire: Wire, label: Label, what: object) -> None:
        self.asked = asked
        self.wire: Wire | None = wire
        self.label, self.what = label, what
        self.used = False  # lately, by the framework
        self.given = self.counted = 0

    def at(self, now: float) -> bytes | None:
        """The whole answer given at `now`, if it is valid; it counts as given."""
        wire = self.wire
        if wire is None or wire.edition.over or now >= wire.edition.until:
            return None
        self.given += 1
        second = wire.second
        return wire.bytes if second <= now < second + 1.0 else wire.at(now)


class Remembered:
    """The table of a process. `clock` gives seconds since 1970.

    `table` is looked into by every connection, and changed here alone.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._counts: Counter[Label] = Counter()
        self.table: dict[bytes, Entry] = {}
        self._bytes = 0
        self._seen: set[int] = set()
        self._seen_before: set[int] = set()
        self._editions: set[Edition] = set()
        self._pushes, self._pushes_at = PUSHES, 0

    @property
    def counts(self) -> Counter[Label]:
        """How many answers it has given, by route and status."""
        for entry in self.table.values():
            self._count(entry)
        return Counter(self._counts)

    @property
    def answered(self) -> int:
        """How many answers it has given."""
        return self.counts.total()

    @property
    def weight(self) -> int:
        """Bytes of the requests in the table."""
        return self._bytes

    def find(self, data: bytes) -> bytes | None:
        """The whole answer to a request of these bytes, if it is known and valid; it counts as given."""
        entry = self.table.get(data)
        return None if entry is None else entry.at(self.clock())

    def remember(self, data: bytes, wire: Wire, label: Label, what: object = None) -> None:
        """The web framework has answered these bytes so. `what` is kept beside it for who reads the entry."""
        if not wire.edition.valid(self.clock()):
            return
        if wire.edition not in self._editions:
            self._forget_what_is_over()
            self._editions.add(wire.edition)
        entry = self.table.get(data)
        if entry is not None:
            self._count(entry)  # under its label of before
            entry.wire, entry.label, entry.what, entry.used = wire, label, what, True
        elif self._known(data) and self._has_room(len(data)):
            self.table[data] = Entry(data, wire, label, what)
            self._bytes += len(data)

    def forget(self) -> None:
        """Begin anew: what answers are made of is other than before, such as the configuration."""
        for data in list(self.table):
            self._drop(data)

    def _forget_what_is_over(self) -> None:
        """Let go of old answers, and of requests that nobody repeated while their answers were valid."""
        over = {edition for edition in self._editions if edition.over}
        self._editions -= over
        if not over:
            return
        for data, entry in list(self.table.items()):
            if entry.wire is None or entry.wire.edition.over:
                entry.wire = None
                if not self._was_used(entry):
                    self._drop(data)

    def _known(self, data: bytes) -> bool:
        """Whether these bytes came before. If not, they are known from now on, for a while."""
        name = hash(data)
        if name in self._seen or name in self._seen_before:
            return True
        if len(self._seen) >= MOST_SEEN:
            self._seen, self._seen_before = set(), self._seen
        self._seen.add(name)
        return False

    def _has_room(self, size: int) -> bool:
        """Make room by driving out what was not asked for lately; False where that is all, or too much at a time."""
        second = int(self.clock())
        if second != self._pushes_at:
            self._pushes, self._pushes_at = PUSHES, second
        tried = 0
        while len(self.table) >= MOST_ENTRIES or self._bytes + size > MOST_BYTES:
            if tried >= TRIED or self._pushes <= 0:
                return False
            tried += 1
            data = next(iter(self.table))
            entry = self.table[data]
            if self._was_used(entry):
                self.table[data] = self.table.pop(data)
            else:
                self._pushes -= 1
                self._drop(data)
        return True

    def _was_used(self, entry: Entry) -> bool:
        """Whether it was asked for since this was last asked."""
        used = entry.used or entry.given > entry.counted
        self._count(entry)
        entry.used = False
        return used

    def _count(self, entry: Entry) -> None:
        if entry.given > entry.counted:
            self._counts[entry.label] += entry.given - entry.counted
            entry.counted, entry.used = entry.given, True

    def _drop(self, data: bytes) -> None:
        entry = self.table.pop(data)
        self._count(entry)
        entry.wire = None
        self._bytes -= len(data)
