"""`/`: pick a widget, see it live, copy the line that puts it on a page.

Complete without script: the form asks for this page again. With it, what is picked is drawn at once by the element that
site owners paste. Knows the parameters of widgets and the doors; nothing of HTTP but the names of a form's fields.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from babel.numbers import get_currency_name
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ticker.currencies import CURRENCIES, Currency
from ticker.model import Snapshot
from ticker.server import headers, params, places, snippets
from ticker.server.params import Ask, Defaults, RequestError
from ticker.server.pictures import Pictures
from ticker.server.places import Place, address
from widgets import render
from widgets.board import Board
from widgets.text import clean
from widgets.words import all_words, own_name

_FOLDER = Path(__file__).with_name("pages")
_pages = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_STYLE = (_FOLDER / "builder.css").read_text(encoding="utf-8")
FILES: Mapping[str, str] = {name: (_FOLDER / name).read_text(encoding="utf-8") for name in ("builder.js", "mark.svg")}

KINDS: Mapping[str, str] = {
    "list": "the sidebar",
    "label": "one line",
    "tape": "passes by",
    "card": "one coin, large",
    "table": "many coins",
    "converter": "both ways",
    "chart": "a day to a month",
}
DOORS: Mapping[str, tuple[str, str]] = {
    "script": ("HTML", "Paste it where the prices should stand. Live, in your page's own font; a list keeps its room."),
    "iframe": ("iframe", "For editors that take no script: the frame alone, without the second element, does too."),
    "wordpress": ("WordPress", "Paste it into the block editor: it becomes a Custom HTML block."),
    "react": ("React", "JSX; a frame, since React runs no script elements."),
    "markdown": ("Markdown", "An image that is a link: for a README, a forum, a newsletter."),
    "php": ("PHP", "Fetched by your server: complete HTML, nothing for the reader's browser to load."),
    "ssi": ("SSI", "For nginx and Apache, with /widget/ proxied to this service."),
    "esi": ("ESI", "For Varnish and CDNs, with /widget/ routed to this service."),
}
_REPEATED = ("coins", "show")  # boxes to tick: a form sends the name once for each
_SORTS = {"dollar": "Money", "fiat": "Money", "metal": "Metals", "coin": "Coins", "unit": "Coins"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What is picked: a widget in its place, and the door it comes through."""

    place: Place
    door: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a field."""

    value: str
    text: str
    chosen: bool


def asked(query: Sequence[tuple[str, str]], defaults: Defaults) -> Wish:
    """What a form has sent, without what is the default anyway. Raises `RequestError`."""
    joined: dict[str, str] = {}
    for name, value in query:
        joined[name] = f"{joined[name]},{value}" if name in _REPEATED and joined.get(name) else value
    kind, door = joined.pop("kind", "list"), joined.pop("door", "script")
    if kind not in render.KINDS:
        raise RequestError("unknown_kind", f"there is no widget {kind!r}; there are: {', '.join(render.KINDS)}", "kind")
    snippets.checked(door)
    usual = [set(params.columns(one)) for one in (kind, joined.pop("was", kind))]
    if set(joined.get("show", "").split(",")) in usual:
        del joined["show"]  # nobody has ticked them: they are a kind's own
    given = [(name, value) for name, value in joined.items() if value or name == "title"]
    ask = params.widget(given, None, defaults, kind)
    return Wish(places.of_ask(kind, None, replace(ask, css=defaults.css), defaults), door)


def page(wish: Wish, pictures: Pictures, defaults: Defaults, snapshot: Snapshot, now: float, discovery: str) -> bytes:
    """The page. `discovery` is the address that describes the list to who pastes this page's address (oEmbed)."""
    place, ask = wish.place, wish.place.ask
    board = pictures.board(place.kind, snapshot, ask, now)
    title = ask.title or defaults.title or "Prices"
    spot = snippets.Spot(place, board, pictures.origin, title)
    text = _pages.get_template("builder.html").render(
        style=Markup(_STYLE),  # noqa: S704 - our own file
        title=clean(defaults.title, params.LONGEST_TITLE) or "Prices",
        kind=place.kind,
        kinds=[Choice(kind, said, kind == place.kind) for kind, said in KINDS.items()],
        coins=[Choice(coin.id, clean(coin.name, 40), coin.id in (ask.coins or ())) for coin in snapshot.coins],
        symbols={coin.id: clean(coin.symbol, 12) for coin in snapshot.coins},
        currencies=_currencies(ask.currency),
        languages=_languages(ask.locale),
        picks=_picks(ask, defaults),
        columns=[Choice(one, _COLUMNS[one], one in ask.show) for one in params.COLUMNS],
        wanted=ask.title,
        usual=_usual(defaults),
        columns_of={kind: ",".join(params.columns(kind)) for kind in KINDS},
        doors=[Choice(door, text, door == wish.door) for door, (text, _) in DOORS.items()],
        door_notes={door: note for door, (_, note) in DOORS.items()},
        door=wish.door,
        line=snippets.line(wish.door, spot).rstrip("\n"),
        attributes=dict(place.query),
        preview=_preview(place, board, pictures, defaults),
        origin=address(pictures.origin),
        discovery=discovery,
        simulated=snapshot.simulated,
        first=snapshot.shown[0] if snapshot.shown else None,
    )
    return text.encode()


