"""`ticker history fill`: gives the drawings of a new install a past. Knows the terminal, not how filling is done."""

import asyncio
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import typer

from ticker.asking import Assignment
from ticker.commands import assembly
from ticker.commands.filling import Filled, Told, fill, filler, listed, patience
from ticker.commands.service import steady_clock
from ticker.config import Config, default_folder, load
from ticker.errors import SourceError, StoreBusy, TickerError
from ticker.fetch import Fetcher
from ticker.store import open_store

NO_FILLER = "CoinGecko is where the past comes from, and it is off, or lists none of the coins: `ticker check` says why"
BUSY = (
    "stop the service that has it, fill, and start again; or leave it to the service, which fills in new coins "
    "when it starts ([history] fill)"
)


def fill_in(folder: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object]) -> None:
    """Fill in every coin. Exit code 4 where the source does not answer."""
    config = load(default_folder(folder), environ, overrides)
    assignment = filler(config)
    if assignment is None:
        raise TickerError(NO_FILLER)
    try:
        found = asyncio.run(_fill(config, assignment))
    except SourceError as error:
        typer.echo(f"ticker: {error}", err=True)
        raise typer.Exit(4) from error
    for coin in config.coins:
        if coin.id not in found.hours:
            other = "its price is fixed" if coin.fixed is not None else f"has no id on {assignment.source.title}"
            typer.echo(f"{coin.id}: not filled in: {found.refused.get(coin.id, other)}")
    typer.echo(f"{len(found.hours)} coins, {sum(found.hours.values())} hours from {assignment.source.title}")


async def _fill(config: Config, assignment: Assignment) -> Filled:
    coins, steady = listed(config, assignment), steady_clock()
    store = open_store(config.store.url, config.store.prefix, keep=config.history.keep)
    try:
        try:
            await store.open()
        except StoreBusy as error:
            raise StoreBusy(f"{error}; {BUSY}") from error
        typer.echo(f"asking {assignment.source.title} for 7 days of {len(coins)} coins")
        async with Fetcher(assembly.user_agent(config), time.time) as fetcher:
            with _progress() as told:
                return await fill(
                    assignment, coins, store, fetcher, await patience(assignment, store, steady), time.time, told
                )
    finally:
        await store.close()


@contextmanager
def _progress() -> Iterator[Told]:
    """A bar on a terminal; nothing for a script, which has the lines before and after."""
    if not sys.stdout.isatty():
        yield lambda done, of: None
        return
    from rich.progress import Progress

    with Progress() as bar:
        task = bar.add_task("hours", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
