"""A stage for faults: sources stood in for over HTTP in their real dialects, and everything of ours behind them real.

Poller, road out, embedded store, feed and server are those of the service; only the clock is ours, so that a minute
costs milliseconds. What a source says is set by the test, for each source and coin, from then on.
"""

import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from email.utils import formatdate
from pathlib import Path
from typing import Any
from unittest import mock

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from fakes import NOW, Clock
from source_tables import IDS

from ticker.consensus import CoinRule, Rules, Voter
from ticker.errors import Fenced, SourceError, StoreDown
from ticker.feed import Feed
from ticker.fetch import Ask as Wanted
from ticker.fetch import Fetcher
from ticker.model import Coin, Quote, Snapshot
from ticker.poller import Assignment, Listing, Poller
from ticker.server.app import Serving, make_app
from ticker.simulate.dialects import DIALECTS
from ticker.simulate.dialects.wire import Ask, View
from ticker.simulate.faults import parse
from ticker.simulate.market import Span, Tick
from ticker.simulate.sending import send
from ticker.sources import REGISTRY, quotes
from ticker.store import open_store
from ticker.store.base import Publication, Store

VENUES = ("kraken", "coinbase", "bitfinex", "bitstamp", "okx", "kucoin", "gateio")  # those that can quote in dollars
AGGREGATORS = ("coingecko", "coinpaprika", "coinlore", "coinmarketcap")
TETHERED = ("binance", "mexc", "htx")  # those that quote in USDT only
WRONG = Decimal("0.003")  # a price further than this from the true one is wrong
CLAIMS = ("ok", "degraded", "single")  # the agreements that say "this is the price"
TAKE_OVER = 2.0  # real seconds
PATIENCE = 20.0  # real seconds for what is certain to come
NAMES = {"bitcoin": "BTC", "ethereum": "ETH", "tether": "USDT", "usd-coin": "USDC", "shiba-inu": "SHIB"}
HEADERS = {"coinmarketcap": {"X-CMC_PRO_API_KEY": "staged"}}

Truth = Callable[[float], Decimal]
Live = Callable[[str, float], Decimal]
Bend = Callable[[bytes], bytes]


def symbol(coin: str) -> str:
    """What the stage calls a coin: its real symbol where tests need one, else its id in capitals."""
    return NAMES.get(coin, coin.replace("-", "").upper()[:10])


def id_of(source: str, coin: str, number: int = 0) -> str:
    """A source's own id of a coin, counted in dollars wherever the source can."""
    name = symbol(coin)
    made = {
        "coingecko": coin,
        "coinpaprika": f"{name.lower()}-{coin}",
        "kraken": f"{name}/USD",
        "coinbase": f"{name}-USD",
        "bitstamp": f"{name}/USD",
        "okx": f"{name}-USD",
        "kucoin": f"{name}-USD",
        "gateio": f"{name}_USD",
        "binance": f"{name}USDT",
        "mexc": f"{name}USDT",
        "htx": f"{name.lower()}usdt",
        "bitfinex": f"t{name}USD" if len(name) == 3 else f"t{name}:USD",
    }
    known = IDS[source].get(coin)
    if source in ("coinlore", "coinmarketcap"):
        return known or str(90_000 + number)
    return known if source == "bitfinex" and known else made[source]


def percent(fraction: Decimal) -> str:
    """A fraction as it stands in the table."""
    return f"{fraction * 100:.2f} %"


@dataclass
class Said:
    """What one source says: prices by coin in its own currency, its own time (None: now), and how it is broken.

    Where there is a `live`, it gives the price of a coin at a moment, and `prices` says nothing.
    """

    prices: dict[str, Decimal] = field(default_factory=dict)
    live: Live | None = None
    at: float | None = None
    lag: float = 0.0
    volume: Decimal = Decimal(1000)
    fault: str | None = None
    raw: tuple[bytes, int, Mapping[str, str]] | None = None
    bend: Bend | None = None


