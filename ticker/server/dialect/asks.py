"""What a client of the dialect may ask for, checked and made canonical. Pure.

The names, their defaults and the sentences of refusals are CoinGecko's (docs.coingecko.com/reference, and the recorded
answers). Knows which coins there are, since an id that nobody has is left out there, and so never is part of a cache
key; knows no price.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ticker.currencies import CURRENCIES
from ticker.model import Coin, CoinId, Snapshot
from ticker.server.params import RequestError

MOST_COINS = 515
MOST_PRICES = 5150  # coins times currencies of one answer
MOST_PER_PAGE = 250  # more is cut to it in silence, as over there
ROWS_PER_PAGE = 100
PRECISIONS = ("full", *(str(places) for places in range(19)))
ORDERS = ("market_cap_desc", "market_cap_asc", "volume_desc", "volume_asc", "id_asc", "id_desc")
FORMER_ORDERS = {"gecko_desc": "market_cap_desc", "gecko_asc": "market_cap_asc"}  # old clients still send them
PERIODS = ("1h", "24h", "7d", "14d", "30d", "200d", "1y")

Label = tuple[str, CoinId]  # what the answer calls a coin, and its id


@dataclass(frozen=True, slots=True)
class Known:
    """The coins of one snapshot, as a client may name them. A name or symbol that two coins bear is in neither map."""

    ids: frozenset[CoinId]
    names: Mapping[str, Coin]
    symbols: Mapping[str, Coin]
    shared: Mapping[str, tuple[Coin, ...]]


def known(snapshot: Snapshot) -> Known:
    """The index of a snapshot."""
    by_name, by_symbol = _grouped(snapshot.coins, "name"), _grouped(snapshot.coins, "symbol")
    return Known(
        frozenset(coin.id for coin in snapshot.coins),
        {name: coins[0] for name, coins in by_name.items() if len(coins) == 1},
        {symbol: coins[0] for symbol, coins in by_symbol.items() if len(coins) == 1},
        {symbol: tuple(coins) for symbol, coins in by_symbol.items() if len(coins) > 1},
    )


def _grouped(coins: Collection[Coin], key: Literal["name", "symbol"]) -> dict[str, list[Coin]]:
    found: dict[str, list[Coin]] = {}
    for coin in coins:
        found.setdefault(str(getattr(coin, key)).lower(), []).append(coin)
    return found


@dataclass(frozen=True, slots=True)
class SimplePrice:
    """One `simple/price`; coins and currencies are sorted, so that equal asks get the same bytes."""

    coins: tuple[Label, ...]
    currencies: tuple[str, ...]
    market_cap: bool = False
    volume: bool = False
    change: bool = False
    updated_at: bool = False
    places: int | None = None


@dataclass(frozen=True, slots=True)
class Markets:
    """One page of `coins/markets`; `coins` None are all of them."""

    currency: str
    coins: tuple[CoinId, ...] | None = None
    order: str = ORDERS[0]
    per_page: int = ROWS_PER_PAGE
    page: int = 1
    sparkline: bool = False
    periods: tuple[str, ...] = ()
    places: int | None = None


@dataclass(frozen=True, slots=True)
class CoinList:
    """One `coins/list`."""

    platforms: bool = False
    active: bool = True


def simple_price(query: Sequence[tuple[str, str]], there: Known) -> SimplePrice:
    """The ask behind `simple/price`. Raises `RequestError`."""
    given = _last(query)
    if not any(given.get(name) for name in ("ids", "names", "symbols")):
        raise _missing("ids")
    if not given.get("vs_currencies"):
        raise _missing("vs_currencies")
    currencies = tuple(sorted({code.lower() for code in _listed(given, "vs_currencies")} & CURRENCIES.keys()))
    coins = _labels(given, there)
    if len(coins) * len(currencies) > MOST_PRICES:
        raise RequestError("too_many", f"at most {MOST_PRICES} prices: fewer ids or fewer vs_currencies", "ids")
    return SimplePrice(
        coins=coins,
        currencies=currencies,
        market_cap=_flag(given, "include_market_cap"),
        volume=_flag(given, "include_24hr_vol"),
        change=_flag(given, "include_24hr_change"),
        updated_at=_flag(given, "include_last_updated_at"),
        places=_places(given),
    )


def markets(query: Sequence[tuple[str, str]], there: Known) -> Markets:
    """The ask behind `coins/markets`. Raises `RequestError`."""
    given = _last(query)
    if not given.get("vs_currency"):
        raise _missing("vs_currency")
    currency = given["vs_currency"].lower()
    if currency not in CURRENCIES:
        raise _wrong("vs_currency")
    if "category" in given:  # to ignore it would answer with coins that were not asked for
        raise RequestError("bad_parameter", "this server knows no categories", "category")
    per_page = min(_whole(given, "per_page", ROWS_PER_PAGE), MOST_PER_PAGE)
    coins = _chosen(given, there)
    rows = len(there.ids) if coins is None else len(coins)
    return Markets(
        currency=currency,
        coins=coins,
        order=_order(given),
        per_page=per_page,
        page=min(_whole(given, "page", 1), -(-rows // per_page) + 1),  # all pages past the end are the same empty one
        sparkline=_flag(given, "sparkline"),
        periods=_periods(given),
        places=_places(given),
    )


def coin_list(query: Sequence[tuple[str, str]]) -> CoinList:
    """The ask behind `coins/list`. Raises `RequestError`."""
    given = _last(query)
    status = given.get("status", "active")
    if status not in ("active", "inactive"):
        raise _wrong("status")
    return CoinList(platforms=_flag(given, "include_platform"), active=status == "active")


def _last(query: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The parameters; of one that is given twice the last counts, as it does over there."""
    return {name: value for name, value in query if value}


