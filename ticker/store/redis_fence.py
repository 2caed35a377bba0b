"""Who may write to Redis: the lease on polling, epochs, and the write that both of them fence (trust rules 21 and 22).

Each is one script, so that Redis does it whole or not at all. Knows the keys and the scripts, not the connections.
"""

from typing import Any

from redis.asyncio import Redis

from ticker.errors import Fenced
from ticker.model import Snapshot
from ticker.store.base import Grant
from ticker.store.envelope import Sealed
from ticker.store.redis_history import TELLING, Call

VALUES = ("snapshot", "quotes", "memory")
NAME = 64  # bytes of a holder's name that are told

# The fence stands in the first line of the snapshot, and in the count of epochs. What is not ours fences nothing and is
# overwritten: a number of 16 digits and more is no moment in milliseconds.
_FENCE = (
    TELLING
    + """
local function fence(key)
    local head = telling(redis.pcall('GETRANGE', key, 0, 127))
    if type(head) ~= 'string' then return nil end
    local epoch, seq, proof = string.match(head, '^ticker/1 snapshot (%d+)%-(%d+) (%x+)\\n')
    if proof and #proof == 64 and #epoch < 16 and #seq < 16 then return epoch, seq end
end
local function given(key)
    local held = telling(redis.pcall('GET', key))
    return type(held) == 'string' and #held < 16 and string.match(held, '^%d+$') and tonumber(held) or 0
end
local function new_epoch(key, snapshot, now)
    local epoch = math.max(given(key) + 1, tonumber(fence(snapshot) or 0) + 1, tonumber(now))
    local digits = string.format('%.0f', epoch)
    redis.call('SET', key, digits)
    return digits
end
"""
)

# PUBLISH comes first: should MSET fail (memory is full), a needless hint is out and nothing is written; the other way
# round, a user without the right to publish would have written and been told that he had not.
_PUBLISH = (
    _FENCE
    + """
local epoch, seq = fence(KEYS[1])
local mine, newest = tonumber(ARGV[1]), given(KEYS[4])
if newest > mine then return {string.format('%.0f', newest)} end
if epoch then
    local held = tonumber(epoch)
    if held > mine or (held == mine and tonumber(seq) >= tonumber(ARGV[2])) then return {epoch, seq} end
end
redis.call('PUBLISH', ARGV[6], ARGV[1] .. '-' .. ARGV[2])
redis.call('MSET', KEYS[1], ARGV[3], KEYS[2], ARGV[4], KEYS[3], ARGV[5])
return false
"""
)

_NEW_EPOCH = _FENCE + "return new_epoch(KEYS[1], KEYS[2], ARGV[1])"

# SET NX fails on a key of any type, and a list there would lock everybody out: only a text is a holder's.
_TAKE = (
    _FENCE
    + """
local holder = telling(redis.pcall('GET', KEYS[3]))
if type(holder) == 'string' and holder ~= ARGV[2] then
    local left = redis.call('PTTL', KEYS[3])
    if left > 0 and left <= 10 * tonumber(ARGV[3]) then return {false, left} end
end
redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[3])
return {new_epoch(KEYS[1], KEYS[2], ARGV[1])}
"""
)

# A lease that is gone and that nobody has taken since, which would have made a higher epoch, is had again.
_RENEW = (
    _FENCE
    + """
local holder = telling(redis.pcall('GET', KEYS[2]))
if type(holder) == 'string' and holder ~= ARGV[1] then return 0 end
if given(KEYS[1]) > tonumber(ARGV[3]) then return 0 end
redis.call('SET', KEYS[1], ARGV[3])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 1
"""
)

# The next epoch is given out to nobody, so that a renewal or a publication which was on its way is refused.
_GIVE_UP = (
    _FENCE
    + """
if telling(redis.pcall('GET', KEYS[2])) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], string.format('%.0f', given(KEYS[1]) + 1))
return redis.call('DEL', KEYS[2])
"""
)


class RedisFence:
    """Lease, epochs and the fenced write of `ticker.store.base.Store`."""

    def __init__(self, client: Redis, call: Call, prefix: str) -> None:
        self._client, self._call = client, call
        self._values = [f"{{{prefix}}}:{name}" for name in VALUES]
        self._epoch, self._leader = f"{{{prefix}}}:epoch", f"{{{prefix}}}:leader"
        self._publish = client.register_script(_PUBLISH)
        self._new_epoch = client.register_script(_NEW_EPOCH)
        self._take = client.register_script(_TAKE)
        self._renew = client.register_script(_RENEW)
        self._give_up = client.register_script(_GIVE_UP)

    async def new_epoch(self, now: float) -> int:
        """As the contract says, also where the keys hold what is not ours."""
        return int(await self._call(self._new_epoch(keys=[self._epoch, self._values[0]], args=[int(now * 1000)])))

    async def take_lease(self, holder: str, seconds: float, now: float) -> Grant:
        """As the contract says. A lease for ever, or ten times as long as ours, is none: nobody of us gives it."""
        epoch, *left = await self._call(
            self._take(
                keys=[self._epoch, self._values[0], self._leader],
                args=[int(now * 1000), holder, int(seconds * 1000)],
            )
        )
        return Grant(None, left[0] / 1000) if epoch is None else Grant(int(epoch))

    async def renew_lease(self, holder: str, seconds: float, epoch: int) -> bool:
        """As the contract says."""
        keys = [self._epoch, self._leader]
        return bool(await self._call(self._renew(keys=keys, args=[holder, int(seconds * 1000), epoch])))

    async def give_up_lease(self, holder: str) -> None:
        """As the contract says."""
        await self._call(self._give_up(keys=[self._epoch, self._leader], args=[holder]))

    async def leader(self) -> str | None:
        """As the contract says."""
        name: Any = await self._call(self._client.getrange(self._leader, 0, NAME - 1))
        return name.decode(errors="replace") or None

    async def publish(self, snapshot: Snapshot, sealed: Sealed, channel: str, shown: str) -> None:
        """Check the fence, write all three values and notify. Raises `Fenced`; `shown` names the store in it."""
        arguments: list[bytes | str | int | float] = [*snapshot.order, *sealed, channel]
        held = await self._call(self._publish(keys=[*self._values, self._epoch], args=arguments))
        if held is None:
            return
        epoch, *seq = (part.decode() for part in held)
        if seq:
            raise Fenced(f"{shown}: it holds {epoch}-{seq[0]}, which is not older than {snapshot.id}")
        raise Fenced(f"{shown}: epoch {epoch} was given out, so {snapshot.id} comes too late")
