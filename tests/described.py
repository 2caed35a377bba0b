"""A server with everything to describe: prices, rates, a past, and the record of a real round."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from bulletins import bulletin
from fakes import Clock, FakeFetcher, FakeStore, assignment
from loopback import loopback
from snapshots import NOW, price, snapshot

from ticker.bulletin import pack
from ticker.consensus import CoinRule, Rules, Voter
from ticker.model import Coin, Credit, Snapshot
from ticker.poller import Listing, Poller

RATES = (price("eur", "1.25", agreement="degraded"), price("jpy", "0.0067"), price("xau", "4081.5"))
COIN = Coin("bitcoin", "Bitcoin", "BTC")


def held() -> Snapshot:
    """Four coins, of which one has all that there can be, and three currencies."""
    amounts = {"market_cap": Decimal(1276665213556), "volume_24h": Decimal("41286537713.17")}
    amounts |= {"change_1h": Decimal("0.06"), "change_7d": Decimal(3), "high_24h": Decimal(65571)}
    first = price("bitcoin", "64250.12", **amounts)
    credits_ = (Credit("coingecko", "Data provided by CoinGecko", "https://www.coingecko.com"),)
    return snapshot(prices=(first, *snapshot().prices[1:]), rates=RATES, credits=credits_)


async def recorded() -> FakeStore:
    """A store with the record of a round of three venues, one of them far off, and four hours of history."""
    store = FakeStore()
    rules = Rules({name: Voter("venue", name, 60.0) for name in "abc"}, (CoinRule("bitcoin", tuple("abcd")),))
    poller = Poller(
        [assignment(name) for name in "abc"],
        rules,
        Listing((COIN,), ("bitcoin",)),
        store,
        FakeFetcher(a="100", b="100.1", c="150"),  # type: ignore[arg-type]
        clock=Clock(),
        publish_every=0.01,
    )
    task = asyncio.create_task(poller.run())
    for name in "abc":
        await poller.poll(name)
    while not store.published:  # noqa: ASYNC110 - the store has no event
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    for hour in range(4):
        await store.add_points("1h", NOW - 3600 * hour, {"bitcoin": Decimal(64000 + hour)})
    return store


@asynccontextmanager
async def described() -> AsyncIterator[str]:
    """The origin of such a server."""
    store = await recorded()
    await store.write_bulletin(pack(bulletin()))
    async with loopback(held(), past=store, records=store, bulletins=store) as origin:
        yield origin
