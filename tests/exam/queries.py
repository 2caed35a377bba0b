"""Random query strings over every door that keeps answers: how many end up in memory? (trust rule 31)

By hand, for all of them: `PYTHONPATH=.:tests python tests/exam/queries.py 100000`. The suite runs ten thousand.
"""

import asyncio
import itertools
import random
import sys
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import web
from fakes import Clock
from loopback import HeldFeed
from server.test_currencies import with_rates

from ticker.model import Snapshot
from ticker.server import params, shelf
from ticker.server.app import Serving, make_app
from ticker.server.dialect import asks, doors
from ticker.server.params import DEFAULTS

Query = list[tuple[str, str]]
Words = Mapping[str, Sequence[str]]

RUBBISH = (
    "",
    "x",
    "0",
    "-1",
    "999",
    "USD ",
    "bitcoin,,",
    "%00",
    "é",
    "<script>",
    "a" * 70,
    "../..",
    "null",
    "en_",
    "1e3",
)
NOISE = ("utm_source", "_", "cb", "Coins", "CURRENCY", "jsonp", "x_cg_demo_api_key", "lang")
HOSTILE = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-Prefix": "/evil",
    "Forwarded": "host=evil.example;proto=http",
    "X-Original-URL": "/evil",
    "X-Rewrite-URL": "/evil",
    "Accept-Language": "de",
    "Accept": "text/html",
    "Cookie": "currency=eur; theme=dark",
    "User-Agent": "evil/1.0",
    "X-HTTP-Method-Override": "POST",
    "Referer": "https://evil.example/",
}


@dataclass(frozen=True)
class Door:
    """A path, valid words for each of its parameters ("" leaves it out), and what its key in memory is made of."""

    path: str
    words: Words
    key: Callable[[Query], Hashable]

    def valid(self) -> set[Hashable]:
        """The key of every valid query of these words."""
        found = set()
        for choice in itertools.product(*self.words.values()):
            query = [(name, word) for name, word in zip(self.words, choice, strict=True) if word]
            try:
                found.add(self.key(query))
            except params.RequestError:
                continue  # these words exclude each other
        return found


CURRENCY = ("", "usd", "eur")
COINS = ("", "bitcoin", "ethereum,bitcoin", "bitcoin,bitcoin")
LOOKS = {"currency": CURRENCY, "locale": ("", "en", "de"), "theme": ("", "dark"), "change": ("", "7d")}
FLAGS = ("", "true", "false")


def the_doors(snapshot: Snapshot) -> list[Door]:
    """Every door whose answers stand on a shelf."""
    there = asks.known(snapshot)

    def of(parse: Callable[..., Any], *name: str, coin: str | None = None) -> Callable[[Query], Hashable]:
        return lambda query: (*name, parse(query, coin, DEFAULTS))

    cells = {"coins": COINS, **LOOKS, "limit": ("", "2"), "css": ("", "none")}
    simple = {
        "ids": ("bitcoin", "bitcoin,ethereum", "nope", "ethereum,nope,bitcoin"),
        "vs_currencies": ("usd", "eur,usd", "zzz"),
        "include_market_cap": FLAGS,
        "include_24hr_change": FLAGS,
        "precision": ("", "full", "0", "2"),
    }
    pages = {
        "vs_currency": ("usd", "eur", "EUR"),
        "ids": ("", "bitcoin", "ethereum,bitcoin,nope", "nope"),
        "per_page": ("", "2", "250", "251"),
        "page": ("", "1", "2", "77"),
        "sparkline": ("", "false"),
    }
    return [
        Door("/widget/list", cells, of(params.widget, "render", "list")),
        Door("/embed/label/bitcoin", LOOKS, of(params.widget, "page", "label", coin="bitcoin")),
        Door(
            "/v1/prices",
            {"coins": (*COINS, "all"), "currency": CURRENCY, "limit": ("", "2")},
            of(params.prices, "prices"),
        ),
        Door(
            "/badge/bitcoin.svg", {**LOOKS, "show": ("", "price", "price,cap")}, of(params.badge, "svg", coin="bitcoin")
        ),
        Door("/badge/bitcoin.json", LOOKS, of(params.badge, "shield", coin="bitcoin")),
        Door("/api/v3/simple/price", simple, lambda query: asks.simple_price(query, there)),
        Door("/api/v3/coins/markets", pages, lambda query: asks.markets(query, there)),
        Door("/api/v3/coins/list", {"include_platform": FLAGS}, asks.coin_list),
    ]


