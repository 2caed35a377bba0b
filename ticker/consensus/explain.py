"""A round of one coin in words and numbers: every quote, whether it counted, and if not, why. Pure.

Gives plain values for JSON; amounts are strings of digits, times seconds since 1970.
"""

from decimal import Decimal
from typing import Any

from ticker.consensus.memory import Reason
from ticker.consensus.rules import METHOD, CoinRule, Rules
from ticker.consensus.settle import Round
from ticker.consensus.statistics import agreeing
from ticker.model import Quote

REASONS: dict[Reason, str] = {
    "unknown_source": "this source is not asked for this coin any more",
    "bad_time": "its time is missing, or in the future",
    "expired": "it is too old to vote",
    "no_rate": "there is no settled price of the currency it is in",
    "canary": "this source is wildly off on several coins at once",
    "frozen": "it repeats itself while most others move",
    "split": "the averaging services contradict each other, and there are exchanges to go by",
    "outlier": "it is too far from the median, or was and has not been near for three polls",
    "unit": "it is off by a power of ten, as after a change of unit",
}
VERDICTS = {
    "publish": "published",
    "wait": "a change of more than 20 % that waits to be confirmed; the last good price is shown meanwhile",
    "hide": "a jump by a power of ten that fewer than three groups see; hidden until confirmed (ticker coins confirm)",
}


def explain(coin: CoinRule, one: Round, rules: Rules, now: float) -> dict[str, Any]:
    """How the price of one coin came about at `now`."""
    votes = [vote.price for vote in one.votes]
    tolerance = rules.tolerance_of(coin)
    members = one.membership.members if one.membership else ()
    used = {source for vote in members for source in vote.sources}
    dollars = {counted.quote.source: counted.price for vote in one.votes for counted in vote.counted}
    groups = {source: vote.group for vote in one.votes for source in vote.sources}
    published = one.guarded is not None and one.guarded.verdict == "publish"
    return {
        "method": METHOD,
        "settled_at": now,
        "agreement": one.price.agreement,
        "price": _text(one.price.price),
        "as_of": one.price.as_of,
        "tolerance": _text(tolerance),
        "groups": len(votes),
        "agreeing": agreeing(votes, tolerance),
        "median": _text(one.membership.middle if one.membership else None),
        "reach": _text(one.membership.reach if one.membership else None),
        "verdict": None if one.guarded is None else one.guarded.verdict,
        "verdict_text": None if one.guarded is None else VERDICTS[one.guarded.verdict],
        "waiting_since": one.remembered.jump.since if one.remembered.jump else None,
        "hidden_since": one.remembered.unit.since if one.remembered.unit else None,
        "sources": [
            _source(
                quote, rules, groups, dollars, one.refused.get(quote.source), used=quote.source in used and published
            )
            for quote in sorted(one.quotes, key=lambda quote: quote.source)
        ],
        "silent": sorted(set(coin.sources) - {quote.source for quote in one.quotes}),
    }


def _source(
    quote: Quote,
    rules: Rules,
    groups: dict[str, str],
    dollars: dict[str, Decimal],
    reason: Reason | None,
    *,
    used: bool,
) -> dict[str, Any]:
    voter = rules.voters.get(quote.source)
    return {
        "source": quote.source,
        "kind": voter.kind if voter else None,
        "group": groups.get(quote.source) or (voter.group if voter else None),
        "price": _text(quote.price),
        "currency": quote.currency,
        "usd": _text(dollars.get(quote.source)),
        "as_of": quote.at,
        "received": quote.received,
        "poll": quote.poll,
        "used": used,
        "reason": reason,
        "reason_text": REASONS[reason] if reason else None,
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")
