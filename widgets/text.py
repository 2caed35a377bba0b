"""Makes text and addresses from elsewhere fit to print: cleaned, cut to length, only web addresses.

Knows nothing of HTML: escaping is the templates' work.
"""

import re
import unicodedata
from urllib.parse import urlsplit

_JOINERS = "\u200c\u200d"  # Persian and Indic words need them; every other format character can reorder or hide text
_UNWANTED = {"Cc", "Cf", "Cs", "Co", "Cn"}
_MAX_MARKS = 3  # combining marks on one letter; more only serve to paint over the neighbours
_PATH = re.compile(r"/(?!/)[A-Za-z0-9._~/-]*(?:\?[A-Za-z0-9._~=&-]*)?")


def clean(text: str, longest: int) -> str:
    """`text` on one line without control, bidirectional or private characters, at most `longest` characters."""
    kept: list[str] = []
    marks = 0
    for letter in " ".join(text[: 8 * longest].split()):
        category = unicodedata.category(letter)
        if category in _UNWANTED and letter not in _JOINERS:
            continue
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks <= _MAX_MARKS:
            kept.append(letter)
    line = "".join(kept).strip()
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def web_address(url: str | None) -> str | None:
    """`url` if it is a plain http(s) address of some host, else None: what is not one is shown as text."""
    if not url or len(url) > 2000 or "\\" in url or not url.isprintable() or any(map(str.isspace, url)):
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and host and "@" not in parts.netloc else None


def own_path(path: str | None) -> str | None:
    """`path` if it is a path on our own server, such as "/icons/nano.svg?v=1", else None."""
    return path if path and len(path) <= 300 and ".." not in path and _PATH.fullmatch(path) else None
