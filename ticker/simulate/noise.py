"""Smooth noise that can be asked for any moment: the same key and time give the same value, in every process.

Knows nothing of coins or prices. A value is a sum of octaves; each octave draws one number per period from a hash and
glides between them, so that there is no state, no jump, and a hard bound.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

Octave = tuple[float, float]  # period in seconds, amplitude


@lru_cache(maxsize=2**18)
def drawn(key: str, index: int) -> float:
    """A number in -1..1, evenly spread, fixed by key and index."""
    digest = blake2b(f"{key}/{index}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / (2**63) - 1


def smooth(key: str, at: float, octaves: Sequence[Octave]) -> float:
    """The noise at `at` seconds; never beyond plus or minus the sum of the amplitudes."""
    total = 0.0
    for period, amplitude in octaves:
        index = math.floor(at / period)
        part = at / period - index
        here, there = drawn(f"{key}/{period}", index), drawn(f"{key}/{period}", index + 1)
        total += amplitude * (here + (there - here) * part * part * (3 - 2 * part))
    return total


def steepest(octaves: Sequence[Octave]) -> float:
    """The largest change a second that `smooth` can make with these octaves."""
    return sum(3 * amplitude / period for period, amplitude in octaves)
