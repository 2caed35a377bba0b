"""What a command loads: nothing of what it does not use, proven by the interpreter's own record of its imports."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from service import free_port, stand_ins, write_config

from ticker.sources import REGISTRY

NEVER = {
    "redis",
    "rich",
    "tomlkit",
    "playwright",
    "pydantic",  # which others bring along
    "numpy",
    "ticker.simulate",
    "ticker.identity",
    "ticker.static_folder",
}
DRAWN_LATER = {"babel.messages", "ticker.server.openapi"}  # a catalogue, and a document, when first asked for
POLLING = {"apscheduler", "ticker.poller", "ticker.asking", "ticker.fetch", "ticker.streaming", "ticker.historian"}
SERVING = {"jinja2", "widgets.render", "ticker.server", "ticker.feed"}


def loaded_by(code: str) -> set[str]:
    """All modules that a new interpreter has after this."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


async def loaded_until_ready(command: str, config: Path, **environ: str) -> set[str]:
    """All modules that a command has imported when it is ready, or says that it polls, and is then stopped."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "importtime", "-m", "ticker", command, "--config", str(config)),
        env={**os.environ, **environ, "TICKER_SERVER_PORT": str(port), "TICKER_STORE_URL": f"embedded:{config}/s.db"},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    said = bytearray()
    async with asyncio.timeout(40):
        while not (found := b"polling " in said if command == "poll" else _ready(port)):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    said += await process.stderr.read(65_536)
        assert found
        process.send_signal(signal.SIGTERM)
        said += await process.stderr.read()
        assert await process.wait() == 0, said.decode()
    records = (line.split("|") for line in said.decode().splitlines() if line.startswith("import time:"))
    return {record[2].strip() for record in records}


def _ready(port: int) -> bool:
    """Whether a server is there: with or without prices."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5.0) as one:
        one.sendall(b"GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        return one.recv(12) in (b"HTTP/1.1 200", b"HTTP/1.1 503")
    return False


def among(modules: set[str], packages: set[str]) -> set[str]:
    """Those of these packages that are there, whole or in part."""
    return {one for one in packages if any(name == one or name.startswith(f"{one}.") for name in modules)}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """One coin on one source, which nobody stands in for."""
    return write_config(tmp_path / "config", {"bitcoin": {"ids": {"kraken": "BTC/USD"}}})


ELSEWHERE = stand_ins(
    dict.fromkeys((name for name, one in REGISTRY.items() if one.of == "coins"), "http://127.0.0.1:9")
)


def test_the_module_of_the_service_loads_neither_half() -> None:
    """`ticker run` reads its configuration before it loads a server, a poller or a stream."""
    found = loaded_by("import ticker.commands.run")

    assert among(found, NEVER | DRAWN_LATER | POLLING | SERVING | {"aiohttp", "sqlite3", "uvloop"}) == set()


def test_a_server_alone_loads_no_source() -> None:
    """The server's own modules, and those of every widget."""
    found = loaded_by("import ticker.server.app")

    assert among(found, NEVER | DRAWN_LATER | POLLING | {"ticker.sources", "ticker.config", "sqlite3"}) == set()


async def test_who_only_serves_loads_no_poller(config: Path) -> None:
    """`ticker serve`, up and answering."""
    found = await loaded_until_ready("serve", config)

    assert {"ticker.server.app", "ticker.store.sqlite"} <= found
    assert among(found, NEVER | DRAWN_LATER | POLLING) == set()


async def test_who_only_polls_loads_no_server(config: Path) -> None:
    """`ticker poll`, at work."""
    found = await loaded_until_ready("poll", config, **ELSEWHERE)

    assert "ticker.poller" in found
    assert among(found, NEVER - {"ticker.identity"} | DRAWN_LATER | SERVING) == set()
