"""A store that holds prices as of now, for servers that only show what others have settled."""

import time

from msgspec.structs import replace
from snapshots import price, snapshot

from ticker.store import open_store
from ticker.store.base import Publication


async def seeded(url: str, prefix: str = "ticker", bitcoin: str = "64250.12") -> None:
    """Publish bitcoin at this price, and two more coins, into the store at `url`."""
    store = open_store(url, prefix)
    await store.open()
    try:
        now = time.time()
        epoch = await store.new_epoch(now)
        prices = (
            price("bitcoin", bitcoin, now),
            price("ethereum", "1957.730", now),
            price("pirate-chain", "0.00000644", now),
            price("openvoicecoin", None),
        )
        await store.publish(Publication(replace(snapshot(), epoch=epoch, seq=1, built_at=now, prices=prices)))
    finally:
        await store.close()
