"""Live feeds rest while nobody asks this process for prices, and go on about a second after the first who does.

Knows how often prices were given away and who still watches; neither what feeds say nor what polls do meanwhile.
"""

import asyncio
import logging
from collections.abc import Callable

from ticker.config.durations import duration_text
from ticker.metrics.figures import Serving
from ticker.server.seen import PRICED
from ticker.streams import PACE, Streams

log = logging.getLogger("ticker")

LOOK = 1.0  # seconds between two looks at whether somebody has come
LOOK_AWAKE = 15.0  # and at whether nobody is there any more


class Audience:
    """Whoever is given prices. `figures` are the server's of this process, `ticks` gives seconds."""

    def __init__(self, figures: Callable[[], Serving], ticks: Callable[[], float]) -> None:
        self._figures, self._ticks = figures, ticks
        self._answers, self._at = 0, ticks()

    def gone_for(self) -> float:
        """Seconds since somebody was seen at a look like this one, or since the beginning."""
        figures, now = self._figures(), self._ticks()
        given = (count for (door, status), count in figures.requests.items() if door in PRICED and status < 400)
        answers = sum(given)
        if figures.viewers or answers != self._answers:
            self._answers, self._at = answers, now
        return now - self._at


async def rest(streams: Streams, audience: Audience, after: Callable[[], float]) -> None:
    """Let streams rest whenever nobody was there for `after` seconds (0 = never), until cancelled.

    By a fault of ours they would rest for ever: then they are woken, and rest no more.
    """
    try:
        await _rest(streams, audience, after)
    except Exception:
        log.exception("looking whether anybody asks for prices failed in a way that should not be; live feeds go on")
        streams.wake()


async def _rest(streams: Streams, audience: Audience, after: Callable[[], float]) -> None:
    level = logging.INFO  # the first time; a small site would read of it all day
    while True:
        gone, seconds = audience.gone_for(), after()
        limit = max(seconds, PACE)  # sources are not connected to more often
        if seconds and streams.health and gone >= limit:
            if not streams.resting:
                log.log(level, "nobody asked for prices for %s: live feeds rest, polls go on", duration_text(limit))
            streams.rest()
            await asyncio.sleep(LOOK)
        else:
            if streams.resting:
                log.log(level, "live feeds go on")
                level = logging.DEBUG
            streams.wake()
            await asyncio.sleep(min(LOOK_AWAKE, limit / 4))
