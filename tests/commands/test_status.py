"""`ticker status`: for a person at a terminal, for a script, from the service or straight from its store."""

import asyncio
import contextlib
import json
import os
import pty
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from bulletins import bulletin, down, resting, source
from fakes import FakeStore
from loopback import loopback
from one_command import environment, run
from publications import publication
from rich.console import Console
from service import free_port, write_config
from snapshots import NOW, price, snapshot

from ticker.bulletin import Bulletin, pack
from ticker.commands import status_view
from ticker.commands.status import exit_code
from ticker.server.app import Serving
from ticker.server.status import status
from ticker.store.sqlite import SqliteStore

CONFIG = {"TICKER_SERVER_PORT": "1"}


def drawn(found: dict[str, Any], width: int = 160) -> str:
    """As text."""
    console = Console(width=width, record=True, file=open(os.devnull, "w"), legacy_windows=False)  # noqa: SIM115, PTH123
    console.print(status_view.drawn(found))
    console.file.close()
    return console.export_text()


def test_what_a_person_sees() -> None:
    """Sources with their states, the tightest quota, coins that are not as they should be; the others as a number."""
    text = drawn(status(bulletin(), snapshot(), NOW))
    assert "It serves, and something wants your attention." in text
    assert "Down for long: okx." in text
    assert "poller prices-1:4711, reported 1 s ago" in text
    (okx,) = [line for line in text.splitlines() if line.startswith("OKX")]
    assert "down timeout breaker open" in okx
    assert "broken" in okx
    (gecko,) = [line for line in text.splitlines() if line.startswith("CoinGecko")]
    assert "610/9,000 in 30 days" in gecko
    assert "Pirate Chain" in text
    assert "\nBitcoin" not in text


def test_a_feed_that_rests_is_not_broken() -> None:
    """It is closed on purpose."""
    lines = drawn(status(resting(), snapshot(), NOW)).splitlines()
    kraken, okx = (next(line for line in lines if line.startswith(name)) for name in ("Kraken", "OKX"))
    assert "rests" in kraken
    assert "rests, refused" in okx
    assert "broken" not in kraken + okx


def test_what_a_stranger_named_is_text() -> None:
    """No colours, no escapes, no markup from a name."""
    coin = snapshot().coins[3]
    evil = type(coin)(coin.id, "[red]\x1b[31mevil\n[/red]", coin.symbol)
    held = snapshot(coins=(*snapshot().coins[:3], evil))
    text = drawn(status(bulletin(), held, NOW))
    assert "[red] [31mevil [/red]" in text
    assert "\x1b" not in text


def test_nothing_known_is_drawn_too() -> None:
    """Before the first poller."""
    assert "no prices to serve" in drawn(status(None, None, NOW), 80)


WELL = bulletin(alerts=())
NOBODY = bulletin(alerts=(), sources=(down("kraken", title="Kraken"), source("ecb", prices="currencies")))


@pytest.mark.parametrize(("found", "code"), [(WELL, 0), (bulletin(), 1), (None, 1), (NOBODY, 4)])
def test_what_a_script_is_told(found: Bulletin | None, code: int) -> None:
    """0 all is well, 1 something wants attention, 4 no source answers."""
    assert exit_code(status(found, snapshot(), NOW)) == code


@pytest.mark.parametrize(("form", "found", "code"), [("--once", bulletin(), 1), ("--json", NOBODY, 4)])
async def test_once(form: str, found: Bulletin, code: int) -> None:
    """As a table, and as JSON, with that exit code and nothing beside."""
    store = FakeStore()
    await store.write_bulletin(pack(found))
    async with loopback(snapshot(), bulletins=store, clock=lambda: NOW) as origin:
        told = await run("status", form, "--url", origin)
    assert (told.code, told.err) == (code, "")
    assert "Kraken" in told.out
    if form == "--json":
        assert json.loads(told.out)["poller"]["instance"] == "prices-1:4711"


async def test_straight_from_the_store(tmp_path: Path) -> None:
    """Where no service answers, and where a store is named: what is in it, which stays as it is."""
    path = tmp_path / "store.sqlite3"
    store = SqliteStore(path)
    await store.open()
    held = snapshot(prices=tuple(price(coin.id, None) for coin in snapshot().coins))
    await store.publish(type(publication(1, 1))(held))
    await store.write_bulletin(pack(bulletin(alerts=())))
    config = write_config(tmp_path / "config", {})
    environ = {"TICKER_STORE_URL": f"embedded:{path}", "TICKER_SERVER_PORT": str(free_port())}
    ended = await run("status", "--json", "--config", str(config), environ=environ)
    await store.close()
    told = json.loads(ended.out)
    assert (ended.code, ended.err) == (1, "")
    assert told["server"] is None
    assert [one["code"] for one in told["problems"]] == ["poller_silent", "nothing_live"]
    again = await run("status", "--once", "--config", str(config), "--store", f"embedded:{path}")
    assert again.code == 1
    assert "No poller reports" in again.out


async def test_nothing_can_be_read(tmp_path: Path) -> None:
    """No service and no store is exit code 3; a server that refuses, or is none of ours, is told as such."""
    config = write_config(tmp_path / "config", {})
    environ = {"TICKER_STORE_URL": f"embedded:{tmp_path}/none.sqlite3", "TICKER_SERVER_PORT": str(free_port())}
    nobody = await run("status", "--once", "--config", str(config), environ=environ)
    assert nobody.code == 3
    assert "no service answers at http://127.0.0.1:" in nobody.err
    assert not (tmp_path / "none.sqlite3").exists()
    async with loopback(snapshot(), Serving(status="off")) as origin:
        refused = await run("status", "--once", "--url", origin)
    assert (refused.code, refused.out) == (1, "")
    assert "there is nothing here" in refused.err


async def test_live_on_a_terminal() -> None:
    """It draws again and again until Ctrl-C, which is no error."""
    store = FakeStore()
    await store.write_bulletin(pack(bulletin()))
    async with loopback(snapshot(), bulletins=store, clock=lambda: NOW) as origin:
        master, slave = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ticker", "status", "--url", origin),
            stdin=slave, stdout=slave, stderr=slave, env={**environment({}), "COLUMNS": "160", "TERM": "xterm"},
        )  # fmt: skip
        os.close(slave)
        os.set_blocking(master, False)
        seen = b""
        async with asyncio.timeout(30):
            while seen.count(b"wants your attention") < 2:
                with contextlib.suppress(BlockingIOError):
                    seen += os.read(master, 65_536)
                await asyncio.sleep(0.02)
            process.send_signal(signal.SIGINT)
            assert await process.wait() == 0
        os.close(master)
        assert b"Traceback" not in seen
