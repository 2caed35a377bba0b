"""The application on a real port of this machine, for clients that are not ours."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from fakes import Clock

from ticker.model import Snapshot
from ticker.server import limits
from ticker.server.app import Serving, make_app
from ticker.server.explain import Records
from ticker.server.history import Past
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
    """The origin of a server with this snapshot, read as the service reads its requests."""
    feed = HeldFeed(held)
    app = make_app(feed, serving or Serving(), clock or Clock(), past, records, bulletins)  # type: ignore[arg-type]
    runner = web.AppRunner(app, max_line_size=limits.READ)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