def _listed(given: Mapping[str, str], name: str) -> list[str]:
    """The words of a list with commas, without the blanks around them."""
    words = given.get(name, "").split(",", MOST_COINS + 1)
    if len(words) > MOST_COINS:
        raise RequestError("too_many", f"at most {MOST_COINS} {name}", name)
    return [word.strip() for word in words]


def _labels(given: Mapping[str, str], there: Known) -> tuple[Label, ...]:
    """The coins that are asked for and exist, by the word the answer has for each: ids before names before symbols."""
    if "ids" in given:
        found = {one: one for one in _listed(given, "ids") if one in there.ids}
    elif "names" in given:
        found = _found(_listed(given, "names"), there.names, lambda coin: coin.name)
    else:
        found = _found(_listed(given, "symbols"), there.symbols, lambda coin: coin.symbol.lower())
    return tuple(sorted(found.items()))


def _found(words: Collection[str], coins: Mapping[str, Coin], label: Callable[[Coin], str]) -> dict[str, CoinId]:
    named = (coins[word.lower()] for word in words if word.lower() in coins)
    return {label(coin): coin.id for coin in named}


def _chosen(given: Mapping[str, str], there: Known) -> tuple[CoinId, ...] | None:
    """The coins of a page. A row says its id, so a symbol that several coins bear may stand for all of them."""
    if not any(name in given for name in ("ids", "names", "symbols")):
        return None
    chosen = {coin for _, coin in _labels(given, there)}
    tokens = given.get("include_tokens", "top")
    if tokens not in ("top", "all"):
        raise _wrong("include_tokens")
    if tokens == "all" and not ("ids" in given or "names" in given):
        words = {word.lower() for word in _listed(given, "symbols")}
        chosen |= {coin.id for word in words for coin in there.shared.get(word, ())}
    return tuple(sorted(chosen))


def _flag(given: Mapping[str, str], name: str) -> bool:
    value = given.get(name, "false").lower()
    if value not in ("true", "false"):
        raise _wrong(name)
    return value == "true"


def _places(given: Mapping[str, str]) -> int | None:
    """Decimal places; None for all there are."""
    value = given.get("precision", "full")
    if value not in PRECISIONS:
        raise _wrong("precision")
    return None if value == "full" else int(value)


def _whole(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and int(text)):
        raise _wrong(name)
    return int(text)


def _order(given: Mapping[str, str]) -> str:
    value = given.get("order", ORDERS[0])
    value = FORMER_ORDERS.get(value, value)
    if value not in ORDERS:
        raise _wrong("order")
    return value


def _periods(given: Mapping[str, str]) -> tuple[str, ...]:
    if "price_change_percentage" not in given:
        return ()
    asked = set(_listed(given, "price_change_percentage"))
    if not asked <= set(PERIODS):
        raise _wrong("price_change_percentage")
    return tuple(one for one in PERIODS if one in asked)


def _missing(name: str) -> RequestError:
    return RequestError("missing_parameter", f"Missing parameter {name}", name)


def _wrong(name: str) -> RequestError:
    return RequestError("bad_parameter", f"invalid {name}", name)
