"""OKX v5 `/market/tickers`: everything a string, times in milliseconds per row, the open of 24 hours, no change."""

from ticker.simulate.dialects.wire import (
    Ask,
    Dialect,
    Reply,
    View,
    currency_after,
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


DIALECT = Dialect("okx", "/api/v5/market/tickers", currency_after("-"), _encode)
