"""Asks servers and judges what they answer by what the market that they are told of truly was at that moment.

Wrong is: a settled price (`ok`, `degraded`) more than half a percent off the market at its own as-of; one that looks
fresher than its age allows; a number of zero; a snapshot older than one that the same server has shown.
"""

import asyncio
import itertools
import json
import re
import time
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import aiohttp
from service import Process

from ticker.simulate.market import Market

if TYPE_CHECKING:
    from faults.soak import Report

OFF = 0.005
LATE = 3.0  # seconds that an answer may be on its way, or in the shelf
_ROW = re.compile(
    r'data-coin="([a-z0-9-]+)" data-freshness="(\w+)" data-agreement="(\w+)"(?: data-as-of="([^"]+)")?'
    r'.*?class="mp-price"[^>]*>(?:<span[^>]*>)?([^<]*)<'
)


class Judge:
    """Writes what it finds into the report. Bodies that were judged once are not judged again."""

    def __init__(self, market: Market, report: "Report") -> None:
        self._market, self._report = market, report
        self._known: dict[tuple[str, str], str] = {}
        self._last: dict[tuple[str, str], tuple[int, int]] = {}

    async def ask(self, servers: list[Process], paths: tuple[str, ...], pause: float, over: asyncio.Event) -> None:
        """Ask in turn until it is over."""
        tick = time.monotonic()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            for server, path in itertools.cycle(itertools.product(servers, paths)):
                if over.is_set():
                    return
                await self._one(session, server, path)
                tick = max(tick + pause, time.monotonic() - 1)
                await asyncio.sleep(max(0.0, tick - time.monotonic()))

    async def _one(self, session: aiohttp.ClientSession, server: Process, path: str) -> None:
        report = self._report
        try:
            async with session.get(server.origin + path) as response:
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            report.failed.append(f"{path}: {error!r}")
            return
        report.answers += 1
        if response.status != 200:
            report.failed.append(f"{path}: {response.status} {text[:100]}")
            return
        etag, key = response.headers["ETag"], (server.origin, path)
        if self._known.get(key) == etag:
            return
        self._known[key] = etag
        if path.startswith("/v1"):
            self._json(key, json.loads(text), in_dollars="currency" not in path)
        else:
            self._html(path, text)

    def _json(self, key: tuple[str, str], found: dict[str, Any], *, in_dollars: bool) -> None:
        """An answer of `/v1/prices`."""
        epoch, seq = (int(part) for part in found["id"].split("-"))
        before = self._last.get(key, (0, 0))
        if (epoch, seq) < before:
            self._report.wrong.append(f"{key}: snapshot {found['id']} after {before}")
        self._last[key] = epoch, seq
        now = time.time()
        for price in found["prices"]:
            self._report.states[price["agreement"]] += 1
            until = {"live": "live_until", "delayed": "delayed_until", "stale": "gone_at"}.get(price["freshness"])
            if until and price[until] and now > _unix(price[until]) + LATE:
                self._report.wrong.append(
                    f"{price['id']} is {price['freshness']} though it was so until {price[until]}"
                )
            if in_dollars:
                self._price(price["id"], price["agreement"], price["as_of"], price["price"])

    def _html(self, path: str, text: str) -> None:
        """A fragment or a page of the list."""
        rows = _ROW.findall(text)
        if not rows:
            self._report.wrong.append(f"{path}: no row in {text[-300:]}")
        for coin, freshness, agreement, as_of, shown in rows:
            number = shown.strip().removeprefix("$").replace(",", "")
            self._price(coin, agreement, as_of, None if "—" in number or freshness == "none" else number)

    def _price(self, coin: str, agreement: str, as_of: str | None, shown: str | None) -> None:
        if shown is None:
            return
        price = Decimal(shown)
        if price <= 0 or not as_of:
            self._report.wrong.append(f"{coin}: {shown} as of {as_of}")
            return
        if agreement in ("ok", "degraded"):
            true = self._market.price(coin, _unix(as_of))
            off = abs(float(price / true) - 1)
            self._report.worst = max(self._report.worst, off)
            if off > OFF:
                self._report.wrong.append(f"{coin}: {shown} ({agreement}, {as_of}) where the market had {true}")

    async def watch(self, server: Process, over: asyncio.Event) -> None:
        """A viewer of the stream, who comes back when it ends."""
        asking = asyncio.create_task(self._stream(server))
        await over.wait()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)

    async def _stream(self, server: Process) -> None:
        path = "/v1/stream"
        key = server.origin, f"{path} {id(asyncio.current_task())}"
        while True:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, sock_read=40)) as session:
                try:
                    async with session.get(server.origin + path) as response:
                        async for line in response.content:
                            if line.startswith(b"data: "):
                                self._report.frames += 1
                                self._json(key, json.loads(line[6:]), in_dollars=True)
                except (aiohttp.ClientError, TimeoutError) as error:
                    self._report.failed.append(f"{path}: {error!r}")
                await asyncio.sleep(1)


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
