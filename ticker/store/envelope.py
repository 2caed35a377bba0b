"""How values look inside a store: one line that names and proves them, then the value as JSON.

    ticker/1 snapshot 1763845200123-42 SHA256
    {"epoch":1763845200123, …

The line says the version of the format, which value it is, the (epoch, seq) of the publication it belongs to, and the
SHA-256 of all that and of the JSON. So a reader rejects what is cut, changed, foreign, or another value of ours that
came over a confused connection, and never mixes two publications (trust rule 21). The memory of settling comes as
bytes, which are stored as they are. Knows no back end.
"""

import hashlib
import re
from typing import NamedTuple, TypeVar

import msgspec

from ticker.errors import StoreCorrupt
from ticker.model import Quote, Snapshot
from ticker.store.base import Publication

T = TypeVar("T")

_HEAD = re.compile(rb"ticker/1 (snapshot|quotes|memory) ([0-9]{1,16})-([0-9]{1,16}) ([0-9a-f]{64})")


class Sealed(NamedTuple):
    """The three values of one publication, ready to be stored."""

    snapshot: bytes
    quotes: bytes
    memory: bytes


def seal(publication: Publication) -> Sealed:
    """A publication as the three values that a store keeps."""
    order = publication.snapshot.order
    return Sealed(
        _seal("snapshot", order, publication.snapshot),
        _seal("quotes", order, publication.quotes),
        _seal("memory", order, publication.memory),
    )


def unseal(sealed: Sealed) -> Publication:
    """The publication that `seal` sealed. Raises `StoreCorrupt` where a value is bad or belongs to another one."""
    order, snapshot = _unseal("snapshot", sealed.snapshot, Snapshot)
    quotes_order, quotes = _unseal("quotes", sealed.quotes, tuple[Quote, ...])
    memory_order, memory = _opened("memory", sealed.memory)
    if not order == quotes_order == memory_order:
        raise StoreCorrupt(
            f"the stored values belong to different publications: "
            f"snapshot {_id(order)}, quotes {_id(quotes_order)}, memory {_id(memory_order)}"
        )
    return Publication(snapshot, quotes, memory)


def unseal_snapshot(sealed: bytes) -> Snapshot:
    """The snapshot alone. Raises `StoreCorrupt` on anything that `seal` did not make."""
    order, snapshot = _unseal("snapshot", sealed, Snapshot)
    if snapshot.order != order:
        raise StoreCorrupt(f"the stored snapshot {snapshot.id} is labelled {_id(order)}")
    return snapshot


def _seal(name: str, order: tuple[int, int], value: object) -> bytes:
    title = f"ticker/1 {name} {_id(order)}".encode()
    payload = value if isinstance(value, bytes) else msgspec.json.encode(value)
    return title + b" " + _proof(title, payload) + b"\n" + payload


def _unseal(name: str, sealed: bytes, kind: type[T]) -> tuple[tuple[int, int], T]:
    order, payload = _opened(name, sealed)
    try:
        return order, msgspec.json.decode(payload, type=kind)
    except msgspec.MsgspecError as error:
        raise StoreCorrupt(f"the stored {name} is of another version: {error}") from error


def _opened(name: str, sealed: bytes) -> tuple[tuple[int, int], bytes]:
    """The order and the bytes of a sealed value, proven."""
    head, _, payload = sealed.partition(b"\n")
    match = _HEAD.fullmatch(head)
    if match is None:
        raise StoreCorrupt(f"the stored {name} is not ours: it begins with {sealed[:24]!r}")
    found, epoch, seq, proof = match.groups()
    if found != name.encode():
        raise StoreCorrupt(f"the stored {name} is a {found.decode()}")
    if proof != _proof(head[: match.start(4) - 1], payload):
        raise StoreCorrupt(f"the stored {name} was damaged: its checksum is wrong")
    return (int(epoch), int(seq)), payload


def _proof(title: bytes, payload: bytes) -> bytes:
    return hashlib.sha256(title + b"\n" + payload).hexdigest().encode()


def _id(order: tuple[int, int]) -> str:
    return f"{order[0]}-{order[1]}"
