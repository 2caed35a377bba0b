"""A store opened for a test, and a reader that follows it and remembers what it was given and told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

from ticker.errors import StoreError
from ticker.model import Snapshot
from ticker.store import open_store
from ticker.store.base import Store

SILENCE = 0.5
CONVERGE = 10.0  # seconds; the promise is 15 with a silence of 10


@asynccontextmanager
async def opened(url: str, prefix: str = "ticker", *, silence: float = SILENCE) -> AsyncIterator[Store]:
    """An open store at `url`, closed in the end."""
    store = open_store(url, prefix, silence=silence)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


class Reader:
    """Follows a store in the background and remembers what it was given and told."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._news = asyncio.Event()
        self.seen: list[Snapshot] = []
        self.reports: list[StoreError | None] = []

    async def __aenter__(self) -> "Reader":
        self._task = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        assert self._task.cancelled(), self._task.exception()

    async def until(self, order: tuple[int, int], within: float = CONVERGE) -> None:
        """Wait until the last snapshot given is this one."""
        await self._wait_for(lambda: bool(self.seen) and self.seen[-1].order == order, within)

    async def told(self, kind: type[StoreError]) -> StoreError:
        """Wait until an error of this kind was reported."""
        await self._wait_for(lambda: any(isinstance(report, kind) for report in self.reports), CONVERGE)
        return next(report for report in self.reports if isinstance(report, kind))

    async def _follow(self) -> None:
        async with aclosing(self._store.changes(self._report)) as changes:
            async for found in changes:
                self.seen.append(found)
                self._news.set()

    def _report(self, error: StoreError | None) -> None:
        self.reports.append(error)
        self._news.set()

    async def _wait_for(self, condition: Callable[[], bool], within: float) -> None:
        async with asyncio.timeout(within):
            while not condition():
                self._news.clear()
                await self._news.wait()
