"""The running service: store, poller, scheduler and streams, feed and server, started in order and stopped in reverse.

Knows how the parts fit together; not where settings come from.
"""

import asyncio
import gc
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiohttp import web

from ticker.asking import Road
from ticker.commands import assembly, handles
from ticker.commands.filling import fill_new
from ticker.commands.lifecycle import Ending, Vitals, signs_of_life, stop_on_signals
from ticker.commands.notify import SILENT, Notifier
from ticker.commands.refitting import PollingSide, ServingSide
from ticker.commands.reloading import Reloader
from ticker.commands.seeing import Seeing, worker_number
from ticker.commands.succession import first_turns
from ticker.commands.worker import Worker
from ticker.commands.workers import Crew
from ticker.config import Config
from ticker.config.load import state_folder
from ticker.errors import TickerError
from ticker.feed import Feed
from ticker.fetch import Fetcher
from ticker.leading import Candidate, LeasedRoad, Term, ticks
from ticker.poller import Poller
from ticker.scheduler import Scheduler
from ticker.server.access import AccessLog
from ticker.server.app import SITE, make_app
from ticker.server.guard import Bounds
from ticker.server.readiness import READINESS, Readiness
from ticker.server.remembered import Remembered
from ticker.server.runner import Runner
from ticker.store import open_store
from ticker.store.base import Store
from ticker.store.spare import spare_of
from ticker.streams import Streams

log = logging.getLogger("ticker")

BACKLOG = 4096  # connections that wait to be let in, as many as the kernel allows: viewers come back in crowds
GRACE = 3.0  # seconds that open requests have when we stop; aiohttp may spend it twice


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run to the end on the fastest event loop there is."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


