"""The kinds of settings: how a value of a file, or a text of the environment, becomes what the program uses.

Each kind reads strictly and raises ValueError with a reason that finishes "KEY = VALUE: ...". Knows no setting.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ticker.config.durations import duration_text, fraction, percent_text, seconds
from ticker.config.given import mask

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_SIZE = re.compile(r"([0-9]{1,6})(KiB|MiB)", re.ASCII)
_BYTES = {"KiB": 2**10, "MiB": 2**20}
_FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_MOST_ELEMENTS = 100


@dataclass(frozen=True, slots=True)
class Kind:
    """`read` makes the value from what TOML gives; `from_text` makes that from a text of the environment.

    `secret` values are never shown, and may come from a file named by `…_FILE`.
    """

    read: Callable[[Any], Any]
    from_text: Callable[[str], Any] = str
    secret: bool = False


def text(*, longest: int = 200) -> Kind:
    """One line of text, at most `longest` characters, which may be empty."""

    def read(value: object) -> str:
        return line_of_text(value, longest=longest)

    return Kind(read)


def checked(check: Callable[[str], str], *, secret: bool = False) -> Kind:
    """A text that `check` accepts, and may change; empty stays empty."""

    def read(value: object) -> str:
        given = is_text(value)
        return check(given) if given else ""

    return Kind(read, secret=secret)


def matching(pattern: str, reason: str) -> Kind:
    """A text of a pattern; `reason` says what it must be."""
    compiled = re.compile(pattern, re.ASCII)

    def read(value: object) -> str:
        given = is_text(value)
        if not compiled.fullmatch(given):
            raise ValueError(reason)
        return given

    return Kind(read)


def one_of(*words: str) -> Kind:
    """One of a few words."""

    def read(value: object) -> str:
        given = is_text(value)
        if given not in words:
            raise ValueError(f"must be {either(words)}")
        return given

    return Kind(read)


def whole(low: int, high: int) -> Kind:
    """A whole number within bounds."""

    def read(value: object) -> int:
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return value

    return Kind(read, lambda given: int(given) if _WHOLE.fullmatch(given) else given)


def flag() -> Kind:
    """True or false; in the environment also yes, no, on, off, 1, 0."""

    def read(value: object) -> bool:
        if value is not True and value is not False:
            raise ValueError("must be true or false")
        return value

    return Kind(read, lambda given: _FLAGS.get(given.lower(), given))


def duration(low: float, high: float) -> Kind:
    """Seconds, written with their unit."""

    def read(value: object) -> float:
        found = seconds(is_text(value, 'must be a duration such as "30s", "5m" or "1h"'))
        if not low <= found <= high:
            raise ValueError(f"must be from {duration_text(low)} to {duration_text(high)}")
        return found

    return Kind(read)


def size(low: int, high: int) -> Kind:
    """Bytes, written as KiB or MiB."""

    def read(value: object) -> int:
        match = _SIZE.fullmatch(is_text(value, 'must be a size such as "512KiB" or "4MiB"'))
        if match is None:
            raise ValueError('must be a size such as "512KiB" or "4MiB"')
        found = int(match[1]) * _BYTES[match[2]]
        if not low <= found <= high:
            raise ValueError(f"must be from {low // _BYTES['KiB']}KiB to {high // _BYTES['MiB']}MiB")
        return found

    return Kind(read)


def percentage(low: Decimal, high: Decimal) -> Kind:
    """A fraction, written as a percentage."""

    def read(value: object) -> Decimal:
        found = fraction(is_text(value, 'must be a percentage such as "1%" or "0.5%"'))
        if not low <= found <= high:
            raise ValueError(f"must be from {percent_text(low)} to {percent_text(high)}")
        return found

    return Kind(read)


def texts(check: Callable[[str], str]) -> Kind:
    """A list of texts that `check` accepts; in the environment separated by commas."""

    def read(value: object) -> tuple[str, ...]:
        elements = tuple(value) if isinstance(value, list | tuple) else None
        if elements is None:
            raise ValueError('must be a list of texts such as ["a", "b"]')
        if len(elements) > _MOST_ELEMENTS:
            raise ValueError(f"must have at most {_MOST_ELEMENTS} elements")
        found = []
        for one in elements:
            given = is_text(one, "must be a list of texts in quotes")
            try:
                found.append(check(given))
            except ValueError as error:
                raise ValueError(f"{quoted(mask(given))} {error}" if len(elements) > 1 else str(error)) from error
        return tuple(found)

    return Kind(read, lambda given: [one.strip() for one in given.split(",") if one.strip()])


def is_text(value: object, reason: str = "must be a text in quotes") -> str:
    """The value, which must be a text."""
    if not isinstance(value, str):
        raise ValueError(reason)  # noqa: TRY004 - one type for every reason
    return value


def line_of_text(value: object, *, longest: int, shortest: int = 0) -> str:
    """A text for readers: bounded, on one line, without control and direction characters."""
    given = is_text(value)
    if not shortest <= len(given) <= longest:
        raise ValueError("must not be empty" if not given else f"must have at most {longest} characters")
    for char in given:
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
            raise ValueError(f"must not contain control characters (U+{ord(char):04X})")
    if given != given.strip():
        raise ValueError("must not begin or end with a space")
    return given


def either(words: Sequence[str]) -> str:
    """The words as a choice: "a", "b" or "c"."""
    *most, last = (quoted(word) for word in words)
    return f"{', '.join(most)} or {last}" if most else last


def quoted(word: str) -> str:
    """A word in the quotes that TOML uses."""
    return f'"{word}"'
