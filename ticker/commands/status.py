"""`ticker status`: how a service stands, live in the terminal, or once for scripts.

Asks the service that runs, and where none answers reads the store that it would use. Exit codes of `--once` and
`--json`: 0 all is well, 1 something wants attention, 3 neither service nor store can be read, 4 no source answers.
"""

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.live import Live

from ticker.bulletin import unpack
from ticker.commands import assembly, status_view
from ticker.config import Config, default_folder, load
from ticker.errors import StoreDown, StoreError, TickerError
from ticker.server.status import status
from ticker.store import open_store
from ticker.store.base import Store
from ticker.store.sqlite_reader import SqliteReader

SECONDS = 5.0  # that an answer may take
EVERY = 2.0
LARGEST = 4 * 2**20  # bytes of an answer

Found = dict[str, Any]


def show(
    url: str | None,
    folder: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, object],
    *,
    once: bool,
    as_json: bool,
) -> None:
    """Print it, again and again on a terminal until Ctrl-C. Raises `TickerError` where nothing can be read."""
    read = _reader(url, folder, environ, overrides)
    console = Console()
    if once or as_json or not console.is_terminal:
        found = read()
        if as_json:
            typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        else:
            console.print(status_view.drawn(found))
        raise typer.Exit(exit_code(found))
    try:
        _live(console, read)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def exit_code(found: Found) -> int:
    """What a script is told."""
    if any(one["code"] == "no_source" for one in found["problems"]):
        return 4
    return 0 if found["verdict"] == "ok" else 1


def _live(console: Console, read: Callable[[], Found]) -> None:
    with Live(console=console, screen=True, auto_refresh=False, vertical_overflow="ellipsis") as live:
        while True:
            try:
                live.update(status_view.drawn(read()), refresh=True)
            except TickerError as error:
                live.update(status_view.unread(str(error)), refresh=True)
            time.sleep(EVERY)


def _reader(
    url: str | None, folder: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object]
) -> Callable[[], Found]:
    """What reads the status: from this address, or from the configured service, or else its store."""
    if url is not None:
        return lambda: _ask(url.rstrip("/"))
    config = load(default_folder(folder), environ, overrides, priced=False)
    if "store.url" in overrides:
        return lambda: asyncio.run(_from_store(config))

    def read() -> Found:
        try:
            return _ask(assembly.listening(config))
        except _Silent as silent:
            try:
                return asyncio.run(_from_store(config))
            except StoreError as error:
                raise StoreDown(f"{silent}; and its store cannot be read: {error}") from error

    return read


class _Silent(TickerError):
    """Nobody listens there."""


def _ask(origin: str) -> Found:
    address = f"{origin}/v1/status"
    try:
        with urllib.request.urlopen(address, timeout=SECONDS) as answer:  # noqa: S310 - our own service, or as told
            found = json.loads(answer.read(LARGEST))
    except urllib.error.HTTPError as error:
        raise TickerError(f"{address}: {_refusal(error)}") from error
    except ValueError as error:
        raise TickerError(f"{address}: this is no status of a ticker") from error
    except OSError as error:
        raise _Silent(f"no service answers at {origin}: {error}") from error
    if not isinstance(found, dict) or found.get("version") != 1 or "verdict" not in found:
        raise TickerError(f"{address}: this is no status of a ticker of this version")
    return found


def _refusal(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {error.code}"


async def _from_store(config: Config) -> Found:
    store = _store(config)
    try:
        await store.open()
        snapshot, packed = await store.latest(), await store.read_bulletin()
    finally:
        await store.close()
    return status(None if packed is None else unpack(packed), snapshot, time.time())


def _store(config: Config) -> Store:
    """The store, to be looked into: an embedded one belongs to another process, or to nobody now."""
    kind, _, path = config.store.url.partition(":")
    if kind.lower() == "embedded":
        return SqliteReader(Path(path))
    return open_store(config.store.url, config.store.prefix)
