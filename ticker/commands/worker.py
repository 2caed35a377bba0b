"""A worker's end of the line to its supervisor: it says that it serves and lives, and notices that nobody listens.

The line is a socket, its standard input. Knows nothing of what a worker does.
"""

import asyncio
import os
import signal
import socket
import stat
from collections.abc import Mapping

from ticker.errors import TickerError

NUMBER = "TICKER_WORKER"  # the environment variable with a worker's number, from 1; no setting, and not for people
SIGN = b"\n"
EVERY = 5.0  # seconds between two signs of life


class Worker:
    """This process, as one of several. `number` counts from 1."""

    def __init__(self, number: int, line: socket.socket) -> None:
        self.number = number
        self._line = line
        self._alone = False
        line.setblocking(False)

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Worker | None":
        """As whoever started us says; None where we are alone. Raises `TickerError` where that makes no sense."""
        number = environ.get(NUMBER)
        if not number:
            return None
        if not (number.isascii() and number.isdigit()) or not stat.S_ISSOCK(os.fstat(0).st_mode):
            raise TickerError(f"{NUMBER} is set, which ticker itself does for its workers; unset it")
        return cls(int(number), socket.socket(fileno=os.dup(0)))

    def attach(self) -> None:
        """From now on the end of our supervisor is a SIGTERM to us. Call it where SIGTERM ends us in good order."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._line, self._gone)
        loop.add_signal_handler(signal.SIGHUP, lambda: None)  # handed on to us, and no reason to end

    def ready(self) -> None:
        """We serve, and say so from now on for as long as our loop goes round."""
        try:
            self._line.send(SIGN)
        except BlockingIOError:  # a supervisor that is stopped itself
            pass
        except OSError:
            self._gone()
            return
        asyncio.get_running_loop().call_later(EVERY, self.ready)

    def _gone(self) -> None:
        if not self._alone:
            self._alone = True
            asyncio.get_running_loop().remove_reader(self._line)
            signal.raise_signal(signal.SIGTERM)
