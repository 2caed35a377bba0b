"""Links from a picture to others of its kind: sorted another way, another page, another range of time. Pure.

They are what makes a table sortable and paged without script. In an iframe they stay in it; in a fragment, which stands
on somebody else's page, they lead to our own page of the widget.
"""

from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from widgets.board import Board, Options
from widgets.format import count, span
from widgets.text import web_address
from widgets.words import words

SORTABLE = ("name", "price", "1h", "24h", "7d", "cap", "volume")
RANGES = ("24h", "7d", "30d")

_PERIOD = {"spark": "7d"}


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a table's column: what it is, what it says, where a click leads, how the table is sorted by it."""

    column: str
    text: str
    link: str | None
    sorted: str | None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several pictures to choose from."""

    text: str
    link: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Pages:
    """Where in a table of several pages we are, and the pages around it."""

    text: str
    previous: str | None
    next: str | None


def to(options: Options, *, framed: bool, **more: str) -> str:
    """The address of a picture like this one but for `more`; empty values are left out."""
    query = urlencode([*options.query, *((name, value) for name, value in more.items() if value)])
    address = web_address(options.address) or ""
    if framed:
        address = "/" + urlsplit(address).path.lstrip("/") if address else ""  # with two it would be another host
    return f"{address}?{query}" if query else address or "?"


def heads(columns: tuple[str, ...], options: Options, *, framed: bool) -> tuple[Head, ...]:
    """The heads of a table's columns. A click sorts numbers from the largest, names from A, and again the other way."""
    say = words(options.locale)
    by, falling = options.sort.removeprefix("-"), options.sort.startswith("-")
    found = []
    for column in columns:
        text = say[column] if column in say else span(_PERIOD.get(column, column), options.locale)
        link, how = None, None
        if column in SORTABLE:
            first = column if column == "name" else f"-{column}"
            other = column if first != column else f"-{column}"
            link = to(options, framed=framed, sort=other if options.sort == first else first)
            how = ("descending" if falling else "ascending") if by == column else None
        found.append(Head(column, text, link, how))
    return tuple(found)


def pages(board: Board, options: Options, *, framed: bool) -> Pages | None:
    """The way to the other pages; None where there is but one."""
    if board.pages < 2:
        return None

    def link(number: int) -> str | None:
        if not 1 <= number <= board.pages:
            return None
        return to(options, framed=framed, sort=options.sort, page="" if number == 1 else str(number))

    text = words(options.locale)["page"].format(
        page=count(board.page, options.locale), pages=count(board.pages, options.locale)
    )
    return Pages(text, link(board.page - 1), link(board.page + 1))


def ranges(options: Options, *, framed: bool) -> tuple[Choice, ...]:
    """The ranges of time that a chart may show."""
    return tuple(
        Choice(
            span(one, options.locale),
            to(options, framed=framed, range="" if one == "24h" else one),
            one == options.range,
        )
        for one in RANGES
    )
