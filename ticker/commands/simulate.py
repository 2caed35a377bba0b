"""`ticker simulate`: the stand-in for every source, as a server of its own."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import typer

from ticker import currencies
from ticker.commands import logs
from ticker.commands.lifecycle import stop_on_signals
from ticker.commands.service import run_loop
from ticker.config import Config, default_folder, load
from ticker.errors import TickerError
from ticker.simulate import server as simulator
from ticker.simulate.faults import Fault, FaultError, parse_assignment


def simulate(
    folder: Path | None,
    environ: Mapping[str, str],
    host: str,
    port: int,
    seed: int,
    faults: Sequence[str],
    log_format: str,
) -> None:
    """Serve every dialect until stopped, for the coins of the configuration."""
    logs.start(log_format)
    run_loop(_simulate(load(default_folder(folder), environ), host, port, seed, faults))


async def _simulate(config: Config, host: str, port: int, seed: int, faults: Sequence[str]) -> None:
    stop = stop_on_signals()
    broken: dict[str, Fault] = {}
    for text in faults:
        try:
            broken |= parse_assignment(text, config.sources)
        except FaultError as error:
            raise typer.BadParameter(str(error), param_hint="--fault") from error
    try:
        simulation = await simulator.start(market_of(config), host=host, port=port, seed=seed, faults=broken)
    except OSError as error:
        raise TickerError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    try:
        origin = f"http://{host}:{simulation.port}"
        typer.echo(f"simulated sources on {origin}; poll them with:")
        streams = simulator.stream_urls(origin)
        for name, url in simulator.base_urls(origin).items():
            prefix = f"TICKER_SOURCES_{name.upper()}_"
            live = f" {prefix}STREAM_URL={streams[name]}" if name in streams else ""
            typer.echo(f"  {prefix}BASE_URL={url} {prefix}ALLOW_PRIVATE=true{live}")
        await stop.wait()
    finally:
        await simulation.stop()


def market_of(config: Config) -> dict[str, dict[str, str]]:
    """Every source's ids and the coins or currencies behind them, as the configuration lists them.

    There are none of sources of one's own.
    """
    money = {one: code for code, many in currencies.ids().items() for one in many}
    found = {
        name: dict(money) if source.of == "currencies" else {}
        for name, source in config.registry.items()
        if not source.own
    }
    for coin in config.coins:
        for name in coin.ids.keys() & found.keys():
            ids = coin.ids[name]
            found[name] |= dict.fromkeys(ids, coin.id)
    return found
