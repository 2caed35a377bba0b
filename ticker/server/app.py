"""The HTTP application: routes to ready answers, errors by door. Knows the feed, never a source or a file.

A request is parsed, looked up and answered; nothing is fetched from the store for it (trust rules 24 and 28), but past
prices, which `history` fetches and bounds.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from aiohttp import web

from ticker.feed import Feed
from ticker.model import Snapshot
from ticker.server import explain, gallery, headers, history, home, params, shelf, views
from ticker.server import icons as own_icons
from ticker.server.params import DEFAULTS, STATUS, Ask, Code, Defaults, RequestError
from ticker.server.past import Memory
from ticker.server.pictures import Pictures
from ticker.server.shelf import Build, Ready, Shelf
from widgets import render

log = logging.getLogger("ticker.server")


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Serving:
    """The operator's settings that answers depend on. `origin` is where readers reach us, without a last slash; `icons`
    the folder of coin icons, if there is one.
    """

    defaults: Defaults = DEFAULTS
    origin: str = "http://127.0.0.1:8080"
    disclaimer: str = ""
    cors_origins: tuple[str, ...] = ("*",)
    frame_ancestors: tuple[str, ...] = ("*",)
    icons: Path | None = None


def make_app(
    feed: Feed,
    serving: Serving,
    clock: Callable[[], float],
    past: history.Past | None = None,
    records: explain.Records | None = None,
) -> web.Application:
    """The application over a feed that the caller starts and stops. `clock` gives seconds since 1970.

    Without a `past` to read from there is no `/v1/history` and no line in a widget, without `records` no `/v1/explain`.
    """
    ready = Shelf(clock)
    memory = None if past is None else Memory(past, clock, ready.refresh)
    icons = own_icons.Icons(serving.icons, ready.refresh)
    doors = _Doors(serving, ready, Pictures(serving.origin, serving.disclaimer, memory, icons.address), icons)
    app = web.Application(middlewares=[doors.errors], client_max_size=1024)
    app.router.add_get("/", doors.home)
    app.router.add_get("/widget/{kind}", doors.widget)
    app.router.add_get("/widget/{kind}/{coin}", doors.widget)
    app.router.add_get("/embed/{kind}", doors.embed)
    app.router.add_get("/embed/{kind}/{coin}", doors.embed)
    app.router.add_get("/embed.css", doors.stylesheet)
    app.router.add_get("/gallery", doors.gallery)
    app.router.add_get("/icons/{name}", doors.icon)
    app.router.add_get("/v1/prices", doors.prices)
    app.router.add_get("/v1/prices/{coin}", doors.prices)
    app.router.add_get("/v1/coins", doors.coins)
    if past is not None:
        answers = history.History(past, clock)
        app.router.add_get("/v1/history/{coin}", doors.history(answers, clock))
        app.on_cleanup.append(lambda _: answers.close())
    if records is not None:
        app.router.add_get("/v1/explain/{coin}", doors.explain(explain.Explainer(records)))
    app.router.add_get("/healthz", doors.healthz)
    app.router.add_get("/readyz", doors.readyz)

    async def follow(_: web.Application) -> AsyncIterator[None]:
        unsubscribe = feed.subscribe(doors.shelf.update)
        if feed.snapshot is not None:
            doors.shelf.update(feed.snapshot)
        icons.start()
        if memory is not None:
            memory.start()
        yield
        unsubscribe()
        await icons.close()
        if memory is not None:
            await memory.close()
        doors.shelf.close()

    app.cleanup_ctx.append(follow)
    app.on_response_prepare.append(_sign)
    return app


class _Doors:
    """One method a door: what it asks for, how it is built, what headers it wears."""

    def __init__(self, serving: Serving, shelf: Shelf, pictures: Pictures, icons: own_icons.Icons) -> None:
        self._serving, self._pictures, self._icons = serving, pictures, icons
        self.shelf = shelf
        self._policies = {
            (kind, look): headers.policy([render.style_hash(kind, look)], serving.frame_ancestors)
            for kind in render.KINDS
            for look in render.LOOKS
        }

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
            return draw(kind, board, self._pictures.options(kind, ask, self._serving.defaults)).encode()

        ready = self._ready((draw.__name__, kind, ask), build)
        policy = {"Content-Security-Policy": self._policies[kind, ask.look]}
        return self._answer(request, ready, headers.HTML, {**headers.EMBED, **policy})

    async def prices(self, request: web.Request) -> web.Response:
        """`/v1/prices` and `/v1/prices/{coin}`."""
        ask = params.prices(list(request.query.items()), request.match_info.get("coin"), self._serving.defaults)

        def build(snapshot: Snapshot, now: float) -> bytes:
            return _json(views.prices_json(snapshot, ask, now))

        return self._answer(request, self._ready(("prices", ask), build), headers.JSON)

    async def coins(self, request: web.Request) -> web.Response:
        """`/v1/coins`."""
        ready = self._ready("coins", lambda snapshot, _: _json(views.coins_json(snapshot)))
        return self._answer(request, ready, headers.JSON)

    def history(self, answers: history.History, clock: Callable[[], float]) -> Handler:
        """`/v1/history/{coin}`."""

        async def handler(request: web.Request) -> web.Response:
            what = history.asked(list(request.query.items()), request.match_info["coin"], clock())
            snapshot = self.shelf.snapshot
            if snapshot is None:
                raise _not_ready()
            views.chosen(snapshot, Ask(coins=(what.coin,)))
            return self._answer(request, await answers.get(what, simulated=snapshot.simulated), headers.JSON)

        return handler

    def explain(self, explainer: explain.Explainer) -> Handler:
        """`/v1/explain/{coin}`."""

        async def handler(request: web.Request) -> web.Response:
            if self.shelf.snapshot is None:
                raise _not_ready()
            body = await explainer.explain(params.coin_id(request.match_info["coin"]), self.shelf.snapshot)
            return self._answer(request, shelf.ready(body), headers.JSON)

        return handler

    async def home(self, request: web.Request) -> web.Response:
        """The page a person sees first."""
        serving = self._serving
        ask = params.widget([], None, serving.defaults)

        def build(snapshot: Snapshot, now: float) -> bytes:
            board = self._pictures.board("list", snapshot, ask, now)
            first = snapshot.shown[0] if snapshot.shown else None
            options = self._pictures.options("list", ask, serving.defaults)
            return home.home(board, options, serving.origin, first).encode()

        ready = self._ready("home", build)
        return self._answer(request, ready, headers.HTML, {"Content-Security-Policy": home.policy()})

    async def stylesheet(self, request: web.Request) -> web.Response:
        """The style of `css=link`: of list and label, or of one `kind`, and of one `look`."""
        kinds, looks = params.stylesheet(list(request.query.items()))
        ready = self._ready(("embed.css", kinds, looks), lambda *_: render.stylesheet(*kinds, looks=looks).encode())
        return self._answer(request, ready, headers.CSS)

    async def gallery(self, request: web.Request) -> web.Response:
        """Every widget in every look."""
        ask = gallery.asked(list(request.query.items()), self._serving.defaults)
        ready = self._ready(("gallery", ask), gallery.builder(self._pictures, ask, self._serving.defaults))
        return self._answer(request, ready, headers.HTML, {"Content-Security-Policy": gallery.policy()})

    async def icon(self, request: web.Request) -> web.Response:
        """A coin's icon that ops have dropped in."""
        name = request.match_info["name"]
        icon = self._icons.get(name)
        if icon is None:
            raise RequestError("not_found", "there is no such icon")
        named = request.query.get("v") == icon.version
        extra = {
            "Content-Security-Policy": own_icons.POLICY,
            "Cache-Control": own_icons.CACHE if named else own_icons.CACHE_UNNAMED,
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        ready = Ready(icon.body, f'"{icon.version}"', None, "")
        return self._answer(request, ready, icon.content_type, extra)

    async def healthz(self, _: web.Request) -> web.Response:
        """Alive: depends on nothing but this process."""
        return web.Response(text="ok\n", headers={"Cache-Control": headers.NO_STORE})

    async def readyz(self, _: web.Request) -> web.Response:
        """Ready: there is a snapshot, even an empty one."""
        if self.shelf.snapshot is None:
            raise _not_ready()
        return web.Response(text="ready\n", headers={"Cache-Control": headers.NO_STORE})

    def _preflight(self, request: web.Request) -> web.Response:
        """A browser asking whether a page elsewhere may read us."""
        shared = headers.sharing(self._serving.cors_origins, request.headers.get("Origin"))
        if shared:
            shared |= {"Access-Control-Allow-Methods": "GET, HEAD", "Access-Control-Max-Age": "86400"}
        return web.Response(status=204, headers={**shared, "Vary": headers.vary(self._serving.cors_origins)})

    def _ready(self, key: object, build: Build) -> Ready:
        if self.shelf.snapshot is None:
            raise _not_ready()
        return self.shelf.get(key, build)

    def _answer(
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
            return await handler(request)
        except RequestError as error:
            return self._refusal(request, error)
        except web.HTTPException as error:
            if error.status in (404, 405):
                refusal = self._refusal(request, RequestError("not_found", "there is nothing here"))
                refusal.set_status(error.status)
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
        if request.path.startswith(("/widget/", "/embed/")):
            policy = {"Content-Security-Policy": headers.policy((), self._serving.frame_ancestors)}
            body, content_type = render.error(error.message).encode(), headers.HTML
            common |= {**headers.EMBED, **policy}
        else:
            body, content_type = _json(_error(error.code, error.message, error.param)), headers.JSON
        return web.Response(status=STATUS[error.code], body=body, headers={**common, "Content-Type": content_type})


async def _sign(_: web.Request, response: web.StreamResponse) -> None:
    """Whatever answered, the versions of what we run on stay out of it."""
    for name, value in headers.SECURITY.items():
        response.headers.setdefault(name, value)


def _not_ready() -> RequestError:
    return RequestError("not_ready", "no prices have been settled yet; try again in a moment")


def _error(code: Code, message: str, param: str | None) -> dict[str, dict[str, str | None]]:
    return {"error": {"code": code, "message": message, "param": param}}


def _json(value: object) -> bytes:
    return msgspec.json.encode(value)
