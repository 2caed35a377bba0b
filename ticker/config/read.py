"""Reads one TOML file whole: its values, and the line each stands on. Knows nothing of what they mean."""

import re
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from ticker.config.given import Given
from ticker.config.lines import Path as KeyPath
from ticker.config.lines import find_lines
from ticker.errors import ConfigError

LARGEST_FILE = 2 * 2**20

_AT_LINE = re.compile(r" \(at line ([0-9]+), column [0-9]+\)$")
_AT_END = " (at end of document)"


@dataclass(frozen=True, slots=True)
class Document:
    """A file's name as errors give it, its values, and the line of each path."""

    file: str
    values: dict[str, Any]
    lines: dict[KeyPath, int]

    def given(self, *path: str | int) -> Given:
        """The value under a path that is there, with its place."""
        value: Any = self.values
        for part in path:
            value = value[part]
        # An element of a list is named by its list, and found by its own line.
        key = ".".join(part for part in path if isinstance(part, str))
        return Given(value, self.file, key, self.lines.get(path))


def read(path: Path) -> Document:
    """The document in a file. Numbers with a point are `Decimal`.

    Raises ConfigError where the file is missing, unreadable, larger than 2 MiB, not UTF-8 or not TOML.
    """
    return parse(path, _text(path))


def parse(path: Path, text: str) -> Document:
    """The document in a text that is, or is to be, the file at `path`. Raises ConfigError where it is not TOML."""
    try:
        values = tomllib.loads(text, parse_float=Decimal)
        return Document(str(path), values, find_lines(text))
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(path, text, str(error)) from error
    except RecursionError as error:
        raise ConfigError(str(path), "syntax", "nested too deeply") from error
    except ValueError as error:  # a whole number of more digits than Python converts
        raise ConfigError(str(path), "syntax", f"not valid TOML: {error}") from error


def read_text(path: Path, limit: int) -> str:
    """A small text file. Raises ValueError with the reason, which never shows what is in it."""
    try:
        if not path.is_file():
            raise ValueError("not a file" if path.exists() else "cannot be read: no such file")
        with path.open("rb") as file:
            raw = file.read(limit + 1)
    except OSError as error:
        raise ValueError(f"cannot be read: {(error.strerror or 'unknown reason').lower()}") from error
    if len(raw) > limit:
        raise ValueError(f"larger than {limit // 1024} KiB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: byte {error.start} cannot be read as text") from None


def _text(path: Path) -> str:
    try:
        return read_text(path, LARGEST_FILE)
    except ValueError as error:
        hint = "" if path.exists() else "; `ticker init DIR` writes one to edit"
        raise ConfigError(str(path), "file", f"{error}{hint}") from error


def _syntax_error(path: Path, text: str, message: str) -> ConfigError:
    at = _AT_LINE.search(message)
    line = int(at[1]) if at else text.count("\n") + (not text.endswith("\n"))
    reason = message.removesuffix(at[0] if at else _AT_END)
    return ConfigError(str(path), "syntax", f"not valid TOML: {reason[:1].lower()}{reason[1:]}", line=max(line, 1))
