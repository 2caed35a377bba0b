"""The command line: options, exit codes, and nothing else. Each command imports what it needs when it runs.

Exit codes: 0 ok, 1 configuration or check failed, 2 usage, 3 store, 4 no source answered.
"""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="ticker",
    help="Settled crypto prices for your own site: poll, serve, embed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class _LogFormat(StrEnum):
    text = "text"
    json = "json"


ConfigFolder = Annotated[
    Path | None, typer.Option("--config", metavar="DIR", help="Folder with ticker.toml and coins.toml.")
]
Host = Annotated[str | None, typer.Option("--host", help="Address to listen on.")]
Port = Annotated[int | None, typer.Option("--port", min=0, max=65535, help="Port to listen on.")]
StoreUrl = Annotated[str | None, typer.Option("--store", metavar="URL", help="embedded:PATH, redis://… and others.")]
LogFormat = Annotated[_LogFormat, typer.Option("--log-format", help="How to write the log.")]


def _say_version(wanted: bool) -> None:
    if wanted:
        from ticker import __version__

        typer.echo(f"ticker {__version__}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say which this is.")]


@app.callback()
def _common(version: Version = False) -> None:
    """Settled crypto prices for your own site: poll, serve, embed."""


def _overrides(**given: object) -> dict[str, object]:
    names = {"host": "server.host", "port": "server.port", "store": "store.url"}
    return {names[name]: value for name, value in given.items() if value is not None}


@app.command()
def run(
    config: ConfigFolder = None,
    host: Host = None,
    port: Port = None,
    store: StoreUrl = None,
    log_format: LogFormat = _LogFormat.text,
    demo: Annotated[bool, typer.Option("--demo", help="Simulated sources; every page says so.")] = False,
) -> None:
    """Poll and serve in one process."""
    from ticker.commands import run as command

    overrides = _overrides(host=host, port=port, store=store)
    if demo:
        command.demo(config, os.environ, overrides, log_format)
    else:
        command.service(config, os.environ, overrides, log_format, poll=True, serve=True)


@app.command()
def poll(config: ConfigFolder = None, store: StoreUrl = None, log_format: LogFormat = _LogFormat.text) -> None:
    """Poll the sources into the store."""
    from ticker.commands import run as command

    command.service(config, os.environ, _overrides(store=store), log_format, poll=True, serve=False)


@app.command()
def serve(
    config: ConfigFolder = None,
    host: Host = None,
    port: Port = None,
    store: StoreUrl = None,
    log_format: LogFormat = _LogFormat.text,
) -> None:
    """Serve what is in the store."""
    from ticker.commands import run as command

    overrides = _overrides(host=host, port=port, store=store)
    command.service(config, os.environ, overrides, log_format, poll=False, serve=True)


@app.command()
def publish(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of its own.")],
    config: ConfigFolder = None,
    store: StoreUrl = None,
    log_format: LogFormat = _LogFormat.text,
    once: Annotated[bool, typer.Option("--once", help="Write once and end: for cron.")] = False,
    compress: Annotated[bool, typer.Option("--gzip", help="Write FILE.gz beside every file.")] = False,
) -> None:
    """Write every widget and the JSON as static files, for any web server, bucket or CDN."""
    from ticker.commands import publish as command

    command.publish(folder, config, os.environ, _overrides(store=store), log_format, once=once, compress=compress)


@app.command()
def init(folder: Annotated[Path, typer.Argument(metavar="DIR")] = Path("config")) -> None:
    """Make a configuration to edit."""
    from ticker.commands import init as command

    command.init(folder)


@app.command()
def check(
    config: ConfigFolder = None,
    online: Annotated[bool, typer.Option("--online", help="Ask every source for every coin, and compare.")] = False,
) -> None:
    """Validate the configuration."""
    from ticker.commands import check as command

    command.check(config, os.environ)
    if online:
        from ticker.commands import online as asking

        asking.compare(config, os.environ)


coins = typer.Typer(name="coins", help="See, find and change the coins in coins.toml.", no_args_is_help=True)
app.add_typer(coins)

