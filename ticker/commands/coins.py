"""`ticker coins`: see the coins, find others on the sources, and change coins.toml, which keeps its comments.

Nothing is written that `ticker check` would refuse, and nothing without being asked for.
"""

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NoReturn

import typer

from ticker.commands import finding, tables
from ticker.commands.online import NO_ANSWER
from ticker.config import (
    COINS_FILE,
    Config,
    attempt,
    default_folder,
    editable,
    load,
    replace_file,
)
from ticker.config.changes import changes as in_words
from ticker.config.edit import (  # apart: only these commands pay for its reader
    add_coin,
    confirm_coin,
    remove_coin,
    show_coin,
)
from ticker.errors import ConfigError
from ticker.identity import Hit
from ticker.identity.names import shown
from ticker.model import CoinId

MOST_HITS = 10

Change = Callable[[str], str]


def show_list(folder: Path | None, environ: Mapping[str, str]) -> None:
    """Every coin: whether it is in the list, and how many of the sources that are on list it, in how many groups."""
    config = load(default_folder(folder), environ)
    active = set(config.active_sources())
    rows = []
    for coin in config.coins:
        on = [name for name in coin.ids if name in active]
        groups = {config.registry[name].group for name in on}
        many = f"fixed at {coin.fixed:f}" if coin.fixed is not None else f"{len(on)} ({len(groups)} groups)"
        rows.append((coin.id, coin.name, coin.symbol, "shown" if coin.id in config.shown else "", many))
    tables.show_table(("coin", "name", "symbol", "list", "sources"), rows)


def search(folder: Path | None, environ: Mapping[str, str], text: str) -> None:
    """Print what the sources have with a text in its id, name or symbol. Exit code 4 where no source answers."""
    if not text.strip():
        raise typer.BadParameter("must not be empty", param_hint="TEXT")
    config = load(default_folder(folder), environ)
    found, matches = asyncio.run(finding.look_for(config, text, MOST_HITS))
    _say_failures(found)
    if not found.listed:
        _no_answer()
    hits = [hit for many in matches.values() for hit in many[:MOST_HITS]]
    if not hits:
        typer.echo(f"no source that answered has {shown(text)!r} in an id, name or symbol")
        return
    tables.show_table(("source", "id", "name", "symbol", "USD"), [_row(hit) for hit in hits])
    for name, many in matches.items():
        if len(many) > MOST_HITS:
            typer.echo(f"{name}: {len(many) - MOST_HITS} more")


def _row(hit: Hit) -> tuple[str, ...]:
    price = "—" if hit.dollars is None else f"{hit.dollars:f}"
    return (hit.source, *map(shown, (hit.id, hit.name or "", hit.symbol or "")), price)


def add(folder: Path | None, environ: Mapping[str, str], ids: Sequence[str], *, yes: bool, show: bool) -> None:
    """Add coins by their CoinGecko ids; what looks like them and is not taken is told. Raises ConfigError.

    Coins that are known and not in the list are put into it.
    """
    where = editable(folder)
    config = load(where, environ)
    known = {coin.id: coin for coin in config.coins}
    changes: list[tuple[CoinId, Change]] = []
    for one in [one for one in dict.fromkeys(ids) if finding.our_id(one) in known]:
        coin = known[finding.our_id(one)]
        if not show or coin.id in config.shown:
            raise ConfigError(str(where / COINS_FILE), f"coins.{one}", "is there already; change its ids in the file")
        typer.echo(f"{coin.id}: {coin.name} ({coin.symbol}) is known; it goes to the end of the list")
        changes.append((coin.id, partial(show_coin, coin=coin.id)))
    new = [one for one in dict.fromkeys(ids) if finding.our_id(one) not in known]
    changes += _found(config, new, show=show) if new else []
    _change(where, environ, changes, yes=yes)


def _found(config: Config, ids: Sequence[str], *, show: bool) -> list[tuple[CoinId, Change]]:
    """The changes that add these coins, with their ids on every source. Exit code 4 where CoinGecko does not answer."""
    found = asyncio.run(finding.gather(config, ids))
    _say_failures(found)
    if finding.NAMER in found.failed:
        _no_answer("CoinGecko does not answer, and coins are added by its ids and prices")
    changes: list[tuple[CoinId, Change]] = []
    for coin in [finding.identify(config, found, one) for one in ids]:
        typer.echo(f"{coin.id}: {shown(coin.name)} ({shown(coin.symbol)}), on {', '.join(coin.ids)}")
        for refusal in coin.refused:
            typer.echo(f"  not added: {refusal.source} {shown(refusal.id)}: {refusal.reason}")
        changes.append((coin.id, partial(_added, coin=coin, show=show)))
    return changes


def _added(text: str, *, coin: finding.Identified, show: bool) -> str:
    return add_coin(text, coin.id, coin.name, coin.symbol, coin.ids, show=show)


def remove(folder: Path | None, environ: Mapping[str, str], ids: Sequence[str], *, yes: bool) -> None:
    """Remove coins, from the list too. Raises ConfigError."""
    changes = [(one, partial(remove_coin, coin=one)) for one in dict.fromkeys(ids)]
    _change(editable(folder), environ, changes, yes=yes)


def confirm(folder: Path | None, environ: Mapping[str, str], ids: Sequence[str], *, yes: bool) -> None:
    """Write down that the units of coins are right as of now. Raises ConfigError."""
    now = datetime.now(UTC)
    changes = [(one, partial(confirm_coin, coin=one, at=now)) for one in dict.fromkeys(ids)]
    _change(editable(folder), environ, changes, yes=yes)


def _say_failures(found: finding.Found) -> None:
    for error in found.failed.values():
        typer.echo(str(error), err=True)


def _no_answer(reason: str = NO_ANSWER) -> NoReturn:
    typer.echo(f"ticker: {reason}", err=True)
    raise typer.Exit(4)


def _change(folder: Path, environ: Mapping[str, str], changes: Sequence[tuple[CoinId, Change]], *, yes: bool) -> None:
    """Make the changes, show them, check the result, ask, and write it. Raises ConfigError; exit code 1 for a no."""
    path = folder / COINS_FILE
    try:
        raw = path.read_bytes()
        before = after = raw.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), "file", f"cannot be read: {error}") from error
    for coin, change in changes:
        try:
            after = change(after)
        except ValueError as error:
            raise ConfigError(str(path), f"coins.{coin}", str(error)) from error
    tables.show_change(str(path), before, after)
    config, errors = attempt(folder, environ, coins=after)
    if errors:
        for refusal in errors:
            typer.echo(str(refusal), err=True)
        typer.echo("ticker: nothing was written: the file would not be valid", err=True)
        raise typer.Exit(1)
    present, wrong = attempt(folder, environ)
    if not wrong:
        for sentence in in_words(present, config):
            typer.echo(sentence)
    if not yes:
        if not sys.stdin.isatty():
            raise typer.BadParameter("there is no terminal to ask at: repeat it with --yes", param_hint="--yes")
        if not typer.confirm(f"Write this to {path}?"):
            raise typer.Exit(1)
    replace_file(path, raw, after.encode())
    typer.echo(f"wrote {path}; a service that runs with it takes it over by itself")
