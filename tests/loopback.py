"""The application on a real port of this machine, for clients that are not ours."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from fakes import Clock

from ticker.model import Snapshot
from ticker.server.app import Serving, make_app
from ticker.server.explain import Records
from ticker.server.guard import Bounds
from ticker.server.history import Past
from ticker.server.remembered import Remembered
from ticker.server.runner import Runner
from ticker.server.status_doors import Bulletins


class HeldFeed:
    """A feed that holds one snapshot, or none."""

    def __init__(self, held: Snapshot | None) -> None:
        self.snapshot, self.trouble = held, None

    def subscribe(self, _: Callable[[Snapshot], None]) -> Callable[[], None]:
        return lambda: None


@asynccontextmanager
async def loopback(
    held: Snapshot | None,
    serving: Serving | None = None,
    *,
    past: Past | None = None,
    records: Records | None = None,
    bulletins: Bulletins | None = None,
    clock: Callable[[], float] | None = None,
) -> AsyncIterator[str]:
    """The origin of a server with this snapshot, read as the service reads its requests: fast lane, guards and all."""
    feed, clock = HeldFeed(held), clock or Clock()
    app = make_app(feed, serving or Serving(), clock, past, records, bulletins)  # type: ignore[arg-type]
    runner = Runner(app, Bounds(), Remembered(clock))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
