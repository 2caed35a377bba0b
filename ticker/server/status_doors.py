"""`/status` and `/v1/status`: who may see them, and what is in them at most some seconds old.

How polling stands is read from the store in the background, never for a request. Answers are for nobody's cache: who
may see them depends on where they sit (`[server] status`).
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any, Protocol

import msgspec
from aiohttp import web

from ticker import __version__
from ticker.bulletin import Bulletin, unpack
from ticker.errors import StoreError
from ticker.model import Snapshot
from ticker.server import headers, status, status_page
from ticker.server.near import Near
from ticker.server.params import RequestError
from ticker.server.seen import Seen, peer_of
from ticker.server.status import ServerStanding

log = logging.getLogger("ticker.server")

LOOK = 2.0  # seconds between two looks into the store
KEPT = 1.0  # seconds that an answer is handed out, so that a crowd costs no more than one


class Bulletins(Protocol):
    """What keeps how polling stands: a store, or as much of it as is needed here."""

    async def read_bulletin(self) -> bytes | None:
        """What was last written; None where nothing was. Raises `StoreError`."""
        ...


class Watch:
    """How polling stands, read again and again from `start` to `close`. A store that is down changes nothing."""

    def __init__(self, bulletins: Bulletins) -> None:
        self._standings = bulletins
        self._task: asyncio.Task[None] | None = None
        self.bulletin: Bulletin | None = None
        self.trouble = False

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self._task = asyncio.create_task(self._follow(), name="bulletin")

    async def close(self) -> None:
        """End."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _follow(self) -> None:
        while True:
            try:
                packed = await self._standings.read_bulletin()
            except StoreError:
                self.trouble = True  # the feed has told the log already
            except Exception:
                log.exception("reading how polling stands failed in a way that should not be; trying again")
            else:
                self.trouble = False
                self.bulletin = (None if packed is None else unpack(packed)) or self.bulletin
            await asyncio.sleep(LOOK)


class Own:
    """What a server knows of itself, as functions that are asked when somebody looks."""

    def __init__(
        self,
        seen: Seen,
        instance: str,
        viewers: Callable[[], int],
        streams: Callable[[], int],
        variants: Callable[[], int],
    ) -> None:
        self._seen, self._instance = seen, instance
        self._viewers, self._streams, self._variants = viewers, streams, variants

    def standing(self, *, trouble: bool) -> ServerStanding:
        """At this moment."""
        return ServerStanding(
            instance=self._instance,
            ticker=__version__,
            started_at=self._seen.started_at,
            viewers=self._viewers(),
            streams=self._streams(),
            variants=self._variants(),
            requests=sum(self._seen.requests.values()),
            trouble=trouble,
            config=self._seen.config(),
        )


class StatusDoors:
    """Both doors. `who` is "public", "local" or "off"; `origins` are those whose scripts may read what is public."""

    def __init__(
        self,
        watch: Watch | None,
        own: Own,
        snapshot: Callable[[], Snapshot | None],
        clock: Callable[[], float],
        *,
        who: str,
        near: Near,
        origins: tuple[str, ...],
        home: str,
    ) -> None:
        self._watch, self._own, self._snapshot, self._clock = watch, own, snapshot, clock
        self._who, self._near, self._origins, self._home = who, near, origins, home
        self._kept: dict[str, tuple[float, bytes]] = {}

    def routes(self) -> list[web.RouteDef]:
        """Path to handler; none where nobody may see them."""
        return [] if self._who == "off" else [web.get("/status", self.page), web.get("/v1/status", self.json)]

    async def page(self, request: web.Request) -> web.Response:
        """For people; it asks again by itself unless told not to."""
        self._allow(request)
        refreshing = request.query.get("refresh") != "off"
        name = "refreshing" if refreshing else "still"
        body = self._lately(name, lambda found: status_page.page(found, self._home, refreshing=refreshing))
        more = {"Content-Type": headers.HTML, "Content-Security-Policy": status_page.policy()}
        if refreshing:
            more["Refresh"] = str(status_page.REFRESH)
        return self._answer(body, more)

    async def json(self, request: web.Request) -> web.Response:
        """For programs."""
        self._allow(request)
        shared = headers.sharing(self._origins, request.headers.get("Origin")) if self._who == "public" else {}
        return self._answer(self._lately("json", msgspec.json.encode), {"Content-Type": headers.JSON, **shared})

    def _answer(self, body: bytes, more: dict[str, str]) -> web.Response:
        return web.Response(
            body=body, headers={"Cache-Control": headers.NO_STORE, **headers.SECURITY, **headers.EMBED, **more}
        )

    def _allow(self, request: web.Request) -> None:
        if self._who == "public":
            return
        old = request.version < (1, 1)
        forwarded = request.headers.getall("X-Forwarded-For", [])
        if not self._near.is_here(peer_of(request), request.headers, forwarded, old=old):
            raise RequestError(
                "forbidden", 'this is shown on the machine itself; [server] status = "public" shows it to everyone'
            )

    def _lately(self, name: str, write: Callable[[dict[str, Any]], bytes]) -> bytes:
        """What was written under a name a moment ago, or else is now."""
        now = self._clock()
        at, body = self._kept.get(name, (-KEPT, b""))
        if not 0 <= now - at < KEPT:
            body = write(self._found(now))
            self._kept[name] = now, body
        return body

    def _found(self, now: float) -> dict[str, Any]:
        trouble, bulletin = (False, None) if self._watch is None else (self._watch.trouble, self._watch.bulletin)
        return status.status(bulletin, self._snapshot(), now, self._own.standing(trouble=trouble))
