"""`ticker plan`: what a configuration asks of its sources a day and a month, against their quotas; asks nobody."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import typer

from ticker.config import (
    MOST_BYTES_A_DAY,
    Config,
    Demand,
    Usage,
    amount,
    bytes_a_day,
    default_folder,
    demands,
    duration_text,
    load,
    period,
    usages,
)
from ticker.config import check as find_errors
from ticker.sources import REGISTRY
from ticker.sources.base import DAY, MONTH

MEGABYTE = 10**6
Table: TypeAlias = Sequence[Sequence[str]]
"""Rows of cells, the head first."""


def plan(folder: Path | None, environ: Mapping[str, str]) -> None:
    """Print the plan. Exit code 1, and a sentence, where it cannot fit; ConfigError where there is none."""
    where = default_folder(folder)
    config = load(where, environ, fit=False)
    asked = demands(config.sources, config.ids_on, REGISTRY)
    _show(_sources(asked))
    typer.echo(f"{bytes_a_day(asked) / MOST_BYTES_A_DAY:.0%} of the {_megabytes(MOST_BYTES_A_DAY)} MB a day we take\n")
    _show(_quotas(usages(asked)))
    typer.echo("")
    for name, why in _left_out(config):
        typer.echo(f"{name:<15} {why}")
    errors = find_errors(where, environ)
    for error in errors:
        typer.echo(f"ticker: {error}", err=True)
    if errors:
        raise typer.Exit(1)


def _sources(asked: Sequence[Demand]) -> Table:
    rows = [("source", "every", "calls a turn", "calls a day", "calls a month", "MB a day")]
    rows += [
        (
            one.source.name,
            duration_text(one.every),
            f"{one.requests}",
            f"{one.calls_a_day:,.0f}",
            f"{one.calls_a_day * MONTH / DAY:,.0f}",
            _megabytes(one.bytes_a_day),
        )
        for one in asked
    ]
    calls, size = sum(one.calls_a_day for one in asked), bytes_a_day(asked)
    return [*rows, ("together", "", "", f"{calls:,.0f}", f"{calls * MONTH / DAY:,.0f}", _megabytes(size))]


def _quotas(found: Iterable[Usage]) -> Table:
    rows = [("quota", "limit", "we use at most", "asked for", "used")]
    for one in found:
        mine, limit = one.allowance, one.allowance.limit
        rows.append(
            (
                " + ".join(demand.source.name for demand in one.demands) + f' "{one.demands[0].plan.name}"',
                f"{limit.calls:,} a {period(limit.per)}",
                f"{amount(mine.units)} a {period(mine.per)}",
                amount(one.asked),
                f"{one.part:.1%}" + ("" if one.fits else ", too much"),
            )
        )
    return rows


def _left_out(config: Config) -> Iterable[tuple[str, str]]:
    for name, settings in config.sources.items():
        if settings.idle is not None:
            yield name, f"is not asked: {settings.idle}"
        elif settings.allow_private:
            yield name, "is a stand-in of yours (allow_private = true): its quota is yours to know"


def _megabytes(size: float) -> str:
    return f"{size / MEGABYTE:,.{1 if size < 10 * MEGABYTE else 0}f}"


def _show(table: Table) -> None:
    """On a terminal as a table, elsewhere as plain lines that other programs can cut at two spaces."""
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table as Grid

        head, *rows = table
        grid = Grid(header_style="bold")
        for place, title in enumerate(head):
            grid.add_column(title, justify="left" if place == 0 else "right")
        for row in rows:
            grid.add_row(*row)
        Console().print(grid)
        return
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = [
            cell.ljust(width) if not place else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        typer.echo("  ".join(cells).rstrip())
