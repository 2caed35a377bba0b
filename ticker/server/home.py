"""The page a person sees first: the sidebar as it is, and the lines that put it on a page. No script, one origin.

Knows a board and where we are; the builder that lets a person choose comes in its place.
"""

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ticker.server import headers
from widgets import render
from widgets.board import Board, Options

_FOLDER = Path(__file__).with_name("pages")
_pages = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
_STYLE = (_FOLDER / "home.css").read_text(encoding="utf-8")


def home(board: Board, options: Options, origin: str, first: str | None, discovery: str) -> str:
    """The page, with the list and the label of `first` in it. `origin` is where readers reach us, without a slash;
    `discovery` the address that describes the list to who pastes the address of this page (oEmbed).
    """
    label = Board(board.rows[:1], board.currency, board.as_of, simulated=board.simulated)
    return _pages.get_template("home.html").render(
        style=_STYLE,
        title=options.title,
        list_html=render.render("list", board, options),
        label_html=render.render("label", label, options),
        origin=origin,
        discovery=discovery,
        first=first,
        rows=len(board.rows),
        simulated=board.simulated,
    )


def policy() -> str:
    """The page's Content-Security-Policy: its own style and the widgets', nothing else, framed by nobody."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return headers.policy([f"sha256-{digest}", *(render.style_hash(kind) for kind in render.KINDS)], ())
