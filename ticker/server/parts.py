"""What a server holds for as long as it runs, whatever its settings: answers, viewers, the known past, icons.

The doors in front of it are made of settings, and others can take their place while viewers stay (`present`).
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from ticker.feed import Feed
from ticker.server import explain, history
from ticker.server.addresses import Addresses
from ticker.server.doors import not_ready
from ticker.server.icons import Icons
from ticker.server.params import DEFAULTS, Defaults
from ticker.server.past import Memory
from ticker.server.ratelimit import RateLimit
from ticker.server.readiness import Readiness
from ticker.server.shelf import Shelf
from ticker.server.stream import LIMITS, Limits, Stream


@dataclass(frozen=True, slots=True)
class Serving:
    """The operator's settings. `origin` is where readers reach us, without a last slash; `icons` a folder of icons."""

    defaults: Defaults = DEFAULTS
    origin: str = "http://127.0.0.1:8080"
    disclaimer: str = ""
    cors_origins: tuple[str, ...] = ("*",)
    frame_ancestors: tuple[str, ...] = ("*",)
    limits: Limits = LIMITS
    trusted_proxies: tuple[str, ...] = ()
    costly_per_minute: int = 240
    dialect: bool = True
    icons: Path | None = None
    status: str = "local"


class Parts:
    """As `make_app` is given them."""

    def __init__(
        self,
        feed: Feed,
        serving: Serving,
        clock: Callable[[], float],
        past: history.Past | None,
        records: explain.Records | None,
    ) -> None:
        self.feed, self.clock, self.past = feed, clock, past
        self._bound(serving)
        self.shelf = Shelf(clock, charge=self.charge)
        self.readiness = Readiness(self._prices)
        self.stream = Stream(clock, serving.limits)
        self.memory = None if past is None else Memory(past, clock, self.shelf.refresh)
        self.icons = Icons(serving.icons, self.shelf.refresh)
        self.history = None if past is None else history.History(past, clock, self.charge)
        self.explainer = None if records is None else explain.Explainer(records)

    def _bound(self, serving: Serving) -> None:
        self.addresses = Addresses(serving.trusted_proxies)
        self._costs = RateLimit(serving.costly_per_minute, self.addresses)
        self._bounds = serving.trusted_proxies, serving.costly_per_minute

    def charge(self) -> None:
        """What is asked for at present must be worked out. Raises `RequestError` where that is too much for one."""
        self._costs.charge()

    def _prices(self) -> None:
        if self.shelf.snapshot is None:
            raise not_ready()

    async def follow(self, _: web.Application) -> AsyncIterator[None]:
        """Follow the feed for as long as the application lives."""
        followers = (self.stream, self.shelf)  # in this order: viewers first, then what nobody has asked for yet
        unsubscribe = [self.feed.subscribe(one.update) for one in followers]
        for one in followers:
            if self.feed.snapshot is not None:
                one.update(self.feed.snapshot)
        self.icons.start()
        if self.memory is not None:
            self.memory.start()
        yield
        for end in unsubscribe:
            end()
        await self.icons.close()
        if self.memory is not None:
            await self.memory.close()
        self.shelf.close()

    async def end_streams(self, _: web.Application) -> None:
        """Send viewers away; they come back elsewhere."""
        self.stream.close()

    async def close(self, _: web.Application) -> None:
        """End what reads past prices."""
        if self.history is not None:
            await self.history.close()

    async def refurnish(self, serving: Serving) -> None:
        """Settings are others: viewers stay and are told to read their widgets again, every answer is forgotten."""
        await asyncio.to_thread(self.icons.look)
        if self._bounds != (serving.trusted_proxies, serving.costly_per_minute):
            self._bound(serving)
        self.stream.bound(serving.limits)
        self.stream.relist()
        self.shelf.forget()
