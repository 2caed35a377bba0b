"""HTX's `/market/tickers`: JSON numbers, lower-case markets, one time in milliseconds, the open, no change."""

from ticker.simulate.dialects.wire import (
    Ask,
    Dialect,
    Reply,
    View,
    number,
    reply,
    rounded,
    stablecoin_at_end,
    trimmed,
    unix_ms,
)
from ticker.simulate.market import Tick


def _encode(view: View, _: Ask) -> Reply:
    return reply({"status": "ok", "ts": unix_ms(view.at), "data": [_row(tick) for tick in view.ticks]})


def _row(tick: Tick) -> dict[str, object]:
    day = tick.day
    return {
        "symbol": tick.id,
        "open": number(trimmed(day.open)),
        "high": number(trimmed(day.high)),
        "low": number(trimmed(day.low)),
        "close": number(trimmed(tick.price)),
        "amount": number(trimmed(rounded(day.volume, 8))),
        "vol": number(trimmed(day.turnover)),
        "count": day.trades,
        "bid": number(trimmed(tick.bid)),
        "bidSize": number(trimmed(rounded(day.volume / 4_000, 8))),
        "ask": number(trimmed(tick.ask)),
        "askSize": number(trimmed(rounded(day.volume / 5_000, 8))),
    }


DIALECT = Dialect("htx", "/market/tickers", stablecoin_at_end, _encode)
