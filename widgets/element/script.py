"""`/embed.js` as it is sent: embed.js without its comments and the white space that separates nothing.

No parser of JavaScript: it relies on what embed.js promises, that nothing in quotes runs over a line, that comments
stand alone on their lines, and that no regular expression holds a quote or a space.
"""

import re
from functools import cache
from pathlib import Path

_SOURCE = Path(__file__).with_name("embed.js")
_QUOTED = re.compile(r"('[^'\n]*'|`[^`\n]*`)")
_SPACE = re.compile(r" ?([=<>!*/%&|?:,;(){}\[\]]) ?")  # not + and -, which a space may keep apart from their like
_BREAK = re.compile(r"(?<=[{(\[,=?:&|])\n|\n(?=[})\].?:])")  # where a line cannot end, or a bracket ends it


@cache
def script() -> str:
    """The text of the script."""
    return minified(_SOURCE.read_text(encoding="utf-8"))


def minified(source: str) -> str:
    """`source` without comments, indentation, spaces beside punctuation, and line breaks that end no statement."""
    source = re.sub(r"^\s*/\*.*?\*/\n", "", source, count=1, flags=re.DOTALL)
    lines = (line.strip() for line in source.splitlines())
    tight = "\n".join(_tight(line) for line in lines if line and not line.startswith("//"))
    return _BREAK.sub("", tight) + "\n"


def _tight(line: str) -> str:
    parts = _QUOTED.split(line)
    return "".join(part if place % 2 else _SPACE.sub(r"\1", part) for place, part in enumerate(parts))
