"""Settling: from all quotes of the moment, and what we remember, to one price a coin. Pure and exact.

The method stands in docs/how-a-price-is-made.md; the thresholds in `rules`. Knows no source's dialect, no store, no
clock: the moment is an argument, memory goes in and comes out.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Struct

from ticker.consensus.rules import PEG_DRIFT, QUORUM, CoinRule, Rules, ladder
from ticker.consensus.statistics import agreeing, confidence, inliers, median, median_of, tidy
from ticker.consensus.votes import Counted, Reason, Vote, by_group, count
from ticker.model import Agreement, CoinId, Price, Quote, SourceName

STABLECOINS: tuple[CoinId, ...] = ("tether", "usd-coin")


class Remembered(Struct, frozen=True):
    """What is kept of a coin between rounds: its last good price, and how the last round ended."""

    good: Price | None = None
    agreement: Agreement = "none"
    refused: dict[SourceName, Reason] = {}


class Memory(Struct, frozen=True):
    """What settling remembers between rounds, by coin."""

    coins: dict[CoinId, Remembered] = {}


class Decision(Struct, frozen=True):
    """A change worth telling: a coin's agreement, or the quotes that do not count, differ from the round before."""

    at: float
    coin: CoinId
    agreement: Agreement
    before: Agreement
    price: Decimal | None
    refused: dict[SourceName, Reason]


class Settlement(Struct, frozen=True):
    """One round: a price for every coin of the rules, in their order, what to remember, and what changed."""

    prices: tuple[Price, ...]
    memory: Memory
    decisions: tuple[Decision, ...]


def settle(quotes: Iterable[Quote], memory: Memory, now: float, rules: Rules) -> Settlement:
    """Settle every coin of the rules at `now` (seconds since 1970).

    Stablecoins are settled first, since quotes in them count only through their own settled price. Quotes of coins
    that the rules do not list are ignored. At most one quote a source and coin is expected, the latest.
    """
    of_coin: dict[CoinId, list[Quote]] = {}
    for quote in quotes:
        of_coin.setdefault(quote.coin, []).append(quote)
    coins = {coin.id: coin for coin in rules.coins}
    rates: dict[CoinId, Decimal] = {}
    settled: dict[CoinId, tuple[Price, dict[SourceName, Reason]]] = {}
    for coin in [*(coins[one] for one in STABLECOINS if one in coins), *rules.coins]:
        if coin.id in settled:
            continue
        before = memory.coins.get(coin.id, Remembered())
        price, refused, groups = _settle_coin(coin, of_coin.get(coin.id, ()), rates, before, now, rules)
        settled[coin.id] = price, refused
        if coin.id in STABLECOINS and _may_convert(price, groups):
            rates[coin.id] = price.price or Decimal(0)
    remembered, decisions = {}, []
    for coin in rules.coins:
        price, refused = settled[coin.id]
        before = memory.coins.get(coin.id, Remembered())
        good = price if price.agreement in ("ok", "degraded", "single") else before.good
        remembered[coin.id] = Remembered(good, price.agreement, refused)
        if price.agreement != before.agreement or refused != before.refused:
            decisions.append(Decision(now, coin.id, price.agreement, before.agreement, price.price, refused))
    return Settlement(tuple(settled[coin.id][0] for coin in rules.coins), Memory(remembered), tuple(decisions))


def _settle_coin(
    coin: CoinRule,
    quotes: Iterable[Quote],
    rates: Mapping[CoinId, Decimal],
    before: Remembered,
    now: float,
    rules: Rules,
) -> tuple[Price, dict[SourceName, Reason], int]:
    """The price of one coin, the quotes that had no part in it and why, and the number of groups that made it."""
    if coin.fixed is not None:
        return Price(coin.id, coin.fixed, "fixed"), {}, 0
    counted, refused = count(quotes, rates, now, rules)
    votes = by_group(counted, rules)
    agreement = _agreement([vote.price for vote in votes], rules.tolerance_of(coin))
    total = len(coin.sources)
    if agreement in ("none", "disputed"):
        return _last_good(coin, agreement, before, total, now), refused, 0
    start, stop = inliers([vote.price for vote in votes])
    for vote in (*votes[:start], *votes[stop:]):
        refused |= dict.fromkeys((one.quote.source for one in vote.counted), "outlier")
    return _price(coin, agreement, votes[start:stop], counted, total, rules), refused, stop - start


def _agreement(ordered: list[Decimal], tolerance: Decimal) -> Agreement:
    """The state of a coin by its groups' prices (design §8): the only place that decides it."""
    groups = len(ordered)
    if groups < 2:
        return "single" if groups else "none"
    cluster = agreeing(ordered, tolerance)
    if 2 * cluster <= groups:
        return "disputed"
    return "ok" if cluster >= QUORUM else "degraded"


def _last_good(coin: CoinRule, agreement: Agreement, before: Remembered, total: int, now: float) -> Price:
    """No majority now: the last good price as of its own time, until its ladder ends, or none."""
    good = before.good
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


def _price(
    coin: CoinRule, agreement: Agreement, votes: list[Vote], counted: list[Counted], total: int, rules: Rules
) -> Price:
    """The price that these votes make: their median, as of a time that at least half of them are no older than."""
    ordered = [vote.price for vote in votes]
    price = median(ordered)
    used = [one for vote in votes for one in vote.counted]
    times = sorted(max(one.at for one in vote.counted) for vote in votes)
    as_of = times[len(times) // 2]
    rungs = ladder(as_of, rules.turn_of(coin, (one.quote.source for one in counted)))
    aggregators = [one.quote for one in used if rules.voters[one.quote.source].kind == "aggregator"]
    dollars = [one for one in used if one.quote.currency == "usd"] or used
    return Price(
        coin=coin.id,
        price=tidy(price),
        agreement=agreement,
        used=len(used),
        total=total,
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


def _may_convert(price: Price, groups: int) -> bool:
    """Whether a stablecoin's price may convert others (rule 9): settled now, and off its peg only by a quorum."""
    if price.price is None or price.agreement in ("none", "disputed"):
        return False
    return price.agreement == "fixed" or groups >= QUORUM or abs(price.price - 1) <= PEG_DRIFT
