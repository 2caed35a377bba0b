"""Does what a page of docs/ says to do with files: whole ones it shows, and lines it adds to what is there.

A block belongs to the file named last before it, alone in its paragraph or at its beginning: "`ticker/model.py`:".
"""

import re
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"^`([\w./-]+)`[:,]", re.MULTILINE)


class Block(NamedTuple):
    """A fenced block: its language, what is in it, and the file it belongs to, if any."""

    language: str
    text: str
    path: str | None


def blocks(page: str) -> list[Block]:
    """All of a page, in order. A file that is named is that of all blocks up to the next heading or name."""
    found = []
    for block in _BLOCK.finditer(page):
        before = re.sub(_BLOCK, "", page[: block.start()])
        section = re.split(r"^#+ ", before, flags=re.MULTILINE)[-1]
        names = _NAMED.findall(section)
        found.append(Block(block[1], block[2], names[-1] if names else None))
    return found


def follow(page: str, root: Path) -> list[str]:
    """Write and change files below `root` as the page says; gives the commands it shows, in order."""
    commands = []
    for block in blocks(page):
        if block.language == "sh":
            commands += [line for line in block.text.splitlines() if line]
        elif block.path is None:
            continue
        elif block.language == "diff":
            path = root / block.path
            path.write_text(added(path.read_text(encoding="utf-8"), block.text), encoding="utf-8")
        else:
            (root / block.path).write_text(block.text, encoding="utf-8")
    return commands


def added(text: str, diff: str) -> str:
    """`text` with the lines of a diff that only adds. Its other lines must be there, together, once."""
    lines = diff.splitlines()
    old = "".join(line[1:] + "\n" for line in lines if line.startswith(" "))
    new = "".join(line[1:] + "\n" for line in lines)
    assert text.count(old) == 1, f"{text.count(old)} times there:\n{old}"
    return text.replace(old, new)
