"""Taking over another configuration: what the poller's and the server's sides of a running service do with it."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING

from ticker.commands import assembly
from ticker.config import Config

if TYPE_CHECKING:
    from ticker.poller import Poller
    from ticker.scheduler import Scheduler
    from ticker.server.app import Site
    from ticker.streams import Streams

log = logging.getLogger("ticker.reloading")


class PollingSide:
    """Coins, sources, intervals and streams. `fill` fills in the past of coins that have none, in the background."""

    def __init__(
        self,
        config: Config,
        poller: "Poller",
        scheduler: "Scheduler",
        streams: "Streams",
        fill: Callable[[Config], Coroutine[None, None, None]],
        *,
        simulated: bool,
    ) -> None:
        self._poller, self._scheduler, self._streams = poller, scheduler, streams
        self._fill, self._simulated = fill, simulated
        self._known = {coin.id for coin in config.coins}
        self._filling = asyncio.create_task(fill(config))

    async def take(self, config: Config) -> None:
        """Poll, settle and publish by this one from now on."""
        polled = assembly.assignments(config)
        soon = await self._poller.reconfigure(
            polled,
            assembly.rules(config, polled),
            assembly.listing(config, simulated=self._simulated),
            rate_rules=assembly.rate_rules(polled),
            publish_every=config.consensus.publish_every,
        )
        self._scheduler.reconfigure({one.source.name: one.every for one in polled}, soon)
        self._streams.reconfigure(assembly.channels(config))
        new = {coin.id for coin in config.coins} - self._known
        if new:  # each coin once: a list that is edited back and forth asks nobody again
            self._known |= new
            await self._end()
            self._filling = asyncio.create_task(self._fill(config))

    async def close(self) -> None:
        """Fill in no more."""
        await self._end()

    async def _end(self) -> None:
        self._filling.cancel()
        await asyncio.wait([self._filling])


class ServingSide:
    """Settings of what is shown. Coins come with the prices, whoever polls them."""

    def __init__(self, config: Config, site: "Site") -> None:
        self._site, self._serving = site, assembly.serving(config)

    async def take(self, config: Config) -> None:
        """Serve by this one from now on."""
        serving = assembly.serving(config)
        if serving != self._serving:
            self._serving = serving
            await self._site.change(serving)
