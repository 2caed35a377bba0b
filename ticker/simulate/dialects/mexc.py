"""MEXC's `/api/v3/ticker/24hr`: Binance's shape, but the change is a fraction, counts are null, sizes may be ""."""

from ticker.simulate.dialects.wire import (
    Ask,
    Dialect,
    Reply,
    View,
    reply,
    rounded,
    stablecoin_at_end,
    text,
    trimmed,
    unix_ms,
)
from ticker.simulate.market import Tick

_SHORT_WINDOW = 9.6


def _encode(view: View, _: Ask) -> Reply:
    return reply([_row(tick) for tick in view.ticks])


def _row(tick: Tick) -> dict[str, object]:
    day = tick.day
    return {
        "symbol": tick.id,
        "priceChange": text(trimmed(tick.price - day.open)),
        "priceChangePercent": text(rounded(tick.change_24h / 100, 4)),
        "prevClosePrice": text(trimmed(day.open)),
        "lastPrice": text(trimmed(tick.price)),
        "bidPrice": text(trimmed(tick.bid)),
        "bidQty": "",
        "askPrice": text(trimmed(tick.ask)),
        "askQty": text(trimmed(rounded(day.volume / 5_000, 8))),
        "openPrice": text(trimmed(day.open)),
        "highPrice": text(trimmed(day.high)),
        "lowPrice": text(trimmed(day.low)),
        "volume": text(trimmed(rounded(day.volume, 8))),
        "quoteVolume": text(trimmed(day.turnover)),
        "openTime": unix_ms(tick.at - _SHORT_WINDOW),  # recorded rows open and close seconds apart
        "closeTime": unix_ms(tick.at),
        "count": None,
    }


DIALECT = Dialect("mexc", "/api/v3/ticker/24hr", stablecoin_at_end, _encode)
