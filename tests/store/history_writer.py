"""A poller without sources: adds one minute of points and one entry of the log after another, and says which are there.

Run as `python history_writer.py URL PREFIX LAST`, to be killed. It begins after minute LAST; each line is a minute.
"""

import asyncio
import sys
from decimal import Decimal

from ticker.store import open_store
from ticker.store.base import Entry

MIDNIGHT = 20_000 * 86_400.0


async def main(url: str, prefix: str, last: int) -> None:
    """Add until killed."""
    store = open_store(url, prefix)
    await store.open()
    while True:
        last += 1
        await store.add_points("1m", MIDNIGHT + 60 * last + 1, {f"coin-{i}": Decimal(last) for i in range(61)})
        await store.record([Entry(float(last), "coin-0", b"body")])
        print(last, flush=True)  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
