"""Tables and changes on a terminal, and as plain lines where there is none. Knows nothing of what is in them."""

import difflib
import sys
from collections.abc import Sequence

import typer

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def show_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows of cells under their headers. On a terminal a repeated first cell is shown once; for programs it stays."""
    if sys.stdout.isatty():
        _drawn(headers, rows)
        return
    widths = [max(len(row[column]) for row in (headers, *rows)) for column in range(len(headers))]
    for row in (headers, *rows):
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _drawn(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        table.add_column(header, justify="right" if header == "USD" else "left")
    before = None
    for first, *rest in rows:
        table.add_row(Text("" if first == before else first), *(Text(cell) for cell in rest))  # foreign text, no markup
        before = first
    Console().print(table)


def show_change(name: str, before: str, after: str) -> None:
    """The lines that change in a file."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, n=1, lineterm="")
    for line in lines:
        typer.secho(line, fg=_COLOURS.get(line[:1]))
