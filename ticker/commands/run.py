"""`ticker run`, `ticker poll`, `ticker serve`, and the demo."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ticker.commands import logs, workers
from ticker.commands.lifecycle import LONGEST_END, Ending
from ticker.commands.notify import Notifier
from ticker.commands.port import held
from ticker.commands.reloading import Origin, Reloader
from ticker.commands.service import run_loop, serve_until_stopped
from ticker.commands.worker import Worker
from ticker.config import Config, default_folder, load

log = logging.getLogger("ticker")


def service(
    folder: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, object],
    log_format: str,
    *,
    poll: bool,
    serve: bool,
) -> None:
    """The service on the real sources, until stopped."""
    logs.start(log_format)
    worker = Worker.of(environ)
    origin = Origin(default_folder(folder), environ, overrides, priced=poll)
    reloader = Reloader(origin)
    ending, notifier = Ending(), Notifier.of(environ)
    with _crew(reloader.config, origin, log_format, wanted=serve and worker is None) as crew:
        alone = serve and crew is None
        run_loop(
            serve_until_stopped(
                reloader, poll=poll, serve=alone, notifier=notifier, ending=ending, crew=crew, worker=worker
            )
        )
    ending.orderly()


@contextmanager
def _crew(config: Config, origin: Origin, log_format: str, *, wanted: bool = True) -> Iterator[workers.Crew | None]:
    """As many workers as are configured; None for one, which is this process. Raises `TickerError`: no such port."""
    if not wanted or config.server.workers == 1:
        yield None
        return
    with held(config.server.host, config.server.port) as port:
        told = workers.environment(origin.environ, {**origin.overrides, "server.port": port})
        # Each has its own time to leave, and cuts itself short after it.
        patience = config.server.drain + LONGEST_END + 2.0
        yield workers.Crew(config.server.workers, workers.command(origin.folder, log_format), told, patience)


def demo(folder: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object], log_format: str) -> None:
    """The whole service on simulated sources in this process; nothing is kept, and every page says it is simulated."""
    import tempfile

    logs.start(log_format)
    where = default_folder(folder)
    with tempfile.TemporaryDirectory(prefix="ticker-demo-") as state:
        given = {"store.url": f"embedded:{state}/demo.sqlite3", **overrides}
        run_loop(_demo(where, dict(environ), given, log_format))


async def _demo(folder: Path, environ: dict[str, str], overrides: Mapping[str, object], log_format: str) -> None:
    from ticker.commands.simulate import market_of
    from ticker.simulate import server as simulator

    listed = load(folder, environ, overrides)
    coins = market_of(listed)
    own = [name for name, source in listed.registry.items() if source.own]
    simulation = await simulator.start(coins)
    try:
        stand_in = demo_environment(simulation.base_urls, simulation.stream_urls, own)
        origin = Origin(folder, {**environ, **stand_in}, overrides)
        reloader = Reloader(origin)

        async def quote(config: Config) -> None:
            simulation.set_coins(market_of(config))

        reloader.subscribe(quote)
        log.info("prices are simulated, and every page says so; without --demo they are real")
        with _crew(reloader.config, origin, log_format) as crew:
            await serve_until_stopped(reloader, poll=True, serve=crew is None, simulated=True, crew=crew)
    finally:
        await simulation.stop()


def demo_environment(
    base_urls: Mapping[str, str], stream_urls: Mapping[str, str], own: Iterable[str] = ()
) -> dict[str, str]:
    """Every source from its stand-in, often enough that a person sees prices move; those that have none are off."""
    found = {f"TICKER_SOURCES_{name.upper()}_ENABLED": "false" for name in own}
    for name, url in base_urls.items():
        prefix = f"TICKER_SOURCES_{name.upper()}_"
        found |= {
            f"{prefix}BASE_URL": url,
            f"{prefix}ALLOW_PRIVATE": "true",
            f"{prefix}ACCEPT_TERMS": "true",
            f"{prefix}ENABLED": "true",
            f"{prefix}EVERY": "3s",
        }
    found |= {f"TICKER_SOURCES_{name.upper()}_STREAM_URL": url for name, url in stream_urls.items()}
    return found | {"TICKER_SOURCES_COINMARKETCAP_KEY": "simulated"}
