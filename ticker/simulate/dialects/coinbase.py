"""Coinbase Exchange's bulk `/products/stats`: strings two levels deep by product, no times, no change but the open."""

from ticker.simulate.dialects.wire import Ask, Dialect, Reply, View, currency_after, reply, rounded, text, trimmed
from ticker.simulate.market import Tick


def _encode(view: View, _: Ask) -> Reply:
    return reply({tick.id: _product(tick) for tick in view.ticks})


def _product(tick: Tick) -> dict[str, object]:
    day = tick.day
    return {
        "stats_30day": {
            "volume": text(trimmed(rounded(day.volume * 30, 8))),
            "rfq_volume": text(rounded(day.volume * 30 / 500, 6)),
        },
        "stats_24hour": {
            "open": text(trimmed(day.open)),
            "high": text(trimmed(day.high)),
            "low": text(trimmed(day.low)),
            "last": text(trimmed(tick.price)),
            "volume": text(trimmed(rounded(day.volume, 8))),
            "rfq_volume": text(rounded(day.volume / 500, 6)),
        },
    }


DIALECT = Dialect("coinbase", "/products/stats", currency_after("-"), _encode, refresh=5.0)
