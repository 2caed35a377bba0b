"""Settling: from all quotes of the moment, and what we remember, to one price a coin. Pure and exact.

The method stands in docs/how-a-price-is-made.md; the thresholds in `rules`. Knows no source's dialect, no store, no
clock: the moment is an argument, memory goes in and comes out.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from ticker.consensus.canary import suspended
from ticker.consensus.frozen import look
from ticker.consensus.jumps import Guarded, guard
from ticker.consensus.membership import Membership, members
from ticker.consensus.memory import NOTHING, Memory, Reason, Remembered
from ticker.consensus.rules import FUTURE, PEG_DRIFT, QUORUM, CoinRule, Rules, ladder
from ticker.consensus.statistics import agreeing, confidence, median, median_of, tidy
from ticker.consensus.votes import StableRate, Vote, by_group, count
from ticker.model import Agreement, CoinId, Price, Quote, SourceName

STABLECOINS: tuple[CoinId, ...] = ("tether", "usd-coin")


class Round(Struct, frozen=True, gc=False):
    """How one coin came out: its price, and every step that led to it. None where a step was not reached."""

    price: Price
    remembered: Remembered
    quotes: tuple[Quote, ...] = ()
    votes: tuple[Vote, ...] = ()
    refused: Mapping[SourceName, Reason] = {}
    membership: Membership | None = None
    guarded: Guarded | None = None


class Decision(Struct, frozen=True):
    """A change worth telling: a coin's agreement, or the quotes that do not count, differ from the round before."""

    at: float
    coin: CoinId
    agreement: Agreement
    before: Agreement
    price: Decimal | None
    refused: Mapping[SourceName, Reason]


class Settlement(Struct, frozen=True):
    """All coins of the rules, in their order: how each came out, what to remember, and what changed."""

    rounds: dict[CoinId, Round]
    memory: Memory
    decisions: tuple[Decision, ...]

    @property
    def prices(self) -> tuple[Price, ...]:
        """One price a coin."""
        return tuple(one.price for one in self.rounds.values())


def settle(quotes: Iterable[Quote], memory: Memory, now: float, rules: Rules) -> Settlement:
    """Settle every coin of the rules at `now` (seconds since 1970).

    Stablecoins are settled first, since quotes in them count only through their own settled price. Quotes of coins
    that the rules do not list are ignored. At most one quote a source and coin is expected, the latest.
    """
    coins = {coin.id: coin for coin in rules.coins}
    of_coin: dict[CoinId, list[Quote]] = {}
    for quote in quotes:
        if quote.coin in coins:
            of_coin.setdefault(quote.coin, []).append(quote)
    broken = suspended(of_coin, STABLECOINS, memory, now, rules)
    rates: dict[CoinId, StableRate] = {}
    done: dict[CoinId, Round] = {}
    for coin in [*(coins[one] for one in STABLECOINS if one in coins), *rules.coins]:
        if coin.id not in done:
            before = memory.coins.get(coin.id, NOTHING)
            if before.listing != coin.listing:
                before = NOTHING
            if before.good is not None and before.good.as_of is not None and before.good.as_of > now + FUTURE:
                before = replace(before, good=None)  # our clock was set back: then was no time to measure by
            done[coin.id] = one = _settle_coin(coin, of_coin.get(coin.id, []), broken, rates, before, now, rules)
            if coin.id in STABLECOINS and (rate := _rate(one, now)):
                rates[coin.id] = rate
    rounds = {coin.id: done[coin.id] for coin in rules.coins}
    remembered = {coin: one.remembered for coin, one in rounds.items()}
    decisions = []
    for coin_id, one in rounds.items():
        last = memory.coins.get(coin_id, NOTHING)
        if one.price.agreement != last.agreement or one.refused != last.refused:
            price = one.price
            decisions.append(Decision(now, coin_id, price.agreement, last.agreement, price.price, one.refused))
    return Settlement(rounds, Memory(remembered), tuple(decisions))


