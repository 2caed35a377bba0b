"""Past prices in Redis: a ring a coin and step. Knows the keys and the scripts, not the connections.

A ring (`ring`) takes one write a slot in its place, whatever it holds, and gives the few records around a moment
without the rest.
"""

from collections.abc import Awaitable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from redis.asyncio import Redis

from ticker.errors import StoreCorrupt
from ticker.model import CoinId, Point, Step
from ticker.store import ring
from ticker.store.base import SECONDS, slot, slots_kept

T = TypeVar("T")

# What a script does with a command that fails: another type under our key is not ours, and is overwritten; that we may
# not give the command is an error, or a user with too few rights would lose what is stored without a word.
TELLING = """
local function telling(answer)
    if type(answer) == 'table' and answer.err and not string.find(answer.err, 'WRONGTYPE', 1, true) then
        error(answer.err)
    end
    return answer
end
"""

BATCH = 250  # rings in one script: a few milliseconds, new ones 50, in which Redis does nothing else

# Places in a row, all of the same slot. What is new is made whole, so that it never grows; what has another length
# (`keep` was changed) or is not ours is left to us. ARGV: offset, size, a record for each key.
_ADD = (
    TELLING
    + """
local odd, size = {}, tonumber(ARGV[2])
for i, key in ipairs(KEYS) do
    local length = telling(redis.pcall('STRLEN', key))
    if length == 0 then
        redis.call('SET', key, string.rep('\\0', size))
        length = size
    end
    if length == size then redis.call('SETRANGE', key, ARGV[1], ARGV[i + 2]) else odd[#odd + 1] = i end
end
return odd
"""
)

# The records of so many slots from the first on, of each key, whatever the size of its ring; zeros where it has none.
# All in one string, since reading thousands of answers is what takes a client's time. ARGV: width, first, count.
_AROUND = (
    TELLING
    + """
local width, first, count, found = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), {}
for i, key in ipairs(KEYS) do
    local length = telling(redis.pcall('STRLEN', key))
    local piece = ''
    if type(length) == 'number' and length > 0 and length % width == 0 then
        local places = length / width
        local from = first % places
        local to = from + math.min(count, places)
        piece = redis.call('GETRANGE', key, from * width, math.min(to, places) * width - 1)
        if to > places then piece = piece .. redis.call('GETRANGE', key, 0, (to - places) * width - 1) end
    end
    found[i] = piece .. string.rep('\\0', count * width - #piece)
end
return table.concat(found)
"""
)


class Call(Protocol):
    """Waits for an answer within the deadline, or raises the contract's errors."""

    async def __call__(self, answer: Awaitable[T]) -> T:
        """The answer."""
        ...


class RedisHistory:
    """The past prices of `ticker.store.base.Store`. Days are kept for `keep` seconds."""

    def __init__(self, client: Redis, call: Call, prefix: str, keep: float) -> None:
        self._client, self._call, self._prefix, self._keep = client, call, prefix, keep
        self._add = client.register_script(_ADD)
        self._around = client.register_script(_AROUND)

    async def add_points(self, step: Step, at: float, prices: Mapping[CoinId, Decimal]) -> None:
        """A script for every few hundred coins; rings that are not as they should be are made anew."""
        number, places = slot(step, at), slots_kept(step, self._keep)
        coins = list(prices)
        for first in range(0, len(coins), BATCH):
            some = coins[first : first + BATCH]
            arguments: list[int | bytes] = [ring.place(number, places), places * ring.WIDTH]
            arguments += [ring.pack(at, prices[coin]) for coin in some]
            for index in await self._call(self._add(keys=self._keys(some, step), args=arguments)):
                coin = some[index - 1]
                await self._lay_out(coin, step, Point(at, prices[coin]), places)

    async def _lay_out(self, coin: CoinId, step: Step, newest: Point, places: int) -> None:
        """Give a ring another number of places, with what it holds; what is not ours is overwritten."""
        [key] = self._keys([coin], step)
        number = slot(step, newest.at)
        points = [*ring.unpack(await self._held(key), step, number - places, number - 1), newest]
        await self._call(self._client.set(key, ring.laid_out(points, step, number, places)))

    async def _held(self, key: str) -> bytes:
        """A ring whole; nothing where there is none, or something that is none of ours and will be overwritten."""
        try:
            held: Any = await self._call(self._client.get(key))
        except StoreCorrupt:
            return b""
        return held if held and len(held) % ring.WIDTH == 0 else b""

    async def points(self, coin: CoinId, step: Step, start: float, end: float) -> list[Point]:
        """As the contract says."""
        [key] = self._keys([coin], step)
        found = ring.unpack(await self._held(key), step, slot(step, start), slot(step, end))
        return sorted((point for point in found if start <= point.at <= end), key=lambda point: point.at)

    async def points_near(
        self, coins: Sequence[CoinId], step: Step, at: float, within: float
    ) -> Mapping[CoinId, Point]:
        """As the contract says. A point within a slot's length is the nearest; only where there is none, we look on."""
        length = SECONDS[step]
        found = await self._nearest(coins, step, at, min(within, length))
        rest = [coin for coin in coins if coin not in found] if within > length else []
        return found | await self._nearest(rest, step, at, within)

    async def _nearest(self, coins: Sequence[CoinId], step: Step, at: float, within: float) -> dict[CoinId, Point]:
        first, last = slot(step, at - within), slot(step, at + within)
        found: dict[CoinId, Point] = {}
        for start in range(0, len(coins), BATCH):
            some = coins[start : start + BATCH]
            for coin, records in zip(some, await self._records(some, step, first, last), strict=True):
                point = ring.nearest(records, at, within)
                if point is not None:
                    found[coin] = point
        return found

    async def _records(self, coins: Sequence[CoinId], step: Step, first: int, last: int) -> list[bytes]:
        first, width = max(0, first), ring.WIDTH * (last - max(0, first) + 1)
        arguments = [ring.WIDTH, first, width // ring.WIDTH]
        found: bytes = await self._call(self._around(keys=self._keys(coins, step), args=arguments))
        return [found[start : start + width] for start in range(0, len(found), width)]

    def _keys(self, coins: Sequence[CoinId], step: Step) -> list[str]:
        return [f"{{{self._prefix}}}:history:{coin}:{step}" for coin in coins]
