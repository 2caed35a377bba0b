"""A poller without sources: publishes one number after another as fast as it can, and says each that is in the store.

Run as `python writer.py URL PREFIX`, to be killed. Each line it prints is `EPOCH SEQ`.
"""

import asyncio
import sys
import time

from publications import publication

from ticker.store import open_store


async def main(url: str, prefix: str) -> None:
    """Publish until killed."""
    store = open_store(url, prefix)
    await store.open()
    epoch = await store.new_epoch(time.time())
    seq = 0
    while True:
        seq += 1
        await store.publish(publication(epoch, seq))
        print(epoch, seq, flush=True)  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
