"""`/snippet/{door}/{kind}`: the very line that a site owner pastes, for each way of putting a widget on a page. Pure.

Every value in a line is percent-encoded for its address and then escaped for its language, so nothing that anyone asks
for, or names a coin, can end an attribute, a string or a directive.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import quote, urlencode

from ticker.server.params import LONGEST_TITLE, RequestError
from ticker.server.places import Place, address, path_of, size
from widgets.board import Board
from widgets.text import clean

_ON_BADGES = ("currency", "locale", "theme", "change")
_ROWED = ("list",)  # kinds whose height embed.css reserves by `rows`
_PHONE = 320  # pixels that the narrowest screens have
_MARKDOWN = re.compile(r"([\\`*_\[\]<>&|~])")


@dataclass(frozen=True, slots=True)
class Spot:
    """What a line is made of: the place, the board as it is now, our address, and what the widget is called."""

    place: Place
    board: Board
    origin: str
    title: str

    @property
    def name(self) -> str:
        """What a frame is called, in an attribute."""
        return escape(clean(self.title, LONGEST_TITLE))

    def url(self, door: str) -> str:
        """The address of the widget behind a door."""
        return address(self.origin) + self.place.path(door)

    def path(self, door: str) -> str:
        """The same without the host, for what is included by the server or cache in front of us."""
        return path_of(self.origin) + self.place.path(door)


def _script(spot: Spot) -> str:
    """The custom element. Its room is kept free by the style before the script is there."""
    origin, place = escape(address(spot.origin)), spot.place
    given = {"coin": place.coin} if place.coin is not None else {}
    rows = {"rows": str(max(1, len(spot.board.rows)))} if place.kind in _ROWED else {}
    attributes = {"kind": place.kind, **given, **rows, **dict(place.query)}
    written = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
    return (
        f'<link rel="stylesheet" href="{origin}/embed.css"><script src="{origin}/embed.js" async></script>'
        f"<market-prices{written}></market-prices>"
    )


def frame(
    spot: Spot, most_width: int | None = None, most_height: int | None = None, *, as_wide_as_its_place: bool = False
) -> str:
    """The iframe alone: as high as the widget needs, so that nothing below it moves.

    What is wider than a phone can be as wide as its place: by the attribute, since a strict policy takes no style.
    """
    width, height = size(spot.place.kind, spot.board, most_width)
    height = height if most_height is None else min(height, most_height)
    across = "100%" if as_wide_as_its_place and width > _PHONE else width
    return (
        f'<iframe src="{escape(spot.url("embed"))}" title="{spot.name}" width="{across}" height="{height}" '
        f'frameborder="0" loading="lazy"></iframe>'
    )


def _iframe(spot: Spot) -> str:
    """With the script that fits its height where the estimate is not exact; without it, the estimate stays."""
    return (
        f'{frame(spot, as_wide_as_its_place=True)}<script src="{escape(address(spot.origin))}/embed.js" async></script>'
    )


def _ssi(spot: Spot) -> str:
    return f'<!--#include virtual="{spot.path("widget")}" -->'


def _esi(spot: Spot) -> str:
    return f'<esi:include src="{escape(spot.path("widget"))}" onerror="continue"/>'


def _php(spot: Spot) -> str:
    """Two seconds at most, and nothing on the page where we do not answer."""
    url = spot.url("widget").replace("\\", "\\\\").replace("'", "\\'")
    return f"<?= @file_get_contents('{url}', false, stream_context_create(['http' => ['timeout' => 2]])) ?>"


def _wordpress(spot: Spot) -> str:
    """A block of custom HTML, as the editor stores it and takes it from the clipboard."""
    return f"<!-- wp:html -->\n{_script(spot)}\n<!-- /wp:html -->"


def _react(spot: Spot) -> str:
    """JSX; the frame, since a component that React draws runs no script element."""
    width, height = size(spot.place.kind, spot.board)
    across = '"100%"' if width > _PHONE else f"{{{width}}}"
    return (
        f'<iframe src="{escape(spot.url("embed"))}" title="{spot.name}" width={across} height={{{height}}} '
        f'frameBorder="0" loading="lazy" />'
    )


def _markdown(spot: Spot) -> str:
    """A badge a coin: images are all that Markdown has everywhere."""
    given = [(name, value) for name, value in spot.place.query if name in _ON_BADGES]
    query = urlencode(given, quote_via=quote)
    origin, link = address(spot.origin), spot.url("embed")
    badges = (
        f"[![{_plain(row.name)}]({origin}/badge/{quote(row.coin, safe='')}.svg{'?' + query if query else ''})]({link})"
        for row in spot.board.rows
    )
    return " ".join(badges)


def _plain(text: str) -> str:
    """Text that Markdown takes as it is."""
    return _MARKDOWN.sub(r"\\\1", clean(text, 40))


DOORS: Mapping[str, Callable[[Spot], str]] = {
    "script": _script,
    "iframe": _iframe,
    "ssi": _ssi,
    "esi": _esi,
    "php": _php,
    "wordpress": _wordpress,
    "react": _react,
    "markdown": _markdown,
}


def line(door: str, spot: Spot) -> str:
    """The line for a door."""
    return DOORS[checked(door)](spot) + "\n"


def checked(door: str) -> str:
    """A door there is. Raises `RequestError`."""
    if door not in DOORS:
        raise RequestError("unknown_kind", f"there is no door {door!r}; there are: {', '.join(DOORS)}")
    return door
