"""Hand-written stand-ins: a source of one market, a road out that follows a script, a store in memory, a clock."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal

import msgspec

from ticker.asking import Assignment
from ticker.errors import Fenced, SourceError, StoreDown
from ticker.fetch import Answer, Ask
from ticker.model import CoinId, Point, Snapshot, Step
from ticker.sources import Source
from ticker.sources.base import Plan, Request, Row, Terms
from ticker.store.base import Entry, Publication, slot

NOW = 1_800_000_000.0


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def fake_source(name: str, **more: object) -> Source:
    """A venue whose whole answer is a JSON object of id to price text."""

    def request(ids: Sequence[str]) -> Request:
        return Request("/prices")

    def parse(body: bytes, wanted: AbstractSet[str]) -> Iterator[Row]:
        for one, price in msgspec.json.decode(body, type=dict[str, str]).items():
            if one in wanted:
                yield Row(one, Decimal(price))

    facts: dict[str, object] = {
        "name": name,
        "title": name.title(),
        "kind": "venue",
        "group": name,
        "docs": "https://example.org",
        "plans": (Plan("public", "https://example.org"),),
        "terms": Terms("https://example.org", "2026-11-22", None, None, None),
        "id_pattern": re.compile(".+"),
        "id_example": "BTC",
        "request": request,
        "parse": parse,
        "currency_of": lambda _: "usd",
        **more,
    }
    return Source(**facts)  # type: ignore[arg-type]


def assignment(name: str, every: float = 60.0, **more: object) -> Assignment:
    """That source, polled for bitcoin."""
    return Assignment(fake_source(name, **more), "https://example.org", every, {"bitcoin": ("BTC",)})


class FakeFetcher:
    """Answers each ask with what the test last said for its source: prices, raw bytes, or an error."""

    def __init__(self, **answers: str | bytes | SourceError) -> None:
        self.answers = answers
        self.asks: list[Ask] = []

    async def fetch(self, ask: Ask) -> Answer:
        self.asks.append(ask)
        said = self.answers[ask.source]
        if isinstance(said, SourceError):
            raise said
        body = said if isinstance(said, bytes) else json.dumps({"BTC": said}).encode()
        return Answer(body, len(body))


class FakeStore:
    """The store contract over a variable. While `down`, everything raises; `lose_replies` publications are written
    and answered with an error."""

    def __init__(self) -> None:
        self.held: Publication | None = None
        self.published: list[Snapshot] = []
        self.epoch = 0
        self.beats = 0
        self.bulletin: bytes | None = None
        self.history: dict[tuple[CoinId, Step], dict[int, Point]] = {}
        self.log: list[Entry] = []
        self.down = False
        self.lose_replies = 0

    def _ask(self) -> None:
        if self.down:
            raise StoreDown("the fake store is down")

    async def open(self) -> None:
        self._ask()

    async def close(self) -> None: ...

    async def new_epoch(self, now: float) -> int:
        self._ask()
        self.epoch = max(self.epoch + 1, int(now * 1000))
        return self.epoch

    async def publish(self, publication: Publication) -> None:
        self._ask()
        if self.held is not None and publication.snapshot.order <= self.held.snapshot.order:
            raise Fenced("the fake store has a newer snapshot")
        self.held = publication
        self.published.append(publication.snapshot)
        if self.lose_replies:
            self.lose_replies -= 1
            raise StoreDown("the reply of the fake store was lost")

    async def resume(self) -> Publication | None:
        self._ask()
        return self.held

    async def latest(self) -> Snapshot | None:
        self._ask()
        return self.held.snapshot if self.held else None

    async def changes(self) -> AsyncIterator[Snapshot]:
        if self.held:
            yield self.held.snapshot

    async def add_points(self, step: Step, at: float, prices: Mapping[CoinId, Decimal]) -> None:
        self._ask()
        for coin, price in prices.items():
            self.history.setdefault((coin, step), {})[slot(step, at)] = Point(at, price)

    async def points(self, coin: CoinId, step: Step, start: float, end: float) -> list[Point]:
        self._ask()
        points = sorted(self.history.get((coin, step), {}).items())
        return [point for _, point in points if start <= point.at <= end]

    async def points_near(
        self, coins: Sequence[CoinId], step: Step, at: float, within: float
    ) -> Mapping[CoinId, Point]:
        near = {coin: await self.points(coin, step, at - within, at + within) for coin in coins}
        self._ask()
        return {coin: min(there, key=lambda one: abs(one.at - at)) for coin, there in near.items() if there}

    async def record(self, entries: Sequence[Entry]) -> None:
        self._ask()
        self.log += entries

    async def decisions(self, coin: CoinId, start: float, end: float, limit: int) -> list[Entry]:
        self._ask()
        return [one for one in reversed(self.log) if one.coin == coin and start <= one.at <= end][:limit]

    async def write_bulletin(self, bulletin: bytes) -> None:
        self._ask()
        self.bulletin = bulletin

    async def read_bulletin(self) -> bytes | None:
        self._ask()
        return self.bulletin

    async def heartbeat(self) -> None:
        self._ask()
        self.beats += 1
