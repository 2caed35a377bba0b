"""One subscription for a process: the latest snapshot in memory, and everyone who wants to hear of the next.

What it has, it keeps: a store that is down, wiped or damaged changes nothing but `trouble` (trust rule 25). Knows
neither the back end nor what snapshots are used for.
"""

import asyncio
import logging
from collections.abc import Callable

from ticker.errors import StoreError
from ticker.model import Snapshot
from ticker.store.base import Store, supersedes
from ticker.store.spare import Spare

log = logging.getLogger("ticker.feed")

COPY_EVERY = 30.0  # seconds between two copies on the disk
FIRST_LOOK = 3.0  # seconds that `start` waits at most for a slow store
RESTART = 1.0  # seconds before following again after an error that nobody expected

Callback = Callable[[Snapshot], None]


class Feed:
    """Follows an opened store from `start` to `stop`.

    `spare` is a copy on the disk to begin with where the store has nothing, kept up to date; None = there is none.
    """

    def __init__(self, store: Store, spare: Spare | None = None) -> None:
        self._store, self._spare = store, spare
        self._copied: Snapshot | None = None
        self._copying: asyncio.Task[None] | None = None
        self._snapshot: Snapshot | None = None
        self._trouble: StoreError | None = None
        self._callbacks: dict[object, Callback] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def snapshot(self) -> Snapshot | None:
        """The latest one seen; None before the first."""
        return self._snapshot

    @property
    def trouble(self) -> StoreError | None:
        """Why the store cannot be read at present; None while it can."""
        return self._trouble

    async def start(self) -> None:
        """Load what there is and follow from then on. A store that is down is no error: it is tried again for ever."""
        if self._task is not None:
            return
        try:
            async with asyncio.timeout(FIRST_LOOK):
                found = await self._store.latest()
        except StoreError as error:
            self._report(error)
        except TimeoutError:
            log.warning("the store has not answered within %g s; going on without it", FIRST_LOOK)
        else:
            if found is not None:
                self._take(found)
        if self._spare is not None:
            if self._snapshot is None:
                await self._begin_with(self._spare)
            self._copying = asyncio.create_task(self._copy_on(self._spare), name="feed copy")
        self._task = asyncio.create_task(self._follow(), name="feed")

    async def stop(self) -> None:
        """Stop following; what is in memory stays. Safe to call twice."""
        tasks = [task for task in (self._task, self._copying) if task is not None]
        if not tasks:
            return
        self._task = self._copying = None
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        if self._spare is not None:
            await self._copy(self._spare)

    def subscribe(self, callback: Callback) -> Callable[[], None]:
        """Call `callback` with every newer snapshot, on the event loop, and return what ends that.

        It is not called with the present one: read `snapshot` for that. It must not block.
        """
        key = object()
        self._callbacks[key] = callback

        def unsubscribe() -> None:
            self._callbacks.pop(key, None)

        return unsubscribe

    async def _begin_with(self, spare: Spare) -> None:
        found = await asyncio.to_thread(spare.load)
        if found is not None:
            log.warning("the store has nothing to show; beginning with snapshot %s of this machine's disk", found.id)
            self._copied = found
            self._take(found)

    async def _copy_on(self, spare: Spare) -> None:
        while True:
            await asyncio.sleep(COPY_EVERY)
            await self._copy(spare)

    async def _copy(self, spare: Spare) -> None:
        if self._snapshot is not None and self._snapshot is not self._copied:
            self._copied = self._snapshot
            await asyncio.to_thread(spare.save, self._copied)

    async def _follow(self) -> None:
        while True:
            try:
                async for snapshot in self._store.changes(self._report):
                    self._take(snapshot)
            except Exception:
                log.exception("following the store failed in a way that should not be; trying again")
            await asyncio.sleep(RESTART)

    def _take(self, snapshot: Snapshot) -> None:
        if not supersedes(snapshot, self._snapshot):
            return
        self._snapshot = snapshot
        for callback in list(self._callbacks.values()):
            try:
                callback(snapshot)
            except Exception:
                log.exception("a subscriber failed on snapshot %s; the others go on", snapshot.id)

    def _report(self, error: StoreError | None) -> None:
        """Logs once when the store goes down, or wrong in another way, and once when it is back."""
        if error is None:
            if self._trouble is not None:
                log.info("the store is back")
        elif type(error) is not type(self._trouble):
            kept = "nothing to show yet" if self._snapshot is None else f"snapshot {self._snapshot.id} stays"
            log.warning("%s; %s; trying again", error, kept)
        self._trouble = error
