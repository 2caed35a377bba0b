"""Bitfinex v2 `/tickers`: bare arrays of numbers, the change as a fraction, funding rows among the trading pairs."""

from decimal import Decimal

from ticker.simulate.dialects.wire import Ask, Dialect, Reply, View, number, reply, rounded, trimmed
from ticker.simulate.market import Tick

_CURRENCIES = {"USD": "usd", "UST": "tether", "UDC": "usd-coin"}
_FUNDING = ("fUSD", "fBTC")


def _currency_of(symbol: str) -> str:
    """Bitfinex writes Tether as UST and USD Coin as UDC."""
    found = _CURRENCIES.get(symbol[-3:]) if symbol.startswith("t") else None
    if found is None:
        raise ValueError(f"cannot tell the currency of market {symbol!r}")
    return found


def _encode(view: View, ask: Ask) -> Reply:
    asked = ask.query.get("symbols", "")
    if not asked:
        return reply(["error", 10020, "symbols: invalid"], 500)
    rows = {tick.id: _trading(tick) for tick in view.ticks} | {name: _funding(name) for name in _FUNDING}
    names = rows if asked == "ALL" else [one for one in asked.split(",") if one in rows]
    return reply([rows[name] for name in names])


def _trading(tick: Tick) -> list[object]:
    """[symbol, bid, its size, ask, its size, change, change as a fraction, last, volume, high, low]."""
    day = tick.day
    numbers = (
        tick.bid,
        rounded(day.volume / 4_000, 8),
        tick.ask,
        rounded(day.volume / 5_000, 8),
        tick.price - day.open,
        rounded(tick.change_24h / 100, 8),
        tick.price,
        rounded(day.volume, 8),
        day.high,
        day.low,
    )
    return [tick.id, *(number(trimmed(value)) for value in numbers)]


def _funding(symbol: str) -> list[object]:
    """[symbol, flash return rate, bid, its days and size, ask, its days and size, …], with two nulls."""
    numbers: list[object] = [
        number(Decimal(value))
        for value in (
            *("0.00044486027397260274", "0.000232", "30", "2253563.2095", "0.00026184", "2", "415829.708"),
            *("0.0000032", "0.012", "0.00027", "103814232.73", "0.0002989", "6.3e-7"),
        )
    ]
    return [symbol, *numbers, None, None, number(Decimal("6760518.21033489"))]


DIALECT = Dialect("bitfinex", "/v2/tickers", _currency_of, _encode)
