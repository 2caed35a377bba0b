"""CoinLore's `/api/tickers/`: strings but for the volumes, percent, one time in unix seconds for the whole answer."""

from decimal import Decimal

from ticker.simulate.dialects.wire import (
    Ask,
    Dialect,
    Reply,
    View,
    dollars,
    number,
    ranked,
    reply,
    rounded,
    significant,
    text,
    whole,
)
from ticker.simulate.market import Tick

_LONGEST_PAGE = 100


def _encode(view: View, ask: Ask) -> Reply:
    start = whole(ask.query.get("start"), 0)
    size = min(whole(ask.query.get("limit"), _LONGEST_PAGE), _LONGEST_PAGE)
    rows = [_row(rank, tick) for rank, tick in ranked(view.ticks)]
    return reply(
        {"data": rows[start : start + size], "info": {"coins_num": len(rows), "time": int(view.at)}},
    )


def _row(rank: int, tick: Tick) -> dict[str, object]:
    return {
        "id": tick.id,
        "symbol": tick.symbol,
        "name": tick.name,
        "nameid": tick.coin,
        "rank": rank,
        "price_usd": text(significant(tick.price, 6, least=2)),
        "percent_change_24h": text(rounded(tick.change_24h, 2)),
        "percent_change_1h": text(rounded(tick.change_1h, 2)),
        "percent_change_7d": text(rounded(tick.change_7d, 2)),
        "price_btc": "1.00" if tick.coin == "bitcoin" else str(significant(tick.price / 64250, 3)),
        "market_cap_usd": text(rounded(tick.market_cap, 2)),
        "volume24": number(rounded(tick.day.turnover, 4)),
        "volume24a": number(rounded(tick.day.turnover * Decimal("0.83"), 4)),
        "csupply": text(rounded(tick.supply, 2)),
        "tsupply": text(tick.supply),
        "msupply": "" if rank % 2 else text(tick.supply),
    }


DIALECT = Dialect("coinlore", "/api/tickers/", dollars, _encode, refresh=60.0)
