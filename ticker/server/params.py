"""What a reader may ask for: the parameters of every door, checked and made canonical. Pure.

A wrong value of a known name is refused, an unknown name is ignored and never becomes part of a cache key. Knows no
snapshot: whether a coin exists is decided where boards are made.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict

from ticker.currencies import CURRENCIES
from widgets.locales import canonical
from widgets.render import KINDS, LOOKS

Code = Literal[
    "unknown_coin",
    "unknown_kind",
    "bad_parameter",
    "missing_parameter",
    "too_many",
    "too_long",
    "rate_limited",
    "not_ready",
    "busy",
    "unsupported",
    "forbidden",
    "not_found",
    "internal",
]
STATUS: Mapping[Code, int] = {
    "unknown_coin": 404,
    "unknown_kind": 404,
    "not_found": 404,
    "bad_parameter": 400,
    "missing_parameter": 422,  # in the CoinGecko dialect alone: ours all have a default
    "too_many": 400,
    "too_long": 414,
    "rate_limited": 429,
    "not_ready": 503,
    "busy": 503,
    "unsupported": 501,
    "forbidden": 403,
    "internal": 500,
}

WIDGET_COINS = 30
JSON_COINS = 250
LONGEST_TITLE = 80
COLUMNS = ("logo", "name", "symbol", "price", "change", "spark", "cap", "volume")
DEFAULT_COLUMNS = ("logo", "name", "price", "symbol", "change")
THEMES = ("auto", "light", "dark")
STYLES = ("inline", "link", "none")
PERIODS = ("1h", "24h", "7d")
BADGE_COLUMNS = ("logo", "name", "price", "change")
ON_BADGES = ("logo", "name", "symbol", "price", "change")
ZEROS = ("all", "count")
DENSITIES = ("compact", "normal", "roomy")
UPS = ("green", "red", "blue")
SORTS = ("name", "price", "1h", "24h", "7d", "cap", "volume")
RANGES = ("24h", "7d", "30d")
SHOWN: Mapping[str, tuple[str, ...]] = {  # the columns of a kind that is asked for none; the others have the default
    "tape": ("logo", "symbol", "price", "change"),
    "card": ("logo", "name", "symbol", "price", "change", "spark"),
    "table": ("logo", "name", "symbol", "price", "change", "cap", "volume", "spark"),
    "converter": ("logo", "name", "symbol", "price"),
    "badge": BADGE_COLUMNS,
}
OF_ONE = ("card", "converter", "chart")  # kinds that show one coin unless more are named
MOST_OF_ONE = 6
PAGE_ROWS = 20  # of a table
LAST_PAGE = 99

_COIN = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)
_COMMON = {
    "coins",
    "currency",
    "limit",
    "locale",
    "theme",
    "change",
    "show",
    "title",
    "css",
    "look",
    "density",
    "up",
    "zeros",
}
_OWN: Mapping[str, set[str]] = {"table": {"sort", "page"}, "chart": {"range"}}  # parameters of one kind only
_COUNT = re.compile(r"[0-9]{1,3}", re.ASCII)


class RequestError(Exception):
    """A request we refuse: its code, a sentence for the reader, and the parameter at fault."""

    def __init__(self, code: Code, message: str, param: str | None = None) -> None:
        self.code, self.message, self.param = code, message, param
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a reader gets who asks for nothing: the operator's choices."""

    title: str = "Latest Market Prices"
    currency: str = "usd"
    locale: str = "en"
    theme: str = "auto"
    up: str = "green"
    css: str = "inline"


DEFAULTS = Defaults()


