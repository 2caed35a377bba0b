"""Coinbase Exchange's bulk `/products/stats`: strings two levels deep by product, no times, no change but the open.

Its stream is flat, with a time and a number.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from msgspec import json

from ticker.simulate.dialects.wire import (
    Ask,
    Dialect,
    Heard,
    Live,
    Reply,
    View,
    currency_after,
    iso_micro,
    message_of,
    reply,
    rounded,
    text,
    trimmed,
)
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


def _hear(said: str, known: AbstractSet[str], subscribed: Sequence[str], _: float) -> Heard:
    message = message_of(said)
    if message.get("type") != "subscribe":
        return Heard(replies=[_refusal("Malformed JSON")])
    if not message.get("channels"):
        return Heard(replies=[_refusal("Failed to subscribe", "No channels provided")])
    wanted = message.get("product_ids", [])
    for one in wanted:
        if one not in known:
            return Heard(replies=[_refusal("Failed to subscribe", f"{one} is not a valid product")])
    both = [*subscribed, *(one for one in wanted if one not in subscribed)]
    channels = [{"name": name, "product_ids": both, "account_ids": None} for name in message["channels"]]
    return Heard(wanted, [json.encode({"type": "subscriptions", "channels": channels})])


def _refusal(message: str, reason: str | None = None) -> bytes:
    return json.encode({"type": "error", "message": message} | ({"reason": reason} if reason else {}))


def _tell(tick: Tick, _: bool, sequence: int) -> bytes:
    day = tick.day
    ticker = {
        "type": "ticker",
        "sequence": sequence,
        "product_id": tick.id,
        "price": text(trimmed(tick.price)),
        "open_24h": text(trimmed(day.open)),
        "volume_24h": text(rounded(day.volume, 8)),
        "low_24h": text(trimmed(day.low)),
        "high_24h": text(trimmed(day.high)),
        "volume_30d": text(rounded(day.volume * 30, 8)),
        "best_bid": text(trimmed(tick.bid)),
        "best_bid_size": text(rounded(day.volume / 5_000, 8)),
        "best_ask": text(trimmed(tick.ask)),
        "best_ask_size": text(rounded(day.volume / 4_000, 8)),
        "side": "buy" if sequence % 2 else "sell",
        "time": iso_micro(tick.at),
        "trade_id": sequence // 3,
        "last_size": text(rounded(day.volume / 20_000, 8)),
    }
    return json.encode(ticker)


def _beat(ids: Sequence[str], at: float, sequence: int) -> Sequence[bytes]:
    beat = {"type": "heartbeat", "last_trade_id": sequence // 3, "sequence": sequence, "time": iso_micro(at)}
    return [json.encode(beat | {"product_id": one}) for one in ids]


_LIVE = Live(path="/feed", greet=(), hear=_hear, tell=_tell, beat=_beat)

DIALECT = Dialect("coinbase", "/products/stats", currency_after("-"), _encode, refresh=5.0, live=_LIVE)
