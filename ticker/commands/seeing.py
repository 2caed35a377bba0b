"""What a running service tells those who run it: metrics on their port, how polling stands, alerts.

Puts the parts together; whoever polls or serves hands in what it has. `config` is the one place that says which
configuration is in use and which was refused: whoever reloads it sets it.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from ticker import __version__
from ticker.bulletin import ConfigStanding, Refusal
from ticker.commands import assembly, logs
from ticker.config import Config
from ticker.metrics.door import metrics_door
from ticker.metrics.figures import Figures, Polling
from ticker.metrics.figures import Serving as Served
from ticker.model import SourceName
from ticker.standing import Standing
from ticker.store.base import Store

if TYPE_CHECKING:
    from aiohttp import web

    from ticker.commands.alerting import Alerting
    from ticker.observing import Streams
    from ticker.poller import Poller
    from ticker.reporting import Reporter
    from ticker.scheduler import Scheduler

log = logging.getLogger("ticker")

LAST_PORT = 65_535


class Seeing:
    """One process's eyes. `worker` is its number where several serve together, and each has a metrics port."""

    def __init__(self, config: Config, *, worker: int = 0) -> None:
        self.config = ConfigStanding(config.version, time.time())
        self._settings, self._worker = config, worker
        logs.hide(assembly.secrets(config))
        self._app: web.Application | None = None
        self._poller: Poller | None = None
        self._reporter: Reporter | None = None
        self._alerting: Alerting | None = None

    async def take(self, config: Config) -> None:
        """Another configuration is used from now on, with secrets of its own."""
        logs.hide(assembly.secrets(config))
        self._settings = config
        if self._alerting is not None:
            self._alerting.take(config)

    def stands(self, standing: Standing) -> None:
        """Which configuration is in use has changed, or one was refused."""
        refused = standing.refused
        reason = None if refused is None else Refusal(refused.at, refused.reasons[0])
        self.config = ConfigStanding(standing.version, standing.since, reason, standing.refusals)

    def door(self) -> AbstractAsyncContextManager[None]:
        """`/metrics`, for as long as the block runs."""
        server = self._settings.server
        port = server.metrics_port + self._worker if server.metrics_port else 0
        if port > LAST_PORT:
            log.warning("no metrics of worker %d: [server] metrics_port leaves no port for it", self._worker)
            port = 0
        return metrics_door(server.metrics_host, port, self.figures)

    def serving(self, app: "web.Application") -> None:
        """This process serves with this application."""
        from ticker.server.seen import SEEN

        self._app = app
        app[SEEN].config = lambda: self.config

    @property
    def served(self) -> "Callable[[], Served] | None":
        """What gives the figures of the server of this process; None where it does not serve."""
        if self._app is None:
            return None
        from ticker.server.seeing import FIGURES

        return self._app[FIGURES]

    async def polling(
        self,
        poller: "Poller",
        scheduler: "Scheduler",
        streamer: "Streams",
        store: Store,
        steady: Callable[[], float],
    ) -> None:
        """This process polls with these parts: report on them, until cancelled."""
        from ticker.commands.alerting import Alerting
        from ticker.observing import Parts
        from ticker.reporting import Reporter

        parts = Parts(
            poller,
            scheduler,
            streamer,
            lambda: self.config,
            lambda: _off(self._settings),
            started_at=time.time(),
        )
        alerting = self._alerting = Alerting(self._settings)
        reporter = Reporter(parts, store, time.time, steady, tell=alerting.offer, patience=lambda: alerting.patience)
        self._poller, self._reporter = poller, reporter
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(reporter.run())
            tasks.create_task(alerting.run())

    def figures(self) -> Figures:
        """What there is to be measured now."""
        served = self.served
        serving = None if served is None else served()
        return Figures(time.time(), __version__, self.config, serving, self._polling(), len(asyncio.all_tasks()))

    def _polling(self) -> Polling | None:
        if self._poller is None or self._reporter is None:
            return None
        tally, webhook = self._poller.tally, {} if self._alerting is None else self._alerting.counts
        return Polling(self._reporter.bulletin(), tally.leads, not tally.store_down, tally.snapshot, webhook)


def worker_number(environ: Mapping[str, str]) -> int:
    """Which of several workers this process is, from 1, as who started it says; 0 where it is none."""
    said = environ.get("TICKER_WORKER", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 4 else 0


def _off(config: Config) -> dict[SourceName, str]:
    """The sources that are not polled, and why."""
    found = {}
    for name, settings in config.sources.items():
        if not settings.enabled:
            found[name] = "switched off"
        elif (why := settings.barred or settings.idle) is not None:
            found[name] = why
    return found