@dataclass(frozen=True, slots=True)
class Ask:
    """One canonical request: equal asks get the same bytes. `coins` None means the default list, () means all.

    `texts`: each Price of the JSON says itself in the locale, too.
    """

    coins: tuple[str, ...] | None = None
    currency: str = "usd"
    limit: int | None = None
    locale: str = "en"
    theme: str = "auto"
    change: str = "24h"
    show: tuple[str, ...] = DEFAULT_COLUMNS
    title: str = ""
    css: str = "inline"
    texts: bool = False
    zeros: str = "all"
    look: str = "card"
    density: str = "normal"
    up: str = "green"
    sort: str = ""
    page: int = 1
    range: str = "24h"


class _Texts(TypedDict, total=False):
    locale: str
    texts: bool


def widget(query: Sequence[tuple[str, str]], coin: str | None, defaults: Defaults, kind: str = "list") -> Ask:
    """The ask behind a widget's or an embed's URL. `limit` is the rows of a table's page. Raises `RequestError`."""
    given = known(query, _COMMON | _OWN.get(kind, set()))
    if coin is not None and "coins" in given:
        raise RequestError("bad_parameter", "coins and a coin in the path exclude each other", "coins")
    return Ask(
        coins=_coins(given, MOST_OF_ONE if kind in OF_ONE else WIDGET_COINS) if coin is None else (coin_id(coin),),
        currency=one_of(given, "currency", CURRENCIES, defaults.currency),
        limit=_limit(given, MOST_OF_ONE if kind in OF_ONE else WIDGET_COINS) or default_limit(kind, given),
        locale=_locale(given, defaults.locale),
        theme=one_of(given, "theme", THEMES, defaults.theme),
        change=one_of(given, "change", PERIODS, "24h"),
        show=_show(given, kind),
        title=_title(given, defaults.title),
        css=one_of(given, "css", STYLES, defaults.css),
        zeros=one_of(given, "zeros", ZEROS, "all"),
        look=one_of(given, "look", LOOKS, "card"),
        density=one_of(given, "density", DENSITIES, "normal"),
        up=one_of(given, "up", UPS, defaults.up),
        sort=one_of(given, "sort", ("", *SORTS, *(f"-{one}" for one in SORTS)), ""),
        page=_number(given, "page", LAST_PAGE) or 1,
        range=one_of(given, "range", RANGES, "24h"),
    )


def badge(query: Sequence[tuple[str, str]], coin: str, defaults: Defaults) -> Ask:
    """The ask behind `/badge/{coin}`. Raises `RequestError`."""
    given = known(query, {"currency", "locale", "theme", "change", "show"})
    shown = _show(given, "badge")
    return Ask(
        coins=(coin_id(coin),),
        currency=one_of(given, "currency", CURRENCIES, defaults.currency),
        locale=_locale(given, defaults.locale),
        theme=one_of(given, "theme", THEMES, defaults.theme),
        change=one_of(given, "change", PERIODS, "24h"),
        show=tuple(one for one in shown if one in ON_BADGES) or ("price",),
        css="none",
    )


def default_limit(kind: str, given: Collection[str] = ()) -> int | None:
    """How many coins a kind shows that is not told."""
    if kind == "table":
        return PAGE_ROWS
    return 1 if kind in OF_ONE and "coins" not in given else None


