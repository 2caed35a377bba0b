"""One poisoned source of five: the published price moves less than 0.3 %, whatever the poison."""

import asyncio
import time
from decimal import Decimal
from pathlib import Path

import pytest
from rounds import quote, rules
from service import stand_ins, ticker, write_config

from ticker.consensus import Memory, settle
from ticker.simulate import server as simulator
from ticker.simulate.market import Market

SOURCES = {
    "kraken": "BTC/USD",
    "bitfinex": "tBTCUSD",
    "coinbase": "BTC-USD",
    "bitstamp": "BTC/USD",
    "coingecko": "bitcoin",
}
COINS = {"bitcoin": {"name": "Bitcoin", "symbol": "BTC", "ids": SOURCES}}
POISONS = [
    "scale:10",
    "scale:0.1",
    "zero",
    "negative",
    "nan",
    "frozen",
    "price:bitcoin=1",
    "garbage",
    "truncate",
    "html",
]


@pytest.mark.timeout(300)  # on a slow machine a source fails five times in its turn, and then rests for a minute
async def test_one_poisoned_source_of_five(tmp_path: Path) -> None:
    """Each poison in turn, on each kind of source, through the real poller and server."""
    simulation = await simulator.start({name: {one: "bitcoin"} for name, one in SOURCES.items()})
    config = write_config(tmp_path / "config", COINS)
    worst: dict[str, Decimal] = {}
    try:
        urls = {name: simulation.base_urls[name] for name in SOURCES}
        async with ticker("run", config=config, environ=stand_ins(urls, "500ms")) as service:
            await service.until("/readyz")
            for number, poison in enumerate(POISONS):
                victim = list(SOURCES)[number % 5]
                simulation.set_fault(victim, poison)
                calls = simulation.calls[victim]
                while simulation.calls[victim] < calls + 2:  # noqa: ASYNC110 - the simulation has no event
                    await asyncio.sleep(0.02)
                await asyncio.sleep(1.1)  # one publication
                for _ in range(5):
                    price = (await service.prices())["bitcoin"]
                    true = simulation.market.price("bitcoin", time.time())
                    assert price["agreement"] == "ok", (poison, price)
                    worst[poison] = max(worst.get(poison, Decimal(0)), abs(Decimal(price["price"]) / true - 1))
                    await asyncio.sleep(0.05)
                simulation.set_fault(victim, None)
    finally:
        await simulation.stop()

    assert {poison: error for poison, error in worst.items() if error >= Decimal("0.003")} == {}


@pytest.mark.parametrize("tells_time", [True, False], ids=["with its own time", "without times"])
@pytest.mark.parametrize("seed", range(5))
def test_frozen_for_an_hour(seed: int, *, tells_time: bool) -> None:
    """A source that stands still for an hour while the market moves on costs less than 0.3 %, minute by minute."""
    known, memory, started = rules(list(SOURCES)), Memory(), 1_800_000_000.0
    market = Market(seed)
    stuck = market.price("bitcoin", started)
    for minute in range(61):
        now = started + 60 * minute
        honest = [
            quote(name, market.price("bitcoin", now, source=name), at=now, received=now) for name in list(SOURCES)[1:]
        ]
        frozen = quote("kraken", stuck, at=started if tells_time else None, received=now)
        settlement = settle([frozen, *honest], memory, now, known)
        memory = settlement.memory
        assert settlement.prices[0].agreement == "ok"
        assert abs(settlement.prices[0].price / market.price("bitcoin", now) - 1) < Decimal("0.003"), minute
    if tells_time:
        assert memory.coins["bitcoin"].refused == {"kraken": "expired"}
