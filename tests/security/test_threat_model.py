"""docs/security.md says what the code does: each bound in its table is looked up."""

import importlib
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([^|]+) \| ([0-9]+) \| `(ticker[\w.]+)` \|$", TEXT, re.MULTILINE)


def value(name: str) -> object:
    """What a dotted name stands for: a constant of a module, or the default of a field."""
    words = name.split(".")
    for length in range(len(words), 0, -1):
        try:
            found: object = importlib.import_module(".".join(words[:length]))
        except ModuleNotFoundError:
            continue
        rest = words[length:]
        break
    for word in rest:
        if isinstance(found, type) and is_dataclass(found):
            found = next(field.default for field in fields(found) if field.name == word)
        else:
            found = getattr(found, word)
    return next(iter(found.values())) if isinstance(found, Mapping) else found


@pytest.mark.parametrize(("what", "bound", "name"), ROWS, ids=[row[2] for row in ROWS])
def test_the_bound_is_the_code_s(what: str, bound: str, name: str) -> None:
    """A bound that was changed in the code is changed on the page."""
    assert value(name) == int(bound), what


def test_the_table_is_whole() -> None:
    """Every row is read, and what a stranger can send is in it."""
    rows = TEXT.partition("| input | bound |")[2].partition("\n\n")[0].count("\n| ")

    assert len(ROWS) == rows
    named = {name.rpartition(".")[0] for *_, name in ROWS}
    assert {"ticker.server.limits", "ticker.server.params", "ticker.fetch", "ticker.streaming"} <= named


def test_there_is_a_way_to_report_or_it_says_that_there_is_none() -> None:
    """The contact file is there, and honest about itself."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")

    assert "Contact:" in text
    assert ("**Contact: not set.**" in text) == ("there is no private way to report" in text)
