"""A value as someone gave it, with the place it came from, so that whoever refuses it can say where it stands."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, time
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from ticker.errors import ConfigError

ENVIRONMENT = "environment"
COMMAND_LINE = "command line"

_LONGEST_SHOWN = 60
_LONGEST_SENTENCE = 400
_SECRET_WORDS = re.compile(r"key|secret|token|passw|auth|credential|webhook", re.IGNORECASE)
_USER = re.compile(r"(?<=://).*@", re.DOTALL)
_QUERY = re.compile(r"(?<=\?).*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Given:
    """A value, the file (or "environment", "command line") it stands in, its key and line, and whether it is secret.

    `secret` None = when its key sounds like it.
    """

    value: Any = field(repr=False)  # it may be a secret
    file: str
    key: str
    line: int | None = None
    secret: bool | None = None

    def error(self, reason: str) -> ConfigError:
        """The refusal of this value. A secret is not shown."""
        hidden = sounds_secret(self.key.rpartition(".")[2]) if self.secret is None else self.secret
        value = None if hidden else showable(self.value)
        return ConfigError(self.file, _printable(self.key), _printable(reason), line=self.line, value=value)

    def hide(self) -> "Given":
        """The same, never to be shown."""
        return replace(self, secret=True)


def showable(value: object) -> object:
    """What an error may show of a value: texts cut short and without the secrets of URLs, no tables."""
    match value:
        case str():
            text = mask(value)
            return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
        case bool() | float() | None:
            return value
        case int():
            return value if value.bit_length() < 128 else None
        case Decimal() | date() | time():
            return str(value)
        case list() | tuple():
            return [showable(one) for one in value[:8]]
        case _:
            return None


def mask(url: str) -> str:
    """A URL without its user name, password and query; any other text as it is."""
    return _QUERY.sub("***", _USER.sub("***@", url)) if "://" in url else url


def _printable(sentence: str) -> str:
    """On one line and without what a terminal would obey: keys and reasons may hold words of the file."""
    return "".join(char if char.isprintable() else "?" for char in sentence[:_LONGEST_SENTENCE])


def sounds_secret(name: str) -> bool:
    """Whether a name promises a secret under it."""
    return bool(_SECRET_WORDS.search(name))


def nearest(word: str, words: Iterable[str]) -> str:
    """`; did you mean "x"?` for the most similar of the words, or nothing."""
    close = get_close_matches(word, sorted(words), n=1, cutoff=0.6)
    return f'; did you mean "{close[0]}"?' if close else ""
