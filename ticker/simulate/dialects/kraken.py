"""Kraken's public Ticker: strings in short arrays, errors with HTTP 200, neither times nor a 24-hour change."""

from decimal import Decimal

from ticker.simulate.dialects.wire import Ask, Dialect, Reply, View, currency_after, reply, rounded, text
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


DIALECT = Dialect("kraken", "/0/public/Ticker", currency_after("/"), _encode)
