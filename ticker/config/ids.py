"""The ids of coins on sources: of the right shape, in a known currency, never a mere ticker symbol, never twice."""

import re
from collections.abc import Mapping

from msgspec.structs import replace

from ticker.config.given import Given, nearest
from ticker.config.read import Document
from ticker.config.settings import CoinSettings
from ticker.errors import ConfigError
from ticker.model import CoinId, SourceName
from ticker.sources.base import Source

MOST_IDS = 8

_NOT_IN_IDS = re.compile(r"[^a-z0-9]")


class Ids:
    """Reads the `ids` of one coin after another, and remembers whose they are."""

    def __init__(self, sources: Mapping[SourceName, Source]) -> None:
        self._sources = sources
        self._owners: dict[tuple[SourceName, str], CoinId] = {}

    def read(self, coin: CoinSettings, document: Document, errors: list[ConfigError]) -> CoinSettings:
        """The coin with its ids. Errors go to the list."""
        table = document.given("coins", coin.id, "ids")
        if not isinstance(table.value, dict):
            errors.append(table.error('must be a table such as { coingecko = "bitcoin" }'))
            return coin
        found: dict[SourceName, tuple[str, ...]] = {}
        for name, value in table.value.items():
            given = document.given("coins", coin.id, "ids", name)
            source = self._sources.get(name)
            if source is None:
                errors.append(given.error(f"unknown source{nearest(name, self._sources)}"))
                continue
            if source.of == "currencies":
                errors.append(given.error(f"{source.title} gives exchange rates and lists no coin"))
                continue
            many = isinstance(value, list)
            if many and not 1 <= len(value) <= MOST_IDS:
                errors.append(given.error(f"must have 1 to {MOST_IDS} ids"))
                continue
            ones = [document.given("coins", coin.id, "ids", name, i) for i in range(len(value))] if many else [given]
            for one in ones:
                reason = self._wrong(coin, source, one)
                if reason:
                    errors.append(one.error(reason))
            found[name] = tuple(str(one.value) for one in ones)
        return replace(coin, ids=found)

    def _wrong(self, coin: CoinSettings, source: Source, given: Given) -> str | None:
        value, example = given.value, f', such as "{source.id_example}"' if source.id_example else ""
        if not isinstance(value, str):
            return f"must be an id in quotes{example}"
        if not source.own and _is_symbol(value, coin, source):
            return f"is a ticker symbol, which several coins may share; {source.title} has ids{example}"
        if not source.id_pattern.fullmatch(value):
            return f"is not an id of {source.title}{example}"
        currency = source.currency_of(value)
        if currency is None:
            return f"is not priced in USD, USDT or USDC; {source.title} has ids{example}"
        if currency == coin.id:
            return "prices the coin in itself"
        if (source.name, value) in self._owners:
            return f'is the id of "{self._owners[source.name, value]}" on {source.title} already'
        self._owners[source.name, value] = coin.id
        return None


def only_a_symbol(word: str, coin: CoinSettings) -> bool:
    """Whether a word is the coin's ticker symbol and not also its name, as "ark" is of ARK."""
    name = _NOT_IN_IDS.sub("", coin.name.casefold())
    return word.casefold() == coin.symbol.casefold() and _NOT_IN_IDS.sub("", word.casefold()) not in name


def _is_symbol(value: str, coin: CoinSettings, source: Source) -> bool:
    if not source.id_pattern.fullmatch(value):
        return value.casefold() == coin.symbol.casefold()
    # A few coins have their symbol as CoinGecko's id for no reason in their name; then it is our id as well.
    return value != coin.id and only_a_symbol(value, coin)
