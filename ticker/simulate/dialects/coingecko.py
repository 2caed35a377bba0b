"""CoinGecko's `/coins/markets`: JSON numbers, percent, ISO times per coin, a cache of a minute."""

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
    significant,
    trimmed,
    whole,
)
from ticker.simulate.market import Tick

_LONGEST_PAGE = 250
_WHOLE_DOLLARS = 4  # digits after the first, before the point


def _encode(view: View, ask: Ask) -> Reply:
    if "vs_currency" not in ask.query:
        return reply({"error": "Missing parameter vs_currency"}, 422)
    if ask.query["vs_currency"].lower() != "usd":
        return reply({"error": "invalid vs_currency"}, 422)
    ids = {one.strip() for one in ask.query.get("ids", "").split(",") if one.strip()}
    rows = [(rank, tick) for rank, tick in ranked(view.ticks) if not ids or tick.id in ids]
    size = min(whole(ask.query.get("per_page"), 100), _LONGEST_PAGE)
    start = size * (max(whole(ask.query.get("page"), 1), 1) - 1)
    spans = [one.strip() for one in ask.query.get("price_change_percentage", "").split(",")]
    drawn = ask.query.get("sparkline", "false").lower() == "true"
    return reply([_row(rank, tick, spans, drawn) for rank, tick in rows[start : start + size]])


def _row(rank: int, tick: Tick, spans: list[str], drawn: bool) -> dict[str, object]:
    cap, supply = rounded(tick.market_cap, 0), trimmed(tick.supply)
    moved = tick.price - tick.day.open
    top, bottom = tick.day.high * 2, tick.day.low / 10
    row: dict[str, object] = {
        "id": tick.id,
        "symbol": tick.symbol.lower(),
        "name": tick.name,
        "image": f"https://coin-images.coingecko.com/coins/images/1/large/{tick.id}.png?1696501400",
        "current_price": number(_price(tick.price)),
        "market_cap": number(cap),
        "market_cap_rank": rank,
        "fully_diluted_valuation": number(cap),
        "total_volume": number(rounded(tick.day.turnover, 0)),
        "high_24h": number(_price(tick.day.high)),
        "low_24h": number(_price(tick.day.low)),
        "price_change_24h": number(moved),
        "price_change_percentage_24h": number(rounded(tick.change_24h, 5)),
        "market_cap_change_24h": number(rounded(moved * tick.supply, 6)),
        "market_cap_change_percentage_24h": number(rounded(tick.change_24h, 5)),
        "circulating_supply": number(supply + Decimal("0.0")),
        "total_supply": number(supply + Decimal("0.0")),
        "max_supply": None if rank % 2 else number(supply + Decimal("0.0")),
        "ath": number(_price(top)),
        "ath_change_percentage": number(Decimal("-50.12345")),
        "ath_date": "2025-10-06T18:57:42.558Z",
        "atl": number(_price(bottom)),
        "atl_change_percentage": number(Decimal("912.34567")),
        "atl_date": "2013-07-06T00:00:00.000Z",
        "roi": None,
        "last_updated": iso(tick.at),
        "market_cap_rank_with_rehypothecated": rank,
    }
    if drawn:
        row["sparkline_in_7d"] = {"price": [number(one) for one in tick.hours()]}
    changes = {"1h": tick.change_1h, "24h": tick.change_24h, "7d": tick.change_7d}
    row |= {
        f"price_change_percentage_{span}_in_currency": number(rounded(change, 16))
        for span, change in changes.items()
        if span in spans
    }
    return row


def _price(value: Decimal) -> Decimal:
    """Whole dollars from ten thousand up, else six digits that count; zeros at the end are not sent."""
    return rounded(value, 0) if value.adjusted() >= _WHOLE_DOLLARS else trimmed(significant(value, 6))


DIALECT = Dialect("coingecko", "/api/v3/coins/markets", dollars, _encode, refresh=60.0)
