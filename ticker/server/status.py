"""How the whole service stands, as JSON: what the poller reports, what the prices say, what this server sees. Pure.

One shape for `/v1/status`, the page, and `ticker status`. Knows neither HTTP nor the store.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ticker.alerts import listed
from ticker.bulletin import Bulletin, ConfigStanding, SourceStanding
from ticker.model import Coin, Price, Snapshot
from ticker.server.views import iso
from ticker.skew import ALARM

_TIMES = frozenset(
    [
        "at",
        "since",
        "told_at",
        "clear_since",
        "loaded_at",
        "answered_at",
        "breaker_until",
        "next_turn",
        "last_at",
        "last_message_at",
    ]
)

VERDICTS = ("ok", "attention", "down")
PROBLEMS: Mapping[str, str] = {
    "no_prices": "No prices have been settled yet.",
    "no_source": "No source answers.",
    "poller_silent": "No poller reports: prices grow old until one runs.",
    "store_down": "The store does not answer this server; it shows what it has, with its age.",
    "nothing_live": "No price is live or delayed any more.",
    "clock_wrong": "The clock of the machine that polls is wrong: prices may be refused, and no age is certain.",
    "config_refused": "A configuration was refused; the last good one stays.",
    "source_down": "Down for long: {}.",
    "one_source": "One source left: {}.",
}


@dataclass(frozen=True, slots=True)
class ServerStanding:
    """What the server that answers says of itself. `trouble` is whether the store does not answer it."""

    instance: str
    ticker: str
    started_at: float
    viewers: int
    streams: int
    variants: int
    requests: int
    trouble: bool
    config: ConfigStanding


def status(
    bulletin: Bulletin | None, snapshot: Snapshot | None, now: float, server: ServerStanding | None = None
) -> dict[str, Any]:
    """All of it at `now`. Without a `server` it is what the store says alone."""
    config = _config(bulletin, server)
    problems = _problems(bulletin, snapshot, now, server, config)
    verdict = "down" if {"no_source", "no_prices"} & set(problems) else "attention" if problems else "ok"
    return {
        "version": 1,
        "at": iso(now),
        "verdict": verdict,
        "problems": [{"code": code, "text": PROBLEMS[code].format(_subjects(bulletin, code))} for code in problems],
        "server": None if server is None else _server(server, now),
        "poller": None if bulletin is None else _poller(bulletin, now),
        "config": _plain(config),
        "snapshot": None if snapshot is None else _snapshot(snapshot, now),
        "sources": [] if bulletin is None else [_source(one, now) for one in bulletin.sources],
        "off": {} if bulletin is None else dict(bulletin.off),
        "coins": [] if snapshot is None else [_coin(*pair, now) for pair in snapshot.by_coin().values()],
        "alerts": [] if bulletin is None else [_plain(one) for one in bulletin.alerts if one.told_at is not None],
    }


def _problems(
    bulletin: Bulletin | None,
    snapshot: Snapshot | None,
    now: float,
    server: ServerStanding | None,
    config: ConfigStanding,
) -> list[str]:
    """What wants somebody's attention, worst first: what alerts tell of, and what no alert could."""
    told = set() if bulletin is None else {one.kind for one in bulletin.alerts if one.told_at is not None}
    alive = bulletin is not None and not bulletin.gone(now)
    polled = [] if bulletin is None else [one for one in bulletin.sources if one.prices == "coins"]
    fresh = snapshot is not None and any(one.freshness(now) in ("live", "delayed") for one in snapshot.prices)
    is_so = {
        "no_prices": snapshot is None,
        "no_source": alive and bool(polled) and all(one.condition == "down" for one in polled),
        "poller_silent": not alive,
        "store_down": server is not None and server.trouble,
        "nothing_live": snapshot is not None and not fresh,
        "clock_wrong": alive and bulletin is not None and abs(bulletin.clock_offset or 0.0) > ALARM,
        "config_refused": config.refused is not None,
        "source_down": "source_down" in told,
        "one_source": "one_source" in told,
    }
    return [code for code, so in is_so.items() if so]


def _subjects(bulletin: Bulletin | None, code: str) -> str:
    """The sources or coins that ops were told of."""
    alerts = () if bulletin is None else bulletin.alerts
    return listed([one.subject for one in alerts if one.kind == code and one.told_at is not None])


def _config(bulletin: Bulletin | None, server: ServerStanding | None) -> ConfigStanding:
    """That of the poller, which makes the prices; a refusal counts wherever it was."""
    if bulletin is None:
        return ConfigStanding() if server is None else server.config
    if server is not None and bulletin.config.refused is None and server.config.refused is not None:
        return msgspec.structs.replace(bulletin.config, refused=server.config.refused)
    return bulletin.config


def _server(server: ServerStanding, now: float) -> dict[str, Any]:
    return {
        "instance": server.instance,
        "ticker": server.ticker,
        "started_at": iso(server.started_at),
        "uptime": _seconds(now - server.started_at),
        "viewers": server.viewers,
        "streams": server.streams,
        "variants": server.variants,
        "requests": server.requests,
        "store": "down" if server.trouble else "up",
        "config": server.config.version,
    }


def _poller(bulletin: Bulletin, now: float) -> dict[str, Any]:
    return {
        "instance": bulletin.instance,
        "ticker": bulletin.ticker,
        "started_at": iso(bulletin.started_at),
        "at": iso(bulletin.at),
        "age": _seconds(now - bulletin.at),
        "gone": bulletin.gone(now),
        "rounds": _plain(bulletin.rounds),
        "late_turns": bulletin.late_turns,
        "clock_steps": bulletin.clock_steps,
        "clock_offset": bulletin.clock_offset,
        "store_errors": bulletin.store_errors,
    }


def _snapshot(snapshot: Snapshot, now: float) -> dict[str, Any]:
    return {
        "id": snapshot.id,
        "built_at": iso(snapshot.built_at),
        "age": _seconds(now - snapshot.built_at),
        "config": snapshot.config,
        "simulated": snapshot.simulated,
    }


def _source(one: SourceStanding, now: float) -> dict[str, Any]:
    values: dict[str, Any] = _plain(one)
    values["age"] = None if one.answered_at is None else _seconds(now - one.answered_at)
    return values


def _coin(coin: Coin, price: Price, now: float) -> dict[str, Any]:
    return {
        "id": coin.id,
        "name": coin.name,
        "symbol": coin.symbol,
        "freshness": price.freshness(now),
        "agreement": price.agreement,
        "used": price.used,
        "total": price.total,
        "as_of": iso(price.as_of),
        "age": None if price.as_of is None else _seconds(now - price.as_of),
        "one_source": price.agreement == "single",
    }


def _plain(value: object) -> dict[str, Any]:
    """A struct as JSON, its moments as ISO 8601."""
    return {name: _dated(name, one) for name, one in msgspec.to_builtins(value).items()}


def _dated(name: str, value: object) -> object:
    if isinstance(value, dict):
        return {inner: _dated(inner, one) for inner, one in value.items()}
    if isinstance(value, list | tuple):
        return [_dated("", one) for one in value]
    return iso(value) if name in _TIMES and isinstance(value, int | float) else value


def _seconds(value: float) -> float:
    return round(value, 1)
