"""The real service as a user runs it: a process, its configuration folder, its environment, its HTTP answers."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from ticker.sources import REGISTRY

STABLECOINS: Mapping[str, Mapping[str, Any]] = {
    "tether": {"name": "Tether", "symbol": "USDT", "ids": {}},
    "usd-coin": {"name": "USDC", "symbol": "USDC", "ids": {}},
}


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_config(folder: Path, coins: Mapping[str, Mapping[str, Any]], show: Sequence[str] = ()) -> Path:
    """A configuration folder with these coins (id to name, symbol, ids) and all settings at their defaults."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"show = {json.dumps(list(show or coins))}", ""]
    for coin, facts in {**STABLECOINS, **coins}.items():
        ids = ", ".join(f"{source} = {json.dumps(one)}" for source, one in facts["ids"].items())
        name, symbol = facts.get("name", coin.title()), facts.get("symbol", coin[:8].upper())
        lines += [f"[coins.{coin}]", f"name = {json.dumps(name)}", f"symbol = {json.dumps(symbol)}"]
        lines += [f"ids = {{ {ids} }}", ""]
    (folder / "coins.toml").write_text("\n".join(lines), encoding="utf-8")
    (folder / "ticker.toml").write_text("", encoding="utf-8")
    return folder


def stand_ins(
    base_urls: Mapping[str, str], every: str = "1s", stream_urls: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment that polls these addresses in place of the real ones, and streams from those."""
    found = {"TICKER_SOURCES_COINMARKETCAP_KEY": "recorded"}
    money = [name for name, source in REGISTRY.items() if source.of == "currencies"]
    found |= {f"TICKER_SOURCES_{name.upper()}_ENABLED": "false" for name in money}
    for name, url in base_urls.items():
        prefix = f"TICKER_SOURCES_{name.upper()}_"
        found |= {f"{prefix}BASE_URL": url, f"{prefix}ALLOW_PRIVATE": "true", f"{prefix}EVERY": every}
        found |= {f"{prefix}ACCEPT_TERMS": "true", f"{prefix}ENABLED": "true"}
        if name in (stream_urls or {}):
            found[f"{prefix}STREAM_URL"] = (stream_urls or {})[name]
    return found


class Process:
    """One `ticker` command in the background."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path, port: int) -> None:
        self._process, self._log = process, log
        self.origin = f"http://127.0.0.1:{port}"

    @property
    def log(self) -> str:
        """All it has said so far."""
        return self._log.read_text(encoding="utf-8")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def get(self, path: str) -> tuple[int, Mapping[str, str], str]:
        """Status, headers, text of one GET."""
        async with aiohttp.ClientSession() as session, session.get(self.origin + path) as response:
            return response.status, response.headers, await response.text()

    async def prices(self, path: str = "/v1/prices?coins=all") -> dict[str, Any]:
        """Coin id to its Price; an empty object while it is not ready."""
        with contextlib.suppress(aiohttp.ClientError):
            status, _, text = await self.get(path)
            if status == 200:
                return {one["id"]: one for one in json.loads(text)["prices"]}
        return {}

    async def prices_when(
        self, holds: Callable[[dict[str, Any]], bool], path: str = "/v1/prices?coins=all", within: float = 20.0
    ) -> dict[str, Any]:
        """The first prices of which a condition holds."""
        try:
            async with asyncio.timeout(within):
                while not ((found := await self.prices(path)) and holds(found)):  # noqa: ASYNC110 - it is remote
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"not within {within} s; the log says:\n{self.log}") from None
        return found

    async def says(self, words: str, within: float = 20.0) -> None:
        """Wait until its log has these words."""
        async with asyncio.timeout(within):
            while words not in self.log:  # noqa: ASYNC110 - a file has no event
                await asyncio.sleep(0.02)

    async def until(self, path: str, status: int = 200) -> None:
        """Wait until a path answers so; the test's time limit ends a wait in vain."""
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                if (await self.get(path))[0] == status:
                    return
            self.must_run()
            await asyncio.sleep(0.02)

    def must_run(self) -> None:
        """An error with its last words where it has ended by itself."""
        if self._process.returncode is not None:
            raise AssertionError(f"the service has ended with {self._process.returncode}:\n{self.log}")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Wait for its own end; the exit code."""
        return await self._process.wait()

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it and give its exit code."""
        if self._process.returncode is None:
            self._process.send_signal(number)
        return await self._process.wait()


@asynccontextmanager
async def ticker(
    command: str, *options: str, config: Path, environ: Mapping[str, str] | None = None, port: int = 0
) -> AsyncIterator[Process]:
    """`ticker COMMAND` with this configuration until the block ends, on a free port unless told."""
    port = port or free_port()
    log = config / f"{command}-{port}.log"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TICKER_")}
    given = {
        "TICKER_SERVER_PORT": str(port),
        "TICKER_STORE_URL": f"embedded:{config}/store.sqlite3",
        "XDG_STATE_HOME": f"{config}/state",
        "TICKER_SERVER_METRICS_PORT": "0",
        **(environ or {}),
    }
    with log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ticker", command, "--config", str(config), *options),
            stdout=out,
            stderr=out,
            env={**kept, **given},
        )
    running = Process(process, log, port)
    try:
        yield running
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
