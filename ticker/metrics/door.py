"""`/metrics` on a port of its own: written when it is asked for, and by nobody else's leave.

prometheus-client is loaded with the first scrape, so that who has no Prometheus pays nothing for it. A port that is
taken is no reason not to serve prices: it is said once, and tried again until it is free.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ticker.metrics.figures import Figures
from ticker.metrics.table import METRICS

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

log = logging.getLogger("ticker.metrics")

RETRY = 5.0  # seconds; a rolling restart frees the port of the process before


@asynccontextmanager
async def metrics_door(
    host: str, port: int, figures: Callable[[], Figures], *, retry: float = RETRY
) -> AsyncIterator[None]:
    """Serve `/metrics` there, now or as soon as the port is free, until the block ends. Port 0 serves nothing."""
    if not port:
        yield
        return
    app = web.Application(client_max_size=1024)
    app.router.add_get("/metrics", _Scrape(figures).answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    listening = asyncio.create_task(_listen(runner, host, port, retry))
    try:
        yield
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int, retry: float) -> None:
    said = False
    while True:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            if not said:
                log.warning(
                    "cannot serve metrics on %s:%d: %s; prices are served all the same, and we try again. "
                    "Another ticker on this machine? [server] metrics_port = 0 does without",
                    host,
                    port,
                    error.strerror,
                )
            said = True
        else:
            log.info("metrics are on http://%s:%d/metrics", f"[{host}]" if ":" in host else host, port)
            return
        await asyncio.sleep(retry)


class _Scrape:
    """Answers scrapes; the registry is made at the first."""

    def __init__(self, figures: Callable[[], Figures]) -> None:
        self._figures = figures
        self._registry: CollectorRegistry | None = None

    async def answer(self, _: web.Request) -> web.Response:
        if self._registry is None:
            self._registry = await asyncio.to_thread(_registry, self._figures)
        from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

        body = generate_latest(self._registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4, "Cache-Control": "no-store"})


class Collector:
    """Our metrics as prometheus-client wants them, read anew at every scrape."""

    def __init__(self, figures: Callable[[], Figures]) -> None:
        self._figures = figures

    def describe(self) -> Iterator[Any]:
        """Nothing beforehand: a registry would else look at the figures before there are any."""
        yield from ()

    def collect(self) -> Iterator[Any]:
        """A family a metric; a metric that this process knows nothing of is left out."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        figures = self._figures()
        for metric in METRICS:
            samples = list(metric.read(figures))
            if not samples:
                continue
            family = (CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily)(
                metric.name, metric.about, labels=metric.labels
            )
            for labels, value in samples:
                family.add_metric(labels, value)
            yield family


def _registry(figures: Callable[[], Figures]) -> "CollectorRegistry":
    from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    registry.register(Collector(figures))
    return registry
