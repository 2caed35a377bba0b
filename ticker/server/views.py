"""From a snapshot at a moment to what a reader asked for: a widget's board, or JSON values. Pure.

Knows the snapshot, the ask and the moment; nothing of HTTP. Raises `RequestError` for a coin that is not there.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import Any

from ticker.conversion import convert, rate_of
from ticker.model import Coin, CoinId, Credit, Price, Snapshot
from ticker.server.params import Ask, RequestError
from ticker.server.places import path_of
from widgets.board import Board, Options, Period, Row
from widgets.board import Credit as BoardCredit
from widgets.live import texts

Pair = tuple[Coin, Price]

_HUNDREDTH, _WIDE = Decimal("0.01"), Context(prec=60)


def chosen(snapshot: Snapshot, ask: Ask) -> list[Pair]:
    """The coins of an ask with their prices in its currency, in its order; the default list where it names none."""
    known = snapshot.by_coin()
    rate = rate_of(snapshot, ask.currency)
    return [(coin, convert(price, rate)) for coin, price in (known[name] for name in names(snapshot, known, ask))]


def names(snapshot: Snapshot, known: Collection[CoinId], ask: Ask) -> Sequence[CoinId]:
    """The ids of the coins of an ask in its order. `known` are the ids of the snapshot's coins."""
    wanted: Sequence[str] = snapshot.shown if ask.coins is None else (ask.coins or tuple(known))
    missing = next((name for name in wanted if name not in known), None)
    if missing is not None:
        raise RequestError("unknown_coin", f"there is no coin {missing!r} here; see /v1/coins", "coins")
    return wanted[: ask.limit]


def credits_of(snapshot: Snapshot, currency: str) -> list[Credit]:
    """The credits owed for prices in a currency: a source of exchange rates is owed one where its rate is used."""
    rate = rate_of(snapshot, currency)
    of_prices = {name for price in snapshot.prices for name in price.sources}
    of_rates = {name for one in snapshot.rates for name in one.sources} - of_prices
    unused = of_rates.difference(() if rate is None else rate.sources)
    return [credit for credit in snapshot.credits if credit.source not in unused]


def board(snapshot: Snapshot, ask: Ask, now: float, disclaimer: str = "") -> Board:
    """What a widget draws at `now`."""
    rows = tuple(_row(coin, price, ask.change, now) for coin, price in chosen(snapshot, ask))
    times = [row.as_of for row in rows if row.price is not None and row.as_of is not None]
    rate = rate_of(snapshot, ask.currency)
    credits_ = (BoardCredit(credit.text, credit.url) for credit in credits_of(snapshot, ask.currency))
    return Board(
        rows=rows,
        currency=ask.currency,
        as_of=min(times, default=None),
        credits=tuple(dict.fromkeys(credits_)),  # two sources of one operator may owe the same line
        simulated=snapshot.simulated,
        disclaimer=disclaimer,
        rate=None if rate is None or rate.freshness(now) == "none" else rate.price,
        rate_as_of=None if rate is None else _moment(rate.as_of),
    )


def options(ask: Ask, origin: str, up: str = "green") -> Options:
    """How a widget draws it. `origin` is where readers reach us; `up` the colour of a rise."""
    return Options(
        locale=ask.locale,
        theme=ask.theme,  # type: ignore[arg-type]  # params allows no other
        change=ask.change,  # type: ignore[arg-type]
        show=ask.show,
        title=ask.title,
        css=ask.css,  # type: ignore[arg-type]
        stylesheet=f"{origin}/embed.css",
        origin=origin,
        script=f"{path_of(origin)}/embed.js",
        zeros=ask.zeros,  # type: ignore[arg-type]
        up=up,  # type: ignore[arg-type]  # the configuration allows no other
    )


def _row(coin: Coin, price: Price, period: str, now: float) -> Row:
    freshness = price.freshness(now)
    changes = _changes(price)
    gone = freshness == "none"
    return Row(
        coin=coin.id,
        name=coin.name,
        symbol=coin.symbol,
        price=None if gone else price.price,
        change=None if gone else changes[period],  # type: ignore[index]  # params allows no other
        freshness=freshness,
        agreement=price.agreement,
        used=price.used,
        total=price.total,
        as_of=_moment(price.as_of),
        live_until=_moment(price.live_until),
        delayed_until=_moment(price.delayed_until),
        gone_at=_moment(price.gone_at),
        volume=None if gone else price.volume_24h,
        cap=None if gone else price.market_cap,
        icon=coin.icon,
        link=coin.link,
        changes=(None, None, None) if gone else (price.change_1h, price.change_24h, price.change_7d),
        high=None if gone else price.high_24h,
        low=None if gone else price.low_24h,
    )


