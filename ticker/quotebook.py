"""What every source says at present: its last answer, with what it has streamed since.

An answer of a source about a coin has a number, which grows by one with each: a poll, or all that was streamed between
two publications. Knows neither how answers come nor what is made of them.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from ticker.merging import Told, latest, merged
from ticker.model import CoinId, Quote, SourceName
from ticker.sources import Row

Ids = Mapping[CoinId, Sequence[str]]


class QuoteBook:
    """The quotes of these sources, each of which prices coins under its own ids."""

    def __init__(self, ids: Mapping[SourceName, Ids]) -> None:
        self._ids = ids
        self._quotes: dict[SourceName, list[Quote]] = {}
        self._answers: dict[SourceName, dict[CoinId, int]] = {name: {} for name in ids}
        self._told: dict[SourceName, dict[str, Told]] = {}  # the stream's last word on each id
        self._asked: dict[SourceName, float] = {}  # when the poll was asked whose answer we have
        self._streamed: set[SourceName] = set()  # those whose stream has spoken since it was last put into quotes

    def others(self, ids: Mapping[SourceName, Ids]) -> Mapping[SourceName, Ids]:
        """Those of `ids` of coins that have none, or others, on a source at present."""
        return {
            name: {coin: many for coin, many in wanted.items() if _known_as(self._ids, name, coin) != tuple(many)}
            for name, wanted in ids.items()
        }

    def reconfigure(self, ids: Mapping[SourceName, Ids]) -> None:
        """Go over to other ids.

        What was said under other ids is dropped, and numbers go on, also those of coins that are gone for now: an
        answer that is read again for a coin that comes back is no new answer.
        """
        before, self._ids = self._ids, ids
        self._quotes = {name: self.still_ours(known, before) for name, known in self._quotes.items() if name in ids}
        self._told = {name: told for name, told in self._told.items() if name in ids}
        for name, wanted in ids.items():
            self._answers.setdefault(name, {})
            markets = {one for many in wanted.values() for one in many}
            self._told[name] = {one: told for one, told in self._told.get(name, {}).items() if one in markets}
        self._streamed &= ids.keys()

    def forget(self, names: Iterable[SourceName]) -> None:
        """Drop all that these sources have said: they are others now."""
        for name in names:
            for kept in (self._quotes, self._told, self._asked):
                kept.pop(name, None)
            self._streamed.discard(name)

    def still_ours(self, quotes: Iterable[Quote], before: Mapping[SourceName, Ids]) -> list[Quote]:
        """Those of quotes under the ids of `before` whose coins have the same ids now."""
        return [
            one
            for one in quotes
            if (known := _known_as(self._ids, one.source, one.coin)) is not None
            and known == _known_as(before, one.source, one.coin)
        ]

    def read_again(self, quotes: Iterable[Quote]) -> None:
        """Take quotes of answers that were counted when they came, for coins that have none of their source yet."""
        for quote in quotes:
            held = self._quotes.setdefault(quote.source, [])
            if quote.coin in self._ids.get(quote.source, {}) and all(one.coin != quote.coin for one in held):
                counts = self._answers[quote.source]
                counts[quote.coin] = max(1, counts.get(quote.coin, 0))
                held.append(_numbered(quote, counts[quote.coin]))

    def inherit(self, quotes: Iterable[Quote]) -> tuple[Quote, ...]:
        """Take over what the last poller knew of sources that have not answered here; gives what was taken."""
        known = tuple(one for one in quotes if one.coin in self._ids.get(one.source, {}))
        answered = {name for name in self._ids if self._quotes.get(name)}
        for quote in known:
            counts = self._answers[quote.source]
            counts[quote.coin] = quote.poll + counts.get(quote.coin, 0)
            if quote.source not in answered:
                self._quotes.setdefault(quote.source, []).append(quote)
        return known

    def answered(self, name: SourceName, quotes: Iterable[Quote], asked: float) -> None:
        """A source has answered a poll that was asked at `asked`."""
        self._asked[name] = asked
        counts = self._answers[name]
        self._keep(name, [_numbered(quote, counts.get(quote.coin, 0) + 1) for quote in quotes], step=0)

    def streamed(self, name: SourceName, rows: Iterable[Row], received: float) -> None:
        """A source has streamed; it counts when the quotes are next taken, as one answer however much it is."""
        if name not in self._ids:
            return
        self._told[name] = latest(self._told.get(name, {}), rows, received)
        self._streamed.add(name)

    def quotes(self) -> tuple[Quote, ...]:
        """All of them, streams included."""
        while self._streamed:
            name = self._streamed.pop()
            self._keep(name, self._quotes.get(name, []), step=1)
        return tuple(quote for found in self._quotes.values() for quote in found)

    def _keep(self, name: SourceName, quotes: list[Quote], *, step: int) -> None:
        """Put the stream into these quotes and hold them, each numbered by the answers it took."""
        told, counts, before = self._told.get(name, {}), self._answers[name], {quote.coin for quote in quotes}
        asked = self._asked.get(name, 0.0)
        found = merged(quotes, told, self._ids[name], name, asked=asked, step=step) if told else quotes
        self._quotes[name] = [
            quote if quote.coin in before else _numbered(quote, counts.get(quote.coin, 0) + 1) for quote in found
        ]
        counts.update((quote.coin, quote.poll) for quote in self._quotes[name])


def _numbered(quote: Quote, poll: int) -> Quote:
    return quote if quote.poll == poll else replace(quote, poll=poll)


def _known_as(ids: Mapping[SourceName, Ids], name: SourceName, coin: CoinId) -> tuple[str, ...] | None:
    many = ids.get(name, {}).get(coin)
    return None if many is None else tuple(many)
