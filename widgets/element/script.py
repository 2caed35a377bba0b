"""`/embed.js` as it is sent: embed.js without comments, without white space that separates nothing, with short names.

No parser of JavaScript: it relies on what embed.js promises, that nothing in quotes runs over a line, that comments
stand alone on their lines, and that no regular expression holds a quote or a space. Where it cannot be sure that a name
is nobody else's, the name stays.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from string import ascii_letters

_SOURCE = Path(__file__).with_name("embed.js")
_QUOTED = re.compile(r"('[^'\n]*'|`[^`\n]*`)")
_SPACE = re.compile(r" ?([=<>!*/%&|?:,;(){}\[\]]) ?")  # not + and -, which a space may keep apart from their like
_BREAK = re.compile(r"(?<=[{(\[,=?:&|])\n|\n(?=[})\].?:])")  # where a line cannot end, or a bracket ends it
_PRIVATE = re.compile(r"#[A-Za-z]\w*")
_ELSEWHERE = (
    re.compile(r"(?<!\.\.)[.#](\w+)"),  # a property
    re.compile(r"\b(\w+):"),  # a key
    re.compile(r"(?<=[{,])(\w+)(?=[,}=])"),  # taken out of an object
    re.compile(r"(?:^|\n|static )(\w+)(?=[=(\n])"),  # a field
    re.compile(r"\b(\w+)(?=\([^()]*\){)"),  # a method
)
_DECLARED = re.compile(r"\b(?:let|function|class) (?!extends\b)(\w+)|(?<![\w.])(\w+)=>|\((\w+)(?:,(\w+))*\)=>")


@cache
def script() -> str:
    """The text of the script."""
    return minified(_SOURCE.read_text(encoding="utf-8"))


def minified(source: str) -> str:
    """`source`, doing the same with fewer letters."""
    source = re.sub(r"^\s*/\*.*?\*/\n", "", source, count=1, flags=re.DOTALL)
    lines = (line.strip() for line in source.splitlines())
    text = "\n".join(line for line in lines if line and not line.startswith("//"))
    parts = _QUOTED.split(text)  # code and quoted pieces by turns
    parts[::2] = [_SPACE.sub(r"\1", re.sub(r"\bconst\b", "let", code)) for code in parts[::2]]
    return "".join(_renamed(_QUOTED.split(_BREAK.sub("", "".join(parts))))) + "\n"


def _renamed(parts: list[str]) -> list[str]:
    """The names that only this text knows made short: private ones by syntax, and local ones where that is certain."""
    code, quoted = "\0".join(parts[::2]), "\0".join(parts[1::2])
    taken, letters = set(re.findall(r"\w+", code + quoted)), iter(ascii_letters)
    short = {name: "#" + next(letters) for name in dict.fromkeys(_PRIVATE.findall(code))}
    local = dict.fromkeys(name for found in _DECLARED.findall(code) for name in found if len(name) > 1)
    elsewhere = _elsewhere(code, quoted)
    short |= dict(zip((name for name in local if name not in elsewhere), _names(taken), strict=False))
    pattern = re.compile("|".join(rf"(?<![\w#$]){re.escape(name)}\b" for name in short) or r"(?!)")
    return [part if place % 2 else pattern.sub(lambda found: short[found[0]], part) for place, part in enumerate(parts)]


def _elsewhere(code: str, quoted: str) -> set[str]:
    """The names that are somewhere a property's, a key's, a field's or a method's, or part of what is quoted."""
    found = {name for pattern in _ELSEWHERE for name in pattern.findall(code)}
    return found.union(re.findall(r"\w+", quoted))


def _names(taken: set[str]) -> Iterator[str]:
    one = iter(ascii_letters)
    yield from (name for name in one if name not in taken)
    yield from (a + b for a, b in product(ascii_letters, repeat=2) if a + b not in taken)
