"""`ticker check --online`: every coin as every source names and prices it, side by side, and what does not fit."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer

from ticker.asking import Assignment
from ticker.commands import assembly
from ticker.commands.tables import show_table
from ticker.config import Config, default_folder, load
from ticker.errors import SourceError
from ticker.fetch import Fetcher
from ticker.identity import Answer, Finding, Said, ask_all, findings, said
from ticker.identity.findings import LEVELS
from ticker.identity.names import shown
from ticker.model import CoinId, SourceName

NO_ANSWER = "no source answered: is this machine online?"


def compare(folder: Path | None, environ: Mapping[str, str]) -> None:
    """Print the table and the findings. Exit code 1 for a finding that is an error, 4 where no source answers."""
    config = load(default_folder(folder), environ)
    polled = [one for one in assembly.assignments(config) if one.source.of == "coins"]
    found = asyncio.run(_ask(config, polled))
    answers = {name: one for name, one in found.items() if isinstance(one, Answer)}
    failed = {name: one for name, one in found.items() if isinstance(one, SourceError)}
    if not answers:
        for error in failed.values():
            typer.echo(str(error), err=True)
        typer.echo(f"ticker: {NO_ANSWER}", err=True)
        raise typer.Exit(4)
    rules = assembly.rules(config, polled)
    tolerances = {rule.id: rules.tolerance_of(rule) for rule in rules.coins}
    by_coin = said(answers, config.coins)
    problems = findings(answers, failed, by_coin, config.coins, tolerances)
    typer.echo()
    show_table(("coin", "source", "id", "name", "symbol", "USD"), _rows(config, by_coin))
    _tell(problems)
    if any(one.level == "error" for one in problems):
        raise typer.Exit(1)


async def _ask(config: Config, polled: Sequence[Assignment]) -> dict[SourceName, Answer | SourceError]:
    async with Fetcher(assembly.user_agent(config), time.time) as fetcher:
        return await ask_all(polled, fetcher)


def _rows(config: Config, by_coin: Mapping[CoinId, Sequence[Said]]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for coin in config.coins:
        if coin.fixed is not None:
            rows.append((coin.id, "(fixed)", "", coin.name, coin.symbol, f"{coin.fixed:f}"))
        for one in by_coin[coin.id]:
            price = "—" if one.dollars is None else f"{one.dollars:f}"
            words = (one.source.name, one.id, one.name or "", one.symbol or "")
            rows.append((coin.id, *map(shown, words), price))
    return rows


def _tell(problems: Sequence[Finding]) -> None:
    typer.echo()
    colours = {"error": "red", "warning": "yellow", "note": None}
    for level in LEVELS:
        for one in problems:
            if one.level == level:
                where = " ".join(part for part in (one.coin, one.source) if part)
                typer.secho(f"{level:<8} {where}: {one.text}", fg=colours[level])
    counts = {level: sum(one.level == level for one in problems) for level in LEVELS}
    typer.echo(", ".join(f"{count} {level}{'' if count == 1 else 's'}" for level, count in counts.items()))
