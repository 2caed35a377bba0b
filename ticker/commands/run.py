"""`ticker run`, `ticker poll`, `ticker serve`, and the demo."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from ticker.commands import logs
from ticker.commands.service import run_loop, serve_until_stopped
from ticker.config import default_folder, load


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
    config = load(default_folder(folder), environ, overrides, priced=poll)
    run_loop(serve_until_stopped(config, poll=poll, serve=serve))


def demo(folder: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object], log_format: str) -> None:
    """The whole service on simulated sources in this process; nothing is kept, and every page says it is simulated."""
    import tempfile

    logs.start(log_format)
    where = default_folder(folder)
    with tempfile.TemporaryDirectory(prefix="ticker-demo-") as state:
        run_loop(_demo(where, dict(environ), {"store.url": f"embedded:{state}/demo.sqlite3", **overrides}))


async def _demo(folder: Path, environ: dict[str, str], overrides: Mapping[str, object]) -> None:
    from ticker.commands.simulate import market_of
    from ticker.simulate import server as simulator

    listed = load(folder, environ, overrides)
    coins = market_of(listed)
    own = [name for name, source in listed.registry.items() if source.own]
    simulation = await simulator.start(coins)
    try:
        stand_in = demo_environment(simulation.base_urls, simulation.stream_urls, own)
        config = load(folder, {**environ, **stand_in}, overrides)
        await serve_until_stopped(config, poll=True, serve=True, simulated=True)
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
