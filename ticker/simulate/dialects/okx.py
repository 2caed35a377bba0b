"""OKX v5 `/market/tickers`: everything a string, times in milliseconds per row, the open of 24 hours, no change.

Its stream has the same rows in an envelope that names the channel, and answers the text "ping".
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from msgspec import json

from ticker.simulate.dialects.wire import (
    Ask,
    Dialect,
    Heard,
    Live,
    Reply,
    View,
    currency_after,
    message_of,
    reply,
    rounded,
    text,
    trimmed,
    unix_ms,
)
from ticker.simulate.market import Tick


def _encode(view: View, ask: Ask) -> Reply:
    kind = ask.query.get("instType", "")
    if not kind:
        return reply({"msg": "Parameter instType can not be empty", "code": "50014", "data": []}, 400)
    return reply({"code": "0", "msg": "", "data": [_row(tick) for tick in view.ticks] if kind == "SPOT" else []})


def _row(tick: Tick) -> dict[str, object]:
    day = tick.day
    return {
        "instType": "SPOT",
        "instId": tick.id,
        "last": text(trimmed(tick.price)),
        "lastSz": text(rounded(day.volume / 20_000, 8)),
        "askPx": text(trimmed(tick.ask)),
        "askSz": text(rounded(day.volume / 5_000, 8)),
        "bidPx": text(trimmed(tick.bid)),
        "bidSz": text(rounded(day.volume / 4_000, 8)),
        "open24h": text(trimmed(day.open)),
        "high24h": text(trimmed(day.high)),
        "low24h": text(trimmed(day.low)),
        "volCcy24h": text(day.turnover),
        "vol24h": text(rounded(day.volume, 8)),
        "ts": str(unix_ms(tick.at)),
        "sodUtc0": text(trimmed(tick.today.open)),
        "sodUtc8": text(trimmed(tick.open_utc8)),
    }


_CONNECTION = "a4d3ae55"


def _hear(said: str, known: AbstractSet[str], _: Sequence[str], __: float) -> Heard:
    if said == "ping":
        return Heard(replies=[b"pong"])
    message = message_of(said)
    if message.get("op") != "subscribe":
        error = {"event": "error", "code": "60012", "msg": f"Invalid request: {said}", "connId": _CONNECTION}
        return Heard(replies=[json.encode(error)])
    wanted = [one.get("instId", "") for one in message.get("args", ()) if one.get("channel") == "tickers"]
    return Heard([one for one in wanted if one in known], [_acknowledged(one, one in known) for one in wanted])


def _acknowledged(one: str, is_known: bool) -> bytes:
    if is_known:
        arg = {"channel": "tickers", "instId": one}
        return json.encode({"event": "subscribe", "arg": arg, "connId": _CONNECTION})
    msg = f"Wrong URL or channel:tickers,instId:{one} doesn't exist."
    return json.encode({"event": "error", "code": "60018", "msg": msg, "connId": _CONNECTION})


def _tell(tick: Tick, _: bool, __: int) -> bytes:
    return json.encode({"arg": {"channel": "tickers", "instId": tick.id}, "data": [_row(tick)]})


def _beat(_: Sequence[str], __: float, ___: int) -> Sequence[bytes]:
    return ()


_LIVE = Live(path="/ws/v5/public", greet=(), hear=_hear, tell=_tell, beat=_beat)

DIALECT = Dialect("okx", "/api/v5/market/tickers", currency_after("-"), _encode, live=_LIVE)
