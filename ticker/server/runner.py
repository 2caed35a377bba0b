"""The web framework's runner with connections of ours: guarded, and with the fast lane where it is on.

Knows how the framework makes connections; nothing of what is served.
"""

import asyncio
import logging
from typing import Any

import aiohttp
from aiohttp import web

from ticker.server import lane_check, limits
from ticker.server.connection import Connection
from ticker.server.guard import Bounds, Guard
from ticker.server.lane import Lane
from ticker.server.readiness import READINESS
from ticker.server.remembered import Remembered
from ticker.server.seen import SEEN
from ticker.server.zero_copy import ZeroCopy

log = logging.getLogger("ticker.server")

GUARD = web.AppKey("guard", Guard)
REMEMBERED = web.AppKey("remembered", Remembered)


class Runner(web.AppRunner):
    """Runs an application. With `remembered` its connections have the fast lane, unless the framework has changed.

    The guard is at `app[GUARD]`, what the lane remembers and counts at `app[REMEMBERED]`, for whoever measures.
    """

    def __init__(
        self,
        app: web.Application,
        bounds: Bounds,
        remembered: Remembered | None,
        **options: Any,  # noqa: ANN401 - the framework's own
    ) -> None:
        super().__init__(app, keepalive_timeout=bounds.keep_alive, max_line_size=limits.READ, **options)
        self._bounds, self._remembered, self._zero_copy = bounds, remembered, ZeroCopy()
        if remembered is not None:
            app[REMEMBERED] = remembered
            if READINESS in app:  # who answers from memory does not end connections
                app[READINESS].told.append(remembered.forget)
            if SEEN in app:
                app[SEEN].others.append(lambda: remembered.counts)

    async def _make_server(self) -> web.Server:
        loop = asyncio.get_running_loop()
        guard = self.app[GUARD] = Guard(self._bounds, loop.time)
        remembered = self._remembered
        if remembered is not None and (reason := await lane_check.why_not()) is not None:
            log.warning("the fast lane is off: aiohttp %s is not as it expects: %s", aiohttp.__version__, reason)
            remembered = None
        return _Server(await super()._make_server(), guard, remembered, self._zero_copy, loop)

    async def cleanup(self) -> None:
        """Close all connections, and the timer that watched them."""
        await super().cleanup()
        if GUARD in self.app:
            self.app[GUARD].close()
        self._zero_copy.close()


class _Server(web.Server):
    """Makes our connections in place of the framework's, with the same options."""

    def __init__(
        self,
        made: web.Server,
        guard: Guard,
        remembered: Remembered | None,
        zero_copy: ZeroCopy,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(made.request_handler, request_factory=made.request_factory, loop=loop, **made._kwargs)  # noqa: SLF001 - it offers no other way
        self._guard, self._remembered, self._zero_copy = guard, remembered, zero_copy

    def __call__(self) -> Connection:
        options = {**self._kwargs, "guard": self._guard, "loop": self._loop}
        if self._remembered is None:
            return Connection(self, **options)
        return Lane(self, remembered=self._remembered, zero_copy=self._zero_copy, **options)
