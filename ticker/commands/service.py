"""The running service: store, poller, scheduler and streams, feed and server, started in order and stopped in reverse.

Knows how the parts fit together; not where settings come from. Each half is loaded when it is started: readers are
answered before the poller is there, and who only polls or only serves never loads the other half.
"""

import asyncio
import gc
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from ticker.commands import assembly
from ticker.config import Config
from ticker.errors import TickerError
from ticker.store import open_store
from ticker.store.base import Store

if TYPE_CHECKING:
    from ticker.asking import Road
    from ticker.commands.seeing import Seeing
    from ticker.poller import Poller
    from ticker.streaming import Streamer

log = logging.getLogger("ticker")

KEEP_ALIVE = 75.0
GRACE = 3.0  # seconds that open requests have when we stop; aiohttp may spend it twice


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
        store = open_store(config.store.url, config.store.prefix, keep=config.history.keep)
        stack.push_async_callback(store.close)
        await store.open()
        from ticker.commands import seeing as eyes

        seeing = eyes.Seeing(config, worker=eyes.worker_number(os.environ))
        ends: list[asyncio.Task[None]] = []
        with _collecting_later():
            if serve:
                await stack.enter_async_context(_server(config, store, seeing))
            if poll:
                ends.append(await stack.enter_async_context(polling(config, store, simulated=simulated, seeing=seeing)))
            await stack.enter_async_context(seeing.door())
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait([waiting, *ends], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        for task in ends:
            if task.done():
                raise_ours(task)
        log.info("stopping")


@contextmanager
def _collecting_later() -> Iterator[None]:
    """Load and start without the garbage collector, which then never looks at what has come to stay."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@asynccontextmanager
async def _server(config: Config, store: Store, seeing: "Seeing") -> AsyncIterator[None]:
    from aiohttp import web

    from ticker.feed import Feed
    from ticker.server import limits
    from ticker.server.access import AccessLog
    from ticker.server.app import make_app

    feed = Feed(store)
    await feed.start()
    app = make_app(feed, assembly.serving(config), time.time, past=store, records=store, bulletins=store)
    seeing.serving(app)
    runner = web.AppRunner(
        app,
        access_log=logging.getLogger("ticker.access") if config.server.access_log else None,
        access_log_class=AccessLog,
        keepalive_timeout=KEEP_ALIVE,
        shutdown_timeout=GRACE,
        max_line_size=limits.READ,
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
        log.info("serving on %s/", assembly.listening(config))
        if config.server.public_url:
            log.info("readers are sent to %s/", assembly.origin(config))
        yield
    finally:
        await runner.cleanup()
        await feed.stop()


@asynccontextmanager
async def polling(
    config: Config, store: Store, *, simulated: bool, seeing: "Seeing | None" = None
) -> AsyncIterator[asyncio.Task[None]]:
    """Poll and publish into the store; the task that is given ends only with an error."""
    await asyncio.to_thread(_load_poller)  # beside the loop: readers are answered meanwhile

    from ticker.commands import seeing as eyes
    from ticker.fetch import Fetcher
    from ticker.poller import Poller
    from ticker.scheduler import Scheduler
    from ticker.streaming import Streamer

    polled = assembly.assignments(config)
    user_agent = assembly.user_agent(config)
    async with Fetcher(user_agent, time.time) as fetcher:
        steady = steady_clock()
        poller = Poller(
            polled,
            assembly.rules(config, polled),
            assembly.listing(config, simulated=simulated),
            store,
            fetcher,
            rate_rules=assembly.rate_rules(polled),
            clock=time.time,
            steady=steady,
            publish_every=config.consensus.publish_every,
        )
        scheduler = Scheduler({one.source.name: one.every for one in polled}, poller.poll)
        streamer = Streamer(assembly.channels(config), poller.stream, user_agent=user_agent)
        log.info("polling %s for %d coins", ", ".join(one.source.name for one in polled), len(config.coins))
        if streamer.health:
            log.info("streaming %s between polls", ", ".join(streamer.health))
        publishing = asyncio.create_task(poller.run())  # first, so that it is before the polls at the store
        scheduler.start()
        streaming = asyncio.create_task(streamer.run())
        filling = asyncio.create_task(_fill(config, store, poller, fetcher, steady))
        telling = asyncio.create_task(_tell(poller, streamer, lambda: log.warning(NO_SOURCE)))
        seeing = seeing or eyes.Seeing(config)
        reporting = asyncio.create_task(seeing.polling(poller, scheduler, streamer, store, steady))
        try:
            yield publishing
        finally:
            scheduler.stop()
            tasks = (publishing, streaming, filling, telling, reporting)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _load_poller() -> None:
    import ticker.poller
    import ticker.scheduler
    import ticker.streaming  # noqa: F401


def steady_clock() -> Callable[[], float]:
    """Seconds since 1970 by the system's clock of this moment, which no later step of it moves."""
    began = time.time() - time.monotonic()
    return lambda: began + time.monotonic()


NO_SOURCE = (
    'no source answers: is this machine online? Pages show "—" until one does, and we keep trying. '
    "To see it with simulated prices: make demo (ticker run --demo)"
)


async def _fill(config: Config, store: Store, poller: "Poller", road: "Road", steady: Callable[[], float]) -> None:
    """Fill in the past of new coins, where that is wanted. Nothing depends on it."""
    if not config.history.fill:
        return
    from ticker.commands.filling import fill_new

    try:
        await fill_new(config, store, poller, road, steady)
    except Exception:
        log.exception("filling in the past of new coins failed in a way that should not be; drawings begin later")


async def _tell(poller: "Poller", streamer: "Streamer", nobody_answers: Callable[[], None]) -> None:
    """Say once, after the first round, that nobody answers."""
    await poller.first_round.wait()
    polled = any(health.polls for health in poller.health.values())
    if not polled and not any(health.rows for health in streamer.health.values()):
        nobody_answers()


def raise_ours(task: asyncio.Task[None]) -> None:
    """Raise what ended a task; out of a group of errors, ours."""
    error = task.exception()
    if isinstance(error, BaseExceptionGroup):
        ours = error.subgroup(TickerError)
        while isinstance(ours, BaseExceptionGroup):
            ours = ours.exceptions[0]  # type: ignore[assignment]
        raise ours if ours is not None else error
    if error is not None:
        raise error
