"""The bodies of the dialect at a moment. Pure.

CoinGecko's own keys and types: numbers are JSON numbers, written out to the last digit; what nobody knows is null. A
client of the dialect sees neither age nor agreement, so what we would have to mark elsewhere is not said here:

- a disputed price is null, though its last good one is known: nothing in the answer could say that it is not the price;
- a stale one is there with its `last_updated_at`, and its change of 24 hours is null, by which CoinGecko's own
  documentation has clients tell a stale price; once gone it is null as well.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

import msgspec
from msgspec.structs import replace

from ticker.conversion import convert, rate_of
from ticker.currencies import CURRENCIES
from ticker.model import Coin, CoinId, Freshness, Price, Snapshot
from ticker.server.dialect.asks import CoinList, Markets, SimplePrice
from ticker.server.views import iso

SAYS = "(V3) To the Moon!"  # some clients compare it
Sparks = Callable[[Coin], Sequence[Decimal]]
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)
_HUNDRED = Decimal(100)
_PERCENT_PLACES = 5
UNKNOWN = (  # of a row of `coins/markets`: what no source of ours tells
    "market_cap_rank",
    "fully_diluted_valuation",
    "market_cap_change_24h",
    "market_cap_change_percentage_24h",
    "circulating_supply",
    "total_supply",
    "max_supply",
    "ath",
    "ath_change_percentage",
    "ath_date",
    "atl",
    "atl_change_percentage",
    "atl_date",
    "roi",
)


def ping() -> bytes:
    """`ping`."""
    return msgspec.json.encode({"gecko_says": SAYS})


def currencies(snapshot: Snapshot) -> bytes:
    """`simple/supported_vs_currencies`: those that prices are counted in here, had at this moment or not."""
    coins = {coin.id for coin in snapshot.coins}
    rated = {rate.coin for rate in snapshot.rates}
    return msgspec.json.encode(
        [
            code
            for code, one in CURRENCIES.items()
            if one.sort == "dollar" or (code in rated if one.coin is None else one.coin in coins)
        ]
    )


def coin_list(snapshot: Snapshot, ask: CoinList) -> bytes:
    """`coins/list`, by id as over there."""
    coins = sorted(snapshot.coins, key=lambda coin: coin.id) if ask.active else []
    more: dict[str, Any] = {"platforms": {}} if ask.platforms else {}
    return msgspec.json.encode([{"id": c.id, "symbol": c.symbol.lower(), "name": c.name, **more} for c in coins])


def simple_price(snapshot: Snapshot, ask: SimplePrice, now: float) -> bytes:
    """`simple/price`. A coin that has gone from the list since it was asked for is left out."""
    there = snapshot.by_coin()
    coins = [(label, _needed(there[coin][1], ask)) for label, coin in ask.coins if coin in there]
    body: dict[str, dict[str, Any]] = {label: {} for label, _ in coins}
    for code in ask.currencies:
        rate = rate_of(snapshot, code)
        for label, dollars in coins:
            _simple(body[label], code, convert(dollars, rate), ask, now)
    if ask.updated_at:
        for label, dollars in coins:
            body[label]["last_updated_at"] = None if dollars.as_of is None else int(dollars.as_of)
    return msgspec.json.encode(body)


def _needed(price: Price, ask: SimplePrice) -> Price:
    """A price with what is asked for alone: there may be thousands of conversions in one answer."""
    return replace(
        price,
        confidence=None,
        change_1h=None,
        change_24h=price.change_24h if ask.change else None,
        change_7d=None,
        high_24h=None,
        low_24h=None,
        volume_24h=price.volume_24h if ask.volume else None,
        market_cap=price.market_cap if ask.market_cap else None,
    )


def _simple(into: dict[str, Any], code: str, price: Price, ask: SimplePrice, now: float) -> None:
    rung = _rung(price, now)
    gone = rung == "none"
    into[code] = None if gone else number(price.price, ask.places)
    if ask.market_cap:
        into[f"{code}_market_cap"] = None if gone else number(price.market_cap)
    if ask.volume:
        into[f"{code}_24h_vol"] = None if gone else number(price.volume_24h)
    if ask.change:
        into[f"{code}_24h_change"] = number(price.change_24h) if rung in ("live", "delayed") else None


def markets(snapshot: Snapshot, ask: Markets, now: float, origin: str, sparks: Sparks) -> bytes:
    """One page of `coins/markets`. `sparks` are hourly prices in dollars, so they are there for the dollar alone."""
    rate = rate_of(snapshot, ask.currency)
    if rate is not None:
        sparks = no_sparks
    page = _page(snapshot, ask)
    return msgspec.json.encode([_row(coin, convert(price, rate), ask, now, origin, sparks) for coin, price in page])


def no_sparks(_: Coin) -> Sequence[Decimal]:
    """Of no coin any."""
    return ()


def on_page(snapshot: Snapshot, ask: Markets) -> list[Coin]:
    """The coins of a page."""
    return [coin for coin, _ in _page(snapshot, ask)]


def _page(snapshot: Snapshot, ask: Markets) -> list[tuple[Coin, Price]]:
    there = snapshot.by_coin()
    chosen: Iterable[CoinId] = there if ask.coins is None else ask.coins
    pairs = sorted((there[coin] for coin in chosen if coin in there), key=lambda pair: pair[0].id)
    by, _, direction = ask.order.rpartition("_")
    if by == "id":
        pairs = pairs[:: -1 if direction == "desc" else 1]
    else:  # in dollars, so that the pages are the same in every currency; what is not known comes last either way
        sized = [
            (price.market_cap if by == "market_cap" else price.volume_24h, pair)
            for pair in pairs
            for price in [pair[1]]
        ]
        known = sorted(
            ((size, pair) for size, pair in sized if size is not None),
            key=lambda one: one[0],
            reverse=direction == "desc",
        )
        pairs = [pair for _, pair in known] + [pair for size, pair in sized if size is None]
    return pairs[(ask.page - 1) * ask.per_page : ask.page * ask.per_page]


def _row(coin: Coin, price: Price, ask: Markets, now: float, origin: str, sparks: Sparks) -> dict[str, Any]:
    rung = _rung(price, now)
    gone = rung == "none"
    changes = {"1h": price.change_1h, "24h": price.change_24h, "7d": price.change_7d}
    if rung not in ("live", "delayed"):
        changes = {}
    change = changes.get("24h")
    row: dict[str, Any] = {
        "id": coin.id,
        "symbol": coin.symbol.lower(),
        "name": coin.name,
        "image": f"{origin}/api/v3/coins/{coin.id}/image.svg",
        "current_price": None if gone else number(price.price, ask.places),
        "market_cap": None if gone else number(price.market_cap),
        "total_volume": None if gone else number(price.volume_24h),
        "high_24h": None if gone else number(price.high_24h, ask.places),
        "low_24h": None if gone else number(price.low_24h, ask.places),
        "price_change_24h": number(_difference(price.price, change)),
        "price_change_percentage_24h": number(change, _PERCENT_PLACES, to_zero=True),
        **dict.fromkeys(UNKNOWN),
        "last_updated": iso(price.as_of),
    }
    if ask.sparkline:
        row["sparkline_in_7d"] = {"price": [number(one) for one in sparks(coin)]}
    for period in ask.periods:
        row[f"price_change_percentage_{period}_in_currency"] = number(changes.get(period))
    return row


def _rung(price: Price, now: float) -> Freshness:
    """The rung of the ladder for readers who are told nothing of agreement: a disputed price is none to them."""
    return "none" if price.agreement == "disputed" else price.freshness(now)


def _difference(price: Decimal | None, change: Decimal | None) -> Decimal | None:
    """How far a price is from where it was, from its change in percent."""
    if price is None or change is None or change <= -_HUNDRED:
        return None
    before = _WIDE.divide(_WIDE.multiply(price, _HUNDRED), _WIDE.add(_HUNDRED, change))
    return Context(prec=12).subtract(price, before)


def number(value: Decimal | None, places: int | None = None, *, to_zero: bool = False) -> msgspec.Raw | None:
    """A decimal as a JSON number in digits only: neither a float's error nor an exponent. None for what is none.

    Rounded to `places`, unless that would make a price of nothing of it.
    """
    if value is None or not value.is_finite():
        return None
    if places is not None and -value.as_tuple().exponent > places:  # type: ignore[operator]  # finite: an integer
        rounded = value.quantize(Decimal(1).scaleb(-places), context=_WIDE)
        value = rounded if rounded or to_zero else value
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return msgspec.Raw(b"0" if text in ("-0", "") else text.encode())
