"""`/gallery`: every kind of widget, light and dark, in the look, density, palette and language that a reader picks.

No script: what is picked is a link. One look a page, since all at once would be a picture of megabytes for every new
snapshot. Knows the widgets' parameters and how boards are made; nothing of HTTP.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ticker.model import Snapshot
from ticker.server import headers, params
from ticker.server.params import Ask, Defaults
from ticker.server.pictures import Pictures
from ticker.server.shelf import Build
from widgets import render
from widgets.words import all_words, own_name

_FOLDER = Path(__file__).with_name("pages")
_pages = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_STYLE = render.stylesheet(*render.KINDS, looks=render.LOOKS) + (_FOLDER / "gallery.css").read_text(encoding="utf-8")

LANGUAGES = tuple(all_words())
_PICKS = {"look": render.LOOKS, "density": params.DENSITIES, "up": params.UPS, "locale": LANGUAGES}
_SAID = {
    "list": "The sidebar. Two lines a coin where it is narrow, a table where there is room.",
    "label": "One coin on one line, for a header.",
    "tape": "Passes by; rests under the pointer, the keyboard and at a click. Still for whoever wants no motion.",
    "card": "One coin large, with its day.",
    "table": "Many coins. Sorted and paged by links, so it needs no script.",
    "converter": "Round amounts, both ways.",
    "chart": "24 hours, 7 days or 30 days of our own history. What is not known is a gap.",
}
_MORE = {"list": [("show", "logo,name,symbol,price,change,spark")], "table": [("limit", "8")]}


@dataclass(frozen=True, slots=True)
class Sample:
    """One kind, drawn light and dark, and the parameters that give it."""

    kind: str
    said: str
    light: Markup
    dark: Markup
    address: str


@dataclass(frozen=True, slots=True)
class Pick:
    """One of the values of a parameter, to click on."""

    text: str
    link: str
    chosen: bool


def asked(query: Sequence[tuple[str, str]], defaults: Defaults) -> Ask:
    """What is picked. Raises `RequestError`."""
    return params.widget([(name, value) for name, value in query if name in _PICKS], None, defaults)


def builder(pictures: Pictures, ask: Ask, defaults: Defaults) -> Build:
    """What draws the page."""
    picked = {name: str(getattr(ask, name)) for name in _PICKS}
    shown = [
        (name, value) for name, value in picked.items() if value != getattr(params.widget([], None, defaults), name)
    ]

    def build(snapshot: Snapshot, now: float) -> bytes:
        first = snapshot.shown[0] if snapshot.shown else next((coin.id for coin in snapshot.coins), None)

        def drawn(kind: str, theme: str) -> Markup:
            coin = first if kind in ("label", *params.OF_ONE) else None
            asked = [*picked.items(), *_MORE.get(kind, ()), ("theme", theme), ("css", "none")]
            one = params.widget(asked, coin, defaults, kind)
            board = pictures.board(kind, snapshot, one, now)
            return Markup(render.render(kind, board, pictures.options(kind, one, defaults)))  # noqa: S704 - escaped there

        samples = [
            Sample(kind, _SAID[kind], drawn(kind, "light"), drawn(kind, "dark"), _address(kind, first, shown))
            for kind in render.KINDS
        ]
        page = _pages.get_template("gallery.html").render(
            style=Markup(_STYLE),  # noqa: S704 - our own files
            samples=samples,
            picks={name: _links(name, values, picked, shown) for name, values in _PICKS.items()},
            simulated=snapshot.simulated,
            home=pictures.origin + "/",
        )
        return page.encode()

    return build


def _address(kind: str, coin: str | None, shown: Sequence[tuple[str, str]]) -> str:
    path = f"/embed/{kind}/{coin}" if coin and kind in ("label", *params.OF_ONE) else f"/embed/{kind}"
    query = urlencode([*shown, *_MORE.get(kind, ())], safe=",")
    return f"{path}?{query}" if query else path


def _links(
    name: str, values: Sequence[str], picked: dict[str, str], shown: Sequence[tuple[str, str]]
) -> tuple[Pick, ...]:
    rest = [one for one in shown if one[0] != name]
    return tuple(
        Pick(
            own_name(value) if name == "locale" else value,
            "gallery?" + urlencode([*rest, (name, value)]),
            value == picked[name],
        )
        for value in values
    )


def policy() -> str:
    """The page's Content-Security-Policy: its own style, our own icons, nothing else, framed by nobody."""
    return headers.policy([headers.source(_STYLE)], (), script=False)
