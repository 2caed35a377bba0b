"""What a reader refuses to believe: every change to a stored value, and every value in another's place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from publications import publication

from ticker.errors import StoreCorrupt
from ticker.store.envelope import Sealed, seal, unseal, unseal_snapshot

SEALED = seal(publication(3, 4, coins=2))


def test_the_first_line_names_the_value() -> None:
    """A person who looks into the store sees what it is and of which publication."""
    assert [value.split(b" ")[:3] for value in SEALED] == [
        [b"ticker/1", b"snapshot", b"3-4"],
        [b"ticker/1", b"quotes", b"3-4"],
        [b"ticker/1", b"memory", b"3-4"],
    ]


@given(at=st.integers(0, len(SEALED.snapshot) - 1), byte=st.integers(0, 255))
def test_any_changed_byte_is_found(at: int, byte: int) -> None:
    """One byte changed anywhere, the first line included, and the value is refused."""
    changed = SEALED.snapshot[:at] + bytes([byte]) + SEALED.snapshot[at + 1 :]
    if changed == SEALED.snapshot:
        assert unseal_snapshot(changed).order == (3, 4)
    else:
        with pytest.raises(StoreCorrupt):
            unseal_snapshot(changed)


@given(at=st.integers(0, len(SEALED.snapshot) - 1))
def test_any_cut_is_found(at: int) -> None:
    """However much is missing at the end."""
    with pytest.raises(StoreCorrupt):
        unseal_snapshot(SEALED.snapshot[:at])


@given(noise=st.binary(max_size=300))
def test_noise_is_refused(noise: bytes) -> None:
    """Whatever bytes come, the error is ours."""
    with pytest.raises(StoreCorrupt):
        unseal_snapshot(noise)


def test_a_value_in_anothers_place_is_refused() -> None:
    """The answer to another question of ours, come over a confused connection, is no answer."""
    with pytest.raises(StoreCorrupt, match="the stored snapshot is a quotes"):
        unseal_snapshot(SEALED.quotes)
    with pytest.raises(StoreCorrupt, match="the stored memory is a snapshot"):
        unseal(Sealed(SEALED.snapshot, SEALED.quotes, SEALED.snapshot))


def test_a_mixture_is_refused() -> None:
    """Values of two publications are never one."""
    other = seal(publication(3, 5, coins=2))
    with pytest.raises(StoreCorrupt, match="snapshot 3-5, quotes 3-4, memory 3-4"):
        unseal(Sealed(other.snapshot, SEALED.quotes, SEALED.memory))