async def serve_until_stopped(
    reloader: Reloader,
    *,
    poll: bool,
    serve: bool,
    simulated: bool = False,
    notifier: Notifier = SILENT,
    ending: Ending | None = None,
    crew: Crew | None = None,
    worker: Worker | None = None,
) -> None:
    """The service until SIGTERM or SIGINT: polling, serving, or both in one process. Raises `TickerError`.

    With a `crew` it is others that serve, and this process keeps them. As a `worker` it is one of such.

    Asked to end, a server says so at `/readyz`, goes on for `[server] drain`, sends its viewers away to come back
    elsewhere, ends what it has begun, and is gone within 10 s more, which `ending` sees to. A second signal ends it at
    once.
    """
    config = reloader.config
    stop = stop_on_signals()
    vitals = Vitals()
    if worker is not None:
        worker.attach()
    async with AsyncExitStack() as stack:
        ends: list[asyncio.Task[None]] = []
        readiness = None
        if serve:
            handles.raise_limit(config.server.max_viewers)
        if poll or serve:
            store = open_store(config.store.url, config.store.prefix, keep=config.history.keep)
            stack.push_async_callback(store.close)
            await store.open()
            seeing = Seeing(config, worker=worker_number(os.environ))
            reloader.subscribe(seeing.take)
            reloader.observe(seeing.stands)
            if serve:
                shared = worker is not None
                readiness = await stack.enter_async_context(_server(config, store, reloader, seeing, shared=shared))
            if poll:
                running = leading(store, reloader, simulated=simulated, seeing=seeing, vitals=vitals)
                ends.append(await stack.enter_async_context(running))
            await stack.enter_async_context(seeing.door())
            await stack.enter_async_context(reloader.running())
        if crew is not None:
            ends.append(await stack.enter_async_context(crew.at_work(reloader.ask)))
        if worker is not None:
            worker.ready()
        # The garbage collector need not look through the program itself for ever: that stops the loop for 20-70 ms.
        gc.freeze()
        notifier.ready(_status(config, poll=poll, serve=serve or crew is not None))
        for beside in (signs_of_life(notifier, vitals), handles.watch()):
            stack.callback(asyncio.create_task(beside).cancel)
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait([waiting, *ends], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        notifier.stopping()
        for task in ends:
            if task.done():
                raise_ours(task)
        if readiness is not None:
            await _drain(readiness, reloader.config.server.drain)
        log.info("stopping")
        if crew is not None:
            await crew.end()
        if ending is not None:
            ending.begin()


def _status(config: Config, *, poll: bool, serve: bool) -> str:
    """What we do, in a line for people."""
    polled = f"polling {len(config.active_sources())} sources for {len(config.coins)} coins" if poll else ""
    served = f"serving on {assembly.listening(config)}/" if serve else ""
    return ", ".join(filter(None, (polled, served)))


async def _drain(readiness: Readiness, seconds: float) -> None:
    """Want no more requests, and answer those that come all the same for so long."""
    readiness.leave()
    if seconds:
        log.info("leaving in %g s; /readyz says so", seconds)
        await asyncio.sleep(seconds)


@asynccontextmanager
async def _server(
    config: Config, store: Store, reloader: Reloader, seeing: Seeing, *, shared: bool
) -> AsyncIterator[Readiness]:
    feed = Feed(store, spare_of(config.store.url, config.store.prefix, state_folder(os.environ)))
    await feed.start()
    app = make_app(feed, assembly.serving(config), time.time, past=store, records=store, bulletins=store)
    seeing.serving(app)
    reloader.subscribe(ServingSide(config, app[SITE]).take)
    runner = Runner(
        app,
        Bounds(connections=config.server.max_connections),
        Remembered(time.time) if config.server.fast_lane else None,
        access_log=logging.getLogger("ticker.access") if config.server.access_log else None,
        access_log_class=AccessLog,
        shutdown_timeout=GRACE,
    )
    try:
        await runner.setup()
        where = config.server.host, config.server.port
        site = web.TCPSite(runner, *where, backlog=BACKLOG, reuse_address=True, reuse_port=shared)
        try:
            await site.start()
        except OSError as error:
            raise TickerError(
                f"cannot listen on {config.server.host}:{config.server.port}: {error.strerror}"
            ) from error
        log.info("serving on %s/", assembly.listening(config))
        if config.server.public_url:
            log.info("readers are sent to %s/", assembly.origin(config))
        yield app[READINESS]
    finally:
        await runner.cleanup()
        await feed.stop()


@asynccontextmanager
async def leading(
    store: Store, reloader: Reloader, *, simulated: bool, seeing: Seeing, vitals: Vitals
) -> AsyncIterator[asyncio.Task[None]]:
    """Poll whenever no other process on this store does; the task that is given ends only with an error."""
    candidate = Candidate(store, clock=time.time, ticks=ticks)
    running = asyncio.create_task(
        candidate.run(
            lambda term: polling(store, reloader, simulated=simulated, seeing=seeing, vitals=vitals, term=term)
        )
    )
    try:
        yield running
    finally:
        running.cancel()
        await asyncio.wait([running])


@asynccontextmanager
async def polling(
    store: Store,
    reloader: Reloader,
    *,
    simulated: bool,
    seeing: Seeing | None = None,
    vitals: Vitals | None = None,
    term: Term | None = None,
) -> AsyncIterator[asyncio.Task[None]]:
    """Poll and publish into the store; the task that is given ends only with an error. `vitals` then has our rounds.

    `term` is ours as the leader of several pollers; None = there can be no other.
    """
    vitals, config = vitals or Vitals(), reloader.config
    polled = assembly.assignments(config)
    user_agent = assembly.user_agent(config)
    async with Fetcher(user_agent, time.time) as road:
        fetcher = road if term is None else LeasedRoad(road, term)
        steady = steady_clock()
        first = await first_turns(store, polled, assembly.rules(config, polled), time.time())
        poller = Poller(
            polled,
            assembly.rules(config, polled),
            assembly.listing(config, simulated=simulated),
            store,
            fetcher,
            rate_rules=assembly.rate_rules(polled),
            epoch=None if term is None else term.epoch,
            clock=time.time,
            steady=steady,
            publish_every=config.consensus.publish_every,
        )
        scheduler = Scheduler({one.source.name: one.every for one in polled}, poller.poll, first=first)
        streamer = Streams(assembly.channels(config), poller.stream, user_agent=user_agent)
        log.info("polling %s for %d coins", ", ".join(one.source.name for one in polled), len(config.coins))
        if streamer.health:
            log.info("streaming %s between polls", ", ".join(streamer.health))
        publishing = asyncio.create_task(poller.run())  # first, so that it is before the polls at the store
        scheduler.start()
        vitals.watch("rounds", lambda: scheduler.alive)
        streaming = asyncio.create_task(streamer.run())
        side = PollingSide(
            config,
            poller,
            scheduler,
            streamer,
            lambda config: _fill(config, store, poller, fetcher, steady),
            simulated=simulated,
        )
        unsubscribe = reloader.subscribe(side.take)
        if reloader.config is not config:  # it has changed since
            await side.take(reloader.config)
        telling = asyncio.create_task(_tell(poller, streamer, lambda: log.warning(NO_SOURCE)))
        seeing = seeing or Seeing(config)
        reporting = asyncio.create_task(seeing.polling(poller, scheduler, streamer, store, steady))
        try:
            yield publishing
        finally:
            unsubscribe()
            vitals.forget("rounds")
            scheduler.stop()
            tasks = (publishing, streaming, telling, reporting)
            for task in tasks:
                task.cancel()
            await asyncio.gather(side.close(), *tasks, return_exceptions=True)


def steady_clock() -> Callable[[], float]:
    """Seconds since 1970 by the system's clock of this moment, which no later step of it moves."""
    began = time.time() - time.monotonic()
    return lambda: began + time.monotonic()


NO_SOURCE = (
    'no source answers: is this machine online? Pages show "—" until one does, and we keep trying. '
    "To see it with simulated prices: make demo (ticker run --demo)"
)


async def _fill(config: Config, store: Store, poller: Poller, road: Road, steady: Callable[[], float]) -> None:
    """Fill in the past of new coins, where that is wanted. Nothing depends on it."""
    if not config.history.fill:
        return
    try:
        await fill_new(config, store, poller, road, steady)
    except Exception:
        log.exception("filling in the past of new coins failed in a way that should not be; drawings begin later")


async def _tell(poller: Poller, streamer: Streams, nobody_answers: Callable[[], None]) -> None:
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