CoinIds = Annotated[list[str], typer.Argument(metavar="ID...", show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")]


@coins.command("list")
def coins_list(config: ConfigFolder = None) -> None:
    """Every coin, and how many sources list it."""
    from ticker.commands import coins as command

    command.show_list(config, os.environ)


@coins.command("search")
def coins_search(text: Annotated[str, typer.Argument(metavar="TEXT")], config: ConfigFolder = None) -> None:
    """Ask the sources for ids, names and symbols that contain TEXT."""
    from ticker.commands import coins as command

    command.search(config, os.environ, text)


@coins.command("add")
def coins_add(
    ids: CoinIds,
    config: ConfigFolder = None,
    yes: Yes = False,
    show: Annotated[bool, typer.Option("--show/--no-show", help="Put it at the end of the list, too.")] = True,
) -> None:
    """Add coins by their CoinGecko ids, with their ids on every source where the price agrees."""
    from ticker.commands import coins as command

    command.add(config, os.environ, ids, yes=yes, show=show)


@coins.command("remove")
def coins_remove(ids: CoinIds, config: ConfigFolder = None, yes: Yes = False) -> None:
    """Remove coins, from the list too."""
    from ticker.commands import coins as command

    command.remove(config, os.environ, ids, yes=yes)


@coins.command("confirm")
def coins_confirm(ids: CoinIds, config: ConfigFolder = None, yes: Yes = False) -> None:
    """Say that a price which jumped by a power of ten is right: the coin changed its unit."""
    from ticker.commands import coins as command

    command.confirm(config, os.environ, ids, yes=yes)


history = typer.Typer(name="history", help="The past that widgets draw.", no_args_is_help=True)
app.add_typer(history)


@history.callback()
def _history() -> None:
    """The past that widgets draw."""


@history.command("fill")
def history_fill(config: ConfigFolder = None, store: StoreUrl = None) -> None:
    """Fill in the last 7 days from CoinGecko, for lines and charts, until our own past is there."""
    from ticker.commands import history as command

    command.fill_in(config, os.environ, _overrides(store=store))


@app.command()
def explain(
    coin: Annotated[str, typer.Argument(metavar="COIN", help="The id of a coin, as in coins.toml.")],
    config: ConfigFolder = None,
    url: Annotated[str | None, typer.Option("--url", help="The service to ask; by default the configured one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The answer as it comes.")] = False,
) -> None:
    """Show how a price came about: every source, its vote, or why it had none."""
    from ticker.commands import explain as command

    command.explain(coin, url, config, os.environ, as_json=as_json)


@app.command()
def status(
    config: ConfigFolder = None,
    store: StoreUrl = None,
    url: Annotated[str | None, typer.Option("--url", help="The service to ask; by default the configured one.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Print once; exit 0 well, 1 attention, 4 no source.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, once.")] = False,
) -> None:
    """Show how the service stands, live: sources, quotas, coins, who polls."""
    from ticker.commands import status as command

    command.show(url, config, os.environ, _overrides(store=store), once=once, as_json=as_json)


@app.command()
def plan(config: ConfigFolder = None) -> None:
    """Calls and megabytes a day and a month, against every quota, before anything runs."""
    from ticker.commands import plan as command

    command.plan(config, os.environ)


@app.command()
def simulate(
    config: ConfigFolder = None,
    host: Host = "127.0.0.1",
    port: Port = 8899,
    seed: Annotated[int, typer.Option(help="The same seed, the same market.")] = 1,
    fault: Annotated[
        list[str] | None, typer.Option("--fault", metavar="SOURCE=KIND[:VALUE]", help="A fault from the start.")
    ] = None,
    log_format: LogFormat = _LogFormat.text,
) -> None:
    """Stand in for every source, with moving prices and faults on demand."""
    from ticker.commands import simulate as command

    command.simulate(config, os.environ, host or "127.0.0.1", port or 0, seed, fault or [], log_format)


def main() -> None:
    """Run a command; our own errors become a sentence and an exit code, everything else a trace."""
    from ticker.errors import ConfigError, StoreError, TickerError

    try:
        app()
    except ConfigError as error:
        _end(error, 1)
    except StoreError as error:
        _end(error, 3)
    except TickerError as error:
        _end(error, 1)


def _end(error: Exception, code: int) -> None:
    print(f"ticker: {error}", file=sys.stderr)  # noqa: T201
    raise SystemExit(code)


if __name__ == "__main__":
    main()
