"""`ticker publish DIR`: the widgets and the JSON as static files, once or for as long as it runs.

With Redis it only reads. With an embedded store it polls itself, unless a running service has the store: then it reads
what that one settles.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path

import typer

from ticker.commands import assembly, logs
from ticker.commands.lifecycle import stop_on_signals
from ticker.commands.one_round import poll_once
from ticker.commands.polling import polling
from ticker.commands.reloading import Origin, Reloader
from ticker.commands.service import raise_ours, run_loop
from ticker.config import Config, default_folder
from ticker.errors import StoreBusy, StoreError, TickerError
from ticker.feed import Feed
from ticker.model import Snapshot
from ticker.publishing import File, files
from ticker.server.app import Serving
from ticker.server.history import Past
from ticker.server.icons import Icons
from ticker.server.past import Memory
from ticker.server.pictures import Pictures
from ticker.server.views import next_deadline
from ticker.static_folder import Done, StaticFolder
from ticker.store import open_store
from ticker.store.base import Store
from ticker.store.sqlite_reader import SqliteReader

log = logging.getLogger("ticker.publish")

EVERY = 5.0  # seconds between two rounds at least: what syncs the folder elsewhere wants a rest
WAIT = 15.0  # seconds that `--once` waits for a first snapshot in a store that others fill
NO_SNAPSHOT = "there is no snapshot in the store: is `ticker poll` running? Nothing was written"
NO_ANSWER = "no source answered: is this machine online?"


def publish(
    folder: Path,
    config_folder: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, object],
    log_format: str,
    *,
    once: bool,
    compress: bool,
) -> None:
    """Write, once or until stopped. Exit code 4 where there is no snapshot, or no source answered."""
    logs.start(log_format, logging.WARNING if once else logging.INFO)
    reloader = Reloader(Origin(default_folder(config_folder), environ, overrides))
    config = reloader.config
    publisher = _Publisher(StaticFolder(folder), assembly.serving(config), compress=compress)
    publisher.folder.open()
    try:
        run_loop(_once(config, publisher) if once else _follow(reloader, publisher))
    finally:
        publisher.folder.close()
    if publisher.trouble:
        typer.echo(f"ticker: {publisher.trouble}", err=True)
        raise typer.Exit(4)


class _Publisher:
    """A folder and what goes into it. `trouble` is why there was nothing new to write."""

    def __init__(self, folder: StaticFolder, serving: Serving, *, compress: bool) -> None:
        self.folder, self._serving, self._compress = folder, serving, compress
        self._icons = Icons(serving.icons)
        self._memory: Memory | None = None
        self.news = asyncio.Event()  # there is something to write
        self.trouble = ""

    async def change(self, config: Config) -> None:
        """Write by other settings from now on."""
        self._serving = assembly.serving(config)
        self.news.set()

    def remember(self, past: Past) -> None:
        """Draw lines and charts of this past."""
        self._memory = Memory(past, time.time)

    async def write(self, snapshot: Snapshot) -> Done:
        """Draw and write everything as it is now, in a thread."""
        await asyncio.to_thread(self._draw, snapshot)  # which tells the memory what is wanted
        if self._memory is not None:
            try:
                await self._memory.read(time.time())
            except StoreError as error:
                log.warning("past prices cannot be read: %s; lines and charts stay as they are known", error)
        return await asyncio.to_thread(self._write, snapshot)

    def _draw(self, snapshot: Snapshot) -> dict[str, File]:
        serving = self._serving
        pictures = Pictures(serving.origin, serving.disclaimer, self._memory, self._icons.address)
        made = files(snapshot, serving, pictures, time.time(), compressed=self._compress)
        for coin in snapshot.coins:
            address = self._icons.address(coin.id, coin.icon)
            name = address.partition("?")[0].rpartition("/")[2] if address else ""
            if (icon := self._icons.get(name)) is not None:
                made[f"icons/{name}"] = File(icon.body, icon.body)
        return made

    def _write(self, snapshot: Snapshot) -> Done:
        self._icons.look()
        return self.folder.write(self._draw(snapshot), snapshot.id, snapshot.built_at)


async def _once(config: Config, publisher: _Publisher) -> None:
    async with _store(config) as (store, ours):
        if ours:
            answered = await poll_once(config, store)
            snapshot = await store.latest()
        else:
            answered, snapshot = True, await _first(store)
        if snapshot is None or not (answered or _any_price(snapshot)):
            publisher.trouble = NO_SNAPSHOT if answered else f"{NO_ANSWER} Nothing was written"
            return
        publisher.remember(store)
        done = await publisher.write(snapshot)
        said = f"{done.written} written, {done.unchanged} unchanged, {done.removed} removed"
        typer.echo(f"snapshot {snapshot.id}: {said}")
        if not answered:
            publisher.trouble = f"{NO_ANSWER} What was written are earlier prices, with their age"


async def _first(store: Store) -> Snapshot | None:
    """The snapshot of a store that others fill; they may have been started in this moment."""
    if (found := await store.latest()) is not None:
        return found
    try:
        async with asyncio.timeout(WAIT):
            async with aclosing(store.changes()) as changes:
                return await anext(changes)
    except TimeoutError:
        return None


def _any_price(snapshot: Snapshot) -> bool:
    now = time.time()
    return any(price.freshness(now) != "none" for price in snapshot.prices)


async def _follow(reloader: Reloader, publisher: _Publisher) -> None:
    config = reloader.config
    stop = stop_on_signals()
    async with AsyncExitStack() as stack:
        store, ours = await stack.enter_async_context(_store(config))
        publisher.remember(store)
        feed = Feed(store)
        await feed.start()
        stack.push_async_callback(feed.stop)
        stopping = asyncio.create_task(stop.wait())
        writing = asyncio.create_task(_write_on(feed, publisher))
        reloader.subscribe(publisher.change)
        ends: list[asyncio.Task[None]] = [writing]
        if ours:
            ends.append(await stack.enter_async_context(polling(store, reloader, simulated=False)))
        await stack.enter_async_context(reloader.running())
        done, _ = await asyncio.wait([stopping, *ends], return_when=asyncio.FIRST_COMPLETED)
        for task in (stopping, writing):
            task.cancel()
        await asyncio.wait([stopping, writing])
        for task in ends:
            if task in done:
                raise_ours(task)
        log.info("stopping; the folder is whole")


async def _write_on(feed: Feed, publisher: _Publisher) -> None:
    """Write every newer snapshot, and the present one again when a price of it changes its rung."""
    news = publisher.news
    unsubscribe = feed.subscribe(lambda _: news.set())
    first = True
    try:
        while True:
            snapshot = feed.snapshot
            news.clear()
            if snapshot is not None:
                # The thread is waited for even when we are stopped: a round that has begun is ended.
                done = await asyncio.shield(_round(publisher, snapshot, first=first))
                if first and done is not None:
                    log.info("publishing; the first round has written %d files", done.written)
                first = first and done is None
                await asyncio.sleep(EVERY)
            deadline = None if snapshot is None else next_deadline(snapshot, time.time())
            try:
                async with asyncio.timeout(None if deadline is None else max(0.0, deadline - time.time())):
                    await news.wait()
            except TimeoutError:
                pass
    finally:
        unsubscribe()


async def _round(publisher: _Publisher, snapshot: Snapshot, *, first: bool) -> Done | None:
    """A round of writing. A folder that cannot be written to ends us at first; later it is tried again."""
    try:
        return await publisher.write(snapshot)
    except TickerError as error:
        if first:
            raise
        log.warning("%s; the files there stay, and we try again", error)
        return None


@asynccontextmanager
async def _store(config: Config) -> AsyncIterator[tuple[Store, bool]]:
    """The opened store, and whether it is ours to poll into."""
    store = open_store(config.store.url, config.store.prefix, keep=config.history.keep)
    scheme, _, path = config.store.url.partition(":")
    ours = scheme.lower() == "embedded"
    try:
        await store.open()
    except StoreBusy:
        log.info("a running ticker has %s; publishing what it settles", path)
        store, ours = SqliteReader(Path(path)), False
        await store.open()
    try:
        yield store, ours
    finally:
        await store.close()
