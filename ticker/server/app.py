"""The HTTP application: routes to ready answers, errors by door. Knows the feed, never a source or a file.

A request is parsed, looked up and answered; nothing is fetched from the store for it (trust rules 24 and 28), but past
prices, which `history` fetches and bounds.
"""

import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace

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
    sse,
    status_doors,
    views,
)
from ticker.server.doors import Answer, not_ready
from ticker.server.dressing import Dresser
from ticker.server.elements import Elements
from ticker.server.params import STATUS, Ask, RequestError
from ticker.server.parts import Parts
from ticker.server.parts import Serving as Serving
from ticker.server.pictures import Pictures
from ticker.server.present import Present
from ticker.server.ratelimit import answering
from ticker.server.readiness import READINESS
from ticker.server.ready import Ready, always, ready
from ticker.server.shelf import Build, Shelf
from ticker.server.stream import Stream
from widgets import render

log = logging.getLogger("ticker.server")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


STREAM = web.AppKey("stream", Stream)


class Site:
    """The doors of the present settings, in front of what outlives them."""

    def __init__(self, parts: Parts, serving: Serving) -> None:
        self._parts = parts
        self.paths = Present()
        self._open(serving)

    async def change(self, serving: Serving) -> None:
        """Serve by other settings from the next request on; viewers stay, and hear that there is something new."""
        await self._parts.refurnish(serving)
        self._doors.replaced = True
        self._answer.retire()
        self._open(serving)

    @web.middleware
    async def errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """As the present doors refuse."""
        return await self._doors.errors(request, handler)

    def _open(self, serving: Serving) -> None:
        pictures = Pictures(serving.origin, serving.disclaimer, self._parts.memory, self._parts.icons.address)
        self._answer = Dresser(serving.cors_origins, self._parts.clock)
        self._doors = _Doors(serving, self._parts.shelf, pictures, self._parts.charge, self._answer)
        self.paths.put(_routes(self._parts, serving, self._doors, pictures))


SITE = web.AppKey("site", Site)


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
    without `bulletins` nothing of the poller on `/status`. Its `SITE` takes other settings.
    """
    parts = Parts(feed, serving, clock, past, records)
    site = Site(parts, serving)
    app = web.Application(middlewares=[site.errors], client_max_size=1024)
    app.router.register_resource(site.paths)
    app[STREAM], app[SITE], app[READINESS] = parts.stream, site, parts.readiness
    seeing.attach(app, serving, feed, parts.shelf, parts.stream, clock, bulletins)
    app.cleanup_ctx.append(parts.follow)
    app.on_shutdown.append(parts.end_streams)
    app.on_cleanup.append(parts.close)
    app.on_response_prepare.append(_sign)
    return app


def _routes(parts: Parts, serving: Serving, doors: "_Doors", pictures: Pictures) -> list[web.RouteDef]:
    """Path to handler, by these settings."""
    defaults, origin, clock = serving.defaults, serving.origin, parts.clock
    viewers = sse.Door(parts.stream, parts.addresses)
    found = [
        *pages.Pages(doors, pictures, parts.icons, defaults, origin).routes(),
        web.get("/widget/{kind}", doors.widget),
        web.get("/widget/{kind}/{coin}", doors.widget),
        web.get("/embed/{kind}", doors.embed),
        web.get("/embed/{kind}/{coin}", doors.embed),
        web.get("/v1/prices", doors.prices),
        web.get("/v1/prices/{coin}", doors.prices),
        web.get("/v1/coins", doors.coins),
        web.get("/v1/stream", doors.stream(viewers, clock)),
        web.get("/v1/openapi.json", doors.described),
    ]
    if parts.history is not None:
        found.append(web.get("/v1/history/{coin}", doors.history(parts.history, clock)))
    if parts.explainer is not None:
        found.append(web.get("/v1/explain/{coin}", doors.explain(parts.explainer)))
    found += embedding.Embedding(doors, defaults, origin, serving.disclaimer).routes()
    found += badge.Badges(doors, defaults, serving.frame_ancestors).routes()
    if serving.dialect:
        found += dialect.Dialect(doors.shelf, doors.answer, origin, clock, parts.past).routes()
    found += Elements(doors, parts.history, clock, defaults, origin, serving.frame_ancestors).routes()
    return [*found, *parts.readiness.routes()]


class _Doors:
    """One method a door: what it asks for, how it is built, what headers it wears."""

    def __init__(
        self, serving: Serving, shelf: Shelf, pictures: Pictures, charge: Callable[[], None], answer: Answer
    ) -> None:
        self._serving, self._pictures, self._charge = serving, pictures, charge
        self.shelf, self.answer = shelf, answer
        self.replaced = False  # by doors of other settings, under whose keys nothing of ours may be kept
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

            serving = self._serving
            document = openapi.document(serving.origin, dialect=serving.dialect, status=serving.status != "off")
            self._described = always(_json(document))
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
            self._charge()
            body = await explainer.explain(params.coin_id(request.match_info["coin"]), snapshot)
            return self.answer(request, ready(body), headers.JSON)

        return handler

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
        return self.shelf.once(build) if self.replaced else self.shelf.get(key, build)

    @web.middleware
    async def errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every refusal in the form of its door; what we did not expect is logged and called "internal"."""
        if request.method == "OPTIONS":
            return self._preflight(request)
        asking = answering.set(request)
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
        finally:
            answering.reset(asking)

    def _refusal(self, request: web.Request, error: RequestError) -> web.Response:
        common = {
            "Cache-Control": headers.NO_STORE,
            **headers.SECURITY,
            **headers.sharing(self._serving.cors_origins, request.headers.get("Origin")),
        }
        if error.code in ("not_ready", "rate_limited"):
            common["Retry-After"] = str(error.retry_after or 2)
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


async def _sign(request: web.Request, response: web.StreamResponse) -> None:
    """Whatever answered, the versions of what we run on stay out of it."""
    request.app[READINESS].dress(response)
    response.headers["Server"] = headers.SECURITY["Server"]  # the framework has put its own there
    for name, value in headers.SECURITY.items():
        response.headers.setdefault(name, value)


def _json(value: object) -> bytes:
    return msgspec.json.encode(value)
