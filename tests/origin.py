"""The service behind a cache: the application on a port that stays the same, and who gets through to it."""

import time
from collections import Counter
from typing import Any

from aiohttp import web
from loopback import HeldFeed
from snapshots import price, snapshot

from ticker.server.app import Serving, make_app


class Origin:
    """The service, which counts who gets through to it: by path, and by what they take."""

    def __init__(self) -> None:
        """One price of this moment, and nothing listening yet."""
        now = time.time()
        self.held = snapshot(built_at=now, prices=(price("bitcoin", "64250.12", now), *snapshot().prices[1:]))
        self.hits: Counter[tuple[str, str]] = Counter()
        self.from_whom: set[str | None] = set()
        self.port = 0
        self.runner: web.AppRunner

    async def start(self) -> None:
        """Listen, on the port it had before."""

        @web.middleware
        async def count(request: web.Request, handler: Any) -> web.StreamResponse:
            self.hits[request.path, request.headers.get("Accept-Encoding", "")] += 1
            self.from_whom.add(request.headers.get("X-Forwarded-For"))
            answer: web.StreamResponse = await handler(request)
            return answer

        app = make_app(HeldFeed(self.held), Serving(trusted_proxies=("127.0.0.1",)), time.time)  # type: ignore[arg-type]
        app.middlewares.append(count)
        self.runner = web.AppRunner(app, shutdown_timeout=0.5)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = self.runner.addresses[0][1]

    async def stop(self) -> None:
        """Listen no more; twice does no harm."""
        await self.runner.cleanup()
