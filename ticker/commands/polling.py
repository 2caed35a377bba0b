"""The half that polls: sources, scheduler, streams and poller, for as long as this process leads.

Knows the parts of polling and how they are started; nothing of who serves.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from ticker.asking import Road
from ticker.commands import assembly
from ticker.commands.lifecycle import Vitals
from ticker.commands.refitting import PollingSide
from ticker.commands.reloading import Reloader
from ticker.commands.seeing import Seeing
from ticker.commands.service import steady_clock
from ticker.commands.succession import first_turns
from ticker.config import Config
from ticker.fetch import Fetcher
from ticker.leading import Candidate, LeasedRoad, Term, ticks
from ticker.poller import Poller
from ticker.scheduler import Scheduler
from ticker.store.base import Store
from ticker.streams import Streams

log = logging.getLogger("ticker")

NO_SOURCE = (
    'no source answers: is this machine online? Pages show "—" until one does, and we keep trying. '
    "To see it with simulated prices: make demo (ticker run --demo)"
)


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
        poller = assembly.poller(
            config,
            polled,
            store,
            fetcher,
            simulated=simulated,
            publish_every=config.consensus.publish_every,
            steady=steady,
            epoch=None if term is None else term.epoch,
            skew=road.skew,
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
        resting = asyncio.create_task(_rest(streamer, seeing, reloader))
        try:
            yield publishing
        finally:
            unsubscribe()
            vitals.forget("rounds")
            scheduler.stop()
            tasks = (publishing, streaming, telling, reporting, resting)
            for task in tasks:
                task.cancel()
            await asyncio.gather(side.close(), *tasks, return_exceptions=True)


async def _fill(config: Config, store: Store, poller: Poller, road: Road, steady: Callable[[], float]) -> None:
    """Fill in the past of new coins, where that is wanted. Nothing depends on it."""
    if not config.history.fill:
        return
    from ticker.commands.filling import fill_new

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


async def _rest(streamer: Streams, seeing: Seeing, reloader: Reloader) -> None:
    """Follow feeds only while somebody looks, where all who can look are this process's: on an embedded store."""
    figures = seeing.served
    if figures is None or not reloader.config.store.url.startswith("embedded:"):
        return
    from ticker.commands.resting import Audience, rest

    await rest(streamer, Audience(figures, time.monotonic), lambda: reloader.config.server.rest_after)
