"""Writes docs/configuration.md from the code: every setting, its default, its name in the environment, every source.

    make docs

What a setting is for is its comment in the shipped ticker.toml, which a test compares with the code.
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from ticker.config import SOURCE_KINDS, settings, shipped_folder
from ticker.config.kinds import Kind
from ticker.sources import REGISTRY
from ticker.sources.base import DAY, HOUR, MINUTE, MONTH, SECOND, Limit, Source

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"
SPANS = ((SECOND, "second"), (MINUTE, "minute"), (HOUR, "hour"), (DAY, "day"), (MONTH, "month"))

INTRODUCTION = """# Configuration

Two files in one folder: `coins.toml`, the coins and their ids on every source, and `ticker.toml`, how the ticker runs.
`ticker init DIR` writes a copy of what ships, to edit; `ticker check --config DIR` tells every mistake with file, line,
key, value and reason. Without a folder what ships is used.

The command line is stronger than the environment, the environment than the file, the file than the default. Keys and
passwords go into the environment only, or into a file that it names: `TICKER_SOURCES_COINGECKO_KEY`, or
`TICKER_SOURCES_COINGECKO_KEY_FILE=/run/secrets/coingecko`. Every setting below may stand there under the name beside
it; lists with commas between: `TICKER_SERVER_TRUSTED_PROXIES=10.0.0.0/8,192.0.2.7`. Secrets have a second name there,
for a file with the secret in it.

Written from the code by `make docs`; a test fails where it is not what the code says.
"""


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    comments = _comments()
    for section in dict.fromkeys(one.section for one in settings()):
        rows = [_row(section, one.name, one.kind, comments) for one in settings() if one.section == section]
        parts.append(f"## `[{section}]`\n\n{table(_SETTING, rows)}")
    rows = [_row("sources.NAME", name, kind, comments) for name, kind in SOURCE_KINDS.items()]
    parts.append(f"## `[sources.NAME]`\n\n{_ALIKE}\n\n{table(_SETTING, rows)}")
    parts.append("## The sources\n\n" + table(_SOURCE, (_source(one) for one in REGISTRY.values())))
    return "\n".join(parts)


_SETTING = ("setting", "default", "environment", "what it is for")
_ALIKE = """As they stand for CoinGecko; `every` of the others is below. The key of a source that takes one is no
setting of the file: `TICKER_SOURCES_NAME_KEY`, or `…_KEY_FILE`."""
_SOURCE = ("source", "kind", "asked every", "limits", "needs", "documentation")


def _source(source: Source) -> tuple[str, ...]:
    plan = source.plans[0]
    needs = []
    if all(one.key_header for one in source.plans):
        needs.append("a key")
    if source.terms.forbid:
        needs.append("`accept_terms`")
    limits = ", ".join(map(_limit, plan.limits)) or "none stated"
    group = source.kind if source.group == source.name else f"{source.kind}, of the group {source.group}"
    return (
        f"`{source.name}`",
        group,
        _every(source.every),
        limits,
        " and ".join(needs) or "nothing",
        f"<{source.docs}>",
    )


def _limit(limit: Limit) -> str:
    count, per = next(((limit.per / span, name) for span, name in reversed(SPANS) if limit.per >= span))
    article = "an" if per == "hour" else "a"
    return f"{limit.calls:,} {article} {per}" if count == 1 else f"{limit.calls:,} in {count:g} {per}s"


def _every(every: float) -> str:
    count, name = next(((every / span, name) for span, name in reversed(SPANS) if every >= span))
    return f"{count:g} {name}" + ("s" if count != 1 else "")


def _row(section: str, name: str, kind: Kind, comments: Mapping[tuple[str, str], tuple[str, str]]) -> tuple[str, ...]:
    value, comment = comments[section.replace("NAME", "coingecko"), name]
    variable = f"TICKER_{section.replace('.', '_').upper()}_{name.upper()}"
    names = f"`{variable}`" + (", `…_FILE`" if kind.secret else "")
    return (f"`{name}`", f"`{value}`", names, comment)


def _comments() -> dict[tuple[str, str], tuple[str, str]]:
    """Section and name of each line that sets something to its value and its comment, as they are written."""
    found, section = {}, ""
    for line in (shipped_folder() / "ticker.toml").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            name, _, rest = line.partition(" = ")
            value, _, comment = rest.rpartition("  # ")
            found[section, name] = (value.strip(), comment.strip())
    return found


def table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of Markdown, with its end of line."""
    names = tuple(heading)
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(cell.replace("|", r"\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
