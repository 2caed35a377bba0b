"""When a reader goes on to another snapshot."""

import pytest
from publications import NOW, snapshot

from ticker.model import Snapshot
from ticker.store.base import supersedes

SHOWN = snapshot(5, 5, as_of=NOW)


@pytest.mark.parametrize(
    ("found", "goes_on"),
    [
        (snapshot(5, 6, as_of=NOW), True),
        (snapshot(6, 1, as_of=NOW - 60), True),
        (snapshot(5, 5, as_of=NOW + 60), False),
        (snapshot(5, 4, as_of=NOW + 60), False),
        (snapshot(4, 9, as_of=NOW + 60), True),
        (snapshot(4, 9, as_of=NOW), False),
        (snapshot(4, 9, as_of=NOW - 60), False),
        (snapshot(4, 9, coins=0), False),
    ],
    ids=["next", "new poller", "same", "older seq", "wiped", "same age", "old dump", "no prices"],
)
def test_only_what_is_newer_supersedes(found: Snapshot, goes_on: bool) -> None:
    """A higher (epoch, seq) does; a lower epoch only with newer prices."""
    assert supersedes(found, SHOWN) is goes_on


def test_anything_supersedes_nothing() -> None:
    """A reader with nothing takes what there is, whatever its age."""
    assert supersedes(snapshot(0, 0, coins=0), None)
