"""From quotes to votes: which quotes count, in US dollars, and one vote for each independent group.

Knows the rules of time, of stablecoins and of groups; nothing of what the votes will decide.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Struct

from ticker.consensus.memory import Reason
from ticker.consensus.rules import FUTURE, Rules
from ticker.consensus.statistics import median
from ticker.model import CoinId, Kind, Quote, SourceName

AGGREGATORS = "aggregators"  # the group that all aggregators are where they would outvote the venues


class Counted(Struct, frozen=True, gc=False):
    """A quote that counts: its price in US dollars, and the time it counts as of."""

    quote: Quote
    price: Decimal
    at: float


class Vote(Struct, frozen=True, gc=False):
    """One group's vote: the median of its quotes, as of the newest of them.

    `polls` adds up the polls behind it, so it grows with every answer of any of its sources.
    """

    group: str
    kind: Kind
    price: Decimal
    at: float
    polls: int
    counted: tuple[Counted, ...]

    @property
    def sources(self) -> list[SourceName]:
        """Those whose quotes are in it."""
        return [one.quote.source for one in self.counted]


def count(
    quotes: Iterable[Quote], rates: Mapping[CoinId, Decimal], now: float, rules: Rules
) -> tuple[list[Counted], dict[SourceName, Reason]]:
    """The quotes of one coin that count, and for each that does not, why.

    `rates` are the settled prices of stablecoins that may convert; a quote in any other currency has no rate.
    """
    counted: list[Counted] = []
    refused: dict[SourceName, Reason] = {}
    for quote in quotes:
        voter = rules.voters.get(quote.source)
        if voter is None:
            refused[quote.source] = "unknown_source"
            continue
        at = quote.received if quote.at is None else quote.at
        if at <= 0 or at > now + FUTURE:
            refused[quote.source] = "bad_time"
        elif now - at > voter.life:
            refused[quote.source] = "expired"
        elif quote.currency == "usd":
            counted.append(Counted(quote, quote.price, at))
        elif quote.currency in rates:
            counted.append(Counted(quote, quote.price * rates[quote.currency], at))
        else:
            refused[quote.source] = "no_rate"
    return counted, refused


def by_group(counted: Iterable[Counted], rules: Rules) -> list[Vote]:
    """One vote a group, in ascending order of price.

    Where two venues or more vote, aggregators must not outvote them (rule 1): as soon as they are as many as the
    venues, all of them together are one vote, their median.
    """
    groups: dict[str, list[Counted]] = {}
    for one in counted:
        groups.setdefault(rules.voters[one.quote.source].group, []).append(one)
    votes = [_vote(group, rules.voters[ones[0].quote.source].kind, ones) for group, ones in groups.items()]
    aggregators = [vote for vote in votes if vote.kind == "aggregator"]
    if len(votes) - len(aggregators) >= 2 and 2 * len(aggregators) >= len(votes):
        venues = [vote for vote in votes if vote.kind == "venue"]
        together = _vote(AGGREGATORS, "aggregator", [one for vote in aggregators for one in vote.counted])
        middle = median(sorted(vote.price for vote in aggregators))
        votes = [*venues, Vote(together.group, together.kind, middle, together.at, together.polls, together.counted)]
    votes.sort(key=_by_price)
    return votes


def _by_price(vote: Vote) -> tuple[Decimal, str]:
    return vote.price, vote.group


def _vote(group: str, kind: Kind, ones: list[Counted]) -> Vote:
    if len(ones) == 1:
        one = ones[0]
        return Vote(group, kind, one.price, one.at, one.quote.poll, (one,))
    price = median(sorted(one.price for one in ones))
    return Vote(group, kind, price, max(one.at for one in ones), sum(one.quote.poll for one in ones), tuple(ones))
