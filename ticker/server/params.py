"""What a reader may ask for: the parameters of every door, checked and made canonical. Pure.

A wrong value of a known name is refused, an unknown name is ignored and never becomes part of a cache key. Knows no
snapshot: whether a coin exists is decided where boards are made.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ticker.currencies import CURRENCIES
from widgets.locales import canonical

Code = Literal[
    "unknown_coin", "unknown_kind", "bad_parameter", "too_many", "rate_limited", "not_ready", "not_found", "internal"
]
STATUS: Mapping[Code, int] = {
    "unknown_coin": 404,
    "unknown_kind": 404,
    "not_found": 404,
    "bad_parameter": 400,
    "too_many": 400,
    "rate_limited": 429,
    "not_ready": 503,
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
ZEROS = ("all", "count")

_COIN = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)
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
    """One canonical request: equal asks get the same bytes. `coins` None means the default list, () means all."""

    coins: tuple[str, ...] | None = None
    currency: str = "usd"
    limit: int | None = None
    locale: str = "en"
    theme: str = "auto"
    change: str = "24h"
    show: tuple[str, ...] = DEFAULT_COLUMNS
    title: str = ""
    css: str = "inline"
    zeros: str = "all"


def widget(query: Sequence[tuple[str, str]], coin: str | None, defaults: Defaults) -> Ask:
    """The ask behind a widget's or an embed's URL. Raises `RequestError`."""
    given = known(query, {"coins", "currency", "limit", "locale", "theme", "change", "show", "title", "css", "zeros"})
    if coin is not None and "coins" in given:
        raise RequestError("bad_parameter", "coins and a coin in the path exclude each other", "coins")
    return Ask(
        coins=_coins(given, WIDGET_COINS) if coin is None else (coin_id(coin),),
        currency=one_of(given, "currency", CURRENCIES, defaults.currency),
        limit=_limit(given, WIDGET_COINS),
        locale=_locale(given, defaults.locale),
        theme=one_of(given, "theme", THEMES, defaults.theme),
        change=one_of(given, "change", PERIODS, "24h"),
        show=_show(given),
        title=_title(given, defaults.title),
        css=one_of(given, "css", STYLES, defaults.css),
        zeros=one_of(given, "zeros", ZEROS, "all"),
    )


def prices(query: Sequence[tuple[str, str]], coin: str | None, defaults: Defaults) -> Ask:
    """The ask behind `/v1/prices`. Raises `RequestError`."""
    given = known(query, {"coins", "currency", "limit"})
    if coin is not None and "coins" in given:
        raise RequestError("bad_parameter", "coins and a coin in the path exclude each other", "coins")
    everything = coin is None and given.get("coins") == "all"
    return Ask(
        coins=() if everything else _coins(given, JSON_COINS) if coin is None else (coin_id(coin),),
        currency=one_of(given, "currency", CURRENCIES, defaults.currency),
        limit=_limit(given, JSON_COINS),
    )


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


def coin_id(text: str) -> str:
    """A coin's id in a path, if it looks like one."""
    if not _COIN.fullmatch(text):
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
    if "limit" not in given:
        return None
    text = given["limit"]
    if not _COUNT.fullmatch(text) or not 1 <= int(text) <= most:
        raise RequestError("bad_parameter", f"limit must be a number from 1 to {most}", "limit")
    return int(text)


def _locale(given: Mapping[str, str], default: str) -> str:
    text = given.get("locale", default)
    refusal = RequestError("bad_parameter", "locale must be a language we know, such as en, de or pt-BR", "locale")
    try:
        return canonical(text)
    except ValueError:
        raise refusal from None


def _show(given: Mapping[str, str]) -> tuple[str, ...]:
    if "show" not in given:
        return DEFAULT_COLUMNS
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
