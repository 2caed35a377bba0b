"""CoinPaprika's `/v1/tickers`: every coin, JSON numbers, percent, ISO times to the second, a cache of a minute."""

from decimal import Decimal

from ticker.simulate.dialects.wire import (
    Ask,
    Dialect,
    Reply,
    View,
    dollars,
    iso,
    number,
    ranked,
    reply,
    rounded,
    trimmed,
)
from ticker.simulate.market import Tick


def _encode(view: View, ask: Ask) -> Reply:
    if "USD" not in ask.query.get("quotes", "USD").upper().split(","):
        return reply({"error": "quotes not supported by the simulation"}, 400)
    return reply([_row(rank, tick) for rank, tick in ranked(view.ticks)])


def _row(rank: int, tick: Tick) -> dict[str, object]:
    supply = number(trimmed(tick.supply))
    day = rounded(tick.change_24h, 2)
    dollars_row: dict[str, object] = {
        "price": number(tick.price),
        "volume_24h": number(rounded(tick.day.turnover, 6)),
        "volume_24h_change_24h": number(Decimal("-7.79")),
        "market_cap": number(rounded(tick.market_cap, 0)),
        "market_cap_change_24h": number(day),
        "percent_change_15m": number(rounded(tick.change_1h / 4, 2)),
        "percent_change_30m": number(rounded(tick.change_1h / 2, 2)),
        "percent_change_1h": number(rounded(tick.change_1h, 2)),
        "percent_change_6h": number(rounded(tick.change_24h / 4, 2)),
        "percent_change_12h": number(rounded(tick.change_24h / 2, 2)),
        "percent_change_24h": number(day),
        "percent_change_7d": number(rounded(tick.change_7d, 2)),
        "percent_change_30d": number(rounded(tick.change_7d, 2)),
        "percent_change_1y": number(rounded(tick.change_7d, 2)),
        "ath_price": number(tick.day.high * 2),
        "ath_date": "2025-10-06T18:57:42Z",
        "percent_from_price_ath": number(Decimal("-50.12")),
    }
    return {
        "id": tick.id,
        "name": tick.name,
        "symbol": tick.symbol,
        "rank": rank,
        "circulating_supply": supply,
        "total_supply": supply,
        "max_supply": supply,
        "beta_value": number(Decimal("0.936516")),
        "first_data_at": "2010-07-17T00:00:00Z",
        "last_updated": iso(tick.at, milliseconds=False),
        "quotes": {"USD": dollars_row},
    }


DIALECT = Dialect("coinpaprika", "/v1/tickers", dollars, _encode, refresh=60.0)