def _settle_coin(
    coin: CoinRule,
    quotes: list[Quote],
    broken: set[SourceName],
    rates: Mapping[CoinId, StableRate],
    before: Remembered,
    now: float,
    rules: Rules,
) -> Round:
    if coin.fixed is not None:
        price = Price(coin.id, coin.fixed, "fixed")
        return Round(price, Remembered(agreement="fixed", listing=coin.listing))
    refused: dict[SourceName, Reason] = dict.fromkeys((q.source for q in quotes if q.source in broken), "canary")
    counted, not_counted = count(coin, (q for q in quotes if q.source not in broken), rates, now, rules)
    refused |= not_counted
    votes, split = by_group(counted, rules)
    seen, frozen = look(counted, votes, before.seen)
    if frozen:
        refused |= dict.fromkeys(frozen, "frozen")
        votes, split = by_group((one for one in counted if one.quote.source not in frozen), rules)
    refused |= dict.fromkeys(split, "split")
    agreement = _agreement([vote.price for vote in votes], rules.tolerance_of(coin))
    if agreement in ("none", "disputed"):
        # Without a majority there is nothing to measure by: what the guards were watching stays as it was.
        kept = Remembered(before.good, agreement, refused, seen, before.out, before.jump, before.unit, coin.listing)
        price = _last_good(coin, agreement, before, now)
        return Round(price, kept, tuple(quotes), tuple(votes), refused)
    chosen = members(votes, before.out)
    for vote in votes:
        if vote.group in chosen.out:
            refused |= dict.fromkeys(vote.sources, chosen.out[vote.group].reason)
    if not chosen.members:
        kept = Remembered(before.good, "disputed", refused, seen, chosen.out, before.jump, before.unit, coin.listing)
        return Round(_last_good(coin, "disputed", before, now), kept, tuple(quotes), tuple(votes), refused, chosen)
    price = _price(coin, agreement, chosen.members, rules)
    if before.good is not None and _is_older(price, before.good, now):
        kept = Remembered(
            before.good, before.agreement, refused, seen, chosen.out, before.jump, before.unit, coin.listing
        )
        return Round(before.good, kept, tuple(quotes), tuple(votes), refused, chosen)
    guarded = guard(price.price or Decimal(0), votes, chosen.members, before, coin.confirmed, now)
    if guarded.verdict == "wait":
        price = _last_good(coin, "disputed", before, now)
    elif guarded.verdict == "hide":
        price = Price(coin.id, None, "disputed", total=len(coin.sources))
    good = price if guarded.verdict == "publish" else before.good
    kept = Remembered(good, price.agreement, refused, seen, chosen.out, guarded.jump, guarded.unit, coin.listing)
    return Round(price, kept, tuple(quotes), tuple(votes), refused, chosen, guarded)


def _agreement(ordered: list[Decimal], tolerance: Decimal) -> Agreement:
    """The state of a coin by its groups' prices (design §8): the only place that decides it."""
    groups = len(ordered)
    if groups < 2:
        return "single" if groups else "none"
    cluster = agreeing(ordered, tolerance)
    if 2 * cluster <= groups:
        return "disputed"
    return "ok" if cluster >= QUORUM else "degraded"


def _last_good(coin: CoinRule, agreement: Agreement, before: Remembered, now: float) -> Price:
    """No price of now: the last good one as of its own time, until its ladder ends, or none."""
    good, total = before.good, len(coin.sources)
    if good is None or good.freshness(now) == "none":
        return Price(coin.id, None, agreement, total=total)
    return Price(
        coin.id,
        good.price,
        agreement,
        total=total,
        as_of=good.as_of,
        live_until=good.live_until,
        delayed_until=good.delayed_until,
        gone_at=good.gone_at,
        sources=good.sources,
    )


def _is_older(price: Price, good: Price, now: float) -> bool:
    """Whether a price knows less than the last good one, which is then still the best there is.

    So when quick sources fall silent, a slow one that still votes does not take a page back in time.
    """
    if price.as_of is None or good.as_of is None or good.gone_at is None:
        return False
    return price.as_of < good.as_of and now < good.gone_at


def _price(coin: CoinRule, agreement: Agreement, chosen: tuple[Vote, ...], rules: Rules) -> Price:
    """The price that these votes make: their median, as of the median of their times."""
    ordered = [vote.price for vote in chosen]
    price = median(ordered)
    used = [one for vote in chosen for one in vote.counted]
    times = sorted(vote.at for vote in chosen)
    as_of = (times[len(times) // 2] + times[(len(times) - 1) // 2]) / 2
    rungs = ladder(as_of, rules.turn_of(coin, [one.quote.source for one in used]))
    aggregators = [one.quote for one in used if rules.voters[one.quote.source].kind == "aggregator"]
    high = _figure([None if one.quote.high_24h is None else one.quote.high_24h * one.rate for one in used])
    low = _figure([None if one.quote.low_24h is None else one.quote.low_24h * one.rate for one in used])
    return Price(
        coin=coin.id,
        price=tidy(price),
        agreement=agreement,
        used=len(used),
        total=len(coin.sources),
        confidence=confidence(ordered, price) if len(ordered) >= QUORUM else None,
        as_of=as_of,
        live_until=rungs.live_until,
        delayed_until=rungs.delayed_until,
        gone_at=rungs.gone_at,
        change_1h=_figure([one.quote.change_1h for one in used]),
        change_24h=_figure([one.quote.change_24h for one in used]),
        change_7d=_figure([one.quote.change_7d for one in used]),
        high_24h=None if high is None or high < price else high,
        low_24h=None if low is None or low > price else low,
        volume_24h=_figure([quote.volume_24h for quote in aggregators]),
        market_cap=_figure([quote.market_cap for quote in aggregators]),
        sources=tuple(sorted(one.quote.source for one in used)),
    )


def _figure(values: list[Decimal | None]) -> Decimal | None:
    """The median of the sources' own figures, to the digits we keep."""
    middle = median_of(values)
    return None if middle is None else tidy(middle)


def _rate(one: Round, now: float) -> StableRate | None:
    """What a stablecoin converts others with (rule 9): its price of now, the further off 1 the more groups say so."""
    price = one.price
    if price.price is None:
        return None
    if price.agreement == "fixed":
        return StableRate(price.price, now)
    if one.guarded is None or one.guarded.verdict != "publish" or one.membership is None or price.as_of is None:
        return None
    groups = len(one.membership.members)
    if groups < QUORUM and abs(price.price - 1) > PEG_DRIFT[groups]:
        return None
    return StableRate(price.price, price.as_of)
