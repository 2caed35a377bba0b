"""A receiver of webhooks on a port of this machine, which answers as a test says and keeps what it was sent."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web


class Receiver:
    """`answers` are statuses, or status and headers, for the posts to come, then 200; `hold` keeps them waiting."""

    def __init__(self) -> None:
        self.answers: list[int | tuple[int, Mapping[str, str]]] = []
        self.posts: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        """One post."""
        self.paths.append(request.path)
        self.posts.append(json.loads(await request.text()))
        said = self.answers.pop(0) if self.answers else 200
        status, headers = said if isinstance(said, tuple) else (said, {})
        return web.Response(status=status, headers=headers)

    async def until(self, holds: Callable[["Receiver"], object]) -> None:
        """Wait until a condition holds."""
        async with asyncio.timeout(20):
            while not holds(self):  # noqa: ASYNC110 - posts have no event
                await asyncio.sleep(0.01)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver, at an address that is a secret."""
    found = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", found.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/planted-webhook-secret"
    try:
        yield found
    finally:
        await runner.cleanup()
