"""Kraken's public Ticker: strings in short arrays, errors with HTTP 200, neither times nor a 24-hour change.

Its stream (v2) is objects of bare numbers, with both.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal

from msgspec import json

from ticker.simulate.dialects.wire import (
    Ask,
    Dialect,
    Heard,
    Live,
    Reply,
    View,
    currency_after,
    iso_micro,
    message_of,
    number,
    reply,
    rounded,
    text,
    trimmed,
)
from ticker.simulate.market import Tick


def _encode(view: View, ask: Ask) -> Reply:
    markets = {tick.id: _market(tick) for tick in view.ticks}
    asked = [one for one in ask.query.get("pair", "").split(",") if one]
    if any(one not in markets for one in asked):
        return reply({"error": ["EQuery:Unknown asset pair"]})
    return reply({"error": [], "result": {one: markets[one] for one in asked} if asked else markets})


def _market(tick: Tick) -> dict[str, object]:
    today, day = tick.today, tick.day
    return {
        "a": [text(tick.ask), "1", "1.000"],
        "b": [text(tick.bid), "4", "4.000"],
        "c": [text(tick.price), text(_lot(day.volume / 10_000))],
        "v": [text(_lot(today.volume)), text(_lot(day.volume))],
        "p": [text(today.average), text(day.average)],
        "t": [today.trades, day.trades],
        "l": [text(today.low), text(day.low)],
        "h": [text(today.high), text(day.high)],
        "o": text(today.open),
    }


def _lot(value: Decimal) -> Decimal:
    return rounded(value, 8)


def _hear(said: str, known: AbstractSet[str], _: Sequence[str], at: float) -> Heard:
    message, times = message_of(said), {"time_in": iso_micro(at), "time_out": iso_micro(at)}
    if message.get("method") == "ping":
        return Heard(replies=[json.encode({"method": "pong", **times})])
    wanted = message.get("params", {})
    if message.get("method") != "subscribe" or wanted.get("channel") != "ticker":
        return Heard(replies=[json.encode({"error": "Malformed request", "success": False, **times})])
    replies: list[dict[str, object]] = []
    for one in wanted.get("symbol", ()):
        if one in known:
            result = {"channel": "ticker", "snapshot": True, "symbol": one}
            replies.append({"method": "subscribe", "result": result, "success": True, **times})
        else:
            error = f"Currency pair not supported {one}"
            replies.append({"error": error, "method": "subscribe", "success": False, "symbol": one, **times})
    ids = [one for one in wanted.get("symbol", ()) if one in known]
    return Heard(ids, [json.encode(one) for one in replies])


def _tell(tick: Tick, first: bool, _: int) -> bytes:
    day = tick.day
    ticker = {
        "symbol": tick.id,
        "bid": number(trimmed(tick.bid)),
        "bid_qty": number(_lot(day.volume / 5_000)),
        "ask": number(trimmed(tick.ask)),
        "ask_qty": number(_lot(day.volume / 4_000)),
        "last": number(trimmed(tick.price)),
        "volume": number(_lot(day.volume)),
        "vwap": number(trimmed(day.average)),
        "low": number(trimmed(day.low)),
        "high": number(trimmed(day.high)),
        "change": number(trimmed(tick.price - day.open)),
        "change_pct": number(rounded(tick.change_24h, 2)),
        "timestamp": iso_micro(tick.at),
    }
    return json.encode({"channel": "ticker", "type": "snapshot" if first else "update", "data": [ticker]})


def _beat(ids: Sequence[str], _: float, __: int) -> Sequence[bytes]:
    return [b'{"channel":"heartbeat"}'] if ids else []


_STATUS = {"version": "2.0.10", "system": "online", "api_version": "v2", "connection_id": 13_834_774_380_200_032_777}
_LIVE = Live(
    path="/v2",
    greet=[json.encode({"channel": "status", "type": "update", "data": [_STATUS]})],
    hear=_hear,
    tell=_tell,
    beat=_beat,
)

DIALECT = Dialect("kraken", "/0/public/Ticker", currency_after("/"), _encode, live=_LIVE)
