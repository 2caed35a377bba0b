"""`ticker init`: a configuration to edit."""

from pathlib import Path

import typer

from ticker.config import initialise


def init(folder: Path) -> None:
    """Copy the shipped configuration to `folder`; nothing there is overwritten."""
    for path in initialise(folder):
        typer.echo(f"wrote {path}")
    typer.echo(f"edit them, then: ticker check --config {folder} && ticker run --config {folder}")
