"""How past prices look in Redis: one coin and step is one string of equal records, a ring with a place for each slot.

A record is the moment (a double) and the price as digits and exponent (two integers), so a price comes back exactly as
it was; 18 bytes a point, where text took 30 and a sorted set 120. The place of a slot is its number modulo the number
of places; whatever does not belong into its place is not there. Pure; knows no Redis.
"""

import struct
from collections.abc import Iterable, Iterator
from decimal import Decimal

from ticker.model import Point, Step
from ticker.store.base import kept_price, slot

_RECORD = struct.Struct(">dqh")
WIDTH = _RECORD.size


def pack(at: float, price: Decimal) -> bytes:
    """One record of a price above zero."""
    price = kept_price(price)
    exponent = int(price.as_tuple().exponent)
    return _RECORD.pack(at, int(price.scaleb(-exponent)), exponent)


def unpack(records: bytes, step: Step, first: int, last: int) -> Iterator[Point]:
    """The points in a piece of a ring that are of the slots from `first` to `last`, in no order."""
    for at, digits, exponent in _RECORD.iter_unpack(records):
        if digits > 0 and 0 <= at < 1e12 and first <= slot(step, at) <= last:
            yield Point(at, Decimal(digits).scaleb(exponent))


def nearest(records: bytes, at: float, within: float) -> Point | None:
    """The point in a piece of a ring that is nearest to a moment, at most `within` seconds from it."""
    there = (record for record in _RECORD.iter_unpack(records) if record[1] > 0 and abs(record[0] - at) <= within)
    found = min(there, key=lambda record: abs(record[0] - at), default=None)
    return None if found is None else Point(found[0], Decimal(found[1]).scaleb(found[2]))


def place(number: int, places: int) -> int:
    """Where the record of a slot begins in a ring of so many places, in bytes."""
    return number % places * WIDTH


def laid_out(points: Iterable[Point], step: Step, newest: int, places: int) -> bytes:
    """A ring of so many places with these points, of which those go that are older than it has places for."""
    ring = bytearray(places * WIDTH)
    for point in points:
        number = slot(step, point.at)
        if newest - places < number <= newest:
            start = place(number, places)
            ring[start : start + WIDTH] = pack(point.at, point.price)
    return bytes(ring)
