"""Binance's `/api/v3/ticker/24hr`: strings, percent, milliseconds per row; a delisted market stays with zeros."""

import msgspec

from ticker.simulate.dialects.wire import Ask, Dialect, Reply, View, reply, rounded, stablecoin_at_end, text, unix_ms
from ticker.simulate.market import DAY, Tick

_ZERO = "0.00000000"
_LEAST_PLACES = 8


def _encode(view: View, ask: Ask) -> Reply:
    rows = {tick.id: _row(tick) for tick in view.ticks}
    if "symbols" not in ask.query:
        return reply([*rows.values(), _delisted(view)])
    try:
        asked = msgspec.json.decode(ask.query["symbols"], type=list[str])
    except msgspec.DecodeError:
        return reply({"code": -1100, "msg": "Illegal characters found in parameter 'symbols'."}, 400)
    if any(one not in rows for one in asked):
        return reply({"code": -1121, "msg": "Invalid symbol."}, 400)
    return reply([rows[one] for one in asked])


def _row(tick: Tick) -> dict[str, object]:
    day = tick.day
    places = max(_LEAST_PLACES, -int(tick.step.as_tuple().exponent))
    prices = {
        "priceChange": tick.price - day.open,
        "weightedAvgPrice": day.average,
        "prevClosePrice": day.open,
        "lastPrice": tick.price,
        "bidPrice": tick.bid,
        "askPrice": tick.ask,
        "openPrice": day.open,
        "highPrice": day.high,
        "lowPrice": day.low,
    }
    price = {name: text(rounded(value, places)) for name, value in prices.items()}
    first = 898_474
    return {
        "symbol": tick.id,
        "priceChange": price["priceChange"],
        "priceChangePercent": text(rounded(tick.change_24h, 3)),
        "weightedAvgPrice": price["weightedAvgPrice"],
        "prevClosePrice": price["prevClosePrice"],
        "lastPrice": price["lastPrice"],
        "lastQty": text(rounded(day.volume / 20_000, 8)),
        "bidPrice": price["bidPrice"],
        "bidQty": text(rounded(day.volume / 4_000, 8)),
        "askPrice": price["askPrice"],
        "askQty": text(rounded(day.volume / 5_000, 8)),
        "openPrice": price["openPrice"],
        "highPrice": price["highPrice"],
        "lowPrice": price["lowPrice"],
        "volume": text(rounded(day.volume, 8)),
        "quoteVolume": text(day.turnover),
        "openTime": unix_ms(tick.at - DAY),
        "closeTime": unix_ms(tick.at),
        "firstId": first,
        "lastId": first + day.trades - 1,
        "count": day.trades,
    }


def _delisted(view: View) -> dict[str, object]:
    prices = "weightedAvgPrice prevClosePrice lastPrice lastQty bidPrice bidQty askPrice askQty"
    names = f"{prices} openPrice highPrice lowPrice volume quoteVolume"
    return {
        "symbol": "BCCUSDT",
        "priceChange": _ZERO,
        "priceChangePercent": "0.000",
        **dict.fromkeys(names.split(), _ZERO),
        "openTime": unix_ms(view.at - 31 * DAY),
        "closeTime": unix_ms(view.at - 30 * DAY),
        "firstId": -1,
        "lastId": -1,
        "count": 0,
    }


DIALECT = Dialect("binance", "/api/v3/ticker/24hr", stablecoin_at_end, _encode)
