"""When two names, or two symbols, mean one coin; and how foreign text may be shown. Knows no source."""

import re
import unicodedata
from collections.abc import Mapping

# One coin under a symbol that some sources still use; never a symbol that another coin took over: LUNA is not LUNC.
_RENAMED: Mapping[str, str] = {"NANO": "XNO", "XBT": "BTC", "XDG": "DOGE", "MIOTA": "IOTA", "RNDR": "RENDER"}
_USUAL = frozenset(("the", "coin", "token", "network", "protocol"))
_WORD = re.compile(r"[^\W_]+")
_LONGEST = 40


def canonical(symbol: str) -> str:
    """A symbol in capitals, by its newest form: XNO for nano and XNO alike."""
    capitals = symbol.strip().upper()
    return _RENAMED.get(capitals, capitals)


def alike(one: str, other: str) -> bool:
    """Whether two names are one, apart from case, marks, spaces and words such as "coin" and "network"."""
    return _essence(one) == _essence(other)


def _essence(name: str) -> str:
    words = _WORD.findall(unicodedata.normalize("NFKC", name).casefold())
    return "".join([word for word in words if word not in _USUAL] or words)


def shown(text: str) -> str:
    """Foreign text on one short line, without what a terminal would obey or what turns the direction of reading."""
    line = "".join(char if char.isprintable() else "?" for char in text[: _LONGEST + 1])
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "…"