def _preview(place: Place, board: Board, pictures: Pictures, defaults: Defaults) -> Markup:
    options = pictures.options(place.kind, replace(place.ask, css="link"), defaults)
    return Markup(render.render(place.kind, board, options))  # noqa: S704 - drawn by an escaping template


_COLUMNS = {
    "logo": "mark",
    "name": "name",
    "symbol": "symbol",
    "price": "price",
    "change": "change",
    "spark": "line",
    "cap": "market cap",
    "volume": "volume",
}
_PICKED: Mapping[str, tuple[str, Sequence[str], Sequence[str]]] = {  # field: label, values, kinds it is for
    "theme": ("Theme", params.THEMES, tuple(KINDS)),
    "look": ("Look", render.LOOKS, tuple(KINDS)),
    "density": ("Spacing", params.DENSITIES, tuple(KINDS)),
    "up": ("A rise is", params.UPS, tuple(KINDS)),
    "change": ("Change over", params.PERIODS, ("list", "label", "tape", "card", "converter")),
    "range": ("Shows", params.RANGES, ("chart",)),
}


@dataclass(frozen=True, slots=True)
class Pick:
    """A field with a few values, of which one is chosen; `kinds` are the widgets it is for."""

    name: str
    label: str
    kinds: str
    choices: tuple[Choice, ...]


def _picks(ask: Ask, defaults: Defaults) -> list[Pick]:
    return [
        Pick(
            name,
            label,
            " ".join(kinds),
            tuple(Choice(value, value, value == getattr(ask, name)) for value in values),
        )
        for name, (label, values, kinds) in _PICKED.items()
    ]


def _usual(defaults: Defaults) -> dict[str, str]:
    """What each field says that says nothing: the script leaves it out of the line."""
    usual = params.widget([], None, defaults)
    return {name: str(getattr(usual, name)) for name in (*_PICKED, "currency", "locale", "title")}


def _currencies(chosen: str) -> list[tuple[str, list[Choice]]]:
    groups: dict[str, list[Choice]] = {}
    for code, one in CURRENCIES.items():
        groups.setdefault(_SORTS[one.sort], []).append(Choice(code, _currency(one), code == chosen))
    return [(label, sorted(choices, key=lambda one: one.text)) for label, choices in groups.items()]


def _currency(one: Currency) -> str:
    code = one.code.upper()
    name = get_currency_name(code, locale="en") if one.coin is None else code
    return code if name == code else f"{code} · {name}"


def _languages(chosen: str) -> list[Choice]:
    tags = [*all_words()]
    if chosen not in tags:
        tags.append(chosen)
    found = [Choice(tag, own_name(tag), tag == chosen) for tag in tags]
    return sorted(found, key=lambda one: one.text.casefold())


def policy() -> str:
    """The page's Content-Security-Policy: its own style, our script, prices and marks, a form that asks us again."""
    return headers.policy([headers.source(_STYLE)], (), form=True)
