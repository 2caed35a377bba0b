"""Several processes that share one port: started, kept, told what we are told, and ended with us.

A worker is this program anew, `ticker serve` with a number in its environment and a line to us (`worker`). One that
ends or gets stuck is replaced, later each time that it ends soon; one that cannot even start for the first time ends us
all, for it would not the next time. Knows neither prices nor HTTP.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from ticker.commands.worker import NUMBER
from ticker.errors import StoreError, TickerError

log = logging.getLogger("ticker")

LONGEST_START = 15.0  # seconds that the first start may take before we call ourselves started all the same
PAUSES = (0.5, 30.0)  # seconds before a worker is replaced: the first time, and at most
STEADY = 60.0  # seconds after which a worker that ends has not ended soon
SILENCE = 60.0  # seconds without a sign of life after which a worker that serves is stuck
STORE = 3  # the exit code of a store that cannot be used
_OURS_ALONE = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")  # whoever started us is told of all by us


class Crew:
    """So many workers. `patience` is how many seconds they have to end in good order."""

    def __init__(self, count: int, command: Sequence[str], environ: Mapping[str, str], patience: float) -> None:
        self._count, self._command, self._environ, self._patience = count, command, environ, patience
        self._running: dict[int, tuple[Process, socket.socket]] = {}  # by number, with our end of its line
        self._ready: set[int] = set()
        self._all_ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[asyncio.Task[None]]:
        """All workers, started and kept; the task that is given ends only with an error: one could not start."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self.forward, signal.SIGHUP)
        log.info("starting %d workers", self._count)
        self._task = task = asyncio.create_task(self._keep_all())
        ready = asyncio.create_task(self._all_ready.wait())
        try:
            await asyncio.wait([task, ready], timeout=LONGEST_START, return_when=asyncio.FIRST_COMPLETED)
            yield task
        finally:
            ready.cancel()
            loop.remove_signal_handler(signal.SIGHUP)
            await self.end()

    def forward(self, number: signal.Signals) -> None:
        """Hand a signal on to every worker."""
        for process, _ in self._running.values():
            with contextlib.suppress(ProcessLookupError):  # it has just ended, and is about to be replaced
                process.send_signal(number)

    async def end(self) -> None:
        """End them all in good order; who has not ended in time is killed. Safe to call twice."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self.forward(signal.SIGTERM)
        waiting = [asyncio.create_task(process.wait()) for process, _ in self._running.values()]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=self._patience)
            if late:
                log.error("%d workers have not ended within %g s; they are killed", len(late), self._patience)
                self.forward(signal.SIGKILL)
                await asyncio.wait(late)
        for _, line in self._running.values():
            line.close()
        self._running.clear()

    async def _keep_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(1, self._count + 1):
                group.create_task(self._keep(number))

    async def _keep(self, number: int) -> None:
        """One worker, started anew whenever it ends. Raises `TickerError` where the first one never served."""
        loop = asyncio.get_running_loop()
        served, pause = False, 0.0
        while True:
            since = loop.time()
            process = await self._one(number)
            served = served or number in self._ready
            if not served:
                raise _could_not_start(number, process.returncode)
            pause = PAUSES[0] if loop.time() - since >= STEADY or not pause else min(2 * pause, PAUSES[1])
            how = _how(process.returncode)
            log.error("worker %d (process %d) %s; starting another in %g s", number, process.pid, how, pause)
            await asyncio.sleep(pause)

    async def _one(self, number: int) -> Process:
        """One worker from its start to its end."""
        process, line = await self._start(number)
        self._running[number] = process, line  # until `end` has ended it, if we are cancelled: closing ends it, too
        await self._listen(number, process, line)
        await process.wait()
        del self._running[number]
        line.close()
        return process

    async def _listen(self, number: int, process: Process, line: socket.socket) -> None:
        """Hear that a worker serves, and then that it lives, until it ends; one that falls silent is ended."""
        loop = asyncio.get_running_loop()
        silence: float | None = None
        while True:
            try:
                async with asyncio.timeout(silence):
                    if not await loop.sock_recv(line, 64):
                        return
            except TimeoutError:
                log.error(  # noqa: TRY400 - a trace of our own waiting says nothing
                    "worker %d (process %d) has said nothing for %g s; it is killed", number, process.pid, silence
                )
                process.kill()
                return
            if silence is None:
                silence = SILENCE
                log.info("worker %d (process %d) is ready", number, process.pid)
                self._ready.add(number)
                if len(self._ready) == self._count:
                    self._all_ready.set()

    async def _start(self, number: int) -> tuple[Process, socket.socket]:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=theirs.fileno(),
                env={**self._environ, NUMBER: str(number)},
                start_new_session=True,  # a terminal's Ctrl-C is for us; they are told by us
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return process, ours


def command(folder: Path, log_format: str) -> list[str]:
    """What a worker runs: this very program, whatever folder we were started in."""
    return [sys.executable, "-P", "-m", "ticker", "serve", "--config", str(folder), "--log-format", log_format]


def environment(environ: Mapping[str, str], overrides: Mapping[str, object]) -> dict[str, str]:
    """A worker's: ours, with what our command line said as variables."""
    told = {f"TICKER_{key.replace('.', '_').upper()}": str(value) for key, value in overrides.items()}
    dropped = {*_OURS_ALONE, *(f"{name}_FILE" for name in told)}
    package = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (package, environ.get("PYTHONPATH"))))
    return {name: value for name, value in environ.items() if name not in dropped} | told | {"PYTHONPATH": path}


def _could_not_start(number: int, code: int | None) -> TickerError:
    kind = StoreError if code == STORE else TickerError
    return kind(f"worker {number} {_how(code)} before it served anything; its reason is above")


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
