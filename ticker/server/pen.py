"""Writes Prices as JSON bytes for streams, each once for everyone who wants it; what has not changed is not rewritten.

Knows a moment: a snapshot and the time it is looked at. Knows no viewer.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from ticker.conversion import convert, rate_of
from ticker.model import Coin, CoinId, Freshness, Price, Snapshot
from ticker.server.views import price_json


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A snapshot looked at `now`; another moment is another one, even of the same snapshot.

    `first` where it was looked at as soon as it came, and not again because time had passed.
    """

    snapshot: Snapshot
    known: Mapping[CoinId, tuple[Coin, Price]]
    now: float
    first: bool


def moment(snapshot: Snapshot, now: float, *, first: bool = True) -> Moment:
    """A snapshot looked at `now`."""
    return Moment(snapshot, snapshot.by_coin(), now, first)


@dataclass(frozen=True, slots=True)
class _Written:
    coin: Coin
    price: Price
    rate: Price | None
    converted: Price
    freshness: Freshness
    body: bytes


class Pen:
    """Writes the Prices of one currency, with their texts in one locale if there is one."""

    def __init__(self, currency: str, locale: str | None) -> None:
        self._currency, self._locale = currency, locale
        self._written: dict[CoinId, _Written] = {}
        self._moment: Moment | None = None
        self._rate: Price | None = None

    def write(self, name: CoinId, at: Moment) -> bytes:
        """The Price of a coin of the moment's snapshot. The same object as before where it says the same."""
        if at is not self._moment:
            self._moment, self._rate = at, rate_of(at.snapshot, self._currency)
            for gone in [one for one in self._written if one not in at.known]:
                del self._written[gone]
        (coin, price), rate, last = at.known[name], self._rate, self._written.get(name)
        if last is not None and (last.coin, last.price, last.rate) == (coin, price, rate):
            converted = last.converted
            if converted.freshness(at.now) == last.freshness:
                return last.body
        else:
            converted = convert(price, rate)
        rate_at = None if rate is None else rate.as_of
        body = msgspec.json.encode(price_json(coin, converted, self._currency, rate_at, at.now, self._locale))
        if last is not None and last.body == body:
            body = last.body
        self._written[name] = _Written(coin, price, rate, converted, converted.freshness(at.now), body)
        return body
