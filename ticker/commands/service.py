"""The running service: store, poller, scheduler and streams, feed and server, started in order and stopped in reverse.

Knows how the parts fit together; not where settings come from. Each half is loaded when it is started: readers are
answered before the poller is there, and who only polls or only serves never loads the other half.
"""

import asyncio
import gc
import logging
import os
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ticker.commands import assembly, handles
from ticker.commands.lifecycle import Ending, Vitals, signs_of_life, stop_on_signals
from ticker.commands.notify import SILENT, Notifier
from ticker.commands.reloading import Reloader
from ticker.commands.worker import Worker
from ticker.commands.workers import Crew
from ticker.config import Config
from ticker.errors import TickerError
from ticker.store import open_store

if TYPE_CHECKING:
    from ticker.server.readiness import Readiness

log = logging.getLogger("ticker")


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run to the end on the fastest event loop there is."""
    fastest: Any = asyncio
    with suppress(ImportError):
        fastest = import_module("uvloop")
    fastest.run(main)


async def serve_until_stopped(
    reloader: Reloader,
    *,
    poll: bool,
    serve: bool,
    simulated: bool = False,
    notifier: Notifier = SILENT,
    ending: Ending | None = None,
    crew: Crew | None = None,
    worker: Worker | None = None,
) -> None:
    """The service until SIGTERM or SIGINT: polling, serving, or both in one process. Raises `TickerError`.

    With a `crew` it is others that serve, and this process keeps them. As a `worker` it is one of such.

    Asked to end, a server says so at `/readyz`, goes on for `[server] drain`, sends its viewers away to come back
    elsewhere, ends what it has begun, and is gone within 10 s more, which `ending` sees to. A second signal ends it at
    once.
    """
    config = reloader.config
    stop = stop_on_signals()
    vitals = Vitals()
    if worker is not None:
        worker.attach()
    async with AsyncExitStack() as stack:
        ends: list[asyncio.Task[None]] = []
        readiness = None
        if serve:
            handles.raise_limit(config.server.max_viewers)
        if poll or serve:
            store = open_store(config.store.url, config.store.prefix, keep=config.history.keep)
            stack.push_async_callback(store.close)
            await store.open()
            from ticker.commands.seeing import Seeing, worker_number

            seeing = Seeing(config, worker=worker_number(os.environ))
            reloader.subscribe(seeing.take)
            reloader.observe(seeing.stands)
            with _collecting_later():
                if serve:
                    from ticker.commands.serving import serving

                    shared = worker is not None
                    readiness = await stack.enter_async_context(serving(store, reloader, seeing, shared=shared))
                if poll:
                    # Beside the loop: readers are answered meanwhile.
                    half = await asyncio.to_thread(import_module, "ticker.commands.polling")
                    running = half.leading(store, reloader, simulated=simulated, seeing=seeing, vitals=vitals)
                    ends.append(await stack.enter_async_context(running))
                await stack.enter_async_context(seeing.door())
                await stack.enter_async_context(reloader.running())
        if crew is not None:
            ends.append(await stack.enter_async_context(crew.at_work(reloader.ask)))
        if worker is not None:
            worker.ready()
        notifier.ready(_status(config, poll=poll, serve=serve or crew is not None))
        for beside in (signs_of_life(notifier, vitals), handles.watch()):
            stack.callback(asyncio.create_task(beside).cancel)
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait([waiting, *ends], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        notifier.stopping()
        for task in ends:
            if task.done():
                raise_ours(task)
        if readiness is not None:
            await _drain(readiness, reloader.config.server.drain)
        log.info("stopping")
        if crew is not None:
            await crew.end()
        if ending is not None:
            ending.begin()


@contextmanager
def _collecting_later() -> Iterator[None]:
    """Load and start without the garbage collector, which then never looks at what has come to stay.

    Looking through the program itself stops the loop for 20 to 70 ms.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _status(config: Config, *, poll: bool, serve: bool) -> str:
    """What we do, in a line for people."""
    polled = f"polling {len(config.active_sources())} sources for {len(config.coins)} coins" if poll else ""
    served = f"serving on {assembly.listening(config)}/" if serve else ""
    return ", ".join(filter(None, (polled, served)))


async def _drain(readiness: "Readiness", seconds: float) -> None:
    """Want no more requests, and answer those that come all the same for so long."""
    readiness.leave()
    if seconds:
        log.info("leaving in %g s; /readyz says so", seconds)
        await asyncio.sleep(seconds)


def steady_clock() -> Callable[[], float]:
    """Seconds since 1970 by the system's clock of this moment, which no later step of it moves."""
    began = time.time() - time.monotonic()
    return lambda: began + time.monotonic()


def raise_ours(task: asyncio.Task[None]) -> None:
    """Raise what ended a task; out of a group of errors, ours."""
    error = task.exception()
    if isinstance(error, BaseExceptionGroup):
        ours = error.subgroup(TickerError)
        while isinstance(ours, BaseExceptionGroup):
            ours = ours.exceptions[0]  # type: ignore[assignment]
        raise ours if ours is not None else error
    if error is not None:
        raise error
