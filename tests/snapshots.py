"""Snapshots for tests that serve or draw them."""

from decimal import Decimal

from ticker.model import Coin, Credit, Price, Snapshot

NOW = 1_800_000_000.0

COINS = (
    Coin("bitcoin", "Bitcoin", "BTC"),
    Coin("ethereum", "Ethereum", "ETH", link="https://example.org/eth"),
    Coin("pirate-chain", "Pirate Chain", "ARRR"),
    Coin("openvoicecoin", "OpenVoiceCoin", "OPENVC"),
)


def price(coin: str, value: str | None, as_of: float = NOW, **more: object) -> Price:
    """A price with the ladder of a venue: live 120 s, delayed 300 s, gone after an hour."""
    if value is None:
        return Price(coin, None, "none", total=2)
    given: dict[str, object] = {
        "agreement": "ok",
        "used": 5,
        "total": 7,
        "confidence": Decimal("0.0004"),
        "as_of": as_of,
        "live_until": as_of + 120,
        "delayed_until": as_of + 300,
        "gone_at": as_of + 3600,
        "change_24h": Decimal("-1.8712"),
        "sources": ("kraken", "coingecko"),
        **more,
    }
    return Price(coin, Decimal(value), **given)  # type: ignore[arg-type]


def snapshot(seq: int = 1, **more: object) -> Snapshot:
    """Four coins: two agreed, one from a single source, one that nobody quotes; three in the default list."""
    given: dict[str, object] = {
        "built_at": NOW,
        "coins": COINS,
        "shown": ("bitcoin", "ethereum", "pirate-chain"),
        "prices": (
            price("bitcoin", "64250.12"),
            price("ethereum", "1957.730"),
            price("pirate-chain", "0.00000644", agreement="single", used=1, total=2, confidence=None),
            price("openvoicecoin", None),
        ),
        "credits": (Credit("coingecko", "Data provided by CoinGecko", "https://www.coingecko.com"),),
        "config": "c0ffee",
        **more,
    }
    return Snapshot(epoch=7, seq=seq, **given)  # type: ignore[arg-type]
