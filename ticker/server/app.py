"""The HTTP application: routes to ready answers, errors by door. Knows the feed, never a source or a file.

A request is parsed, looked up and answered; nothing is fetched from the store for it (trust rules 24 and 28), but past
prices, which `history` fetches and bounds.
"""

import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
from aiohttp import web

from ticker.feed import Feed
from ticker.model import Snapshot
from ticker.server import (
    badge,
    dialect,
    embedding,
    explain,
    headers,
    history,
    limits,
    oembed,
    pages,
    params,
    places,
    seeing,
    shelf,
    sse,
    status_doors,
    views,
)
from ticker.server import icons as own_icons
from ticker.server.addresses import Addresses
from ticker.server.doors import not_ready
from ticker.server.elements import Elements
from ticker.server.params import DEFAULTS, STATUS, Ask, Defaults, RequestError
from ticker.server.past import Memory
from ticker.server.pictures import Pictures
from ticker.server.shelf import Build, Ready, Shelf
from ticker.server.stream import LIMITS, Limits, Stream
from widgets import render

log = logging.getLogger("ticker.server")


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


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
    dialect: bool = True
    icons: Path | None = None
    status: str = "local"


STREAM = web.AppKey("stream", Stream)


def make_app(
    feed: Feed,
    serving: Serving,
    clock: Callable[[], float],
    past: history.Past | None = None,
    records: explain.Records | None = None,
    bulletins: status_doors.Bulletins | None = None,
) -> web.Application:
    """The application over a feed that the caller starts and stops. `clock` gives seconds since 1970.

    Without a `past` to read from there is no `/v1/history` and no line in a widget, without `records` no `/v1/explain`,
    without `bulletins` nothing of the poller on `/status`.
    """
    ready = Shelf(clock)
    memory = None if past is None else Memory(past, clock, ready.refresh)
    icons = own_icons.Icons(serving.icons, ready.refresh)
    pictures = Pictures(serving.origin, serving.disclaimer, memory, icons.address)
    doors = _Doors(serving, ready, pictures)
    app = web.Application(middlewares=[doors.errors], client_max_size=1024)
    stream = app[STREAM] = Stream(clock, serving.limits)
    app.add_routes(pages.Pages(doors, pictures, icons, serving.defaults, serving.origin).routes())
    app.router.add_get("/widget/{kind}", doors.widget)
    app.router.add_get("/widget/{kind}/{coin}", doors.widget)
    app.router.add_get("/embed/{kind}", doors.embed)
    app.router.add_get("/embed/{kind}/{coin}", doors.embed)
    app.router.add_get("/v1/prices", doors.prices)
    app.router.add_get("/v1/prices/{coin}", doors.prices)
    app.router.add_get("/v1/coins", doors.coins)
    app.router.add_get("/v1/stream", doors.stream(sse.Door(stream, Addresses(serving.trusted_proxies)), clock))
    app.router.add_get("/v1/openapi.json", doors.described)
    answers = None if past is None else history.History(past, clock)
    if answers is not None:
        app.router.add_get("/v1/history/{coin}", doors.history(answers, clock))
        app.on_cleanup.append(lambda _: answers.close())
    if records is not None:
        app.router.add_get("/v1/explain/{coin}", doors.explain(explain.Explainer(records)))
    described = embedding.Embedding(doors, serving.defaults, serving.origin, serving.disclaimer)
    app.add_routes(described.routes())
    app.add_routes(badge.Badges(doors, serving.defaults, serving.frame_ancestors).routes())
    if serving.dialect:
        app.add_routes(dialect.Dialect(doors.shelf, doors.answer, serving.origin, clock, past).routes())
    elements = Elements(doors, answers, clock, serving.defaults, serving.origin, serving.frame_ancestors)
    app.add_routes(elements.routes())
    seeing.attach(app, serving, feed, ready, stream, clock, bulletins)
    app.router.add_get("/healthz", doors.healthz)
    app.router.add_get("/readyz", doors.readyz)

    async def follow(_: web.Application) -> AsyncIterator[None]:
        followers = (stream, doors.shelf)  # in this order: viewers first, then what nobody has asked for yet
        unsubscribe = [feed.subscribe(one.update) for one in followers]
        for one in followers:
            if feed.snapshot is not None:
                one.update(feed.snapshot)
        icons.start()
        if memory is not None:
            memory.start()
        yield
        for end in unsubscribe:
            end()
        await icons.close()
        if memory is not None:
            await memory.close()
        doors.shelf.close()

    async def end_streams(_: web.Application) -> None:
        stream.close()

    app.cleanup_ctx.append(follow)
    app.on_shutdown.append(end_streams)
    app.on_response_prepare.append(_sign)
    return app


