"""What every server has for those who run it: counted answers, named requests, `/status`. Puts the parts together."""

import os
import socket
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from ticker.feed import Feed
from ticker.metrics.figures import Serving as Figures
from ticker.server.near import Near
from ticker.server.seen import SEEN, Seen, observing
from ticker.server.shelf import Shelf
from ticker.server.status_doors import Bulletins, Own, StatusDoors, Watch
from ticker.server.stream import Stream

if TYPE_CHECKING:
    from ticker.server.app import Serving

FIGURES: web.AppKey[Callable[[], Figures]] = web.AppKey("figures")


def attach(
    app: web.Application,
    serving: "Serving",
    feed: Feed,
    shelf: Shelf,
    stream: Stream,
    clock: Callable[[], float],
    bulletins: Bulletins | None,
) -> None:
    """Give an application its counts (`SEEN`, `FIGURES`), and the doors that show how things stand.

    Without `bulletins` to read from, nothing is known of the poller.
    """
    seen = app[SEEN] = Seen()
    near = Near(serving.trusted_proxies)
    app.middlewares.insert(0, observing(seen, near))
    watch = None if bulletins is None else Watch(bulletins)
    own = Own(
        seen,
        f"{socket.gethostname()[:64]}:{os.getpid()}",
        lambda: stream.viewers,
        lambda: stream.streams,
        lambda: shelf.variants,
    )
    doors = StatusDoors(
        watch,
        own,
        lambda: feed.snapshot,
        clock,
        who=serving.status,
        near=near,
        origins=serving.cors_origins,
        home=serving.origin + "/",
    )
    app.add_routes(doors.routes())
    app[FIGURES] = lambda: Figures(
        requests=seen.requests,
        viewers=stream.viewers,
        streams=stream.streams,
        skipped=stream.skipped,
        variants=shelf.variants,
        snapshot=feed.snapshot,
        store_up=feed.trouble is None,
    )

    async def follow(_: web.Application) -> AsyncIterator[None]:
        if watch is not None:
            watch.start()
        yield
        if watch is not None:
            await watch.close()

    app.cleanup_ctx.append(follow)
