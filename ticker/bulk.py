"""The last answer of each source that tells all its markets at once, packed, to be read again for another coin list.

So a coin that ops add has a price at once, without a request more. The answer itself is kept, and not its rows: it is
read by the same code as when it came, and packed takes a fifth of its bytes (all sources together about 2 MB). Knows no
network and no clock: what is read again is as old as the answer.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ticker.errors import SourceError
from ticker.model import CoinId, Quote, SourceName
from ticker.sources import Source
from ticker.sources import quotes as quotes_of

LARGEST = 4 * 2**20  # bytes, packed, of one source; the usual ones have 16 to 480 KB
QUICKEST = 1  # zlib's level: JSON packs well at any, and there is an answer a minute


@dataclass(frozen=True, slots=True)
class Answered:
    """The bodies of one poll, packed, and our time when they had come."""

    packed: tuple[bytes, ...]
    received: float


def keeps(source: Source) -> bool:
    """Whether its answers hold more than was asked for; a source that is asked by name knows nothing of other names."""
    return source.batch is None and source.of == "coins"


def pack(bodies: Sequence[bytes], received: float) -> Answered | None:
    """An answer to keep; None for one that is too large for that."""
    packed = tuple(zlib.compress(body, QUICKEST) for body in bodies)
    return Answered(packed, received) if sum(map(len, packed)) <= LARGEST else None


def read_again(source: Source, answered: Answered, ids: Mapping[CoinId, Sequence[str]]) -> list[Quote]:
    """What the answer says of these coins; nothing where it cannot be read for them."""
    bodies = [zlib.decompress(body) for body in answered.packed]
    try:
        return quotes_of(source, bodies, ids, received=answered.received, poll=1)
    except SourceError:
        return []


class Bulk:
    """The last answers by source."""

    def __init__(self) -> None:
        self._answers: dict[SourceName, Answered] = {}

    def put(self, name: SourceName, answered: Answered | None) -> None:
        """Keep this one in the place of the last."""
        if answered is None:
            self.drop(name)
        else:
            self._answers[name] = answered

    def get(self, name: SourceName) -> Answered | None:
        """The last one there is."""
        return self._answers.get(name)

    def drop(self, name: SourceName) -> None:
        """Forget a source."""
        self._answers.pop(name, None)

    @property
    def size(self) -> int:
        """Bytes held."""
        return sum(len(body) for one in self._answers.values() for body in one.packed)
