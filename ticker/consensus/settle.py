"""Settling: from all quotes of the moment, and what we remember, to one price a coin. Pure and exact.

The method stands in docs/how-a-price-is-made.md; the thresholds in `rules`. Knows no source's dialect, no store, no
clock: the moment is an argument, memory goes in and comes out.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Struct

from ticker.consensus.canary import suspended
from ticker.consensus.frozen import look
from ticker.consensus.jumps import Guarded, guard
from ticker.consensus.membership import Membership, members
from ticker.consensus.memory import NOTHING, Memory, Reason, Remembered
from ticker.consensus.rules import PEG_DRIFT, QUORUM, CoinRule, Rules, ladder
from ticker.consensus.statistics import agreeing, confidence, median, median_of, tidy
from ticker.consensus.votes import Vote, by_group, count
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
    rates: dict[CoinId, Decimal] = {}
    done: dict[CoinId, Round] = {}
    for coin in [*(coins[one] for one in STABLECOINS if one in coins), *rules.coins]:
        if coin.id not in done:
            before = memory.coins.get(coin.id, NOTHING)
            done[coin.id] = one = _settle_coin(coin, of_coin.get(coin.id, []), broken, rates, before, now, rules)
            if coin.id in STABLECOINS and _may_convert(one):
                rates[coin.id] = one.price.price or Decimal(0)
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
    rates: Mapping[CoinId, Decimal],
    before: Remembered,
    now: float,
    rules: Rules,
) -> Round:
    if coin.fixed is not None:
        price = Price(coin.id, coin.fixed, "fixed")
        return Round(price, Remembered(agreement="fixed"))
    refused: dict[SourceName, Reason] = dict.fromkeys((q.source for q in quotes if q.source in broken), "canary")
    counted, not_counted = count((q for q in quotes if q.source not in broken), rates, now, rules)
    refused |= not_counted
    votes = by_group(counted, rules)
    seen, frozen = look(counted, votes, before.seen)
    if frozen:
        refused |= dict.fromkeys(frozen, "frozen")
        votes = by_group((one for one in counted if one.quote.source not in frozen), rules)
    agreement = _agreement([vote.price for vote in votes], rules.tolerance_of(coin))
    if agreement in ("none", "disputed"):
        # Without a majority there is nothing to measure by: what the guards were watching stays as it was.
        kept = Remembered(before.good, agreement, refused, seen, before.out, before.jump, before.unit)
        price = _last_good(coin, agreement, before, now)
        return Round(price, kept, tuple(quotes), tuple(votes), refused)
    chosen = members(votes, before.out)
    for vote in votes:
        if vote.group in chosen.out:
            refused |= dict.fromkeys(vote.sources, chosen.out[vote.group].reason)
    price = _price(coin, agreement, chosen.members, votes, rules)
    guarded = guard(price.price or Decimal(0), votes, chosen.members, before, coin.confirmed, now)
    if guarded.verdict == "wait":
        price = _last_good(coin, "disputed", before, now)
    elif guarded.verdict == "hide":
        price = Price(coin.id, None, "disputed", total=len(coin.sources))
    good = price if guarded.verdict == "publish" else before.good
    kept = Remembered(good, price.agreement, refused, seen, chosen.out, guarded.jump, guarded.unit)
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


def _price(coin: CoinRule, agreement: Agreement, chosen: tuple[Vote, ...], votes: list[Vote], rules: Rules) -> Price:
    """The price that these votes make: their median, as of a time that at least half of them are no older than."""
    ordered = [vote.price for vote in chosen]
    price = median(ordered)
    used = [one for vote in chosen for one in vote.counted]
    times = sorted(vote.at for vote in chosen)
    as_of = times[len(times) // 2]
    rungs = ladder(as_of, rules.turn_of(coin, [one.quote.source for vote in votes for one in vote.counted]))
    aggregators = [one.quote for one in used if rules.voters[one.quote.source].kind == "aggregator"]
    dollars = [one for one in used if one.quote.currency == "usd"] or used
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
        high_24h=_figure([one.quote.high_24h for one in dollars]),
        low_24h=_figure([one.quote.low_24h for one in dollars]),
        volume_24h=_figure([quote.volume_24h for quote in aggregators]),
        market_cap=_figure([quote.market_cap for quote in aggregators]),
        sources=tuple(sorted(one.quote.source for one in used)),
    )


def _figure(values: list[Decimal | None]) -> Decimal | None:
    """The median of the sources' own figures, to the digits we keep."""
    middle = median_of(values)
    return None if middle is None else tidy(middle)


def _may_convert(one: Round) -> bool:
    """Whether a stablecoin's price may convert others (rule 9): settled now, and off its peg only by a quorum."""
    price = one.price
    if price.price is None or price.agreement in ("none", "disputed"):
        return False
    groups = 0 if one.membership is None else len(one.membership.members)
    return price.agreement == "fixed" or groups >= QUORUM or abs(price.price - 1) <= PEG_DRIFT
