"""One coin in a line, as an image that needs nothing around it, and in the words that shields.io draws one from.

An image may lie in somebody's cache for long, so it always bears the time of its price. It is drawn for whatever
happens: what cannot be shown is a badge that says so. Nothing in it is a script, a link or a font of its own.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from widgets.board import Board, Options, Theme, Up
from widgets.format import NONE, Direction, clock
from widgets.text import clean
from widgets.view import Context, Line, context
from widgets.widths import width

COLUMNS = ("logo", "name", "symbol", "price", "change")
SECONDS = 300  # shields.io keeps what it drew for at least as long

_HEIGHT, _SIZE, _SMALL, _LOGO = 22, 11.0, 10.0, 14
_EDGE, _GAP = 7.0, 5.0
_LEFT = ("logo", "name", "symbol")
_LONGEST = 60
_LONGEST_NAME = 24

Ink = Literal["ink", "muted", "warn", "green", "red", "blue", "orange"]
Scheme = Literal["light", "dark"]
_COLOURS: Mapping[Scheme, Mapping[str, str]] = {
    "light": {
        "label": "#eef0f4",
        "ground": "#ffffff",
        "line": "#cfd5dd",
        "ink": "#12161c",
        "muted": "#596270",
        "warn": "#8a5800",
        "green": "#0a7a4c",
        "red": "#c4263a",
        "blue": "#1a5fd0",
        "orange": "#a84a00",
    },
    "dark": {
        "label": "#242a33",
        "ground": "#14181f",
        "line": "#3a424e",
        "ink": "#eef1f6",
        "muted": "#9aa5b5",
        "warn": "#f0b750",
        "green": "#3ecf91",
        "red": "#ff7f8a",
        "blue": "#74b0ff",
        "orange": "#ffa05c",
    },
}
_RISE: Mapping[Up, tuple[Ink, Ink]] = {"green": ("green", "red"), "red": ("red", "green"), "blue": ("blue", "orange")}
_DARK = "@media(prefers-color-scheme:dark){%s}" % "".join(  # noqa: UP031 - braces
    f".{name}{{fill:{colour}}}" if name != "line" else f".line{{stroke:{colour}}}"
    for name, colour in _COLOURS["dark"].items()
)
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text: what it says, its ink and size. A mark in place of text has the mark."""

    text: str
    ink: Ink = "ink"
    size: float = _SIZE
    bold: bool = False
    mark: Markup | None = None

    @property
    def width(self) -> float:
        """The room it is given, and fitted to."""
        if self.mark is not None:
            return float(_LOGO)
        return width(self.text, self.size) * (1.1 if self.bold else 1.0)


@dataclass(frozen=True, slots=True)
class Placed:
    """A piece and where it begins."""

    piece: Piece
    x: float


def badge(board: Board, options: Options) -> str:
    """The first coin of a board as an SVG. `options.show` are some of `COLUMNS`."""
    view = context("badge", board, options, Markup(""), framed=False)
    line = view.rows[0]
    left = [_label(column, line) for column in options.show if column in _LEFT]
    right = _message(board, view, line, options)
    return _draw(left, right, options.theme, _spoken(view, line, options), view.lang, rtl=view.dir == "rtl")


def failed(name: str, message: str, theme: Theme = "auto") -> str:
    """The badge in place of one that cannot be: what it would have been of, a dash, and why."""
    name, message = clean(name, _LONGEST_NAME), clean(message, _LONGEST)
    left = [Piece(name, bold=True)] if name else []
    right = [Piece(NONE), Piece(message, "muted", _SMALL)]
    return _draw(left, right, theme, f"{name}: {message}" if name else message, "en", rtl=False)


def shield(board: Board, options: Options) -> dict[str, object]:
    """The same in the words of shields.io's endpoint badge (shields.io/badges/endpoint-badge)."""
    view = context("badge", board, options, Markup(""), framed=False)
    line = view.rows[0]
    label = " ".join(getattr(line, one) for one in options.show if one in _LEFT and one != "logo")
    message = " ".join(piece.text for piece in _message(board, view, line, options))
    direction: Direction = "flat" if line.change is None else line.change.direction
    return _shield(label, message, _colour(line, direction, options.up))


def failed_shield(name: str, message: str) -> dict[str, object]:
    """The same for what cannot be."""
    return {**_shield(clean(name, _LONGEST_NAME), clean(message, _LONGEST), "lightgrey"), "isError": True}