def queries(found: Sequence[Door], count: int, seed: int) -> Iterator[str]:
    """Paths with queries, half of them valid: shuffled, doubled, with names nobody knows, escaped oddly, or rubbish."""
    dice = random.Random(seed)
    for _ in range(count):
        door = dice.choice(found)
        query = [(name, dice.choice(words)) for name, words in door.words.items() if dice.random() < 0.8]
        query = [(name, word) for name, word in query if word]
        if dice.random() < 0.5:
            query = [(n, dice.choice(RUBBISH) if dice.random() < 0.3 else word) for n, word in query]
        if dice.random() < 0.2 and query:
            query.append(dice.choice(query))
        query += [(dice.choice(NOISE), str(dice.random())) for _ in range(dice.randrange(3))]
        dice.shuffle(query)
        joined = urlencode(query, quote_via=quote, safe="," if dice.random() < 0.5 else "")
        yield f"{door.path}?{joined}"


class WatchedFeed(HeldFeed):
    """A feed that knows whom it feeds."""

    fed: shelf.Shelf | None = None

    def subscribe(self, callback: Callable[[Snapshot], None]) -> Callable[[], None]:
        self.fed = callback.__self__  # type: ignore[attr-defined]
        return lambda: None


async def run(count: int, seed: int = 1) -> tuple[set[Hashable], set[Hashable], dict[int, int]]:
    """The keys in memory after so many requests, those that are valid, and how many answers had which status."""
    snapshot = with_rates()
    found = the_doors(snapshot)
    valid = set().union(*(door.valid() for door in found))
    before = shelf.MOST_VARIANTS, doors.MOST_VARIANTS
    shelf.MOST_VARIANTS = doors.MOST_VARIANTS = 10 * count  # what bounds them here is what is valid
    try:
        feed = WatchedFeed(snapshot)
        app = make_app(feed, Serving(), Clock())  # type: ignore[arg-type]
        statuses = await _ask(app, queries(found, count, seed))
        assert feed.fed is not None
        shelves = [feed.fed, *feed.fed._beside]
        return {key for one in shelves for key in one._variants}, valid, statuses
    finally:
        shelf.MOST_VARIANTS, doors.MOST_VARIANTS = before


async def _ask(app: web.Application, paths: Iterator[str]) -> dict[int, int]:
    """Ask for them all over one connection, a handful at a time; no client is quicker."""
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    statuses: dict[int, int] = {}
    dice = random.Random(2)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", runner.addresses[0][1])
        while batch := list(itertools.islice(paths, 10)):
            for path in batch:
                headers = "".join(f"{name}: {HOSTILE[name]}\r\n" for name in dice.sample(sorted(HOSTILE), 2))
                writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
            for _ in batch:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                status, length = int(head.split()[1]), int(head.split("Content-Length: ")[1].split()[0])
                await reader.readexactly(length)
                statuses[status] = statuses.get(status, 0) + 1
        writer.close()
    finally:
        await runner.cleanup()
    return statuses


if __name__ == "__main__":
    in_memory, allowed, answers = asyncio.run(run(int(sys.argv[1])))
    print(f"{len(in_memory)} variants of {len(allowed)} valid ones, {len(in_memory - allowed)} beside them; {answers}")  # noqa: T201
    sys.exit(bool(in_memory - allowed))
