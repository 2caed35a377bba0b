"""Changes to coins.toml as a text: coins added, removed, confirmed, and every comment and the order kept. Pure.

Each change is read again by another reader before it is handed over, and refused where more changed than was meant.
Every function raises ValueError with the reason against a change.
"""

import copy
import json
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Comment, Table, Whitespace

from ticker.config.coins import STABLECOINS
from ticker.model import CoinId, SourceName

Entries = list[tuple[Any, Any]]


def add_coin(text: str, coin: CoinId, name: str, symbol: str, ids: Mapping[SourceName, str], *, show: bool) -> str:
    """The text with one more coin at its end, which is also the last of `show` if wanted."""
    expected = _read(text)
    if coin in _coins(expected):
        raise ValueError("is there already; change its ids in the file")
    expected.setdefault("coins", {})[coin] = {"name": name, "symbol": symbol, "ids": dict(ids)}
    document = _parse(text)
    if show:
        expected.setdefault("show", []).append(coin)
        _listed(document).append(coin)
    inline = ", ".join(f"{_key(source)} = {_string(one)}" for source, one in ids.items())
    added = f"\n[coins.{_key(coin)}]\nname = {_string(name)}\nsymbol = {_string(symbol)}\nids = {{ {inline} }}\n"
    return _checked(_with_line_ends_of(text, tomlkit.dumps(document).rstrip() + "\n" + added), expected)


def show_coin(text: str, coin: CoinId) -> str:
    """The text with a coin that is known as the last of `show`."""
    expected = _read(text)
    if coin not in _coins(expected):
        raise ValueError("there is no such coin")
    if coin in expected.get("show", []):
        raise ValueError("is in the list already")
    document = _parse(text)
    expected.setdefault("show", []).append(coin)
    _listed(document).append(coin)
    return _checked(_with_line_ends_of(text, tomlkit.dumps(document)), expected)


def remove_coin(text: str, coin: CoinId) -> str:
    """The text without a coin, its place in `show`, and the comment directly above it."""
    expected = _read(text)
    if coin in STABLECOINS:
        raise ValueError(f"stays: prices in {STABLECOINS[coin]} count only through its price")
    if coin not in _coins(expected):
        raise ValueError("there is no such coin")
    del expected["coins"][coin]
    document = _parse(text)
    if coin in expected.get("show", []):
        expected["show"] = [one for one in expected["show"] if one != coin]
        _listed(document).remove(coin)
    coins: Any = document["coins"]
    order = list(coins)
    place = order.index(coin)
    below = _tail(coins[coin])
    above = _tail(coins[order[place - 1]]) if place else _before_coins(document)
    coins.remove(coin)
    kept = _joined(above, below, last=place == len(order) - 1)
    if place:
        _body(coins[order[place - 1]]).extend(kept)
    else:
        at = next(index for index, (key, _) in enumerate(document.body) if key is not None and key.key == "coins")
        document.body[at:at] = kept
    return _checked(_with_line_ends_of(text, tomlkit.dumps(document)), expected)


def confirm_coin(text: str, coin: CoinId, at: datetime) -> str:
    """The text with the moment at which a person confirmed a coin's unit."""
    expected = _read(text)
    if coin not in _coins(expected):
        raise ValueError("there is no such coin")
    moment = at.astimezone(UTC).replace(microsecond=0)
    expected["coins"][coin]["confirmed"] = moment
    document = _parse(text)
    coins: Any = document["coins"]
    table, value = coins[coin], tomlkit.datetime(moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
    if "confirmed" in table:
        table["confirmed"] = value
    else:
        tail = _tail(table)
        table.append("confirmed", value)
        _body(table).extend(tail)
    return _checked(_with_line_ends_of(text, tomlkit.dumps(document)), expected)


def _read(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"the file is not valid TOML: {error}") from error


def _coins(values: Mapping[str, Any]) -> Mapping[str, Any]:
    coins = values.get("coins", {})
    return coins if isinstance(coins, dict) else {}


def _parse(text: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise ValueError(f"the file cannot be edited here: {error}; edit it by hand") from error


def _listed(document: tomlkit.TOMLDocument) -> Any:  # noqa: ANN401 - a list of tomlkit
    if "show" not in document:
        raise ValueError('the file has no "show" to change')
    return document["show"]


def _with_line_ends_of(text: str, changed: str) -> str:
    plain = changed.replace("\r\n", "\n")
    return plain.replace("\n", "\r\n") if "\r\n" in text else plain


def _checked(changed: str, expected: Mapping[str, Any]) -> str:
    if _read(changed) != expected:
        raise ValueError("the file is written in a way that cannot be edited here; edit it by hand")
    return changed


def _body(table: Any) -> Entries:  # noqa: ANN401 - an item of tomlkit
    """The entries of a table to which what stands behind its last value belongs: its own, or its last section's."""
    if not isinstance(table, Table):
        return []
    body: Entries = table.value.body
    keyed = [item for key, item in body if key is not None]
    return _body(keyed[-1]) if keyed and isinstance(keyed[-1], Table) else body


def _tail(table: Any) -> Entries:  # noqa: ANN401 - an item of tomlkit
    """Takes off the blank lines and comments behind the last value of a table, which belong to what follows."""
    body = _body(table)
    tail: Entries = []
    while body and body[-1][0] is None:
        tail.insert(0, body.pop())
    return tail


def _before_coins(document: tomlkit.TOMLDocument) -> Entries:
    """Takes off the blank lines and comments above the first coin."""
    body: Entries = document.body
    at = next(index for index, (key, _) in enumerate(body) if key is not None and key.key == "coins")
    start = at
    while start and body[start - 1][0] is None:
        start -= 1
    above = body[start:at]
    del body[start:at]
    return above


def _joined(above: Entries, below: Entries, *, last: bool) -> Entries:
    """What stands between the neighbours of a coin that is gone: not its own comment, and no gap of two."""
    kept = copy.copy(above)
    while kept and isinstance(kept[-1][1], Comment):
        kept.pop()
    if last:
        while kept and isinstance(kept[-1][1], Whitespace):
            kept.pop()
    elif kept and below and isinstance(kept[-1][1], Whitespace) and isinstance(below[0][1], Whitespace):
        kept.pop()
    return [*kept, *below]


def _string(text: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's."""
    return json.dumps(text, ensure_ascii=False)


def _key(name: str) -> str:
    return name if name.replace("-", "").replace("_", "").isalnum() and name.isascii() else _string(name)
