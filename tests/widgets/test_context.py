"""The context that templates get is the documented dataclass, no more and no less."""

from dataclasses import fields
from pathlib import Path

import pytest
from jinja2 import UndefinedError, nodes

import widgets
from widgets.format import Change
from widgets.links import Choice, Head, Pages
from widgets.plot import Plot
from widgets.render import _ENVIRONMENT, KINDS
from widgets.view import Context, Line, Note

FOLDER = Path(widgets.__file__).parent
TEMPLATES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.html"))
FREE = {"loop", "fragment", "caller"}  # given by the template language, and the page's own variable


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


def own(tree: nodes.Template) -> set[str]:
    """The names that a template makes itself: what it sets, loops over, imports, and its macros."""
    made = {name.name for name in tree.find_all(nodes.Name) if name.ctx in ("store", "param")}
    imported = {
        name if isinstance(name, str) else name[1] for one in tree.find_all(nodes.FromImport) for name in one.names
    }
    return made | imported | {macro.name for macro in tree.find_all(nodes.Macro)}


def test_variables() -> None:
    """Templates use every field of the context, and nothing else."""
    read = {name.name for tree in trees() for name in tree.find_all(nodes.Name) if name.name not in own(tree)}
    taken = {name.name for tree in trees() for macro in tree.find_all(nodes.Macro) for name in macro.args}
    assert read - FREE <= {field.name for field in fields(Context)}
    assert {field.name for field in fields(Context)} <= read | taken


@pytest.mark.parametrize(
    ("owner", "shape"),
    [
        ("row", Line),
        ("moved", Change),
        ("note", Note),
        ("as_of", Note),
        ("head", Head),
        ("choice", Choice),
        ("pages", Pages),
        ("row.plot", Plot),
    ],
)
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
