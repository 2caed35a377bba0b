"""The stand-in for all sources: one HTTP server, a path prefix per source, faults that can be set while it runs.

    GET  /SOURCE/…             the source's own path, in its own dialect; over WebSocket where it streams
    GET  /                     the sources, and the settings that point the service here
    GET  /calls                {"kraken": 12, …}: how often each was asked
    GET  /faults               {"kraken": "status:503;for=60s"}: those in force
    PUT  /faults/SOURCE        the fault as text, or as JSON {"fault": "status:503"}; SOURCE may be *
    DELETE /faults/SOURCE      none any more

Time comes from the clock it is given. It listens on this machine only unless told otherwise, and has no password.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec
from aiohttp import web

from ticker.model import CoinId, SourceName
from ticker.simulate import page
from ticker.simulate.dialects import DIALECTS
from ticker.simulate.dialects.wire import Ask, Live, Reply, View, reply
from ticker.simulate.faults import Door, Fault, parse
from ticker.simulate.live import Talk
from ticker.simulate.market import Market, Tick
from ticker.simulate.sending import send

Coins = Mapping[SourceName, Mapping[str, CoinId]]
Clock = Callable[[], float]

LOOPBACK = "127.0.0.1"
_SHUTDOWN_SECONDS = 0.2  # a fault may hold a request for ever


@dataclass(frozen=True, slots=True)
class _Set:
    """A fault in force, and since when."""

    fault: Fault
    since: float


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    """What PUT takes as JSON."""

    fault: str


class Simulation:
    """A running stand-in. `coins` maps a source to its own ids and the coins they mean; other sources list nothing."""

    def __init__(self, coins: Coins, *, seed: int = 0, clock: Clock = time.time) -> None:
        self.market = Market(seed)
        self.port = 0
        self.host = LOOPBACK
        self.calls: dict[SourceName, int] = dict.fromkeys(DIALECTS, 0)
        self._clock = clock
        self.streams: dict[SourceName, int] = {source: 0 for source, one in DIALECTS.items() if one.live}
        self._faults: dict[SourceName, _Set] = {}
        self._coins: Coins = {}
        self.set_coins(coins)
        self._runner: web.AppRunner | None = None

    @property
    def origin(self) -> str:
        """`http://HOST:PORT`, as a client on this machine writes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def base_urls(self) -> dict[SourceName, str]:
        """Where each source is to be asked."""
        return base_urls(self.origin)

    @property
    def stream_urls(self) -> dict[SourceName, str]:
        """Where each source that streams is to be followed."""
        return stream_urls(self.origin)

    @property
    def faults(self) -> dict[SourceName, Fault]:
        """The faults in force now."""
        return {source: held.fault for source in DIALECTS if (held := self._held(source))}

    def set_fault(self, source: SourceName, fault: Fault | str | None) -> None:
        """Put a fault on a source (`*`: on all) from now on, in place of the one before; None takes it off.

        Raises FaultError for a text that is none, KeyError for a source that is none.
        """
        fault = parse(fault) if isinstance(fault, str) else fault
        if source != "*" and source not in DIALECTS:
            raise KeyError(source)
        for name in DIALECTS if source == "*" else (source,):
            self._faults.pop(name, None)
            if fault is not None:
                self._faults[name] = _Set(fault, self._clock())

    def set_coins(self, coins: Coins) -> None:
        """Quote other coins from now on. Raises ValueError for a source or a market that no dialect has."""
        for source, ids in coins.items():
            if source not in DIALECTS:
                raise ValueError(f"no dialect for source {source!r}; there are {', '.join(DIALECTS)}")
            for one in ids:
                DIALECTS[source].currency_of(one)
        self._coins = {source: dict(ids) for source, ids in coins.items()}

    def answer(self, source: SourceName, ask: Ask) -> Reply:
        """What the source would say now, with the prices a fault bends; without the server in between."""
        dialect, held = DIALECTS[source], self._held(source, "polls")
        now = dialect.kept(self._clock())
        stopped = dialect.kept(held.since) if held and held.fault.kind == "frozen" else now
        ticks = [self._tick(source, one, held, now, stopped) for one in self._coins.get(source, {})]
        return dialect.encode(View(ticks, stopped if held and held.fault.coin is None else now), ask)

    def _tick(self, source: SourceName, one: str, held: _Set | None, now: float, stopped: float) -> Tick:
        coin = self._coins[source][one]
        at = stopped if held and held.fault.coin in (None, coin) else now
        dialect = DIALECTS[source]
        origin = dialect.origin or source
        if dialect.of == "currencies":
            true = self.market.rate(one, coin, at, source=origin)
        else:
            true = self.market.tick(one, coin, at, currency=dialect.currency_of(one), source=origin)
        return held.fault.bend(true) if held else true

    def _told(self, source: SourceName, one: str) -> Tick:
        """A market as the source's stream has it now, which keeps nothing."""
        held, now = self._held(source, "stream"), self._clock()
        return self._tick(source, one, held, now, held.since if held and held.fault.kind == "frozen" else now)

    def _held(self, source: SourceName, door: Door | None = None) -> _Set | None:
        held = self._faults.get(source)
        if held and held.fault.lasts is not None and self._clock() >= held.since + held.fault.lasts:
            del self._faults[source]
            return None
        return held if held and (door is None or held.fault.at(door)) else None

    async def start(self, host: str = LOOPBACK, port: int = 0) -> None:
        """Listen; port 0 takes a free one, and `port` says which. Raises OSError for an address that cannot be had."""
        app = web.Application()
        app.router.add_get("/", self._index)
        app.router.add_get("/calls", self._show_calls)
        app.router.add_get("/faults", self._show_faults)
        app.router.add_put("/faults/{source}", self._put_fault)
        app.router.add_delete("/faults/{source}", self._delete_fault)
        app.router.add_get("/{source}/{path:.*}", self._ask)
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_SECONDS
        )
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError:
            await self.stop()
            raise
        self.host, self.port = host, self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening and let go of every connection; twice does no harm."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _ask(self, request: web.Request) -> web.StreamResponse:
        source, path = request.match_info["source"], "/" + request.match_info["path"]
        if source not in DIALECTS:
            raise web.HTTPNotFound(text=f"no source {source!r} here")
        live = DIALECTS[source].live
        if live is not None and path == live.path and "websocket" in request.headers.get("Upgrade", "").lower():
            return await self._stream(request, source, live)
        self.calls[source] += 1
        held = self._held(source, "polls")
        fault = held.fault if held else None
        if path != DIALECTS[source].path:
            return await send(request, reply({"error": f"{source} has no {path}"}, 404), fault)
        headers = {name.lower(): value for name, value in request.headers.items()}
        return await send(request, self.answer(source, Ask(dict(request.query), headers)), fault)

    async def _stream(self, request: web.Request, source: SourceName, live: Live) -> web.StreamResponse:
        def fault() -> Fault | None:
            held = self._held(source, "stream")
            return held.fault if held else None

        known = self._coins.get(source, {})
        self.streams[source] += 1
        try:
            return await Talk(request, live, known, lambda one: self._told(source, one), fault, self._clock).hold()
        finally:
            self.streams[source] -= 1

    async def _index(self, _: web.Request) -> web.Response:
        coins = {source: len(ids) for source, ids in self._coins.items()}
        faults = {source: str(fault) for source, fault in self.faults.items()}
        text = page.index(self.origin, self.base_urls, self.stream_urls, coins, self.calls, faults)
        return web.Response(text=text, content_type="text/html")

    async def _show_calls(self, _: web.Request) -> web.Response:
        return web.json_response(self.calls)

    async def _show_faults(self, _: web.Request) -> web.Response:
        return web.json_response({source: str(fault) for source, fault in self.faults.items()})

    async def _put_fault(self, request: web.Request) -> web.Response:
        source = request.match_info["source"]
        try:
            text = (await request.read()).decode()
            if request.content_type == "application/json":
                text = msgspec.json.decode(text, type=_Body).fault
            self.set_fault(source, text)
        except KeyError:
            return web.json_response({"error": f"no source {source!r}"}, status=404)
        except (ValueError, msgspec.DecodeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return await self._show_faults(request)

    async def _delete_fault(self, request: web.Request) -> web.Response:
        source = request.match_info["source"]
        try:
            self.set_fault(source, None)
        except KeyError:
            return web.json_response({"error": f"no source {source!r}"}, status=404)
        return await self._show_faults(request)


def base_urls(origin: str) -> dict[SourceName, str]:
    """The base address of every source behind the stand-in at `origin`."""
    return {source: f"{origin.rstrip('/')}/{source}" for source in DIALECTS}


def stream_urls(origin: str) -> dict[SourceName, str]:
    """The address of every stream behind the stand-in at `origin`."""
    web = origin.rstrip("/").replace("http", "ws", 1)
    return {source: f"{web}/{source}{one.live.path}" for source, one in DIALECTS.items() if one.live}


async def start(
    coins: Coins,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    seed: int = 0,
    faults: Mapping[SourceName, Fault | str] | None = None,
    clock: Clock = time.time,
) -> Simulation:
    """A stand-in that listens. Raises what `set_coins` and `set_fault` raise, and OSError for a port that is taken."""
    simulation = Simulation(coins, seed=seed, clock=clock)
    for source, fault in (faults or {}).items():
        simulation.set_fault(source, fault)
    await simulation.start(host, port)
    return simulation