def stylesheet(query: Sequence[tuple[str, str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The kinds and the looks of an external style: one of each, or none where it is not named. May refuse."""
    given = known(query, {"kind", "look"})
    kind, look = one_of(given, "kind", ("", *KINDS, "price"), ""), one_of(given, "look", ("", *LOOKS), "")
    return (kind,) if kind else (), (look,) if look else ()


def prices(query: Sequence[tuple[str, str]], coin: str | None, defaults: Defaults) -> Ask:
    """The ask behind `/v1/prices`. Raises `RequestError`."""
    given = known(query, {"coins", "currency", "limit", "locale"})
    if coin is not None and "coins" in given:
        raise RequestError("bad_parameter", "coins and a coin in the path exclude each other", "coins")
    everything = coin is None and given.get("coins") == "all"
    return Ask(
        coins=() if everything else _coins(given, JSON_COINS) if coin is None else (coin_id(coin),),
        currency=one_of(given, "currency", CURRENCIES, defaults.currency),
        limit=_limit(given, JSON_COINS),
        **_texts(given),
    )


def stream(query: Sequence[tuple[str, str]], defaults: Defaults) -> Ask:
    """The ask behind `/v1/stream`. Its coins are sorted: viewers patch by id, and so more of them share a stream."""
    given = known(query, {"coins", "currency", "locale"})
    coins = () if given.get("coins") == "all" else _coins(given, JSON_COINS)
    return Ask(
        coins=None if coins is None else tuple(sorted(coins)),
        currency=one_of(given, "currency", CURRENCIES, defaults.currency),
        **_texts(given),
    )


def _texts(given: Mapping[str, str]) -> _Texts:
    """Without a locale there is no text."""
    return {"locale": _locale(given, ""), "texts": True} if "locale" in given else {}


def known(query: Sequence[tuple[str, str]], names: set[str]) -> dict[str, str]:
    """The parameters of these names; one that is given twice is refused."""
    given: dict[str, str] = {}
    for name, value in query:
        if name in names:
            if name in given:
                raise RequestError("bad_parameter", f"{name} is given twice", name)
            given[name] = value
    return given


def one_of(given: Mapping[str, str], name: str, allowed: Collection[str], default: str) -> str:
    """The value of a parameter that has but a few."""
    value = given.get(name, default)
    if value not in allowed:
        raise RequestError("bad_parameter", f"{name} must be one of: {', '.join(allowed)}", name)
    return value


def is_coin_id(text: str) -> bool:
    """Whether this may be a coin's id."""
    return _COIN.fullmatch(text) is not None


def coin_id(text: str) -> str:
    """A coin's id in a path, if it looks like one."""
    if not is_coin_id(text):
        raise RequestError("unknown_coin", "a coin is named by its id: lower-case letters, digits and dashes", "coin")
    return text


def _coins(given: Mapping[str, str], most: int) -> tuple[str, ...] | None:
    if "coins" not in given:
        return None
    names = given["coins"].split(",", most + 1)
    if len(names) > most:
        raise RequestError("too_many", f"at most {most} coins", "coins")
    if not all(_COIN.fullmatch(name) for name in names):
        raise RequestError("bad_parameter", "coins must be coin ids with commas between them", "coins")
    return tuple(dict.fromkeys(names))


def _limit(given: Mapping[str, str], most: int) -> int | None:
    return _number(given, "limit", most)


def _number(given: Mapping[str, str], name: str, most: int) -> int | None:
    if name not in given:
        return None
    text = given[name]
    if not _COUNT.fullmatch(text) or not 1 <= int(text) <= most:
        raise RequestError("bad_parameter", f"{name} must be a number from 1 to {most}", name)
    return int(text)


def _locale(given: Mapping[str, str], default: str) -> str:
    text = given.get("locale", default)
    refusal = RequestError("bad_parameter", "locale must be a language we know, such as en, de or pt-BR", "locale")
    try:
        return canonical(text)
    except ValueError:
        raise refusal from None


def columns(kind: str) -> tuple[str, ...]:
    """The columns of a kind that is asked for none."""
    return SHOWN.get(kind, DEFAULT_COLUMNS)


def _show(given: Mapping[str, str], kind: str) -> tuple[str, ...]:
    if "show" not in given:
        return columns(kind)
    names = given["show"].split(",", len(COLUMNS) + 1)
    if not set(names) <= set(COLUMNS):
        raise RequestError("bad_parameter", f"show must be some of: {', '.join(COLUMNS)}", "show")
    return tuple(dict.fromkeys(names))


def _title(given: Mapping[str, str], default: str) -> str:
    if "title" not in given:
        return default
    text = given["title"]
    if len(text) > LONGEST_TITLE or not text.isprintable():
        raise RequestError("bad_parameter", f"title must be at most {LONGEST_TITLE} printable characters", "title")
    return text
