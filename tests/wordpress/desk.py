"""The ticker beside the blog, in a thread of its own: it can be stopped and started, held back, or answer as a stranger
would. Its time is the machine's, since a reader's browser has no other.
"""

import asyncio
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any

from aiohttp import web
from server.viewers import Feed
from service import free_port
from snapshots import price, snapshot

from ticker.model import Snapshot
from ticker.server.app import Serving, make_app

PATIENCE = 10.0


def board(seq: int, bitcoin: str) -> Snapshot:
    """Three coins, settled now."""
    at = time.time()
    quoted = {"bitcoin": bitcoin, "ethereum": "1957.73", "pirate-chain": "0.00000644", "openvoicecoin": None}
    prices = tuple(price(coin, value, at) for coin, value in quoted.items())
    return snapshot(seq, built_at=at, prices=prices)


class Desk:
    """One ticker at `origin`, which stays the same while it is stopped."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._runner: web.AppRunner | None = None
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.feed, self._seq = Feed(None), 0
        self.reset()

    def reset(self) -> None:
        """As at the beginning, and running."""
        self.asked: list[str] = []
        self.instead: web.Response | None = None
        self.held = threading.Event()
        self.held.set()
        if self._runner is None:
            self.start()
        self.settle("64250.12")

    def settle(self, bitcoin: str) -> None:
        """New prices, told to everyone."""
        self._seq += 1

        async def tell() -> None:
            self.feed.tell(board(self._seq, bitcoin))

        self._do(tell())

    def start(self) -> None:
        """It answers again, at the address it had before."""
        self._do(self._start())

    def stop(self) -> None:
        """It is gone: connections are refused."""
        runner, self._runner = self._runner, None
        if runner is not None:
            self._do(runner.cleanup())

    def close(self) -> None:
        """The end."""
        self.held.set()
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    async def _start(self) -> None:
        app = make_app(self.feed, Serving(origin=self.origin), time.time)  # type: ignore[arg-type]
        app.middlewares.insert(0, self._between)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    @web.middleware
    async def _between(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        while not self.held.is_set():  # noqa: ASYNC110 - the test is in another thread
            await asyncio.sleep(0.01)
        if self.instead is not None and request.path.startswith("/widget/"):
            return web.Response(status=self.instead.status, body=self.instead.body, content_type="text/html")
        return await handler(request)  # type: ignore[no-any-return]

    def _do(self, what: Coroutine[Any, Any, Any]) -> None:
        future: Future[Any] = asyncio.run_coroutine_threadsafe(what, self._loop)
        future.result(PATIENCE)
