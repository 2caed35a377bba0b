"""Errors of sources are safe to log, whatever the source wrote."""

import pytest

from ticker.errors import LONGEST_CAUSE, Malformed, SourceError, Unreachable


@pytest.mark.parametrize("kind", [SourceError, *SourceError.__subclasses__()], ids=lambda kind: kind.__name__)
def test_a_cause_is_one_printable_line(kind: type[SourceError]) -> None:
    """Line ends, escape sequences, invisible and reversing characters are gone from every class, its words are kept."""
    error = kind("fake", "one\r\n two\x1b[2J\x00three\u2028\u202efour\ud800 five\t")
    assert error.cause == "one two [2J three four five"
    assert str(error).startswith("fake: ")
    assert str(error).endswith(": one two [2J three four five")
    assert str(error).isprintable()


def test_a_cause_has_an_end() -> None:
    """At most so many characters are kept, the last of them telling that there was more."""
    assert Malformed("fake", "x" * LONGEST_CAUSE).cause == "x" * LONGEST_CAUSE
    long = Malformed("fake", "word " * 10**6)
    assert len(long.cause) <= LONGEST_CAUSE
    assert long.cause.endswith("…")
    assert len(str(long)) < 2 * LONGEST_CAUSE


def test_a_cause_of_nothing_is_none() -> None:
    """An error without a cause, or with one that nobody could read, is its sentence alone."""
    assert (
        str(Unreachable("fake"))
        == str(Unreachable("fake", "\n\x07"))
        == ("fake: No connection to it, or the connection broke")
    )
