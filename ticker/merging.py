"""What a source streams, put into what it last answered when polled: pure, and the same whenever it is done again.

A streamed row is a new answer of its source about one coin. Knows no stream, no poll and no clock: it is told what was
heard, when, and when the last poll was asked.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from ticker.model import CoinId, Quote, SourceName
from ticker.sources import Row

AHEAD = 30.0  # seconds a provider's clock may run ahead of ours: a row from further on would outlive all others
CACHED = 5.0  # seconds that the answer to a poll may have been kept before it was asked for (Coinbase says 5)
FIGURES = (
    180.0  # seconds for which a poll without a figure of 24 hours leaves the streamed one, as long as a vote lives
)

_FIGURES = ("change_1h", "change_24h", "change_7d", "high_24h", "low_24h", "volume_24h", "market_cap")


class Told(NamedTuple):
    """A row as it was streamed, and our time of its arrival."""

    row: Row
    received: float


def latest(told: Mapping[str, Told], rows: Iterable[Row], received: float) -> dict[str, Told]:
    """The last word of a stream on each of its ids, after these rows: an older time never replaces a newer one."""
    found = dict(told)
    for row in rows:
        before = found.get(row.id)
        if row.at is not None and row.at > received + AHEAD:
            continue
        if before is None or row.at is None or before.row.at is None or row.at >= before.row.at:
            found[row.id] = Told(row, received)
    return found


def merged(
    quotes: Sequence[Quote],
    told: Mapping[str, Told],
    ids: Mapping[CoinId, Sequence[str]],
    source: SourceName,
    *,
    asked: float,
    step: int = 1,
) -> list[Quote]:
    """The quotes of a source after its stream: those of its last poll, each as the stream has it if that is newer.

    Of a coin's ids the first that was told of speaks. A newer row replaces price, times and the figures it has; the
    others stay. A row in another currency than the quote's speaks of another market and is left. Without the provider's
    time a row counts as of its arrival, and the answer to a poll as of `CACHED` seconds before it was `asked`. A coin
    that the poll did not have is added, unless it was told of before that. Figures that a poll does not give stay as
    they were streamed for `FIGURES` seconds.

    `poll` of a quote grows by `step` where the stream had something newer: once, however many messages that took, so
    that all streamed between two calls is one new answer of the source for that coin. Quotes without news are the very
    same objects, and merging the same again changes nothing. A poll's own quotes are new anyway: `step` 0.
    """
    since = asked - CACHED
    best = {coin: next((told[one] for one in many if one in told), None) for coin, many in ids.items()}
    found = []
    for quote in quotes:
        said = best.pop(quote.coin, None)
        found.append(quote if said is None else _after(quote, said, since, step))
    added = (_quote(said, source, coin) for coin, said in best.items() if said is not None and _moment(said) > since)
    found += (quote for quote in added if quote is not None)
    return found


def _after(quote: Quote, told: Told, since: float, step: int) -> Quote:
    row = told.row
    if row.price is None or row.currency != quote.currency:
        return quote
    figures: dict[str, Any] = {name: value for name in _FIGURES if (value := getattr(row, name)) is not None}
    if _newer(quote, told, since):
        poll = quote.poll + step
        return replace(quote, price=row.price, at=row.at, received=told.received, poll=poll, **figures)
    missing = {name: value for name, value in figures.items() if getattr(quote, name) is None}
    if missing and quote.received - told.received <= FIGURES:
        return replace(quote, **missing)
    return quote


def _newer(quote: Quote, told: Told, since: float) -> bool:
    row = told.row
    if row.at is not None and quote.at is not None:
        return row.at > quote.at or (row.at == quote.at and row.price != quote.price)
    if row.at is None and (told.received, row.price) == (quote.received, quote.price):
        return False  # it is this very row
    return _moment(told) > (since if quote.at is None else quote.at)


def _moment(told: Told) -> float:
    return told.received if told.row.at is None else told.row.at


def _quote(told: Told, source: SourceName, coin: CoinId) -> Quote | None:
    row = told.row
    if row.price is None or row.currency is None:
        return None
    figures = {name: getattr(row, name) for name in _FIGURES}
    return Quote(source, coin, row.price, row.currency, told.received, 1, row.at, **figures)
