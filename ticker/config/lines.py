"""The line of every key of a TOML text, which the standard library's reader does not tell.

Reads only texts that `tomllib` has accepted, so it needs to find where things are and never whether they are right.
"""

import re
import tomllib
from bisect import bisect_right

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[^,\]}#\r\n]*")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*""""{0,2}'
    r"|'''(?:[^']|'(?!''))*''''{0,2}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)


def find_lines(text: str) -> dict[Path, int]:
    """Path to line (from 1) for every table, key and array element; elements count from 0.

    `text` is valid TOML. A table named by several headers or dotted keys has the line of the first.
    """
    return _Scanner(text).scan()


class _Scanner:
    """Walks the text once; `at` is where it stands."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self._lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}  # elements so far of each array of tables

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        while self._peek_after(_BLANK):
            start = self._at
            if self._peek_after(_SPACE) == "[":
                double = self._text.startswith("[[", self._at)
                self._at += 1 + double
                parts = self._key()
                self._at += 1 + double
                table = self._table(parts, double, start)
            else:
                self._assignment(table)
        return self._lines

    def _table(self, parts: list[str], double: bool, start: int) -> Path:
        path: Path = ()
        for part in parts[:-1]:
            path = self._element(self._mark((*path, part), start))
        path = self._mark((*path, parts[-1]), start)
        if double:
            self._counts[path] = self._counts.get(path, 0) + 1
            path = self._mark(self._element(path), start)
        return path

    def _element(self, path: Path) -> Path:
        """The last element where the path is an array of tables, the path itself elsewhere."""
        count = self._counts.get(path, 0)
        return (*path, count - 1) if count else path

    def _assignment(self, table: Path) -> None:
        start = self._at
        path = table
        for part in self._key():
            path = self._mark((*path, part), start)
        self._at += 1  # =
        self._value(path)

    def _value(self, path: Path) -> None:
        first = self._peek_after(_SPACE)
        if first in ("'", '"'):
            self._take(_STRING)
        elif first == "[":
            self._at += 1
            index = 0
            while self._peek_after(_BLANK) != "]":
                self._value(self._mark((*path, index), self._at))
                self._separator()
                index += 1
            self._at += 1
        elif first == "{":
            self._at += 1
            while self._peek_after(_BLANK) != "}":
                self._assignment(path)
                self._separator()
            self._at += 1
        else:
            self._take(_BARE_VALUE)

    def _separator(self) -> None:
        if self._peek_after(_BLANK) == ",":
            self._at += 1

    def _key(self) -> list[str]:
        parts = []
        while True:
            quoted = self._peek_after(_SPACE) in ("'", '"')
            raw = self._take(_STRING if quoted else _BARE_KEY)
            parts.append(str(tomllib.loads(f"key = {raw}")["key"]) if quoted else raw)
            if self._peek_after(_SPACE) != ".":
                return parts
            self._at += 1

    def _mark(self, path: Path, start: int) -> Path:
        self._lines.setdefault(path, bisect_right(self._breaks, start - 1) + 1)
        return path

    def _peek_after(self, skipped: re.Pattern[str]) -> str:
        self._take(skipped)
        return self._text[self._at : self._at + 1]

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise ValueError(f"not valid TOML at offset {self._at}")
        self._at = match.end()
        return match[0]
