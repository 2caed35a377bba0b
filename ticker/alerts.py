"""What ops are told of, and when: from how things stand and what was told before, to messages. Pure.

Each alert is told once when it has lasted, and once when it has been over for a while; those of one kind that are due
together share a message, and beyond `MOST_AN_HOUR` messages wait for room. Knows no webhook and no clock.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from msgspec.structs import replace

from ticker.bulletin import Alert, Bulletin, up
from ticker.errors import words
from ticker.model import CoinId, Price

HOUR = 3600.0
MOST_AN_HOUR = 12
NAMED = 10  # subjects that a message names; the rest is a number

Phase = Literal["begins", "ends"]
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long something lasts before it is told, and is over before that is told; in seconds."""

    begins: float
    ends: float


PATIENCE: Mapping[str, Patience] = {
    "source_down": Patience(3 * HOUR, 300.0),
    "one_source": Patience(600.0, 600.0),
    "no_source": Patience(120.0, 60.0),
    "config_refused": Patience(0.0, 0.0),
}


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: a sentence for people, and the same in fields. `since` is when the oldest of them began."""

    kind: str
    phase: Phase
    subjects: tuple[str, ...]
    since: float
    at: float
    text: str


def conditions(bulletin: Bulletin, prices: Iterable[Price], now: float) -> dict[Key, float]:
    """What is wrong at present, and since when as far as can be seen."""
    found: dict[Key, float] = {}
    for one in bulletin.sources:
        if one.condition == "down":
            found["source_down", one.name] = one.since if one.since is not None else now
    coins = [one for one in bulletin.sources if one.prices == "coins"]
    if coins and all(one.condition == "down" for one in coins):
        found["no_source", ""] = max(found["source_down", one.name] for one in coins)
    for price in prices:
        if price.agreement == "single" and price.total > 1:
            found["one_source", price.coin] = now
    if bulletin.config.refused is not None:
        found["config_refused", ""] = bulletin.config.refused.at
    return {key: min(since, now) for key, since in found.items()}


def decide(
    alerts: Sequence[Alert],
    told: Sequence[float],
    bulletin: Bulletin,
    prices: Iterable[Price],
    now: float,
    patience: Mapping[str, Patience] = PATIENCE,
) -> tuple[tuple[Alert, ...], tuple[float, ...], list[Message]]:
    """The alerts from now on, when messages were told within the last hour, and the messages to send now."""
    priced = {price.coin: price for price in prices}
    current = _carried(alerts, conditions(bulletin, priced.values(), now), _unknown(bulletin), now)
    told = [at for at in told if 0 <= now - at < HOUR]
    messages: list[Message] = []
    for kind in patience:
        for phase in ("begins", "ends"):
            due = [one for one in current.values() if one.kind == kind and _is_due(one, phase, now, patience[kind])]
            if not due or len(told) >= MOST_AN_HOUR:
                continue
            text = _text(kind, phase, due, bulletin, priced, now)
            subjects = tuple(one.subject for one in due if one.subject)
            messages.append(Message(kind, phase, subjects, min(one.since for one in due), now, text))
            told.append(now)
            for one in due:
                if phase == "begins":
                    current[one.kind, one.subject] = replace(one, told_at=now)
                else:
                    del current[one.kind, one.subject]
    return tuple(current.values()), tuple(told), messages


def _unknown(bulletin: Bulletin) -> set[Key]:
    """What cannot be told yet, since sources have neither answered nor failed: of those, what was so is so."""
    found = {("source_down", one.name) for one in bulletin.sources if one.condition == "waiting"}
    coins = [one.condition for one in bulletin.sources if one.prices == "coins"]
    return found | {("no_source", "")} if "waiting" in coins and "up" not in coins else found


def _carried(
    alerts: Sequence[Alert], found: Mapping[Key, float], unknown: Container[Key], now: float
) -> dict[Key, Alert]:
    """The alerts of before that last, those that seem over but were told, and the new ones."""
    current: dict[Key, Alert] = {}
    for one in alerts:
        key = one.kind, one.subject
        if key in found:
            current[key] = replace(one, since=min(one.since, found[key]), clear_since=None)
        elif key in unknown:
            current[key] = one
        elif one.told_at is not None:
            since = one.clear_since if one.clear_since is not None else now
            current[key] = replace(one, clear_since=min(since, now))
    for (kind, subject), since in found.items():
        current.setdefault((kind, subject), Alert(kind, subject, since))
    return current


def _is_due(alert: Alert, phase: str, now: float, patience: Patience) -> bool:
    if phase == "begins":
        return alert.told_at is None and now - alert.since >= patience.begins
    return alert.clear_since is not None and now - alert.clear_since >= patience.ends


def _text(
    kind: str, phase: str, due: Sequence[Alert], bulletin: Bulletin, prices: Mapping[CoinId, Price], now: float
) -> str:
    names, several = listed([one.subject for one in due]), len(due) > 1
    lasted = span(now - min(one.since for one in due))
    match kind, phase:
        case "source_down", "begins":
            others = up(bulletin.sources)
            serving = f"prices come from {listed(others)}" if others else "no source of coins answers"
            since = f"for {lasted} or less" if several else f"for {lasted}"
            return f"{names} {'have' if several else 'has'} been down {since}; {serving}"
        case "source_down", _:
            return f"{names} {'answer' if several else 'answers'} again, after {lasted}"
        case "one_source", "begins":
            left = sorted({name for one in due if one.subject in prices for name in prices[one.subject].sources})
            return f"{names} {'have' if several else 'has'} one source left: {listed(left)}"
        case "one_source", _:
            return f"{names} {'have' if several else 'has'} more than one source again, or none"
        case "no_source", "begins":
            return "no source answers; pages keep the last prices with their age, and then show none"
        case "no_source", _:
            return f"sources answer again, after {lasted}"
        case "config_refused", "begins":
            reason = bulletin.config.refused.reason if bulletin.config.refused else ""
            return f"the configuration was refused, the last good one stays: {words(reason)}"
        case _:
            return "the configuration is good again"


def listed(names: Sequence[str]) -> str:
    """Names as people list them; beyond `NAMED` as a number."""
    shown = list(names[:NAMED])
    if len(names) > NAMED:
        shown.append(f"{len(names) - NAMED} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else ""


def span(seconds: float) -> str:
    """A time as people say it: "45 s", "12 min", "3 h", "2 days"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / HOUR:.0f} h" if seconds < 48 * HOUR else f"{seconds / (24 * HOUR):.0f} days"
