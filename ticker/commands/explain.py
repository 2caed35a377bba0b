"""`ticker explain COIN`: how the price of a coin came about, from the service that runs, for a person to read."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from ticker.commands import assembly
from ticker.config import default_folder, load
from ticker.errors import TickerError

SECONDS = 5.0


def explain(coin: str, url: str | None, folder: Path | None, environ: Mapping[str, str], *, as_json: bool) -> None:
    """Ask the running service and print. Raises `TickerError` where it does not answer."""
    origin = url.rstrip("/") if url else assembly.listening(load(default_folder(folder), environ))
    found = _ask(f"{origin}/v1/explain/{coin}")
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    console = Console()
    price = "—" if found["price"] is None else f"${found['price']}"
    console.print(f"[bold]{found['coin']}[/bold] {price}  {found['agreement']}, as of {found['as_of'] or 'never'}")
    agreeing = f"{found['agreeing']} of {found['groups']} groups agree within {float(found['tolerance']):.1%}"
    console.print(f"{agreeing}; method {found['method']}, snapshot {found['id']}")
    if found["verdict"] not in (None, "publish"):
        console.print(f"[yellow]{found['verdict_text']}[/yellow]")
    table = Table("source", "group", "price", "in dollars", "its time", "counts", box=None, pad_edge=False)
    for one in found["sources"]:
        counts = "yes" if one["used"] else f"no: {one['reason_text'] or 'the price waits'}"
        table.add_row(
            one["source"], one["group"], f"{one['price']} {one['currency']}", one["usd"] or "—",
            one["as_of"] or f"received {one['received']}", counts,
        )  # fmt: skip
    console.print(table)
    if found["silent"]:
        console.print(f"said nothing: {', '.join(found['silent'])}")


def _ask(url: str) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 - our own service, or as told
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        try:
            message = json.load(error)["error"]["message"]
        except (ValueError, KeyError):
            message = f"HTTP {error.code}"
        raise TickerError(message) from error
    except (OSError, ValueError) as error:
        raise TickerError(
            f"no service answers at {url}: {error}; is `ticker run` or `ticker serve` running?"
        ) from error
