"""`ticker check`: what is wrong with a configuration, all of it at once; and what will be polled."""

from collections.abc import Mapping
from pathlib import Path

import typer

from ticker.config import check as find_errors
from ticker.config import default_folder, load
from ticker.currencies import CURRENCIES


def check(folder: Path | None, environ: Mapping[str, str]) -> None:
    """Print every error, or what a valid configuration will do. Exit code 1 where there is an error."""
    where = default_folder(folder)
    errors = find_errors(where, environ)
    for error in errors:
        typer.echo(str(error), err=True)
    if errors:
        raise typer.Exit(1)
    config = load(where, environ)
    active = config.active_sources()
    typer.echo(f"{where}: ok, {len(config.coins)} coins, {len(config.shown)} shown, version {config.version}")
    for name in active:
        what = "currencies" if config.registry[name].of == "currencies" else f"{len(config.ids_on(name))} coins"
        typer.echo(f"  {name:<14} every {config.sources[name].every:g} s, {what}")
    if not active:
        typer.echo("  no source is on: no coin will have a price")
    for name, reason in config.idle_sources().items():
        typer.echo(f"  {name:<14} off: {reason}")
    for coin in config.coins:
        if coin.fixed is None and not any(name in coin.ids for name in active):
            typer.echo(f'  {coin.id}: no source that is on lists it; it shows "—"')
    needs = CURRENCIES[config.display.currency].coin
    if needs is not None and needs not in {coin.id for coin in config.coins}:
        typer.echo(f'  currency "{config.display.currency}": is counted by "{needs}", which is not in coins.toml')