class _Doors:
    """One method a door: what it asks for, how it is built, what headers it wears."""

    def __init__(self, serving: Serving, shelf: Shelf, pictures: Pictures) -> None:
        self._serving, self._pictures = serving, pictures
        self.shelf = shelf
        self._policies: dict[tuple[str, str], str] = {}
        self._described: Ready | None = None

    async def widget(self, request: web.Request) -> web.Response:
        """An HTML fragment."""
        return self._picture(request, render.render)

    async def embed(self, request: web.Request) -> web.Response:
        """The same as a whole page for an iframe."""
        return self._picture(request, render.page)

    def _picture(self, request: web.Request, draw: Callable[..., str]) -> web.Response:
        kind, coin = request.match_info["kind"], request.match_info.get("coin")
        if kind not in render.KINDS:
            raise RequestError("unknown_kind", f"there is no widget {kind!r}; there are: {', '.join(render.KINDS)}")
        ask = params.widget(list(request.query.items()), coin, self._serving.defaults, kind)

        def build(snapshot: Snapshot, now: float) -> bytes:
            board = self._pictures.board(kind, snapshot, ask, now)
            place = places.of_ask(kind, coin, ask, self._serving.defaults)
            discovery = oembed.discovery(place, self._serving.origin)
            options = self._pictures.options(kind, ask, self._serving.defaults)
            return draw(kind, board, replace(options, discovery=discovery)).encode()

        ready = self.ready((draw.__name__, kind, ask), build)
        policy = {"Content-Security-Policy": self._policy(kind, ask.look)}
        return self.answer(request, ready, headers.HTML, {**headers.EMBED, **policy})

    def _policy(self, kind: str, look: str) -> str:
        """The policy of a kind in a look, which needs the hash of its style."""
        if (kind, look) not in self._policies:
            style = render.style_hash(kind, look)
            self._policies[kind, look] = headers.policy([style], self._serving.frame_ancestors)
        return self._policies[kind, look]

    async def prices(self, request: web.Request) -> web.Response:
        """`/v1/prices` and `/v1/prices/{coin}`."""
        ask = params.prices(list(request.query.items()), request.match_info.get("coin"), self._serving.defaults)

        def build(snapshot: Snapshot, now: float) -> bytes:
            return _json(views.prices_json(snapshot, ask, now))

        return self.answer(request, self.ready(("prices", ask), build), headers.JSON)

    def stream(self, door: sse.Door, clock: Callable[[], float]) -> Handler:
        """`/v1/stream`."""

        async def handler(request: web.Request) -> web.StreamResponse:
            ask = params.stream(list(request.query.items()), self._serving.defaults)
            shared = headers.sharing(self._serving.cors_origins, request.headers.get("Origin"))
            return door.open(request, ask, shared, clock())

        return handler

    async def coins(self, request: web.Request) -> web.Response:
        """`/v1/coins`."""
        ready = self.ready("coins", lambda snapshot, _: _json(views.coins_json(snapshot)))
        return self.answer(request, ready, headers.JSON)

    async def described(self, request: web.Request) -> web.Response:
        """`/v1/openapi.json`: the same whatever the prices are, and made when it is first asked for."""
        if self._described is None:
            from ticker.server import openapi

            document = openapi.document(
                self._serving.origin, dialect=self._serving.dialect, status=self._serving.status != "off"
            )
            self._described = shelf.ready(_json(document))
        return self.answer(request, self._described, headers.JSON)

    def history(self, answers: history.History, clock: Callable[[], float]) -> Handler:
        """`/v1/history/{coin}`."""

        async def handler(request: web.Request) -> web.Response:
            what = history.asked(list(request.query.items()), request.match_info["coin"], clock())
            snapshot = self.snapshot
            ((coin, _),) = views.chosen(snapshot, Ask(coins=(what.coin,)))
            what = replace(what, since=coin.since or 0.0)
            return self.answer(request, await answers.get(what, simulated=snapshot.simulated), headers.JSON)

        return handler

    def explain(self, explainer: explain.Explainer) -> Handler:
        """`/v1/explain/{coin}`."""

        async def handler(request: web.Request) -> web.Response:
            snapshot = self.snapshot
            body = await explainer.explain(params.coin_id(request.match_info["coin"]), snapshot)
            return self.answer(request, shelf.ready(body), headers.JSON)

        return handler

    async def healthz(self, _: web.Request) -> web.Response:
        """Alive: depends on nothing but this process."""
        return web.Response(text="ok\n", headers={"Cache-Control": headers.NO_STORE})

    async def readyz(self, _: web.Request) -> web.Response:
        """Ready: there is a snapshot, even an empty one."""
        if self.shelf.snapshot is None:
            raise not_ready()
        return web.Response(text="ready\n", headers={"Cache-Control": headers.NO_STORE})

    def _preflight(self, request: web.Request) -> web.Response:
        """A browser asking whether a page elsewhere may read us."""
        shared = headers.sharing(self._serving.cors_origins, request.headers.get("Origin"))
        if shared:
            shared |= {"Access-Control-Allow-Methods": "GET, HEAD", "Access-Control-Max-Age": "86400"}
        return web.Response(status=204, headers={**shared, "Vary": headers.vary(self._serving.cors_origins)})

    @property
    def snapshot(self) -> Snapshot:
        """As `Doors` says."""
        if self.shelf.snapshot is None:
            raise not_ready()
        return self.shelf.snapshot

    def ready(self, key: object, build: Build) -> Ready:
        """As `Doors` says."""
        if self.shelf.snapshot is None:
            raise not_ready()
        return self.shelf.get(key, build)

    def answer(
        self, request: web.Request, ready: Ready, content_type: str, extra: dict[str, str] | None = None
    ) -> web.Response:
        body, etag, encoding = ready.body, ready.etag, {}
        if ready.compressed is not None and headers.accepts_gzip(request.headers.get("Accept-Encoding")):
            body, etag, encoding = ready.compressed, ready.compressed_etag, {"Content-Encoding": "gzip"}
        common = {
            "ETag": etag,
            "Cache-Control": headers.CACHE,
            "Vary": headers.vary(self._serving.cors_origins),
            **headers.sharing(self._serving.cors_origins, request.headers.get("Origin")),
            **headers.SECURITY,
            **(extra or {}),
        }
        if headers.not_modified(", ".join(request.headers.getall("If-None-Match", ())) or None, etag):
            return web.Response(status=304, headers=common)
        return web.Response(body=body, headers={**common, **encoding, "Content-Type": content_type})

    @web.middleware
    async def errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every refusal in the form of its door; what we did not expect is logged and called "internal"."""
        if request.method == "OPTIONS":
            return self._preflight(request)
        try:
            limits.check(request.method, request.raw_path)
            return await handler(request)
        except RequestError as error:
            return self._refusal(request, error)
        except web.HTTPException as error:
            if error.status in (404, 405):
                refusal = self._refusal(request, RequestError("not_found", "there is nothing here"))
                if error.status == 405:
                    refusal.set_status(405)
                if "Allow" in error.headers:
                    refusal.headers["Allow"] = error.headers["Allow"]
                return refusal
            raise
        except Exception:
            log.exception("cannot answer %s", request.path)
            return self._refusal(request, RequestError("internal", "something went wrong here; it has been noted"))

    def _refusal(self, request: web.Request, error: RequestError) -> web.Response:
        common = {
            "Cache-Control": headers.NO_STORE,
            **headers.SECURITY,
            **headers.sharing(self._serving.cors_origins, request.headers.get("Origin")),
        }
        if error.code in ("not_ready", "rate_limited"):
            common["Retry-After"] = "2"
        elif error.code == "busy":
            common["Retry-After"] = str(random.randint(20, 60))  # not all at once
        status = STATUS[error.code]
        if badge.is_one(request.path) and request.method in ("GET", "HEAD"):
            status, body, content_type = badge.refusal(request.path, error)
            policy = {"Content-Security-Policy": badge.policy(self._serving.frame_ancestors)}
            common |= {**headers.EMBED, **policy}
        elif request.path.startswith(("/widget/", "/embed/")):
            policy = {"Content-Security-Policy": headers.policy((), self._serving.frame_ancestors)}
            body, content_type = render.error(error.message).encode(), headers.HTML
            common |= {**headers.EMBED, **policy}
        elif request.path.startswith(dialect.PATH):
            body, content_type = dialect.refusal(error), headers.JSON
        else:
            told = {"code": error.code, "message": error.message, "param": error.param}
            body, content_type = _json({"error": told}), headers.JSON
        return web.Response(status=status, body=body, headers={**common, "Content-Type": content_type})


async def _sign(_: web.Request, response: web.StreamResponse) -> None:
    """Whatever answered, the versions of what we run on stay out of it."""
    for name, value in headers.SECURITY.items():
        response.headers.setdefault(name, value)


def _json(value: object) -> bytes:
    return msgspec.json.encode(value)
