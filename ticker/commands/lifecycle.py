"""From the signal to the end, and the signs of life until then. Knows neither settings nor what is running.

The first SIGTERM or SIGINT asks for an orderly end; the second ends at once, by the kernel, whatever the event loop is
doing. An end that takes too long is cut short: what we keep is safe against that (`store`).
"""

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable

from ticker.commands.notify import Notifier

log = logging.getLogger("ticker")

SIGNALS = (signal.SIGTERM, signal.SIGINT)
LONGEST_END = 9.5  # seconds from the end of the drain to the end of the process, by force if need be
CUT_SHORT = 70  # the exit code then (EX_SOFTWARE)


def stop_on_signals() -> asyncio.Event:
    """Set by the first SIGTERM or SIGINT, after which both have their usual meaning again: to end at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked() -> None:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)  # SIGINT too, which Python would make an exception of
        stop.set()

    for number in SIGNALS:
        loop.add_signal_handler(number, asked)
    return stop


class Ending:
    """The end of this process: once `begin` is called, it comes within `LONGEST_END` seconds, by force if need be.

    A thread and not a timer of the loop, since the loop, or a thread that Python waits for at the end (one that asks
    for the address of a name, say), may be what hangs.
    """

    def __init__(self) -> None:
        self._code = CUT_SHORT

    def begin(self) -> None:
        """The time runs."""
        timer = threading.Timer(LONGEST_END, self._cut)
        timer.daemon = True
        timer.start()

    def orderly(self) -> None:
        """All that mattered has ended well; whoever still waits for a thread of Python's loses nothing."""
        self._code = 0

    def _cut(self) -> None:
        if self._code:
            sys.stderr.write(f"ticker: not ended within {LONGEST_END:g} s; ending at once\n")
            sys.stderr.flush()
        os._exit(self._code)


class Vitals:
    """What must be true of a process that is well. Each part is asked on the event loop, and must not block."""

    def __init__(self) -> None:
        self._parts: dict[str, Callable[[], bool]] = {}

    def watch(self, name: str, well: Callable[[], bool]) -> None:
        """Ask `well` from now on, whether the part of this name is."""
        self._parts[name] = well

    def forget(self, name: str) -> None:
        """A part that has ended on purpose."""
        self._parts.pop(name, None)

    def ill(self) -> list[str]:
        """The parts that are not well."""
        return [name for name, well in self._parts.items() if not well()]


async def signs_of_life(notifier: Notifier, vitals: Vitals) -> None:
    """Tell the watchdog that we live, three times in its patience, for as long as all parts are well.

    A loop that is blocked tells nothing, and so does a process whose rounds have stopped: it is started anew.
    """
    if notifier.watchdog is None:
        return
    told: list[str] = []
    while True:
        ill = vitals.ill()
        if not ill:
            notifier.alive()
        elif ill != told:
            log.error("the watchdog is told nothing until these are well again: %s", ", ".join(ill))
        told = ill
        await asyncio.sleep(notifier.watchdog / 3)
