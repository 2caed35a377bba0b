"""Reads coins.toml: which coins there are, which are shown, and what they are called where.

Knows the sources' facts (what their ids look like), and never asks them anything.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from ticker.config.given import Given, nearest
from ticker.config.ids import Ids, only_a_symbol
from ticker.config.kinds import is_text, line_of_text, percentage
from ticker.config.read import Document
from ticker.config.settings import CoinSettings
from ticker.config.urls import web_url
from ticker.errors import ConfigError
from ticker.model import CoinId, SourceName
from ticker.sources.base import HIGHEST_PRICE, LOWEST_PRICE, Source

T = TypeVar("T")

MOST_COINS = 2000
LONGEST_NAME, LONGEST_SYMBOL = 64, 24
STABLECOINS: Mapping[CoinId, str] = {"tether": "USDT", "usd-coin": "USDC"}

_KEYS = ("name", "symbol", "icon", "link", "tolerance", "fixed", "confirmed", "ids")
_COIN_ID = re.compile(r"[a-z0-9-]{1,64}")
_ICON = re.compile(r"[a-z0-9-]{1,64}\.(?:svg|png|webp)", re.ASCII)
_LONGEST_PRICE = 40
_PRICE = re.compile(r"[0-9]{1,16}(?:\.[0-9]{1,24})?", re.ASCII)
_TOLERANCE = percentage(Decimal("0.0001"), Decimal("0.10"))


@dataclass(slots=True)
class Coins:
    """The coins of a file, the shown ones first, then in the order of the file; and what was wrong with it."""

    coins: tuple[CoinSettings, ...] = ()
    shown: tuple[CoinId, ...] = ()
    errors: list[ConfigError] = field(default_factory=list)


def read_coins(document: Document, sources: Mapping[SourceName, Source]) -> Coins:
    """All of a file, with every error in it; the coins are whole only where there is none."""
    found = Coins()
    for name in document.values.keys() - {"show", "coins"}:
        found.errors.append(document.given(name).error(f"unknown setting{nearest(name, ['show', 'coins'])}"))
    tables = document.values.get("coins", {})
    if not isinstance(tables, dict):
        found.errors.append(document.given("coins").error("must be sections: [coins.ID]"))
        return found
    if len(tables) > MOST_COINS:
        reason = f"has {len(tables)} coins; at most {MOST_COINS} are possible"
        found.errors.append(Given(None, document.file, "coins", document.given("coins").line).error(reason))
        return found
    ids = Ids(sources)
    coins = {one: _Reader(document, one, found.errors).coin(ids) for one in tables}
    for stablecoin, symbol in STABLECOINS.items():
        if stablecoin not in coins:
            reason = (
                f"missing: prices in {symbol} count only through its price, so it stays; add [coins.{stablecoin}] again"
            )
            found.errors.append(ConfigError(document.file, f"coins.{stablecoin}", reason))
    found.shown = _shown(document, coins, found.errors)
    order = dict.fromkeys((*found.shown, *coins))
    found.coins = tuple(coins[one] for one in order if one in coins)
    return found


def _shown(document: Document, coins: Mapping[CoinId, CoinSettings], errors: list[ConfigError]) -> tuple[CoinId, ...]:
    if "show" not in document.values:
        errors.append(ConfigError(document.file, "show", "missing: the ids of the coins to show, in their order"))
        return ()
    whole = document.given("show")
    if not isinstance(whole.value, list):
        errors.append(whole.error('must be a list of coin ids such as ["bitcoin", "ethereum"]'))
        return ()
    shown: list[CoinId] = []
    for index, one in enumerate(whole.value):
        given = document.given("show", index)
        if not isinstance(one, str):
            errors.append(given.error("must be a coin id in quotes"))
        elif one in shown:
            errors.append(given.error("is listed twice"))
        elif one not in coins:
            errors.append(given.error(_unknown_coin(one, coins)))
        shown.append(one)
    return tuple(shown)


def _unknown_coin(word: str, coins: Mapping[CoinId, CoinSettings]) -> str:
    bearers = [f'"{coin.id}"' for coin in coins.values() if coin.symbol.casefold() == word.casefold()]
    if bearers:
        plural = "coins with this symbol are" if len(bearers) > 1 else "the coin with this symbol is"
        return f"is a ticker symbol, not a coin id; {plural} {', '.join(bearers)}"
    return f"unknown coin: there is no [coins.{word}]{nearest(word, coins)}"


@dataclass(slots=True)
class _Reader:
    """Reads one `[coins.ID]`, and notes what is wrong with it."""

    document: Document
    id: CoinId
    errors: list[ConfigError]

    def coin(self, ids: Ids) -> CoinSettings:
        here = self.document.given("coins", self.id)
        if not isinstance(here.value, dict):
            self.errors.append(here.error(f"must be a section: [coins.{self.id}]"))
            return CoinSettings(id=self.id, name="", symbol="")
        for name in here.value:
            if name not in _KEYS:
                self.errors.append(self._given(name).error(f"unknown setting{nearest(name, _KEYS)}"))
        name = self._required("name", LONGEST_NAME)
        symbol = self._required("symbol", LONGEST_SYMBOL)
        coin = CoinSettings(
            id=self.id,
            name=name,
            symbol=symbol,
            icon=self._optional("icon", _icon),
            link=self._optional("link", lambda value: web_url(is_text(value), query=True)),
            tolerance=self._optional("tolerance", _TOLERANCE.read),
            fixed=self._optional("fixed", _fixed),
            confirmed=self._optional("confirmed", _moment),
        )
        if not _COIN_ID.fullmatch(self.id):
            reason = "a coin id is 1 to 64 of a-z, 0-9 and -"
            self.errors.append(here.error(reason))
        if coin.fixed is not None:
            if self.id in STABLECOINS:
                self.errors.append(
                    self._given("fixed").error("a stablecoin has a price like any coin, never a fixed one")
                )
            elif here.value.get("ids"):
                self.errors.append(self._given("fixed").error("a fixed price asks no source: remove it, or the ids"))
        if "ids" in here.value:
            coin = ids.read(coin, self.document, self.errors)
        if only_a_symbol(self.id, coin) and self.id not in coin.ids.get("coingecko", ()):
            reason = 'is a ticker symbol, which several coins may share; a coin id is CoinGecko\'s, such as "bitcoin"'
            self.errors.append(here.error(reason))
        return coin

    def _given(self, name: str) -> Given:
        return self.document.given("coins", self.id, name)

    def _optional(self, name: str, read: Callable[[Any], T]) -> T | None:
        if name not in self.document.values["coins"][self.id]:
            return None
        given = self._given(name)
        try:
            return read(given.value)
        except ValueError as error:
            self.errors.append(given.error(str(error)))
            return None

    def _required(self, name: str, longest: int) -> str:
        here = self.document.given("coins", self.id)
        if name not in here.value:
            self.errors.append(here.error(f"needs a {name}"))
            return ""
        return self._optional(name, lambda value: line_of_text(value, longest=longest, shortest=1)) or ""


def _icon(value: object) -> str:
    given = is_text(value)
    if not _ICON.fullmatch(given):
        raise ValueError("must be the name of an .svg, .png or .webp file in icons/, in a-z, 0-9 and -")
    return given


def _moment(value: object) -> float:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("must be a time with its offset such as 2026-11-22T10:00:00Z, without quotes")
    return value.timestamp()


def _fixed(value: object) -> Decimal:
    text = ""
    if isinstance(value, str):
        text = value
    elif isinstance(value, int) and 0 <= value <= HIGHEST_PRICE:
        text = str(value)
    elif isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) < _LONGEST_PRICE:
        text = f"{value:f}"
    if isinstance(value, bool) or not _PRICE.fullmatch(text):
        raise ValueError('must be a price in US dollars such as "0.25"')
    price = Decimal(text)
    if not LOWEST_PRICE <= price <= HIGHEST_PRICE:
        raise ValueError("must be above 0 and below 1e15")
    return price
