"""The streams that are wanted at present: opened, closed and opened anew as the coins and sources change.

A stream is told its coins when it is opened, so other coins need it opened again; at most now and then, since sources
count connections, and a new coin has its price from a poll meanwhile. Streams that nothing changes for stay open. All
can be let rest; whoever does that knows why.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from ticker.model import SourceName
from ticker.streaming import Channel, OnRows, Streamer, StreamHealth

log = logging.getLogger("ticker.streaming")

PACE = 10.0  # seconds between two openings of one stream for the sake of other coins


@dataclass(slots=True)
class _Open:
    channel: Channel
    task: asyncio.Task[None]
    since: float


class Streams:
    """Any number of streams. `on_rows` and `user_agent` as for `Streamer`; `steady` gives seconds."""

    def __init__(
        self,
        channels: Sequence[Channel],
        on_rows: OnRows,
        *,
        user_agent: str = "ticker",
        steady: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._on_rows, self._user_agent, self._steady, self._sleep = on_rows, user_agent, steady, sleep
        self._wanted: dict[SourceName, Channel] = {}
        self._open: dict[SourceName, _Open] = {}
        self._health: dict[SourceName, StreamHealth] = {}
        self._changed = asyncio.Event()
        self._resting = False
        self.reconfigure(channels)

    @property
    def health(self) -> Mapping[SourceName, StreamHealth]:
        """How each stream is doing, by its source."""
        return self._health

    @property
    def resting(self) -> bool:
        """Whether all of them are closed until `wake`."""
        return self._resting

    def rest(self) -> None:
        """Close all of them. Their counts stay."""
        if not self._resting:
            self._resting = True
            self._changed.set()

    def wake(self) -> None:
        """Open them again."""
        if self._resting:
            self._resting = False
            self._changed.set()

    def reconfigure(self, channels: Sequence[Channel]) -> None:
        """Keep these open from now on."""
        before, self._wanted = self._wanted, {channel.source: channel for channel in channels}
        for name in self._health.keys() - self._wanted.keys():
            del self._health[name]
        for name, channel in self._wanted.items():
            health = self._health.setdefault(name, StreamHealth())
            if name in before and _elsewhere(channel, before[name]):
                health.failures, health.not_before = 0, 0.0  # that was another place's word
        self._changed.set()

    async def run(self) -> None:
        """Keep all of them open until cancelled."""
        try:
            while True:
                self._changed.clear()
                try:
                    wait = await self._adjust()
                except Exception:
                    log.exception("opening streams failed in a way that should not be; trying again")
                    wait = PACE
                try:
                    async with asyncio.timeout(wait):
                        await self._changed.wait()
                except TimeoutError:
                    continue
        finally:
            await self._close(list(self._open))

    async def _adjust(self) -> float | None:
        """Close and open what has to be; gives the seconds after which there is more to do, None = nothing."""
        now, wanted = self._steady(), self._present()
        other = [name for name, one in self._open.items() if wanted.get(name) != one.channel]
        # Where a stream is elsewhere now, or not wanted, what it says is wrong; with other coins it is merely not all.
        due = [
            name
            for name in other
            if _elsewhere(wanted.get(name), self._open[name].channel) or now - self._open[name].since >= PACE
        ]
        await self._close(due)
        for name, channel in self._present().items():  # which may be others by now
            if name not in self._open:
                self._open[name] = _Open(channel, self._start(channel), now)
        later = [self._open[name].since + PACE - now for name in other if name not in due]
        return min(later, default=None)

    def _present(self) -> Mapping[SourceName, Channel]:
        """What is to be open at present."""
        return {} if self._resting else self._wanted

    def _start(self, channel: Channel) -> asyncio.Task[None]:
        streamer = Streamer([channel], self._on_rows, user_agent=self._user_agent, sleep=self._sleep)
        streamer.health[channel.source] = self._health[channel.source]  # its counts go on
        return asyncio.create_task(streamer.run(), name=f"streams of {channel.source}")

    async def _close(self, names: Sequence[SourceName]) -> None:
        closed = [self._open.pop(name).task for name in names]
        for task in closed:
            task.cancel()
        await asyncio.gather(*closed, return_exceptions=True)


def _elsewhere(wanted: Channel | None, present: Channel) -> bool:
    return wanted is None or (wanted.url, wanted.allow_private) != (present.url, present.allow_private)
