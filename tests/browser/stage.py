"""A stage for browser tests: our service, a news site on another origin and a stranger on a third, in a thread of
their own, so that the tests can steer a browser.

Time stands still unless a test moves it; what the service answers can be held back, refused or made old.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from aiohttp import web
from bulletins import bulletin
from service import free_port
from snapshots import NOW, snapshot

from ticker.bulletin import pack
from ticker.model import Point, Snapshot
from ticker.server.app import STREAM, Serving, make_app

PATIENCE = 10.0  # seconds for what is certain to come


class Feed:
    """A feed that says what a test says."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = snapshot()
        self.tell: list[Callable[[Snapshot], None]] = []

    def subscribe(self, callback: Callable[[Snapshot], None]) -> Callable[[], None]:
        self.tell.append(callback)
        return lambda: self.tell.remove(callback)


class Past:
    """A store's history of a day each, written by a test; and how polling stands."""

    def __init__(self) -> None:
        self.kept: list[Point] = []

    async def points(self, _coin: str, _step: str, start: float, end: float) -> list[Point]:
        return [point for point in self.kept if start <= point.at <= end]

    async def read_bulletin(self) -> bytes:
        return pack(bulletin())


@dataclass
class Faults:
    """What goes wrong at our service: paths that begin so are held back, refused, delayed, or answered as from a cache
    that kept them `age` seconds and may not say so."""

    held: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    delay: dict[str, float] = field(default_factory=dict)
    dated: float | None = None  # the Date of all answers, whatever the time
    age: int | None = None


class Stage:
    """The three origins. `pages` are the news site's by path: HTML and its policy."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.ports: list[int] = []
        self._runners: list[web.AppRunner] = []
        self.reset()
        self.do(self._open())

    def reset(self) -> None:
        """As at the beginning, but for the origins, which stay."""
        self.now, self.faults = NOW, Faults()
        self.pages: dict[str, tuple[str, str]] = {}
        self.asked: list[tuple[str, str | None]] = []  # path and query, and If-None-Match

    @property
    def ours(self) -> str:
        """Our service."""
        return f"http://127.0.0.1:{self.ports[0]}"

    @property
    def host(self) -> str:
        """The news site."""
        return f"http://localhost:{self.ports[1]}"

    @property
    def stranger(self) -> str:
        """Someone else."""
        return f"http://127.0.0.1:{self.ports[2]}"

    def do(self, what: Coroutine[Any, Any, Any]) -> Any:
        """Let it happen in the stage's own thread."""
        future: Future[Any] = asyncio.run_coroutine_threadsafe(what, self.loop)
        return future.result(PATIENCE)

    def settle(self, found: Snapshot) -> None:
        """A new snapshot, told to everyone."""

        async def tell() -> None:
            self.feed.snapshot = found
            for one in self.feed.tell:
                one(found)

        self.do(tell())

    def viewers(self) -> int:
        """How many streams are open."""

        async def count() -> int:
            return len(self.app[STREAM]._seats)

        return int(self.do(count()))

    def cut(self) -> None:
        """All streams break."""

        async def abort() -> None:
            for viewer in list(self.app[STREAM]._seats):
                viewer.abort()

        self.do(abort())

    def close(self) -> None:
        """The end."""

        async def end() -> None:
            self.faults = Faults()
            for runner in self._runners:
                await runner.cleanup()

        self.do(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE)
        self.loop.close()

    async def _open(self) -> None:
        self.ports = [free_port()]
        self.feed, self.past = Feed(), Past()
        given = (self.feed, Serving(origin=self.ours), lambda: self.now, self.past)
        self.app = make_app(*given, bulletins=self.past)  # type: ignore[arg-type]
        self.app.middlewares.insert(0, self._fault)
        self.app.on_response_prepare.append(self._date)
        await self.listen(self.app, self.ports[0])
        self.ports += [await self.listen(self._elsewhere()), await self.listen(self._elsewhere())]

    async def listen(self, app: web.Application, port: int = 0) -> int:
        """One more origin, by its port."""
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", port).start()
        return int(runner.addresses[0][1])

    def _elsewhere(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._page)
        return app

    @web.middleware
    async def _fault(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append((request.path_qs, request.headers.get("If-None-Match")))
        if request.path.startswith(self.faults.refused):
            raise web.HTTPServiceUnavailable
        while request.path.startswith(self.faults.held):  # noqa: ASYNC110 - another thread lets go
            await asyncio.sleep(0.02)
        for path, seconds in self.faults.delay.items():
            if request.path.startswith(path):
                await asyncio.sleep(seconds)
        return await handler(request)  # type: ignore[no-any-return]

    async def _date(self, _: web.Request, response: web.StreamResponse) -> None:
        at = self.now if self.faults.dated is None else self.faults.dated
        response.headers["Date"] = formatdate(at, usegmt=True)
        if self.faults.age is not None:
            response.headers["Age"] = str(self.faults.age)

    async def _page(self, request: web.Request) -> web.Response:
        html, policy = self.pages.get(request.path, ("", ""))
        headers = {"Content-Security-Policy": policy} if policy else {}
        status = 200 if request.path in self.pages else 204  # such as its icon
        return web.Response(text=html, status=status, content_type="text/html", charset="utf-8", headers=headers)
