"""One round without a running service: ask every source whose turn it is, settle, publish into the store, end.

Knows how the polling parts fit together. Quotas, breakers and the memory of settling are in the store, so rounds that
cron starts are as polite, and as careful, as a service that runs on.
"""

import asyncio
import logging
import time

from ticker.asking import Assignment
from ticker.commands import assembly
from ticker.commands.service import raise_ours, steady_clock
from ticker.config import Config
from ticker.errors import StoreCorrupt
from ticker.fetch import Fetcher
from ticker.poller import Poller
from ticker.store.base import Store

log = logging.getLogger("ticker")

LONGEST = 60.0  # seconds for the polls; requests have deadlines of their own, but some need several, spaced
SETTLING = 20.0  # seconds for settling and the store, which is tried again where it fails
EARLY = 0.1  # of its interval before which a source is asked again: cron is not punctual


async def poll_once(config: Config, store: Store) -> bool:
    """Whether any source has answered, or had answered so lately that it was not its turn. Raises `TickerError`."""
    polled = assembly.assignments(config)
    waiting = await _not_due(polled, store, time.time())
    async with Fetcher(assembly.user_agent(config), time.time) as fetcher:
        poller = assembly.poller(
            config, polled, store, fetcher, simulated=False, publish_every=0.01, steady=steady_clock()
        )
        running = asyncio.create_task(poller.run())
        due = [one.source.name for one in polled if one.source.name not in waiting]
        round_ = asyncio.create_task(_round(poller, due))
        try:
            await asyncio.wait([running, round_], return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                raise_ours(running)
            await round_
        finally:
            for task in (running, round_):
                task.cancel()
            await asyncio.gather(running, round_, return_exceptions=True)
        return bool(waiting) or any(health.polls for health in poller.health.values())


async def _round(poller: Poller, due: list[str]) -> None:
    try:
        async with asyncio.timeout(LONGEST):
            await asyncio.gather(*(poller.poll(name) for name in due))
    except TimeoutError:
        log.warning("not every source has answered within %g s; going on with those that have", LONGEST)
    poller.first_round.set()  # those whose turn it was not have answered before
    try:
        async with asyncio.timeout(SETTLING):
            await poller.quiet()
    except TimeoutError:
        log.warning("what was heard could not be settled and kept within %g s", SETTLING)


async def _not_due(polled: list[Assignment], store: Store, now: float) -> set[str]:
    """The sources whose last answer, which the store still has, is younger than their interval."""
    try:
        last = await store.resume()
    except StoreCorrupt:
        return set()
    answered: dict[str, float] = {}
    for quote in last.quotes if last is not None else ():
        answered[quote.source] = max(quote.received, answered.get(quote.source, 0.0))
    return {
        one.source.name for one in polled if 0 <= now - answered.get(one.source.name, 0.0) < (1 - EARLY) * one.every
    }
