"""The running service: store, poller and scheduler, feed and server, started in order and stopped in reverse.

Knows how the parts fit together; not where settings come from.
"""

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiohttp import web

from ticker.commands import assembly
from ticker.config import Config
from ticker.errors import TickerError
from ticker.feed import Feed
from ticker.fetch import Fetcher
from ticker.poller import Poller
from ticker.scheduler import Scheduler
from ticker.server.app import make_app
from ticker.store import open_store
from ticker.store.base import Store

log = logging.getLogger("ticker")

KEEP_ALIVE = 75.0
GRACE = 10.0  # seconds that open requests have when we stop


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run to the end on the fastest event loop there is."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


async def serve_until_stopped(config: Config, *, poll: bool, serve: bool, simulated: bool = False) -> None:
    """The service until SIGTERM or SIGINT: polling, serving, or both in one process. Raises `TickerError`."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        store = open_store(config.store.url, config.store.prefix)
        stack.push_async_callback(store.close)
        await store.open()
        ends: list[asyncio.Task[None]] = []
        if serve:
            await stack.enter_async_context(_server(config, store))
        if poll:
            ends.append(await stack.enter_async_context(_polling(config, store, simulated=simulated)))
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait([waiting, *ends], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        for task in ends:
            if task.done():
                _raise_ours(task)
        log.info("stopping")


@asynccontextmanager
async def _server(config: Config, store: Store) -> AsyncIterator[None]:
    feed = Feed(store)
    await feed.start()
    runner = web.AppRunner(
        make_app(feed, assembly.serving(config), time.time),
        access_log=logging.getLogger("ticker.access") if config.server.access_log else None,
        keepalive_timeout=KEEP_ALIVE,
        shutdown_timeout=GRACE,
    )
    try:
        await runner.setup()
        site = web.TCPSite(runner, config.server.host, config.server.port, reuse_address=True)
        try:
            await site.start()
        except OSError as error:
            raise TickerError(
                f"cannot listen on {config.server.host}:{config.server.port}: {error.strerror}"
            ) from error
        log.info("serving on %s/", assembly.origin(config))
        yield
    finally:
        await runner.cleanup()
        await feed.stop()


@asynccontextmanager
async def _polling(config: Config, store: Store, *, simulated: bool) -> AsyncIterator[asyncio.Task[None]]:
    polled = assembly.assignments(config)
    async with Fetcher(assembly.user_agent(config), time.time) as fetcher:
        poller = Poller(
            polled,
            assembly.rules(config, polled),
            assembly.listing(config, simulated=simulated),
            store,
            fetcher,
            clock=time.time,
            publish_every=config.consensus.publish_every,
        )
        scheduler = Scheduler({one.source.name: one.every for one in polled}, poller.poll)
        log.info("polling %s for %d coins", ", ".join(one.source.name for one in polled), len(config.coins))
        scheduler.start()
        publishing = asyncio.create_task(poller.run())
        telling = asyncio.create_task(_tell(poller, lambda: log.warning(NO_SOURCE)))
        try:
            yield publishing
        finally:
            scheduler.stop()
            for task in (publishing, telling):
                task.cancel()
            await asyncio.gather(publishing, telling, return_exceptions=True)


NO_SOURCE = (
    'no source answers: is this machine online? Pages show "—" until one does, and we keep trying. '
    "To see it with simulated prices: make demo (ticker run --demo)"
)


async def _tell(poller: Poller, nobody_answers: Callable[[], None]) -> None:
    """Say once, after the first round, that nobody answers."""
    await poller.first_round.wait()
    if not any(health.polls for health in poller.health.values()):
        nobody_answers()


def _raise_ours(task: asyncio.Task[None]) -> None:
    """Raise what ended a task; out of a group of errors, ours."""
    error = task.exception()
    if isinstance(error, BaseExceptionGroup):
        ours = error.subgroup(TickerError)
        while isinstance(ours, BaseExceptionGroup):
            ours = ours.exceptions[0]  # type: ignore[assignment]
        raise ours if ours is not None else error
    if error is not None:
        raise error
