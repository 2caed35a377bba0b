"""Bitstamp v2 `/ticker/`: strings, percent, unix seconds per row; perpetuals stand among the spot markets."""

from ticker.simulate.dialects.wire import Ask, Dialect, Reply, View, currency_after, reply, rounded, text
from ticker.simulate.market import Tick


def _encode(view: View, _: Ask) -> Reply:
    spot = [_row(tick) for tick in view.ticks]
    return reply([*spot, *(_perpetual(tick) for tick in view.ticks if tick.coin == "bitcoin")])


def _row(tick: Tick) -> dict[str, object]:
    day = tick.day
    return {
        "timestamp": str(int(tick.at)),
        "open": text(tick.today.open),
        "high": text(day.high),
        "low": text(day.low),
        "last": text(tick.price),
        "volume": text(rounded(day.volume, 8)),
        "vwap": text(day.average),
        "bid": text(tick.bid),
        "ask": text(tick.ask),
        "side": "0",
        "open_24": text(day.open),
        "percent_change_24": text(rounded(tick.change_24h, 2)),
        "market_type": "SPOT",
        "pair": tick.id,
        "market": tick.id,
    }


def _perpetual(tick: Tick) -> dict[str, object]:
    """A derivative, no price of the coin: at twice its price, so that whoever takes it for one is seen to."""
    return _row(tick) | {
        "last": text(tick.price * 2),
        "market_type": "PERPETUAL",
        "pair": f"{tick.id}-PERP",
        "market": f"{tick.id}-PERP",
        "index_price": text(tick.price),
        "mark_price": text(tick.price),
        "open_interest": "66.98297",
        "open_interest_value": "5173637.6974705640488",
    }


DIALECT = Dialect("bitstamp", "/api/v2/ticker/", currency_after("/"), _encode)
