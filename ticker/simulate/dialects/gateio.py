"""Gate.io v4 `/spot/tickers`: strings, percent, no times; leveraged tokens stand among the coins with more fields."""

from ticker.simulate.dialects.wire import Ask, Dialect, Reply, View, currency_after, reply, rounded, text, trimmed
from ticker.simulate.market import Tick

_LEVERAGED: dict[str, object] = {
    "currency_pair": "SUSHI3L_USDT",
    "last": "0.00113",
    "lowest_ask": "0.001127",
    "highest_bid": "0.001124",
    "change_percentage": "-8.27",
    "base_volume": "10218896.34",
    "quote_volume": "11910.21673754",
    "high_24h": "0.001256",
    "low_24h": "0.001104",
    "etf_net_value": "0.00113387",
    "etf_pre_net_value": "0.00115756",
    "etf_pre_timestamp": 1775404800,
    "etf_leverage": "3.041778253883235",
}


def _encode(view: View, ask: Ask) -> Reply:
    asked = ask.query.get("currency_pair")
    rows = [*map(_row, view.ticks), _LEVERAGED]
    return reply([row for row in rows if asked in (None, row["currency_pair"])])


def _row(tick: Tick) -> dict[str, object]:
    day = tick.day
    return {
        "currency_pair": tick.id,
        "last": text(trimmed(tick.price)),
        "lowest_ask": text(trimmed(tick.ask)),
        "highest_bid": text(trimmed(tick.bid)),
        "change_percentage": text(rounded(tick.change_24h, 2)),
        "base_volume": text(trimmed(rounded(day.volume, 8))),
        "quote_volume": text(trimmed(day.turnover)),
        "high_24h": text(trimmed(day.high)),
        "low_24h": text(trimmed(day.low)),
    }


DIALECT = Dialect("gateio", "/api/v4/spot/tickers", currency_after("_"), _encode)
