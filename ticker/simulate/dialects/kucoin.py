"""KuCoin's `allTickers`: strings, the change as a fraction, one time in milliseconds for the whole answer."""

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


def _encode(view: View, _: Ask) -> Reply:
    return reply({"code": "200000", "data": {"time": unix_ms(view.at), "ticker": [_row(tick) for tick in view.ticks]}})


def _row(tick: Tick) -> dict[str, object]:
    day = tick.day
    return {
        "symbol": tick.id,
        "symbolName": tick.id,
        "buy": text(trimmed(tick.bid)),
        "sell": text(trimmed(tick.ask)),
        "bestBidSize": text(trimmed(rounded(day.volume / 4_000, 6))),
        "bestAskSize": text(trimmed(rounded(day.volume / 5_000, 6))),
        "changeRate": text(rounded(tick.change_24h / 100, 4)),
        "changePrice": text(trimmed(tick.price - day.open)),
        "high": text(trimmed(day.high)),
        "low": text(trimmed(day.low)),
        "vol": text(rounded(day.volume, 8)),
        "volValue": text(day.turnover),
        "last": text(trimmed(tick.price)),
        "averagePrice": text(trimmed(day.average)),
        "takerFeeRate": "0.001",
        "makerFeeRate": "0.001",
        "takerCoefficient": "1",
        "makerCoefficient": "1",
    }


DIALECT = Dialect("kucoin", "/api/v1/market/allTickers", currency_after("-"), _encode)
