"""The context that templates get is the documented dataclass, no more and no less."""

from dataclasses import fields
from pathlib import Path

import pytest
from jinja2 import UndefinedError, nodes

import widgets
from widgets.format import Change
from widgets.render import _ENVIRONMENT, KINDS
from widgets.view import Context, Line, Note

FOLDER = Path(widgets.__file__).parent
TEMPLATES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.html"))
LOCAL = {"row", "note", "column", "loop", "text", "url", "time", "cells", "noted"}


def trees() -> list[nodes.Template]:
    """Every template, parsed; the error's own little template left out."""
    names = [name for name in TEMPLATES if name != "shared/error.html"]
    return [_ENVIRONMENT.parse((FOLDER / name).read_text(encoding="utf-8")) for name in names]


def used(owner: str) -> set[str]:
    """The attributes that templates read of variables called `owner` ("row", "row.change")."""

    def path(node: nodes.Node) -> str:
        if isinstance(node, nodes.Name):
            return node.name
        return f"{path(node.node)}.{node.attr}" if isinstance(node, nodes.Getattr) else "?"

    return {node.attr for tree in trees() for node in tree.find_all(nodes.Getattr) if path(node.node) == owner}


def test_variables() -> None:
    """Templates use every field of the context, and nothing else."""
    names = {name.name for tree in trees() for name in tree.find_all(nodes.Name)}
    assert names - LOCAL - {"fragment", "then"} == {field.name for field in fields(Context)}


@pytest.mark.parametrize(("owner", "shape"), [("row", Line), ("row.change", Change), ("note", Note), ("as_of", Note)])
def test_attributes(owner: str, shape: type) -> None:
    """So with the rows, their changes and their notes."""
    assert used(owner) == {field.name for field in fields(shape)}


def test_strict() -> None:
    """A misspelt variable fails loudly instead of printing nothing, and escaping cannot be off."""
    with pytest.raises(UndefinedError):
        _ENVIRONMENT.from_string("{{ nmae }}").render()
    assert _ENVIRONMENT.autoescape is True
    assert _ENVIRONMENT.from_string("{{ x }}").render(x="<") == "&lt;"


def test_no_way_around_escaping() -> None:
    """No template marks anything safe or switches escaping."""
    for name in TEMPLATES:
        text = (FOLDER / name).read_text(encoding="utf-8")
        assert "|safe" not in text.replace(" ", "")
        assert "autoescape" not in text


def test_a_folder_a_kind() -> None:
    """Every kind has its folder with template and style, and every such folder is a kind."""
    assert {path.parent.name for path in FOLDER.glob("*/template.html")} == set(KINDS)
    assert {path.parent.name for path in FOLDER.glob("*/style.css")} == {*KINDS, "shared"}
