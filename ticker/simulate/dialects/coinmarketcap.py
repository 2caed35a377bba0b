"""CoinMarketCap's `/v1/cryptocurrency/quotes/latest`: a key in a header, an object by id, percent, ISO times."""

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

_KEY_HEADER = "x-cmc_pro_api_key"
_MISSING_KEY = 1002


def _encode(view: View, ask: Ask) -> Reply:
    if not ask.headers.get(_KEY_HEADER):
        return _refused(view, 401, _MISSING_KEY, "API key missing.")
    if not ask.query.get("id"):
        return _refused(view, 400, 400, '"value" must contain at least one of [id, slug, symbol]')
    if ask.query.get("convert", "USD") != "USD":
        return _refused(view, 400, 400, 'Invalid value for "convert" in the simulation: USD only')
    ids = ask.query["id"].split(",")
    rows = {tick.id: _row(rank, tick) for rank, tick in ranked(view.ticks)}
    unknown = [one for one in ids if one not in rows]
    if unknown and ask.query.get("skip_invalid") != "true":
        return _refused(view, 400, 400, f'Invalid value for "id": "{unknown[0]}"')
    status = _status(view, 0, None, cost=-(-len(ids) // 100))
    return reply({"status": status, "data": {one: rows[one] for one in ids if one in rows}})


def _status(view: View, code: int, message: str | None, *, cost: int = 0) -> dict[str, object]:
    return {
        "timestamp": iso(view.at),
        "error_code": code,
        "error_message": message,
        "elapsed": 21,
        "credit_count": cost,
        "notice": None,
    }


def _refused(view: View, http: int, code: int, message: str) -> Reply:
    return reply({"status": _status(view, code, message)}, http)


def _row(rank: int, tick: Tick) -> dict[str, object]:
    supply, updated = number(trimmed(tick.supply)), iso(tick.at)
    quote = {
        "price": number(tick.price),
        "volume_24h": number(rounded(tick.day.turnover, 8)),
        "volume_change_24h": number(Decimal("-23.4316")),
        "percent_change_1h": number(rounded(tick.change_1h, 8)),
        "percent_change_24h": number(rounded(tick.change_24h, 8)),
        "percent_change_7d": number(rounded(tick.change_7d, 8)),
        "percent_change_30d": number(rounded(tick.change_7d, 8)),
        "percent_change_60d": number(rounded(tick.change_7d, 8)),
        "percent_change_90d": number(rounded(tick.change_7d, 8)),
        "market_cap": number(rounded(tick.market_cap, 4)),
        "market_cap_dominance": number(Decimal("1.7")),
        "fully_diluted_market_cap": number(rounded(tick.market_cap, 2)),
        "last_updated": updated,
    }
    return {
        "id": int(tick.id),
        "name": tick.name,
        "symbol": tick.symbol,
        "slug": tick.coin,
        "num_market_pairs": 42,
        "date_added": "2013-04-28T00:00:00.000Z",
        "tags": ["simulated"],
        "max_supply": None if rank % 2 else supply,
        "circulating_supply": supply,
        "total_supply": supply,
        "platform": None,
        "cmc_rank": rank,
        "self_reported_circulating_supply": None,
        "self_reported_market_cap": None,
        "last_updated": updated,
        "quote": {"USD": quote},
    }


DIALECT = Dialect("coinmarketcap", "/v1/cryptocurrency/quotes/latest", dollars, _encode, refresh=60.0)
