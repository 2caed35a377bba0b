"""How a reader follows a store: listen first, then look, then wait for a hint, for ever, whatever fails.

Knows no back end: how to look and how to listen are given. Hints say nothing but "look again", and a reader that
hears none for a while looks all the same, through a new connection (trust rule 23).
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from ticker.errors import StoreError
from ticker.model import Snapshot
from ticker.store.base import Report, supersedes

FIRST_PAUSE = 0.05  # seconds before the first new try after a failure, doubled up to
LONGEST_PAUSE = 2.0

Look = Callable[[], Awaitable[Snapshot | None]]
Hint = Callable[[float], Awaitable[bool]]
"""Waits up to so many seconds for a hint; whether one came. Raises `StoreError` when it can hear no more."""
Listen = Callable[[], AbstractAsyncContextManager[Hint]]


async def watch(look: Look, listen: Listen, *, silence: float, report: Report | None) -> AsyncGenerator[Snapshot, None]:
    """The contract of `Store.changes`, over any back end that can look and listen."""
    shown: Snapshot | None = None
    pause = FIRST_PAUSE
    while True:
        try:
            async with listen() as hint:
                heard = True
                while heard:
                    found = await look()
                    pause = FIRST_PAUSE
                    if report is not None:
                        report(None)
                    if found is not None and supersedes(found, shown):
                        shown = found
                        yield found
                    heard = await hint(silence)
        except StoreError as error:
            if report is not None:
                report(error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