def prices_json(snapshot: Snapshot, ask: Ask, now: float) -> dict[str, Any]:
    """The body of `/v1/prices` at `now` (design §7)."""
    rate = rate_of(snapshot, ask.currency)
    rate_at = None if rate is None else rate.as_of
    return {
        "version": 1,
        "id": snapshot.id,
        "built_at": iso(now),
        "currency": ask.currency,
        "simulated": snapshot.simulated,
        "prices": [
            price_json(coin, price, ask.currency, rate_at, now, ask.locale if ask.texts else None)
            for coin, price in chosen(snapshot, ask)
        ],
        "credits": [
            {"source": one.source, "text": one.text, "url": one.url} for one in credits_of(snapshot, ask.currency)
        ],
    }


def price_json(
    coin: Coin, price: Price, currency: str, rate_at: float | None, now: float, locale: str | None = None
) -> dict[str, Any]:
    """One Price of the JSON API: every key always there, null where unknown. `price` is in the currency already.

    With a `locale` it says itself in `text` too, as the widgets print it.
    """
    freshness = price.freshness(now)
    gone = freshness == "none"

    def text(value: Decimal | None) -> str | None:
        return None if gone or value is None else plain(value)

    values = {
        "id": coin.id,
        "symbol": coin.symbol,
        "name": coin.name,
        "price": text(price.price),
        "currency": currency,
        "currency_as_of": iso(rate_at),
        "change_1h": text(_hundredths(price.change_1h)),
        "change_24h": text(_hundredths(price.change_24h)),
        "change_7d": text(_hundredths(price.change_7d)),
        "high_24h": text(price.high_24h),
        "low_24h": text(price.low_24h),
        "volume_24h": text(price.volume_24h),
        "market_cap": text(price.market_cap),
        "freshness": freshness,
        "agreement": price.agreement,
        "confidence": text(price.confidence),
        "sources": {"used": price.used, "total": price.total},
        "as_of": iso(price.as_of),
        "live_until": iso(price.live_until),
        "delayed_until": iso(price.delayed_until),
        "gone_at": iso(price.gone_at),
        "clock_suspect": price.clock_suspect,
    }
    return values if locale is None else {**values, "text": _text(coin, price, currency, locale, now)}


def _text(coin: Coin, price: Price, currency: str, locale: str, now: float) -> dict[str, Any]:
    """The numbers of a Price as a locale writes them, and the words beside them."""
    said = texts(_row(coin, price, "24h", now), _changes(price), currency, locale)
    changes = {period: None if change is None else change.text for period, change in said.changes.items()}
    return {
        "price": said.price,
        "short": said.short,
        "change": changes["24h"],
        "changes": changes,
        "spoken": {period: None if change is None else change.spoken for period, change in said.changes.items()},
        "notes": said.notes,
        "why": said.why,
        "sources": said.sources,
        "as_of": said.as_of,
    }


def _changes(price: Price) -> dict[Period, Decimal | None]:
    return {"1h": price.change_1h, "24h": price.change_24h, "7d": price.change_7d}


def coins_json(snapshot: Snapshot) -> dict[str, Any]:
    """The body of `/v1/coins`: every configured coin, in order, and whether the default list shows it."""
    shown = set(snapshot.shown)
    return {
        "version": 1,
        "id": snapshot.id,
        "coins": [
            {
                "id": coin.id,
                "symbol": coin.symbol,
                "name": coin.name,
                "icon": coin.icon,
                "link": coin.link,
                "shown": coin.id in shown,
            }
            for coin in snapshot.coins
        ],
    }


def next_deadline(snapshot: Snapshot, now: float) -> float | None:
    """The next moment at which any price or rate of the snapshot changes its rung, or None."""
    deadlines = (price.next_deadline(now) for price in (*snapshot.prices, *snapshot.rates))
    return min((at for at in deadlines if at is not None), default=None)


def plain(value: Decimal) -> str:
    """A decimal in digits only, never in scientific notation."""
    return format(value, "f")


def iso(at: float | None) -> str | None:
    """A moment as ISO 8601 in UTC with milliseconds, None for None."""
    return None if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}.{int(at % 1 * 1000):03d}Z"


def _moment(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)


def _hundredths(value: Decimal | None) -> Decimal | None:
    if value is None:
        return None
    rounded = value.quantize(_HUNDREDTH, context=_WIDE)
    return rounded or abs(rounded)  # "-0.00" is not a fall
