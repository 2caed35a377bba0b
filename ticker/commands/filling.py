"""Filling in the past of new coins from one source's hours, for drawings only; by the command and by a new service.

What comes is one source's word and no settled price, so it is kept apart from our own past, under ids of its own: no
change, high or low is made of it, and `/v1/history` does not hand it out. Knows asking and the store; prints nothing.
"""

import asyncio
import logging
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from ticker.asking import Assignment, Road
from ticker.commands import assembly
from ticker.config import Config
from ticker.config.settings import CoinSettings
from ticker.errors import Malformed, SourceError, StoreCorrupt, StoreError
from ticker.history import SETTLED
from ticker.identity.ask import body_of
from ticker.identity.weeks import Wanted, behind, chosen
from ticker.model import CoinId, Snapshot
from ticker.politeness import Manners
from ticker.poller import Poller
from ticker.rounds import State
from ticker.sources.base import Week
from ticker.store.base import DAY, FILLED, FILLER, HOUR, Store

log = logging.getLogger("ticker.filling")

WEEK = 7 * DAY
RECENT = 2 * HOUR  # a past that is no longer than this is none yet
LONGEST_WAIT = 60.0  # seconds between two looks at a budget, which may be others' too
AGAIN = (60.0, 300.0, 1800.0, 7200.0)  # seconds until a service that was told nothing asks again

Told = Callable[[int, int], None]
"""Told how many steps of how many are done."""


@dataclass(frozen=True, slots=True)
class Filled:
    """How many hours of each coin were filled in, and why none of the others."""

    hours: Mapping[CoinId, int]
    refused: Mapping[CoinId, str]


def filler(config: Config) -> Assignment | None:
    """How to ask the source that tells us hours; None where it is off, may not be asked, or lists none of the coins."""
    found = (one for one in assembly.assignments(config) if one.source.name == FILLER)
    return next((one for one in found if one.source.archive is not None), None)


def listed(config: Config, assignment: Assignment) -> list[CoinSettings]:
    """The coins that it can fill in: what has a fixed price has no past."""
    return [coin for coin in config.coins if coin.fixed is None and coin.id in assignment.ids]


async def fill(
    assignment: Assignment,
    coins: Sequence[CoinSettings],
    store: Store,
    road: Road,
    afford: Callable[[], Awaitable[None]],
    clock: Callable[[], float],
    told: Told = lambda done, of: None,
) -> Filled:
    """Ask, judge, write. Raises `SourceError` and `StoreError`; what was written until then stays, and may be repeated.

    `afford` waits until one more request may be made.
    """
    source, archive = assignment.source, assignment.source.archive
    if archive is None:
        return Filled({}, {coin.id: "the source tells no hours" for coin in coins})
    settled = _settled(await store.latest(), clock())
    batches = source.batches([one for coin in coins for one in assignment.ids[coin.id]])
    weeks: dict[str, Week] = {}
    for batch in batches:
        await afford()
        body = await body_of(assignment, archive.request(batch), source.max_body, road)
        try:
            weeks |= {week.id: week for week in archive.parse(body, set(batch)) if week.id in batch}
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise Malformed(source.name, str(error)) from error
    hours = behind(weeks.values())
    if hours is None:
        raise Malformed(source.name, "its hours and its change of 24 hours contradict each other, or are missing")
    now = clock()
    wanted = [Wanted(coin.id, assignment.ids[coin.id], settled.get(coin.id), coin.confirmed or 0.0) for coin in coins]
    points, refused = chosen(wanted, weeks, hours, now)
    moments: defaultdict[float, dict[CoinId, Decimal]] = defaultdict(dict)
    for coin, many in points.items():
        for point in many:
            if point.at > now - WEEK - RECENT:
                moments[point.at][FILLED + coin] = point.price
    for done, at in enumerate(sorted(moments)):
        told(done, len(moments))
        await store.add_points("1h", at, moments[at])
    told(len(moments), len(moments))
    return Filled({coin: len(many) for coin, many in points.items()}, refused)


def _settled(snapshot: Snapshot | None, now: float) -> dict[CoinId, Decimal]:
    prices = () if snapshot is None else snapshot.prices
    return {
        one.coin: one.price
        for one in prices
        if one.price is not None and one.agreement in SETTLED and one.freshness(now) != "none"
    }


async def patience(assignment: Assignment, store: Store, steady: Callable[[], float]) -> Callable[[], Awaitable[None]]:
    """Waits for the source's budget, beginning with what the last poller has left of it in the store."""
    name = assignment.source.name
    manners = Manners({name: assignment.customer}, random.Random())
    try:
        last = await store.resume()
        if last is not None:
            manners.resume(msgspec.json.decode(last.memory, type=State).manners, steady())
    except (StoreCorrupt, msgspec.MsgspecError):
        pass  # whoever polls next will say so
    return lambda: _afford(manners, name, steady)


async def _afford(manners: Manners, name: str, steady: Callable[[], float]) -> None:
    while wait := manners.take(name, steady()):  # noqa: ASYNC110 - others who share it do not say when they are done
        await asyncio.sleep(min(wait, LONGEST_WAIT))


async def fill_new(config: Config, store: Store, poller: Poller, road: Road, steady: Callable[[], float]) -> None:
    """In a service that has settled its first prices: fill in the coins that have no past. Ends when that is done."""
    assignment = filler(config)
    if assignment is None:
        return
    await poller.first_round.wait()
    async with aclosing(store.changes()) as changes:
        await anext(changes)  # there are prices to hold it against
    for pause in (*AGAIN, None):
        try:
            coins = await without_past(store, listed(config, assignment), time.time())
            if not coins:
                return
            found = await fill(
                assignment,
                coins,
                store,
                road,
                lambda: _afford(poller.manners, FILLER, steady),
                time.time,
            )
        except (SourceError, StoreError) as error:
            log.info("new coins have no past yet: %s", error)
            if pause is None:
                return
            await asyncio.sleep(pause)
        else:
            log.info("drawings of %d new coins begin with 7 days of %s", len(found.hours), assignment.source.title)
            for coin, why in found.refused.items():
                log.info("%s is not filled in: %s", coin, why)
            return


async def without_past(store: Store, coins: Iterable[CoinSettings], now: float) -> list[CoinSettings]:
    """Those of which there are no hours of more than two hours ago, neither ours nor filled in."""
    coins = list(coins)
    middle, half = now - (WEEK + RECENT) / 2, (WEEK - RECENT) / 2
    ids = [prefix + coin.id for coin in coins for prefix in ("", FILLED)]
    there = await store.points_near(ids, "1h", middle, half)
    return [coin for coin in coins if coin.id not in there and FILLED + coin.id not in there]
