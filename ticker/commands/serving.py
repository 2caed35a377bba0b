"""The half that serves: feed, application and runner, on the address that is configured.

Knows the parts of a server and how they are started; nothing of who polls.
"""

import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from ticker.commands import assembly
from ticker.commands.port import cannot_listen
from ticker.commands.refitting import ServingSide
from ticker.commands.reloading import Reloader
from ticker.commands.seeing import Seeing
from ticker.config.load import state_folder
from ticker.feed import Feed
from ticker.server.access import AccessLog
from ticker.server.app import SITE, make_app
from ticker.server.guard import Bounds
from ticker.server.readiness import READINESS, Readiness
from ticker.server.remembered import Remembered
from ticker.server.runner import Runner
from ticker.store.base import Store
from ticker.store.spare import spare_of

log = logging.getLogger("ticker")

BACKLOG = 4096  # connections that wait to be let in, as many as the kernel allows: viewers come back in crowds
GRACE = 3.0  # seconds that open requests have when we stop; aiohttp may spend it twice


@asynccontextmanager
async def serving(store: Store, reloader: Reloader, seeing: Seeing, *, shared: bool) -> AsyncIterator[Readiness]:
    """Serve what is in the store; with `shared` beside others on one port. Raises `TickerError`: not there."""
    config = reloader.config
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
            raise cannot_listen(*where, error) from error
        log.info("serving on %s/", assembly.listening(config))
        if config.server.public_url:
            log.info("readers are sent to %s/", assembly.origin(config))
        yield app[READINESS]
    finally:
        await runner.cleanup()
        await feed.stop()