def style_hash() -> str:
    """The CSP source of the only style there is, that of `theme=auto`."""
    return "sha256-" + base64.b64encode(hashlib.sha256(_DARK.encode()).digest()).decode()


def _shield(label: str, message: str, colour: str) -> dict[str, object]:
    return {"schemaVersion": 1, "label": label, "message": message, "color": colour, "cacheSeconds": SECONDS}


def _colour(line: Line, direction: Direction, up: Up) -> str:
    if line.price is None or line.facts["data-freshness"] != "live" or direction == "flat":
        return "lightgrey"
    return _COLOURS["light"][_RISE[up][direction == "down"]].removeprefix("#")


def _label(column: str, line: Line) -> Piece:
    if column == "logo":
        return Piece("", mark=line.mark)
    if column == "name":
        return Piece(clean(line.name, _LONGEST_NAME), bold=True)
    return Piece(line.symbol, "muted")


def _message(board: Board, view: Context, line: Line, options: Options) -> list[Piece]:
    """The price, its change, the words that readers must have beside it, and its time."""
    pieces = []
    for column in options.show:
        if column == "price":
            pieces.append(Piece(line.price or NONE, bold=line.price is not None))
        elif column == "change" and line.change is not None:
            rise, fall = _RISE[options.up]
            inks: Mapping[Direction, Ink] = {"up": rise, "down": fall, "flat": "muted"}
            pieces.append(Piece(f"{line.change.arrow} {line.change.text}", inks[line.change.direction], _SMALL))
    words = [note.text for note in line.notes if note.iso is None]
    pieces += [Piece(word, "warn", _SMALL) for word in words]
    if line.price is not None and board.as_of is not None:
        at, old = clock(board.as_of, options.locale), line.facts["data-freshness"] == "stale"
        pieces.append(Piece(view.say["as_of"].format(at) if old else at, "warn" if old else "muted", _SMALL))
    if view.simulated:
        pieces.append(Piece(view.say["simulated"], "warn", _SMALL))
    return pieces


def _spoken(view: Context, line: Line, options: Options) -> str:
    """All of it in words, with the date; for screen readers, and whoever rests on it."""
    parts = [line.price or view.say["none"]]
    if line.change is not None and "change" in options.show:
        parts.append(f"{line.change.spoken} ({view.period})")
    parts += [note.text for note in line.notes if note.iso is None and line.price is not None]
    if view.as_of is not None:
        parts.append(view.as_of.text)
    if line.sources:
        parts.append(line.sources)
    if view.simulated:
        parts.append(view.say["simulated"])
    said = f"{line.name} ({line.symbol}): {', '.join(parts)}"
    return f"{said}. {line.why}" if line.why else said


def _draw(left: Sequence[Piece], right: Sequence[Piece], theme: Theme, spoken: str, lang: str, *, rtl: bool) -> str:
    label, message = _placed(left, 0.0), _placed(right, _end(left))
    whole = _end(left) + _end(right)
    if rtl:
        label, message = _mirrored(label, whole), _mirrored(message, whole)
    scheme: Scheme = "dark" if theme == "dark" else "light"
    return (
        _ENVIRONMENT.get_template("badge/template.svg")
        .render(
            width=_round(whole),
            height=_HEIGHT,
            split=_round(_end(left)),
            label_x=_round(whole - _end(left)) if rtl else 0,
            placed=[*label, *message],
            colours=_COLOURS[scheme],
            style=Markup(_DARK) if theme == "auto" else None,  # noqa: S704 - our own colours
            spoken=spoken,
            lang=lang,
            dir="rtl" if rtl else "ltr",
            logo=_LOGO,
            round=_round,
        )
        .replace("\n", "")
    )


def _placed(pieces: Sequence[Piece], start: float) -> list[Placed]:
    x, found = start + _EDGE, []
    for piece in pieces:
        found.append(Placed(piece, x))
        x += piece.width + _GAP
    return found


def _end(pieces: Sequence[Piece]) -> float:
    if not pieces:
        return 0.0
    return float(ceil(2 * _EDGE + sum(piece.width for piece in pieces) + _GAP * (len(pieces) - 1)))


def _mirrored(placed: Sequence[Placed], whole: float) -> list[Placed]:
    return [Placed(one.piece, whole - one.x - one.piece.width) for one in placed]


def _round(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
