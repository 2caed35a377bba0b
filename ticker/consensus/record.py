"""A round on record: everything that went into it, so that anyone can work it out again, to the same bytes.

Values and their packing; where records are kept and who reads them is not known here.
"""

import hashlib
import zlib
from collections.abc import Iterable

import msgspec

from ticker.consensus.memory import Memory
from ticker.consensus.rules import METHOD, Rules
from ticker.consensus.settle import Settlement, settle
from ticker.model import Price, Quote

LEVEL = 3  # a fifth of the time of 9, for a tenth more bytes


class Record(msgspec.Struct, frozen=True):
    """The inputs of one round, and the digest of the prices that came out."""

    now: float
    rules: Rules
    memory: Memory
    quotes: tuple[Quote, ...]
    digest: str
    method: str = METHOD

    def again(self) -> Settlement:
        """The round, worked out again. Only by the method it was made with does it say the same."""
        return settle(self.quotes, self.memory, self.now, self.rules)


def record(quotes: Iterable[Quote], memory: Memory, now: float, rules: Rules, prices: Iterable[Price]) -> Record:
    """What to keep of a round: what `settle` was given, and what it gave."""
    return Record(now, rules, memory, tuple(quotes), digest(prices))


def digest(prices: Iterable[Price]) -> str:
    """SHA-256 of the prices as the store writes them."""
    return hashlib.sha256(msgspec.json.encode(tuple(prices))).hexdigest()


def pack(value: Record) -> bytes:
    """A record as compressed JSON."""
    return zlib.compress(msgspec.json.encode(value), LEVEL)


def unpack(packed: bytes) -> Record:
    """What `pack` packed. Raises `ValueError` for anything else."""
    try:
        return msgspec.json.decode(zlib.decompress(packed), type=Record)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise ValueError(f"not a record of a round: {error}") from error
