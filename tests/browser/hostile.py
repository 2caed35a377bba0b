"""Services that the corpus has poisoned, in each field of sources and of the configuration; and their calm twin.

`corpus_service` has a coin for each text; `world` is a service whose operator wrote one text everywhere. `Press` hands
out what doors have answered once more, as documents of another origin, with nothing that keeps script from running but
a policy that only reports: what only their own headers would stop is seen.
"""

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec
from aiohttp import web
from browser.corpus import CORPUS
from browser.stage import Feed, Past, Stage
from service import free_port
from snapshots import NOW, price, snapshot
from yarl import URL

from ticker.consensus import CoinRule, Memory, Rules, Voter, settle
from ticker.consensus.record import record
from ticker.model import Coin, Credit, Price, Quote, Snapshot
from ticker.server.app import Serving, make_app
from ticker.server.params import Defaults
from ticker.store.base import Publication

TEXTS = tuple(CORPUS.values())
STRANGE_ICON = (
    "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(1)</script><circle r='9'/></svg>"
)


def coin_of(number: int) -> str:
    """The id of a text's coin."""
    return f"coin-{number}"


def coins(texts: tuple[str, ...] = TEXTS) -> tuple[Coin, ...]:
    """A coin for each text, which is all that is said of it."""
    return tuple(Coin(coin_of(number), text, text, text, text) for number, text in enumerate(texts))


def prices(texts: tuple[str, ...] = TEXTS, more: int = 0) -> tuple[Price, ...]:
    """Their prices, in every state; `sources` have the text for a name."""
    states = ("ok", "single", "degraded", "disputed", "fixed")
    return tuple(
        price(
            coin_of(number),
            str(Decimal("64250.12") / (number + 1) + more),
            agreement=states[number % 5],
            sources=(text,),
            change_1h=Decimal(1),
            change_7d=Decimal(number - 20),
            market_cap=Decimal(10**12),
            volume_24h=Decimal(10**9),
            high_24h=Decimal(70000),
            low_24h=Decimal(60000),
        )
        for number, text in enumerate(texts)
    )


def poisoned(seq: int = 1, texts: tuple[str, ...] = TEXTS, more: int = 0) -> Snapshot:
    """A snapshot whose coins, credits and configuration say what the texts say."""
    return snapshot(
        seq,
        coins=coins(texts),
        shown=tuple(coin_of(number) for number in range(len(texts))),
        prices=prices(texts, more),
        credits=tuple(Credit(text, text, text) for text in texts),
        config=texts[0],
    )


CALM = ("https://example.org/a", "Calm", "More")  # with a link and without, with an icon and without


class Records:
    """The record of a round whose sources, groups and currencies have texts for names, and quotes that say them."""

    def __init__(self, texts: tuple[str, ...], snapshot_: Snapshot) -> None:
        voters = {text: Voter("venue", text, 60.0) for text in texts}
        rules = Rules(voters, tuple(CoinRule(coin, tuple(texts)) for coin in snapshot_.shown))
        quotes = tuple(
            Quote(text, coin, Decimal(100 + place), "usd" if place % 2 else text, NOW, 1, NOW, name=text, symbol=text)
            for coin in snapshot_.shown[:3]
            for place, text in enumerate(texts)
        )
        settled = settle(quotes, Memory(), NOW, rules)
        made = record(quotes, Memory(), NOW, rules, settled.prices)
        self._held = Publication(snapshot_, quotes, msgspec.json.encode({"record": made}))

    async def resume(self) -> Publication:
        """As a store would."""
        return self._held


@dataclass
class Service:
    """A service on the stage: where it is, and what it is fed."""

    origin: str
    feed: Feed
    past: Past


async def corpus_service(stage: Stage, icons: Path, texts: tuple[str, ...] = TEXTS, text: str = "") -> Service:
    """A service with a coin for each of `texts`; where its operator has written a `text`, that stands everywhere."""
    port, feed, past = free_port(), Feed(), Past()
    here = f"http://127.0.0.1:{port}"
    feed.snapshot = poisoned(1, texts)
    serving = Serving(
        Defaults(title=text or "Prices"), f"{here}/{text}" if text else here, text, icons=None if text else icons
    )
    records = None if text else Records(texts, feed.snapshot)
    await stage.listen(make_app(feed, serving, lambda: stage.now, past, records), port)  # type: ignore[arg-type]
    return Service(here, feed, past)


@dataclass(frozen=True, slots=True)
class Said:
    """What a door answered."""

    url: str
    status: int
    content_type: str
    policy: str
    body: bytes


async def ask(session: aiohttp.ClientSession, url: str) -> Said:
    """One answer. A stream is left after its first bytes."""
    async with session.get(URL(url, encoded=True), allow_redirects=False) as answer:
        kind = answer.headers.get("Content-Type", "")
        body = await (answer.content.readany() if "event-stream" in kind else answer.read())
        assert answer.headers.get("X-Content-Type-Options") == "nosniff", url
        return Said(url, answer.status, kind, answer.headers.get("Content-Security-Policy", ""), body)


async def ask_all(urls: list[str]) -> list[Said]:
    """All answers, a few at a time."""
    turns = asyncio.Semaphore(16)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one(url: str) -> Said:
            async with turns:
                return await ask(session, url)

        return await asyncio.gather(*map(one, urls))


def escaped(text: str) -> str:
    """A text in an address."""
    return quote(text[:3000], safe="")


@dataclass
class Press:
    """Documents of an origin of their own."""

    printed: dict[str, tuple[bytes, str, str]] = field(default_factory=dict)
    origin: str = ""

    async def open(self, stage: Stage) -> "Press":
        """Take a port."""
        app = web.Application()
        app.router.add_get("/{path:.*}", self._page)
        self.origin = f"http://127.0.0.1:{await stage.listen(app)}"
        return self

    def print(self, body: str | bytes, policy: str, content_type: str = "text/html; charset=utf-8") -> str:
        """The address of a document. Its policy is only reported on."""
        path = f"/{len(self.printed)}"
        self.printed[path] = (body.encode() if isinstance(body, str) else body, content_type, policy)
        return self.origin + path

    def again(self, said: Said, origin: str) -> str:
        """The address of what a door of the service at `origin` has answered."""
        policy = ";".join(one for one in said.policy.split(";") if "frame-ancestors" not in one)
        return self.print(said.body, policy.replace("'self'", f"'self' {origin}"), said.content_type)

    async def _page(self, request: web.Request) -> web.Response:
        body, content_type, policy = self.printed.get(request.path, (b"", "text/plain", ""))
        headers: dict[str, Any] = {"Content-Type": content_type}
        if policy:
            headers["Content-Security-Policy-Report-Only"] = policy
        return web.Response(body=body, headers=headers, status=200 if request.path in self.printed else 204)
