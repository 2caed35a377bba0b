"""From quotes to votes: which quotes count, in US dollars, and one vote for each independent group.

Knows the rules of time, of stablecoins and of groups; nothing of what the votes will decide.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Struct

from ticker.consensus.memory import Reason
from ticker.consensus.rules import AGGREGATOR_TOLERANCE, FUTURE, CoinRule, Rules
from ticker.consensus.statistics import agreeing, median
from ticker.model import CoinId, Kind, Quote, SourceName

AGGREGATORS = "aggregators"  # the group that all aggregators are where they would outvote the venues


class Counted(Struct, frozen=True, gc=False):
    """A quote that counts: its price in US dollars, the time it counts as of, and the dollars for one of its currency.

    A converted quote is as old as the older of quote and rate, and no quote is newer than now.
    """

    quote: Quote
    price: Decimal
    at: float
    rate: Decimal = Decimal(1)


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


class StableRate(Struct, frozen=True, gc=False):
    """What one of a stablecoin is worth in US dollars, and as of when."""

    price: Decimal
    at: float


def count(
    coin: CoinRule, quotes: Iterable[Quote], rates: Mapping[CoinId, StableRate], now: float, rules: Rules
) -> tuple[list[Counted], dict[SourceName, Reason]]:
    """The quotes of one coin that count, and for each that does not, why.

    `rates` are the settled prices of stablecoins that may convert; a quote in any other currency has no rate.
    """
    counted: list[Counted] = []
    refused: dict[SourceName, Reason] = {}
    for quote in quotes:
        voter = rules.voters.get(quote.source)
        if voter is None or quote.source not in coin.sources:
            refused[quote.source] = "unknown_source"
            continue
        at = quote.received if quote.at is None else quote.at
        if at <= 0 or at > now + FUTURE:
            refused[quote.source] = "bad_time"
        elif now - at > voter.life:
            refused[quote.source] = "expired"
        elif quote.currency == "usd":
            counted.append(Counted(quote, quote.price, min(at, now)))
        elif quote.currency in rates:
            rate = rates[quote.currency]
            counted.append(Counted(quote, quote.price * rate.price, min(at, now, rate.at), rate.price))
        else:
            refused[quote.source] = "no_rate"
    return counted, refused


def by_group(counted: Iterable[Counted], rules: Rules) -> tuple[list[Vote], list[SourceName]]:
    """One vote a group, in ascending order of price; and the sources that have none because they contradict.

    Where two venues or more vote, aggregators must not outvote them (rule 1): as soon as they are as many as the
    venues, all of them together are one vote, the median of those that agree; none where most of them do not.
    """
    groups: dict[str, list[Counted]] = {}
    for one in counted:
        groups.setdefault(rules.voters[one.quote.source].group, []).append(one)
    votes = [_vote(group, rules.voters[ones[0].quote.source].kind, ones) for group, ones in groups.items()]
    aggregators = [vote for vote in votes if vote.kind == "aggregator"]
    if len(votes) - len(aggregators) >= 2 and 2 * len(aggregators) >= len(votes):
        venues = [vote for vote in votes if vote.kind == "venue"]
        agreed = _agreed(sorted(aggregators, key=_by_price))
        split = [source for vote in aggregators if vote not in agreed for source in vote.sources]
        votes = venues
        if agreed:
            together = _vote(AGGREGATORS, "aggregator", [one for vote in agreed for one in vote.counted])
            middle = median([vote.price for vote in agreed])
            votes.append(Vote(AGGREGATORS, "aggregator", middle, together.at, together.polls, together.counted))
        votes.sort(key=_by_price)
        return votes, split
    votes.sort(key=_by_price)
    return votes, []


def _agreed(ordered: list[Vote]) -> list[Vote]:
    """The aggregators of the largest set that agree, if that is most of them; else none."""
    prices = [vote.price for vote in ordered]
    size = agreeing(prices, AGGREGATOR_TOLERANCE)
    if 2 * size <= len(ordered):
        return []
    windows = (ordered[start : start + size] for start in range(len(ordered) - size + 1))
    return next(w for w in windows if agreeing([vote.price for vote in w], AGGREGATOR_TOLERANCE) == size)


def _by_price(vote: Vote) -> tuple[Decimal, str]:
    return vote.price, vote.group


def _vote(group: str, kind: Kind, ones: list[Counted]) -> Vote:
    if len(ones) == 1:
        one = ones[0]
        return Vote(group, kind, one.price, one.at, one.quote.poll, (one,))
    price = median(sorted(one.price for one in ones))
    return Vote(group, kind, price, max(one.at for one in ones), sum(one.quote.poll for one in ones), tuple(ones))
