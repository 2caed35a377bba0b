"""How `ticker status` looks to a person in a terminal. Knows the shape of a status, not where it comes from."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ticker.alerts import span
from ticker.errors import words
from ticker.server.status_page import SAID, ago, clock, window

COLOURS: Mapping[str, str] = {
    **dict.fromkeys(("ok", "up", "live", "fixed", "streaming"), "green"),
    **dict.fromkeys(("attention", "delayed", "stale", "degraded", "single", "half-open"), "yellow"),
    **dict.fromkeys(("down", "disputed", "broken", "open"), "red"),
}
MOST_COINS = 20  # that are listed of those that are not live and agreed

Found = Mapping[str, Any]


def drawn(found: Found) -> RenderableType:
    """All of it."""
    parts: list[RenderableType] = [_head(found), *(_problem(one) for one in found["problems"]), Text("")]
    parts += [_facts(found), Rule(style="dim"), _sources(found), Rule(style="dim"), *_coins(found)]
    return Group(*parts)


def unread(reason: str) -> RenderableType:
    """In the place of it, where it cannot be read."""
    return Text(f"● {words(reason)}; trying again", style="red")


def _said(value: object, style: str = "") -> Text:
    """A word of the status: text and nothing else, whatever it holds."""
    text = words(str(value))
    return Text(text, style=style or COLOURS.get(text, ""))


def _head(found: Found) -> Text:
    head = Text("● ", style=COLOURS[found["verdict"]])
    head.append(SAID[found["verdict"]], style="bold")
    head.append(f"  {clock(found['at'])} UTC", style="dim")
    if found["snapshot"] and found["snapshot"]["simulated"]:
        head.append("  simulated prices", style="yellow")
    return head


def _problem(one: Found) -> Text:
    return Text("  ! ", style="yellow").append_text(_said(one["text"], "default"))


def _facts(found: Found) -> Text:
    facts = []
    poller, snapshot, server = found["poller"], found["snapshot"], found["server"]
    if poller:
        facts.append(f"poller {poller['instance']}, {'silent for' if poller['gone'] else 'reported'} {_age(poller)}")
    if snapshot:
        facts.append(f"snapshot {snapshot['id']}, {ago(snapshot['age'])}")
    if server:
        facts.append(f"{server['viewers']:,} viewers, {server['requests']:,} answers, {span(server['uptime'])} up")
    facts.append(f"configuration {found['config']['version'] or '—'}")
    return _said(" · ".join(facts), "dim")


def _age(poller: Found) -> str:
    return span(poller["age"]) if poller["gone"] else ago(poller["age"])


def _sources(found: Found) -> Table:
    table = Table("source", "state", "answered", "took", "quota left", "next turn", "stream", box=None, pad_edge=False)
    for one in found["sources"]:
        state = _said(one["condition"])
        if one["error"]:
            state.append(f" {words(one['error']['code'])}", style="dim")
        if one["breaker"] != "closed":
            state.append(f" breaker {one['breaker']}", style=COLOURS.get(one["breaker"], ""))
        latency = "—" if one["latency"] is None else f"{one['latency'] * 1000:.0f} ms"
        table.add_row(
            _said(one["title"]), state, ago(one["age"]), latency, _quota(one["budget"]),
            clock(one["next_turn"]), _stream(one["stream"]),
        )  # fmt: skip
    return table


def _quota(rooms: Iterable[Found]) -> Text:
    """The one that is nearest to its end."""
    tightest = min(rooms, key=lambda room: room["left"] / room["units"], default=None)
    if tightest is None:
        return Text("—", style="dim")
    share = tightest["left"] / tightest["units"]
    text = f"{tightest['left']:,.0f}/{tightest['units']:,.0f} in {window(tightest['per'])}"
    return Text(text, style="red" if share < 0.05 else "yellow" if share < 0.2 else "")


def _stream(stream: Found | None) -> Text:
    if stream is None:
        return Text("polled", style="dim")
    if stream.get("resting"):
        return _said(f"rests, {stream['error']}" if stream["error"] else "rests")
    return _said("streaming" if stream["connected"] else "broken")


def _coins(found: Found) -> list[RenderableType]:
    """How many are how, and by name those that are not as they should be."""
    coins = found["coins"]
    counts = Text("coins  ", style="bold")
    for kind in ("freshness", "agreement"):
        for word, count in Counter(one[kind] for one in coins).most_common():
            counts.append(f"{count} ").append_text(_said(word)).append("  ")
    wrong = [one for one in coins if (one["freshness"], one["agreement"]) not in (("live", "ok"), ("live", "fixed"))]
    if not wrong:
        return [counts]
    table = Table("coin", "freshness", "agreement", "sources", "as of", box=None, pad_edge=False)
    for one in wrong[:MOST_COINS]:
        used = f"{one['used']} of {one['total']}"
        table.add_row(_said(one["name"]), _said(one["freshness"]), _said(one["agreement"]), used, ago(one["age"]))
    more = [_said(f"and {len(wrong) - MOST_COINS} more", "dim")] if len(wrong) > MOST_COINS else []
    return [counts, table, *more]
