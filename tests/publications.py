"""Publications of realistic size for tests: 61 coins, 14 sources, every value bearing the number of its publication."""

from decimal import Decimal

from ticker.model import Coin, Credit, Price, Quote, Snapshot
from ticker.store.base import Publication

COINS, SOURCES = 61, 14
NOW = 1_763_845_200.0  # 2025-11-22 21:00:00 UTC


def snapshot(epoch: int = 1, seq: int = 1, *, as_of: float = NOW, coins: int = COINS) -> Snapshot:
    """A snapshot whose prices all are `seq` and a tiny bit, as of `as_of`."""
    return Snapshot(
        epoch=epoch,
        seq=seq,
        built_at=as_of + 1,
        coins=tuple(Coin(f"coin-{i}", f"Coin Ñ° {i}", f"C{i}") for i in range(coins)),
        shown=tuple(f"coin-{i}" for i in range(min(coins, 11))),
        prices=tuple(
            Price(
                coin=f"coin-{i}",
                price=seq + Decimal("1E-18"),
                agreement="ok",
                used=13,
                total=14,
                confidence=Decimal("0.0004"),
                as_of=as_of,
                live_until=as_of + 120,
                delayed_until=as_of + 300,
                gone_at=as_of + 3600,
                change_24h=Decimal("-1.87"),
                volume_24h=Decimal("31234567890.12"),
                sources=tuple(f"source{j}" for j in range(SOURCES)),
            )
            for i in range(coins)
        ),
        credits=(Credit("source0", "Data by Source 0", "https://source0.example"),),
        config="c0ffee",
    )


def publication(epoch: int = 1, seq: int = 1, *, as_of: float = NOW, coins: int = COINS) -> Publication:
    """Snapshot, quotes and memory that all carry `seq`, so that a mixture shows."""
    quotes = tuple(
        Quote(
            source=f"source{j}",
            coin=f"coin-{i}",
            price=seq + Decimal("1E-18"),
            currency="usd",
            received=as_of,
            poll=seq,
            at=as_of,
            volume_24h=Decimal("31234567890.12"),
        )
        for i in range(coins)
        for j in range(SOURCES)
    )
    return Publication(snapshot(epoch, seq, as_of=as_of, coins=coins), quotes, str(seq).encode() * 2000)


def numbers(found: Publication) -> set[int]:
    """The numbers that its parts carry: one, or it is a mixture."""
    memory = len(found.memory) // 2000
    assert found.memory == found.memory[:memory] * 2000
    of_prices = {int(price.price) for price in found.snapshot.prices if price.price is not None}
    return {found.snapshot.seq, int(found.memory[:memory])} | of_prices | {quote.poll for quote in found.quotes}
