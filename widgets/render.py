"""Draws a board as HTML: a fragment for other people's pages, or a page of its own for an iframe.

Pure but for reading the templates and styles of this package once. Nothing drawn needs a script, asks another host
for anything, or carries a style or id attribute.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import fields, replace
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from widgets.board import Board, Options
from widgets.text import clean
from widgets.then import Then, Told, told
from widgets.view import Context, context

KINDS = ("list", "label", "tape", "card", "table", "converter", "chart")
MOST_ROWS = 30
LOOKS = ("plain", "card", "glass", "terminal", "news")  # a card is what needs no style of its own
BASE = ("list",)  # whose style is in the external one that names no kind

_HERE = Path(__file__).parent
_LONGEST_MESSAGE = 300
_ELEMENT = "element/element.css"
_PRICE = ("shared/style.css", "element/price.css")
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_HERE),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)


def render(kind: str, board: Board, options: Options) -> str:
    """`board` as a fragment of HTML. Raises `KeyError` for a kind that is not in `KINDS`."""
    return _draw(
        f"{_checked(kind)}/template.html", context(kind, board, options, _style(kind, options.look), framed=False)
    )


def page(kind: str, board: Board, options: Options) -> str:
    """`board` as a whole page for an iframe; links in it open a new tab. Raises `KeyError` as `render` does."""
    view = context(_checked(kind), board, options, _style(kind, options.look), framed=True)
    bare = replace(view, css=Markup(""), stylesheet=None)
    fragment = Markup(_draw(f"{kind}/template.html", bare))  # noqa: S704 - drawn by an escaping template
    return _draw("shared/page.html", view, fragment=fragment)


def price(board: Board, options: Options, then: Then | None = None) -> str:
    """The one price of `board` as a fragment to stand in a sentence, beside that of `then` with the change since.

    It has no ground of its own, so no theme either: it is dark where the page is.
    """
    row = board.rows[0]
    change = None if then is None else then.change(row.price)
    board = replace(board, rows=(replace(row, change=change),))
    view = context("price", board, replace(options, theme="auto"), _style("price"), framed=False)
    return _draw("element/price.html", view, then=None if then is None else told(then, view.currency, options.locale))


def error(message: str) -> str:
    """What a reader sees in place of a widget that cannot be drawn."""
    return _tight(_ENVIRONMENT.get_template("shared/error.html").render(message=clean(message, _LONGEST_MESSAGE)))


def stylesheet(*kinds: str, looks: Sequence[str] = ()) -> str:
    """The external style of some kinds, for `css="link"`, in some looks: of the list and the elements, as cards,
    unless told. Raises `KeyError` as `render` does.
    """
    if kinds == ("price",):
        return _minified(*_PRICE)
    if kinds or looks:
        return _minified(*_files([_checked(kind) for kind in kinds or BASE], looks))
    room = "".join(f'market-prices[rows="{rows}"]{{--_rows:{rows}}}' for rows in range(1, MOST_ROWS + 1))
    return _minified(*_files(BASE, ()), _ELEMENT) + room


def style_hash(kind: str, look: str = "card") -> str:
    """The CSP source of the inline style of `kind` in a look: "sha256-…". Raises `KeyError` for what is unknown."""
    digest = hashlib.sha256(_style(kind if kind == "price" else _checked(kind), look).encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode()


def _checked(kind: str) -> str:
    if kind not in KINDS:
        raise KeyError(f"no widget of kind {kind!r}; there are {', '.join(KINDS)}")
    return kind


@cache
def _style(kind: str, look: str = "card") -> Markup:
    files = _PRICE if kind == "price" else _files([kind], [look])
    return Markup(_minified(*files))  # noqa: S704 - our own files


def _files(kinds: Sequence[str], looks: Sequence[str]) -> tuple[str, ...]:
    """What all have, then each kind's own, then what has the last word: the density and the look."""
    unknown = [look for look in looks if look not in LOOKS]
    if unknown:
        raise KeyError(f"no look {unknown[0]!r}; there are {', '.join(LOOKS)}")
    own = [f"looks/{look}.css" for look in looks if look != "card"]
    return "shared/style.css", *(f"{kind}/style.css" for kind in kinds), "shared/last.css", *own


@cache
def _minified(*names: str) -> str:
    """The style files in one line; only comments and white space go."""
    text = "".join((_HERE / name).read_text(encoding="utf-8") for name in names)
    text = re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))
    return re.sub(r"\s*([{};,])\s*", r"\1", text).replace(": ", ":").replace(";}", "}").strip()


def _draw(template: str, view: Context, **more: Markup | Told | None) -> str:
    variables = {field.name: getattr(view, field.name) for field in fields(view)}
    return _tight(_ENVIRONMENT.get_template(template).render(variables, **more))


def _tight(html: str) -> str:
    """Without line breaks: those come from the templates alone, since printed text has none."""
    return html.replace("\n", "")
