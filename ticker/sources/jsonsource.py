"""Any JSON address as a source: told in the configuration where the price is, instead of by an adapter of its own.

One URL may price one coin, one coin a call by an `{id}` in it, or many coins in rows of one answer. Knows no network;
every mistake of an answer is our error, and no number passes through a float.
"""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal
from urllib.parse import parse_qsl, quote, urlsplit

from msgspec import Struct

from ticker.errors import Malformed
from ticker.model import Kind, SourceName
from ticker.sources.base import MIB, Plan, Request, Row, Source, Terms
from ticker.sources.expressions import Expression, decode
from ticker.sources.values import iso_time, number, percent

PLACE = "{id}"
ID_PATTERN = re.compile(r"[A-Za-z0-9_][!-~]{0,127}")
# What servers call JSON; a page of text/html never is.
CONTENT_TYPES = ("application/json", "text/json", "application/vnd.api+json", "application/ld+json", "text/plain")


class Spec(Struct, frozen=True, kw_only=True):
    """What ops say of a source of their own. Expressions are JMESPath, "" where there is none.

    Without `rows` the answer is one coin's; with it each row is a coin's, under the id that `id` finds in it, or under
    its own key where `id` is "". `currency` is "usd" or the id of a stablecoin; `cache` seconds; `credit` text and URL.
    """

    url: str
    price: str
    currency: str
    title: str = ""
    role: Kind = "aggregator"
    group: str = ""
    time: str = ""
    time_unit: Literal["s", "ms", "iso"] = "s"
    change: str = ""
    change_unit: Literal["percent", "fraction"] = "percent"
    volume: str = ""
    rows: str = ""
    id: str = ""
    cache: float = 0.0
    max_body: int = 2 * MIB
    key_header: str = ""
    credit: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class _Address:
    """A URL taken apart: what stands before the path, the path, the query."""

    base: str
    path: str
    query: tuple[tuple[str, str], ...]


def make(name: SourceName, spec: Spec) -> Source:
    """The source that a spec describes. Raises ValueError for an expression that is none."""
    reader = _Reader(name, spec)
    address = _taken_apart(spec.url)
    return Source(
        name=name,
        title=spec.title or name,
        kind=spec.role,
        group=spec.group or name,
        docs=address.base,
        plans=(Plan("own", address.base, spec.key_header or None),),
        terms=Terms.unread(address.base),
        id_pattern=ID_PATTERN,
        request=reader.request,
        parse=reader.parse,
        currency_of=reader.currency_of,
        cache=spec.cache,
        batch=None if spec.rows and PLACE not in spec.url else 1,
        max_body=spec.max_body,
        timed=bool(spec.time),
        content_types=CONTENT_TYPES,
        credit=spec.credit,
        own=True,
    )


def _taken_apart(url: str) -> _Address:
    parts = urlsplit(url)
    return _Address(
        f"{parts.scheme}://{parts.netloc}", parts.path or "/", tuple(parse_qsl(parts.query, keep_blank_values=True))
    )


class _Reader:
    """The two pure functions of such a source."""

    def __init__(self, name: SourceName, spec: Spec) -> None:
        self._name, self._spec = name, spec
        self._address = _taken_apart(spec.url)
        self._price = Expression(spec.price)
        self._time, self._change, self._volume, self._rows, self._id = (
            Expression(text) if text else None for text in (spec.time, spec.change, spec.volume, spec.rows, spec.id)
        )

    def currency_of(self, _: str) -> str:
        """All its prices are counted in the one currency that was stated."""
        return self._spec.currency

    def request(self, ids: Sequence[str]) -> Request:
        """The URL, with the id in its place where it has one."""
        one = ids[0] if ids else ""
        return Request(
            self._address.path.replace(PLACE, quote(one, safe="")),
            tuple((key.replace(PLACE, one), value.replace(PLACE, one)) for key, value in self._address.query),
        )

    def parse(self, body: bytes, wanted: AbstractSet[str]) -> Iterator[Row]:
        """The wanted rows. An answer without rows is the one coin's that was asked for, and must not name another."""
        try:
            tree = decode(body)
            if self._rows is not None:
                yield from self._many(tree, wanted)
            elif wanted:
                yield self._one(tree, next(iter(wanted)))
        except ValueError as error:  # whether from JSON, from an expression or from a number
            raise Malformed(self._name, str(error)) from error

    def _one(self, tree: object, asked: str) -> Row:
        if self._id is not None and (said := _text(self._id.search(tree))) != asked:
            raise ValueError(f"asked for {asked!r}, it answers for {said if said is None else repr(said[:60])}")
        return self._row(asked, tree)

    def _many(self, tree: object, wanted: AbstractSet[str]) -> Iterator[Row]:
        found = None if self._rows is None else self._rows.search(tree)
        if self._id is None:
            if not isinstance(found, dict):
                raise ValueError(f"rows must find an object, whose keys are ids, and finds {_kind(found)}")
            pairs = list(found.items())
        else:
            if not isinstance(found, list):
                raise ValueError(f"rows must find a list, and finds {_kind(found)}")
            pairs = [(_text(self._id.search(row)), row) for row in found]
        seen: set[str] = set()
        for one, row in pairs:
            if one is not None and one in wanted:
                if one in seen:
                    raise ValueError(f"two rows for {one!r}")
                seen.add(one)
                yield self._row(one, row)

    def _row(self, one: str, row: object) -> Row:
        change = _optional(self._change, row)
        return Row(
            id=one,
            price=_amount(self._price.search(row)),
            currency=self._spec.currency,
            at=self._at(row),
            change_24h=percent(change) if self._spec.change_unit == "fraction" else change,
            volume_24h=_optional(self._volume, row),
        )

    def _at(self, row: object) -> float | None:
        if self._time is None:
            return None
        found = self._time.search(row)
        if self._spec.time_unit == "iso":
            return iso_time(found) if isinstance(found, str) else None
        seconds = _optional(self._time, row)
        if seconds is None:
            return None
        return float(seconds) / (1000 if self._spec.time_unit == "ms" else 1)


def _amount(found: object) -> Decimal | None:
    """A number, or a text that is one; None for nothing and "". Raises ValueError for everything else."""
    if isinstance(found, int) and not isinstance(found, bool):
        return Decimal(found)
    if found is None or isinstance(found, Decimal):
        return found
    if not isinstance(found, str):
        raise ValueError(f"the price must be a number, and is {_kind(found)}")  # noqa: TRY004 - one type for every reason
    return number(found)


def _optional(expression: Expression | None, row: object) -> Decimal | None:
    """As `_amount`, for all that is not the price: what is no number is None."""
    if expression is None:
        return None
    try:
        return _amount(expression.search(row))
    except ValueError:
        return None


def _text(found: object) -> str | None:
    """An id: a text, or a whole number as one."""
    if isinstance(found, Decimal):
        return format(found, "f")
    return found if isinstance(found, str) else None


def _kind(found: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
    return names.get(type(found), "a number")
