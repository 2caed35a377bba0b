"""README, CONTRIBUTING, SECURITY and docs/: their texts by name, and what stands in them as code."""

import re
from pathlib import Path

from docs.followed import Block, blocks

ROOT = Path(__file__).resolve().parents[2]
_PAGES = sorted([*(ROOT / f"{one}.md" for one in ("README", "CONTRIBUTING", "SECURITY")), *ROOT.glob("docs/*.md")])
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in _PAGES}
BLOCKS = [(name, block) for name, text in TEXTS.items() for block in blocks(text)]
SERVICE = re.compile(r"https://prices\.example(?:\.org)?")  # how the pages write the address of a ticker
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def inline(name: str) -> list[str]:
    """What stands in a page between single backticks, outside of its blocks."""
    return _INLINE.findall(_FENCE.sub("", TEXTS[name]))


def of(language: str, *without: str) -> list[tuple[str, Block]]:
    """Every block in a language, with its page; without those of some pages."""
    return [(name, block) for name, block in BLOCKS if block.language == language and name not in without]


def named(found: list[tuple[str, Block]]) -> list[str]:
    """Names for tests: the page, and which of its blocks."""
    return [f"{name}-{n}" for n, (name, _) in enumerate(found)]
