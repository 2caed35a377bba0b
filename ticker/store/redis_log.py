"""The log of decisions in Redis: one sorted set in the order of coin and moment, and one in the order of age.

An entry is COIN, a zero byte, the moment, a zero byte, the body; its head is what stands before the body. Knows the
keys and the script, not the connections.
"""

import struct
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from ticker.model import CoinId
from ticker.store.base import DECISIONS_BYTES, DECISIONS_KEPT, ROUNDS_KEPT, Entry, lifetime
from ticker.store.redis_history import TELLING, Call

BATCH = 500  # entries in one script
OVERHEAD = 256  # bytes an entry takes beside itself, with its place in both sets
EXPIRED = 1000  # entries of each kind that go, at most, with one batch

# KEYS: the log, its heads by age, its bytes. ARGV: bound, overhead, how many expire at once, the moment before which
# everything goes, the end of the short-lived that go, then head and body of each entry, and its moment.
_RECORD = (
    TELLING
    + """
local log, ages, bytes = KEYS[1], KEYS[2], KEYS[3]
local overhead, most = tonumber(ARGV[2]), tonumber(ARGV[3])
local counted = telling(redis.pcall('GET', bytes))
local total = type(counted) == 'string' and tonumber(counted)
for _, key in ipairs({log, ages}) do
    if type(telling(redis.pcall('ZCARD', key))) ~= 'number' then total = nil end
end
if not total then
    redis.call('DEL', log, ages)
    total = 0
end
local function drop(head)
    local from, to = '[' .. head .. '\\0', '(' .. head .. '\\1'
    for _, entry in ipairs(redis.call('ZRANGEBYLEX', log, from, to)) do total = total - #entry - overhead end
    redis.call('ZREMRANGEBYLEX', log, from, to)
    redis.call('ZREM', ages, head)
end
for i = 6, #ARGV, 3 do
    local entry = ARGV[i] .. '\\0' .. ARGV[i + 1]
    if redis.call('ZADD', log, 0, entry) == 1 then
        redis.call('ZADD', ages, ARGV[i + 2], ARGV[i])
        total = total + #entry + overhead
    end
end
for _, head in ipairs(redis.call('ZRANGEBYSCORE', ages, '-inf', '(' .. ARGV[4], 'LIMIT', 0, most)) do drop(head) end
for _, entry in ipairs(redis.call('ZRANGEBYLEX', log, '[~\\0', '(' .. ARGV[5], 'LIMIT', 0, most)) do
    drop(string.sub(entry, 1, 10))
end
while total > tonumber(ARGV[1]) do
    local oldest = redis.call('ZRANGE', ages, 0, 99)
    if #oldest == 0 then
        redis.call('DEL', log)
        total = 0
    end
    for _, head in ipairs(oldest) do
        if total > tonumber(ARGV[1]) then drop(head) end
    end
end
redis.call('SET', bytes, string.format('%.0f', total))
return total
"""
)

_MOMENT = struct.Struct(">d")  # of moments from 1970 on, the bytes are in the order of time
_SHORT = b"~"  # stands for a round that is kept a day; no coin is called so


class RedisLog:
    """The log of decisions of `ticker.store.base.Store`."""

    def __init__(self, client: Redis, call: Call, prefix: str) -> None:
        self._client, self._call = client, call
        self._keys = [f"{{{prefix}}}:decisions{end}" for end in ("", ":ages", ":bytes")]
        self._record = client.register_script(_RECORD)

    async def record(self, entries: Sequence[Entry]) -> None:
        """A script for every few hundred entries: it adds, and lets go of what has expired or is too much."""
        for first in range(0, len(entries), BATCH):
            some = entries[first : first + BATCH]
            newest = max(entry.at for entry in some)
            short = _head(_SHORT, newest - ROUNDS_KEPT)
            arguments: list[Any] = [DECISIONS_BYTES, OVERHEAD, EXPIRED, newest - DECISIONS_KEPT, short]
            for entry in some:
                kind = _SHORT if lifetime(entry) == ROUNDS_KEPT else entry.coin.encode()
                arguments += [_head(kind, entry.at), entry.body, entry.at]
            await self._call(self._record(keys=self._keys, args=arguments))

    async def decisions(self, coin: CoinId, start: float, end: float, limit: int) -> list[Entry]:
        """As the contract says; rounds of both lifetimes together."""
        found: list[Entry] = []
        for kind in (coin.encode(),) if coin else (b"", _SHORT):
            newest, oldest = b"(" + _head(kind, end) + b"\1", b"[" + _head(kind, start)
            rows: list[Any] = await self._call(
                self._client.zrevrangebylex(self._keys[0], newest, oldest, start=0, num=limit)
            )
            found += [_entry(coin, row[len(kind) + 1 :]) for row in rows]
        return sorted(found, key=lambda entry: entry.at, reverse=True)[:limit]


def _head(kind: bytes, at: float) -> bytes:
    return kind + b"\0" + _MOMENT.pack(max(0.0, at))


def _entry(coin: CoinId, rest: bytes) -> Entry:
    [at] = _MOMENT.unpack_from(rest)
    return Entry(at, coin, rest[_MOMENT.size + 1 :])