class Gate:
    """A store that can be switched off; remembers the last snapshot that went through, and how many it fenced off."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self.last: Snapshot | None = None
        self.memory = b""
        self.asked = self.fenced = 0
        self._down = False
        self.unable, self.written = asyncio.Event(), asyncio.Condition()

    @property
    def down(self) -> bool:
        """Whether it is switched off."""
        return self._down

    @down.setter
    def down(self, value: bool) -> None:
        self._down = value
        (self.unable.set if value else self.unable.clear)()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if name in ("open", "close", "changes"):
            return method

        async def call(*given: Any, **named: Any) -> Any:
            self.asked += 1
            if self.down:
                raise StoreDown("the store of the stage is off")
            return await method(*given, **named)

        return call

    async def publish(self, publication: Publication) -> None:
        """As the store does."""
        try:
            await self.__getattr__("publish")(publication)
            self.last, self.memory = publication.snapshot, publication.memory
            self.unable.clear()
        except StoreDown:
            self.unable.set()
            raise
        except Fenced:
            self.fenced += 1
            raise
        finally:
            async with self.written:
                self.written.notify_all()

    async def until(self, happened: Callable[[], object]) -> None:
        """Wait until something holds after a publication, taken or not."""
        async with self.written:
            await self.written.wait_for(happened)


class Stage:
    """`async with Stage(...) as stage`, then `say`, `turn`, `price`. The first coin is the one meant where none is named.

    `coins` are ids; every source lists all of them unless `listed` says otherwise. `every` is the seconds between two
    polls of every source: one turn. Sources in `elsewhere` are asked there and not by our stand-in.
    """  # noqa: E501

    def __init__(
        self,
        sources: Sequence[str] = VENUES[:5],
        coins: Sequence[str] = ("bitcoin",),
        *,
        every: float = 60.0,
        listed: Mapping[str, Sequence[str]] | None = None,
        groups: Mapping[str, str] | None = None,
        ids: Mapping[tuple[str, str], str] | None = None,
        tolerance: Mapping[str, Decimal] | None = None,
        confirmed: Mapping[str, float] | None = None,
        names: Mapping[str, tuple[str, str]] | None = None,
        fixed: Mapping[str, Decimal] | None = None,
        elsewhere: Mapping[str, str] | None = None,
        store: str | None = None,
        start: float = NOW,
    ) -> None:
        self.sources, self.coins, self.every = tuple(sources), tuple(coins), every
        self.clock, self.started = Clock(start), start
        self.said = {name: Said() for name in self.sources}
        self.ahead = 0.0  # seconds that our clock is ahead of everybody else's
        self.truth: dict[str, Truth] = {}
        self.calls: Counter[str] = Counter()
        self.worst: dict[str, Decimal] = {}
        self.wrong_seconds = 0.0
        self.agreements: Counter[str] = Counter()
        listed = listed or {}
        self._ids = {
            name: {
                coin: (ids or {}).get((name, coin)) or id_of(name, coin, number)
                for number, coin in enumerate(self.coins)
                if coin in listed.get(name, self.coins)
            }
            for name in self.sources
        }
        self._groups, self._elsewhere = groups or {}, elsewhere or {}
        self._names = names or {}
        self._coin_rules = (tolerance or {}, confirmed or {}, fixed or {})
        self._store_url = store
        self._due = {name: start + (i + 0.5) * every / len(self.sources) for i, name in enumerate(self.sources)}
        self._observed = start
        self._asked: set[str] = set()

    # what is set up --------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> "Stage":
        self._stack = stack = AsyncExitStack()
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        stack.enter_context(mock.patch("ticker.poller.STORE_RETRY", 0.01))
        store = open_store(self._store_url or f"embedded:{Path(folder)}/store.sqlite3")
        stack.push_async_callback(store.close)
        await store.open()
        self.store = Gate(store)
        app = web.Application()
        app.router.add_get("/{source}/{path:.*}", self._answer)
        app.on_response_prepare.append(self._date)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self.fetcher = await stack.enter_async_context(Fetcher("ticker/stage", self.clock))
        await self.start_poller()
        self.feed = Feed(self.store)  # type: ignore[arg-type]
        self._fed = asyncio.Event()
        self.feed.subscribe(lambda _: self._fed.set())
        await self.feed.start()
        stack.push_async_callback(self.feed.stop)
        self.client: TestClient[Any, Any] = TestClient(TestServer(make_app(self.feed, Serving(), self.clock)))
        await self.client.start_server()
        stack.push_async_callback(self.client.close)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop_poller()
        await self._stack.aclose()

    async def start_poller(self) -> None:
        """Start a poller on the store, as a process that starts does."""
        tolerance, confirmed, fixed = self._coin_rules
        assigned = [
            Assignment(
                source=REGISTRY[name],
                base_url=self.address(name),
                every=self.every,
                ids={coin: (one,) for coin, one in self._ids[name].items()},
                headers=HEADERS.get(name, {}),
                allow_private=True,
            )
            for name in self.sources
        ]
        voters = {
            name: Voter(REGISTRY[name].kind, self._groups.get(name, REGISTRY[name].group), self.every)
            for name in self.sources
        }
        rules = Rules(
            voters,
            tuple(
                CoinRule(
                    coin,
                    tuple(name for name in self.sources if coin in self._ids[name]),
                    tolerance.get(coin),
                    fixed.get(coin),
                    confirmed.get(coin),
                )
                for coin in self.coins
            ),
        )
        shown = tuple(Coin(coin, *self._names.get(coin, (coin.title(), symbol(coin)))) for coin in self.coins)
        self.poller = Poller(
            assigned,
            rules,
            Listing(shown, self.coins),
            self.store,  # type: ignore[arg-type]
            self.fetcher,
            skew=self.fetcher.skew,
            clock=self.clock,
            publish_every=0.0,
        )
        self._asked.clear()
        last = self.store.last
        self.running = asyncio.create_task(self.poller.run())
        if last is not None:
            with suppress(TimeoutError):  # where it inherits nothing, it publishes nothing yet
                async with asyncio.timeout(TAKE_OVER):
                    await self._either(self.store.until(lambda: self._taken_over(last)), self.store.unable.wait())

    def _taken_over(self, last: Snapshot) -> bool:
        return self.store.last is not None and self.store.last.epoch > last.epoch

    async def stop_poller(self) -> None:
        """End it at once, as a kill does: nothing is written on the way out."""
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)

    async def restart(self, sources: Sequence[str] | None = None) -> None:
        """End the poller as a kill does and start another on the same store, with these sources from then on."""
        await self.stop_poller()
        if sources is not None:
            self.sources = tuple(sources)
            self._due = {name: self._due[name] for name in self.sources}
        await self.start_poller()

    def confirm(self, coin: str) -> None:
        """What `ticker coins confirm` sets; it counts from the next poller on."""
        tolerance, confirmed, fixed = self._coin_rules
        self._coin_rules = (tolerance, {**confirmed, coin: self.clock.now}, fixed)

    # what the sources say --------------------------------------------------------------------------------------------

    def say(self, source: str, price: str | Decimal | None = None, /, **coins: str | Decimal) -> None:
        """One source's price of the first coin, or of named coins (underscores are dashes), from now on."""
        said = self.said[source]
        if price is not None:
            said.prices[self.coins[0]] = Decimal(price)
        said.prices |= {coin.replace("_", "-"): Decimal(value) for coin, value in coins.items()}

    def all_say(
        self, price: str | Decimal | None = None, /, *, but: Iterable[str] = (), **coins: str | Decimal
    ) -> None:
        """The same of every source, but for some."""
        for source in self.sources:
            if source not in but:
                self.say(source, price, **coins)

    def breaks(self, source: str, fault: str | None) -> None:
        """A fault as `ticker simulate` knows them ("status:503", "reset", "truncate"), or none any more."""
        self.said[source].fault = fault

    def answers(self, source: str, body: bytes | None, status: int = 200, **headers: str) -> None:
        """These bytes as its whole answer (underscores in header names are dashes); None: its own words again."""
        given = {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        self.said[source].raw = None if body is None else (body, status, given)

    def bends(self, source: str, bend: Bend | None) -> None:
        """Change the bytes of its answers on their way."""
        self.said[source].bend = bend

    def body(self, source: str, query: Mapping[str, str] | None = None) -> bytes:
        """What the source would say now, unbroken."""
        said, dialect = self.said[source], DIALECTS[source]
        at = (self.clock.now if said.at is None else said.at) + said.lag
        live, ids = said.live, self._ids[source]
        prices = said.prices if live is None else {coin: live(coin, self.clock.now) for coin in ids}
        ticks = [
            tick(ids[coin], coin, price, dialect.currency_of(ids[coin]), at, said.volume)
            for coin, price in prices.items()
            if coin in ids
        ]
        headers = {name.lower(): value for name, value in HEADERS.get(source, {}).items()}
        asked = {"id": ",".join(self._ids[source].values()), "vs_currency": "usd"} if query is None else query
        return dialect.encode(View(ticks, at), Ask(asked, headers)).body

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        source, path = request.match_info["source"], "/" + request.match_info["path"]
        self.calls[source] += 1
        said = self.said[source]
        if path != DIALECTS[source].path:
            return web.json_response({"error": "not found"}, status=404)
        if said.raw is not None:
            body, status, headers = said.raw
            return web.Response(body=body, status=status, headers=dict(headers))
        body = self.body(source, dict(request.query))
        reply = DIALECTS[source].encode(View((), 0.0), Ask(dict(request.query), {}))
        bent = said.bend(body) if said.bend is not None else body
        return await send(request, type(reply)(bent), parse(said.fault) if said.fault else None)

    async def _date(self, _: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = formatdate(self.clock.now - self.ahead, usegmt=True)

    # what passes, and what is shown ----------------------------------------------------------------------------------

    async def turn(self, times: int = 1) -> None:
        """Every source's next poll, one after the other, spread over `every` seconds; so many times."""
        await self.pass_seconds(times * self.every)

    async def pass_seconds(self, seconds: float) -> None:
        """Time passes: sources are polled when they are due, at the moment the poller last asked for."""
        end = self.clock.now + seconds
        while True:
            name = self.next_due()
            if self._due[name] > end:
                break
            self.clock.now = max(self.clock.now, self._due[name])
            self._due[name] += self.every
            again = await self.poll(name)
            if again is not None and again != self.every:
                self._due[name] = self.clock.now + again
        self.clock.now = end
        self._observe()

    def next_due(self) -> str:
        """The source that is polled next."""
        return min(self._due, key=self._due.__getitem__)

    async def pass_to_next(self) -> None:
        """Time passes until the next poll, which is made."""
        name = self.next_due()
        await self.pass_seconds(max(0.0, self._due[name] - self.clock.now))

    def address(self, source: str) -> str:
        """Where a source is asked."""
        return self._elsewhere.get(source) or f"{self.origin}/{source}"

    async def ask(self, source: str) -> list[Quote]:
        """Fetch and read one answer now, past the poller: its quotes, or the error that it is."""
        one, ids = REGISTRY[source], {coin: (id_,) for coin, id_ in self._ids[source].items()}
        bodies = []
        for request in one.requests([id_ for many in ids.values() for id_ in many]):
            headers = {**dict(request.headers), **HEADERS.get(source, {})}
            wanted = Wanted(source, self.address(source), request.path, request.query, headers, one.max_body)
            bodies.append((await self.fetcher.fetch(replace(wanted, allow_private=True))).body)
        return quotes(one, bodies, ids, received=self.clock.now, poll=1)

    async def failure(self, source: str) -> SourceError:
        """The error that its answer is now."""
        try:
            found = await self.ask(source)
        except SourceError as error:
            return error
        raise AssertionError(f"{source} answers {found}")

    async def poll(self, name: str) -> float | None:
        """One poll of one source now, and the publication that follows from it."""
        self._observe()
        again = await self.poller.poll(name)
        self._asked.add(name)
        if len(self._asked) == len(self.sources):
            await self.published()
        self._observe()
        return again

    async def published(self) -> None:
        """Wait until what is known now is published, or found to be nothing new, or cannot be written."""
        async with asyncio.timeout(PATIENCE):
            await self._either(self.poller.quiet(), self.store.unable.wait())

    @staticmethod
    async def _either(*things: Coroutine[Any, Any, object]) -> None:
        tasks = [asyncio.ensure_future(one) for one in things]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    def _observe(self) -> None:
        """Judge what has been shown since the last look, where the truth is known."""
        now, since = self.clock.now, self._observed
        self._observed = now
        if self.store.last is None:
            return
        for price in self.store.last.prices:
            self.agreements[price.agreement] += 1
            truth = self.truth.get(price.coin)
            if truth is None or price.price is None or price.agreement not in CLAIMS or price.freshness(now) != "live":
                continue
            error = abs(price.price / truth(now) - 1)
            self.worst[price.coin] = max(self.worst.get(price.coin, Decimal(0)), error)
            if error > WRONG:
                self.wrong_seconds += max(0.0, now - since)

    def true(self, price: str | Decimal | None = None, /, **coins: str | Decimal) -> None:
        """What is true from now on, to judge what is shown; constant until told otherwise."""
        named = {coin.replace("_", "-"): value for coin, value in coins.items()}
        if price is not None:
            named[self.coins[0]] = price
        for coin, value in named.items():
            self.truth[coin] = lambda _, value=Decimal(value): value  # type: ignore[misc]

    @property
    def error(self) -> str:
        """The largest error of any number shown as the price, and for how long one was wrong."""
        worst = max(self.worst.values(), default=Decimal(0))
        return f"error {percent(worst)}, {self.wrong_seconds:.0f} s wrong"

    async def turns_until(self, happened: Callable[[], object], most: int = 20) -> int:
        """How many turns it takes until something holds; fails where it never does."""
        for number in range(1, most + 1):
            await self.turn()
            if happened():
                return number
        raise AssertionError(f"not in {most} turns; refused now: {dict(self.refused())}")

    def refused(self, coin: str | None = None) -> Mapping[str, str]:
        """Whose quotes had no part in the last round of a coin, and why."""
        found: dict[str, str] = _remembered(json.loads(self.store.memory or b"{}"), coin or self.coins[0]).get(
            "refused", {}
        )
        return found

    async def get(self, path: str) -> tuple[int, str]:
        """Status and text of one GET on the real server, once it has the last snapshot."""
        last = self.store.last
        async with asyncio.timeout(5):
            while last is not None and (self.feed.snapshot is None or self.feed.snapshot.order < last.order):
                self._fed.clear()
                await self._fed.wait()
        for _ in range(20):
            await asyncio.sleep(0)  # the server rebuilds what was asked for before, one answer a turn of the loop
        async with self.client.get(path) as response:
            return response.status, await response.text()

    async def price(self, coin: str | None = None) -> dict[str, Any]:
        """The Price of a coin as `/v1/prices/{coin}` gives it now."""
        status, text = await self.get(f"/v1/prices/{coin or self.coins[0]}")
        assert status == 200, text
        found: dict[str, Any] = json.loads(text)["prices"][0]
        return found

    async def number(self, coin: str | None = None) -> Decimal | None:
        """The number that is shown, or None."""
        price = (await self.price(coin))["price"]
        return None if price is None else Decimal(price)

    async def html(self, coin: str | None = None) -> str:
        """The one-coin label."""
        status, text = await self.get(f"/widget/label/{coin or self.coins[0]}")
        assert status == 200, text
        return text


def _remembered(tree: Any, coin: str) -> dict[str, Any]:
    """What the memory in the store says of a coin, wherever in it settling keeps its coins."""
    if isinstance(tree, dict):
        coins = tree.get("coins")
        if isinstance(coins, dict) and isinstance(coins.get(coin), dict):
            return dict(coins[coin])
        for one in tree.values():
            if found := _remembered(one, coin):
                return found
    return {}


def tick(one: str, coin: str, price: Decimal, currency: str, at: float, volume: Decimal) -> Tick:
    """A market whose day was flat but for the present price."""
    span = Span(price, price, price, price, volume, 1000 if volume else 0)
    step = Decimal(1).scaleb(min(-2, price.adjusted() - 9)) if price.is_finite() and price else Decimal("1e-8")
    zero = Decimal(0)
    return Tick(
        id=one,
        coin=coin,
        name=coin.title(),
        symbol=symbol(coin),
        currency=currency,
        at=at,
        price=price,
        bid=price,
        ask=price,
        step=step,
        day=span,
        today=span,
        open_utc8=price,
        change_1h=zero,
        change_24h=zero,
        change_7d=zero,
        supply=Decimal(10**6),
        market_cap=price * 10**6,
    )


@asynccontextmanager
async def settled(price: str, *, sources: Sequence[str] = VENUES[:5], **more: Any) -> AsyncIterator[Stage]:
    """A stage whose sources have all said the same once, which is the truth."""
    async with Stage(sources, **more) as stage:
        stage.all_say(price)
        stage.true(price)
        await stage.turn()
        yield stage
