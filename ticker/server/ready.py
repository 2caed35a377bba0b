"""Ready answers: a body in the codings that were asked for, and the whole bytes of the answers that carry it.

Everything of one answer, body, ETag and headers, is made of one `Ready`, so no answer is ever a mixture of two
moments. Knows neither requests nor what the bodies mean.
"""

import hashlib
import math
from collections.abc import Mapping
from email.utils import formatdate

from ticker.server.codings import IDENTITY, SMALLEST, compress

_MANY = 32  # answers of one body
_OVERHEAD = 512  # bytes that an answer takes in memory beside its text, about
REASONS: Mapping[int, str] = {200: "OK", 304: "Not Modified"}

Headers = tuple[tuple[str, str], ...]


class Edition:
    """What answers are valid together: until a moment, or until `over` is set, whichever is first."""

    __slots__ = ("over", "until")

    def __init__(self, until: float = math.inf, *, over: bool = False) -> None:
        self.until, self.over = until, over

    def valid(self, now: float) -> bool:
        """Whether an answer of this edition may still be given without asking anew."""
        return not self.over and now < self.until


ALWAYS = Edition()  # of what is the same for as long as the process runs
UNKNOWN = Edition(over=True)  # of what somebody else keeps, for as long as they think right


class Wire:
    """One whole answer to a GET over HTTP/1.1 on a connection that stays open, but for its Date.

    `at` gives the bytes; they are put together once a second. `head` and `body` are for who writes them apart; `bytes`
    and `second`, the last that were given and since when they are right, for who is in a hurry.
    """

    __slots__ = ("_body", "_rest", "bytes", "coding", "edition", "head", "second", "status")

    def __init__(self, status: int, head: Headers, body: bytes, edition: Edition, coding: str) -> None:
        self.status, self.head, self.edition, self.coding = status, head, edition, coding
        lines = "".join(f"{name}: {value}\r\n" for name, value in head)
        self._rest = f"\r\n{lines}\r\n".encode()
        self._body = body
        self.second = -1.0
        self.bytes = b""

    @property
    def body(self) -> bytes:
        """The body; empty for 304."""
        return self._body

    def at(self, now: float) -> bytes:
        """The bytes of the answer given at `now`, in seconds since 1970."""
        if not self.second <= now < self.second + 1.0:
            second = int(now)
            self.bytes = b"".join((_beginning(self.status, second), self._rest, self._body))
            self.second = float(second)
        return self.bytes


_beginnings: dict[int, tuple[int, bytes]] = {}


def _beginning(status: int, second: int) -> bytes:
    """Status line and Date without the end of its line; the last of each status is kept."""
    kept = _beginnings.get(status)
    if kept is None or kept[0] != second:
        line = f"HTTP/1.1 {status} {REASONS[status]}\r\nDate: {formatdate(second, usegmt=True)}"
        kept = _beginnings[status] = second, line.encode()
    return kept[1]


class Ready:
    """One body and what was made of it. Codings and answers are made when first asked for, and then kept.

    `weight` is about how many bytes all of it takes; it grows. A body that is `packed` already, such as a picture, is
    not compressed.
    """

    __slots__ = ("_coded", "_wires", "body", "digest", "edition", "packed", "weight")

    def __init__(self, body: bytes, digest: str, edition: Edition, *, packed: bool = False) -> None:
        self.body, self.digest, self.edition, self.packed = body, digest, edition, packed
        self.weight = len(body) + _OVERHEAD
        self._coded: dict[str, bytes] = {}
        self._wires: dict[tuple[object, ...], Wire] = {}

    def coded(self, choices: tuple[str, ...]) -> tuple[str, bytes]:
        """The body in the first of the given codings that is worth it, and which one that is."""
        for coding in choices:
            if coding == IDENTITY or self.packed:
                break
            if len(self.body) < SMALLEST and IDENTITY in choices:
                break
            body = self._coded.get(coding)
            if body is None:
                body = self._coded[coding] = compress(coding, self.body, lasting=self.edition is ALWAYS)
                self.weight += len(body)
            if len(body) < len(self.body) or IDENTITY not in choices:
                return coding, body
        return IDENTITY, self.body

    def etag(self, coding: str) -> str:
        """The strong ETag of the body in a coding."""
        return f'"{self.digest}"' if coding == IDENTITY else f'"{self.digest}-{coding}"'

    def wire(self, key: tuple[object, ...]) -> Wire | None:
        """An answer that was made before under the same key."""
        return self._wires.get(key)

    def keep(self, key: tuple[object, ...], wire: Wire) -> Wire:
        """Keep an answer under a key that says all it depends on beside this body."""
        if len(self._wires) >= _MANY:  # settings have been others since
            self._wires = {one: kept for one, kept in self._wires.items() if not kept.edition.over}
        self._wires[key] = wire
        self.weight += len(wire.body) + _OVERHEAD
        return wire

    def alone(self) -> "Ready":
        """The same, for an answer that depends on more than its edition."""
        found = Ready(self.body, self.digest, UNKNOWN, packed=self.packed)
        found._coded = self._coded
        return found

    def given(self) -> dict[str, float]:
        """The codings in which it was given away, and the second, since 1970, of the last time."""
        found: dict[str, float] = {}
        for wire in self._wires.values():
            found[wire.coding] = max(found.get(wire.coding, -1.0), wire.second)
        return found


def ready(body: bytes, edition: Edition = UNKNOWN) -> Ready:
    """A body, named by its hash."""
    return Ready(body, hashlib.sha256(body).hexdigest()[:32], edition)


def always(body: bytes) -> Ready:
    """A body that stays the same for as long as the process runs."""
    return ready(body, ALWAYS)
