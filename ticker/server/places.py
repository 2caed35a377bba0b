"""A widget in its place on somebody's page: what was asked for, its address, and how large a frame it needs. Pure.

Addresses are canonical: equal wishes give equal addresses, so caches and oEmbed see one page where there is one.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from urllib.parse import quote, urlencode, urlsplit

from ticker.server import params
from ticker.server.params import Ask, Defaults, RequestError
from widgets import render
from widgets.board import Board

NAMES = tuple(field.name for field in fields(Ask) if field.name != "texts")  # in the order of addresses

Query = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Place:
    """A widget of a kind, as asked for; `query` are the parameters of its address, `coin` the one in its path."""

    kind: str
    coin: str | None
    ask: Ask
    query: tuple[tuple[str, str], ...]

    def path(self, door: str) -> str:
        """Its path behind a door, "widget" or "embed", with the query."""
        steps = [door, self.kind, *([] if self.coin is None else [self.coin])]
        query = urlencode(self.query, quote_via=quote, safe=",")
        return "/" + "/".join(quote(step, safe="") for step in steps) + (f"?{query}" if query else "")


def asked(kind: str, coin: str | None, query: Query, defaults: Defaults) -> Place:
    """What a reader asked for: each parameter given, in its canonical form. Raises `RequestError`."""
    ask, usual = _ask(kind, coin, query, defaults), _ask(kind, coin, (), defaults)
    given = dict(query)
    written = [(name, _written(ask, name)) for name in NAMES if name in given and not (coin and name == "coins")]
    kept = [
        # What came out as the default without being written so is a parameter of other kinds: ignored, not carried.
        (name, text)
        for name, text in written
        if getattr(ask, name) != getattr(usual, name) or text == given[name]
    ]
    return Place(kind, coin, ask, tuple(kept))


def of_ask(kind: str, coin: str | None, ask: Ask, defaults: Defaults) -> Place:
    """The place of an ask: what differs from the defaults."""
    usual = _ask(kind, coin, (), defaults)
    if coin is None and ask.coins is not None:
        usual = replace(usual, limit=params.default_limit(kind, ("coins",)))
    differing = [name for name in NAMES if getattr(ask, name) != getattr(usual, name)]
    return Place(kind, coin, ask, tuple((name, _written(ask, name)) for name in differing))


def _ask(kind: str, coin: str | None, query: Query, defaults: Defaults) -> Ask:
    if kind not in render.KINDS:
        raise RequestError("unknown_kind", f"there is no widget {kind!r}; there are: {', '.join(render.KINDS)}")
    return params.widget(list(query), coin, defaults, kind)


def _written(ask: Ask, name: str) -> str:
    value = getattr(ask, name)
    return ",".join(value) if isinstance(value, tuple) else "" if value is None else str(value)


def address(origin: str) -> str:
    """An origin with its path as it may stand in a line of any language."""
    scheme, _, rest = origin.partition("://")
    return f"{scheme}://{quote(rest, safe='/:[]%~')}"


def path_of(origin: str) -> str:
    """The path of an origin, "" for none, to put before our own: never one that a browser takes for another host."""
    path = urlsplit(address(origin)).path.lstrip("/")
    return f"/{path}" if path else ""


@dataclass(frozen=True, slots=True)
class Size:
    """What a kind needs, in pixels: its usual and largest width, the height of all but rows and notes, of a row, and of
    what a row has more that is marked: single source, disputed, old.
    """

    width: int
    widest: int
    frame: int
    row: int
    mark: int = 0


SIZES: Mapping[str, Size] = {
    "list": Size(300, 600, 67, 50),
    "label": Size(300, 600, 16, 26, 17),
    "tape": Size(600, 1200, 49, 0),
    "card": Size(300, 600, 32, 179, 17),
    "table": Size(600, 1200, 95, 48),
    "converter": Size(300, 600, 15, 328, 17),
    "chart": Size(600, 1200, 39, 243),
}
_NOTE, _LETTER, _MARGIN = (
    17,
    6.0,
    30,
)  # the height of a line of notes, the width of a letter in it, of what is beside it
_MOMENT = 34  # letters of an as-of in the longest languages


def size(kind: str, board: Board, most_width: int | None = None) -> tuple[int, int]:
    """Width and height of a frame in which a board needs no scroll bar, before anyone has seen it drawn."""
    known = SIZES[kind]
    width = known.width if most_width is None else min(most_width, known.widest)
    credit = " · ".join(one.text for one in board.credits)
    rate = "0" * 2 * _MOMENT if board.rate is not None else ""
    notes = ["0" * _MOMENT, credit, rate, board.disclaimer, "0" if board.simulated else ""]
    room = max(1.0, (width - _MARGIN) / _LETTER)
    lines = sum(math.ceil(len(note) / room) for note in notes)
    marked = sum(row.agreement != "ok" or row.freshness != "live" for row in board.rows)
    return width, known.frame + known.row * max(1, len(board.rows)) + known.mark * marked + _NOTE * lines
