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

log = logging.getLogger("ticker.feed")

FIRST_LOOK = 3.0  # seconds that `start` waits at most for a slow store
RESTART = 1.0  # seconds before following again after an error that nobody expected

Callback = Callable[[Snapshot], None]


class Feed:
    """Follows an opened store from `start` to `stop`."""

    def __init__(self, store: Store) -> None:
        self._store = store
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
        self._task = asyncio.create_task(self._follow(), name="feed")

    async def stop(self) -> None:
        """Stop following; what is in memory stays. Safe to call twice."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def subscribe(self, callback: Callback) -> Callable[[], None]:
        """Call `callback` with every newer snapshot, on the event loop, and return what ends that.

        It is not called with the present one: read `snapshot` for that. It must not block.
        """
        key = object()
        self._callbacks[key] = callback

        def unsubscribe() -> None:
            self._callbacks.pop(key, None)

        return unsubscribe

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
