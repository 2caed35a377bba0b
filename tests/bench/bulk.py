"""Stand-ins whose answers are as long as the real ones: all of a source's markets, not ours alone.

    PYTHONPATH=tests:. python tests/bench/bulk.py          says its port, and serves until its input ends

What `ticker simulate` says of the coins of the shipped configuration, and beside it as many further rows as each source
lists today, about: CoinPaprika's body has 9 MB. Streams are those of the simulation. Knows nothing of what asks.
"""

import asyncio
import gzip
import sys
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache

from aiohttp import web
from faults.stage import id_of, tick

from ticker.commands.simulate import market_of
from ticker.config import default_folder, load
from ticker.simulate.dialects import DIALECTS
from ticker.simulate.dialects.wire import Ask, Reply, View
from ticker.simulate.market import Tick
from ticker.simulate.server import Simulation
from ticker.sources import REGISTRY

ROWS = {
    "coinpaprika": 13_000,
    "binance": 3_600,
    "mexc": 3_000,
    "gateio": 2_900,
    "kraken": 1_450,
    "kucoin": 1_300,
    "okx": 1_100,
    "coinbase": 1_000,
    "htx": 750,
    "bitstamp": 350,
    "bitfinex": 300,
}


@cache
def others(source: str) -> Sequence[Tick]:
    """The markets of a source that nobody here asks for, each smaller than ours and than the one before."""
    found = []
    for number in range(ROWS[source]):
        coin = f"z{number:04}"
        one = id_of(source, coin, number)
        price = (Decimal(7919 * number % 100_003 + 1) / 977).quantize(Decimal("1e-8"))
        currency = DIALECTS[source].currency_of(one)
        made = tick(one, coin, price, currency, 1_700_000_000.0 + number, Decimal(number % 997 + 1))
        found.append(replace(made, market_cap=Decimal(1000) - Decimal(number) / 100))
    return found


@cache
def more(source: str, query: tuple[tuple[str, str], ...]) -> tuple[int, bytes]:
    """All of these but the first as they are written: how far from the end of an answer with the first they belong."""
    short, long = (
        DIALECTS[source].encode(View(others(source)[:most], 1_700_000_000.0), Ask(dict(query), {})).body
        for most in (1, None)
    )
    tail = next(n for n, (one, other) in enumerate(zip(short[::-1], long[::-1], strict=False)) if one != other)
    return tail, long[len(short) - tail : -tail]


class Bulk(Simulation):
    """The simulation with all markets."""

    def answer(self, source: str, ask: Ask) -> Reply:
        """Ours as the simulation has them, then the rest, which is written down only once: nobody reads it."""
        if source not in ROWS:
            return super().answer(source, ask)
        dialect = DIALECTS[source]
        now = dialect.kept(self._clock())
        ours = [self._tick(source, one, None, now, now) for one in self._coins.get(source, {})]
        body = dialect.encode(View([*ours, others(source)[0]], now), ask).body
        tail, rest = more(source, tuple(ask.query.items()))
        return Reply(body[:-tail] + rest + body[-tail:])

    async def _ask(self, request: web.Request) -> web.StreamResponse:
        """Packed lightly: what this costs here would be counted there, as waiting."""
        source = request.match_info["source"]
        if source not in ROWS or f"/{request.match_info['path']}" != DIALECTS[source].path:
            return await super()._ask(request)
        self.calls[source] += 1
        body = gzip.compress(self.answer(source, Ask(dict(request.query), {})).body, 1)
        return web.Response(body=body, content_type="application/json", headers={"Content-Encoding": "gzip"})


async def serve() -> None:
    """Say the port, and serve until the input ends."""
    market = market_of(load(default_folder(None), {}))
    stand = Bulk(market)
    for source in ROWS:
        for request in REGISTRY[source].requests(list(market[source])):
            more(source, request.query)
    await stand.start()
    sys.stdout.write(f"{stand.port}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await stand.stop()


if __name__ == "__main__":
    asyncio.run(serve())
