"""`/status` as a page: what `status` says, for people. Pure; no script, and nothing from elsewhere.

Every state is a word beside its colour. Knows the shape of the status, not where it comes from.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ticker.alerts import span
from ticker.consensus.explain import REASONS
from ticker.server import headers

REFRESH = 15  # seconds
_FOLDER = Path(__file__).with_name("pages")
_STYLE = (_FOLDER / "status.css").read_text(encoding="utf-8")
_pages = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)

SAID: Mapping[str, str] = {
    "ok": "All is well.",
    "attention": "It serves, and something wants your attention.",
    "down": "There are no prices to serve.",
}
_EXCLUDED_SHOWN = 6


def page(found: Mapping[str, Any], home: str, *, refreshing: bool) -> bytes:
    """The page of a status; `refreshing` says that the browser asks again by itself."""
    made = _pages.get_template("status.html").render(
        style=Markup(_STYLE),  # noqa: S704 - our own file
        found=found,
        verdict=SAID[found["verdict"]],
        sources=[_source(one) for one in found["sources"]],
        home=home,
        refreshing=refreshing,
        every=REFRESH,
        ago=ago,
        span=span,
        clock=clock,
    )
    return made.encode()


def policy() -> str:
    """The page's Content-Security-Policy: its own style, nothing else, framed by nobody."""
    return headers.policy([headers.source(_STYLE)], (), script=False)


def ago(seconds: float | None) -> str:
    """An age as people say it."""
    return "never" if seconds is None else f"{span(max(seconds, 0.0))} ago"


def clock(moment: str | None) -> str:
    """The time of day of a moment, in UTC."""
    return "—" if moment is None else moment[11:19]


def _source(one: Mapping[str, Any]) -> dict[str, Any]:
    """A source with what a line of the table says of it."""
    return {
        **one,
        "latency_text": _latency(one["latency"]),
        "rooms": [_room(room) for room in one["budget"]],
        "left_out": _left_out(one["excluded"], one["excluded_count"]),
    }


def _latency(seconds: float | None) -> str:
    if seconds is None:
        return "—"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _room(room: Mapping[str, Any]) -> dict[str, Any]:
    return {"text": f"{room['left']:,.0f} of {room['units']:,.0f} in {window(room['per'])}", **room}


def window(seconds: float) -> str:
    """The length of a quota's window: "1 s", "1 min", "1 h", "30 days"."""
    for unit, length in (("day", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= length:
            count = seconds / length
            return f"{count:g} {unit}{'s' if unit == 'day' and count != 1 else ''}"
    return f"{seconds:g} s"


def _left_out(excluded: Sequence[Mapping[str, Any]], count: int) -> list[str]:
    """The coins a source does not count for, by reason."""
    by_reason: dict[str, list[str]] = {}
    for one in excluded:
        by_reason.setdefault(one["reason"], []).append(one["coin"])
    found = []
    for reason, coins in by_reason.items():
        more = f" and {len(coins) - _EXCLUDED_SHOWN} more" if len(coins) > _EXCLUDED_SHOWN else ""
        why = next((text for code, text in REASONS.items() if code == reason), reason)
        found.append(f"{', '.join(coins[:_EXCLUDED_SHOWN])}{more}: {why}")
    if count > len(excluded):
        found.append(f"and {count - len(excluded)} more")
    return found
