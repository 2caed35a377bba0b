"""docs/first-steps.md, walked by a newcomer in a fresh clone: every line it says to type, in order, does what it says.

Only addresses are others (ports that are free here, a Redis of our own), and the sources are simulated, over HTTP, by
the environment alone.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import ABSENT, CHROMIUM, FLAGS
from docs.followed import blocks
from playwright.sync_api import expect, sync_playwright
from redis_server import RedisServer
from service import free_port

from ticker.commands.run import demo_environment
from ticker.commands.simulate import market_of
from ticker.config import load, shipped_folder
from ticker.simulate.server import base_urls

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "first-steps.md").read_text(encoding="utf-8")
PATIENCE = 90.0
STAYS = re.compile(r"make demo|\.venv/bin/ticker (run|poll|serve)\b")


class Newcomer:
    """A shell in a folder of its own, and what it has left running."""

    def __init__(self, folder: Path, redis: RedisServer) -> None:
        self.folder, self.ports = folder, (free_port(), free_port())
        self._redis = redis
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("TICKER_", "PYTHON", "VIRTUAL"))
        }
        self.environ = {**kept, "TICKER_SERVER_PORT": str(self.ports[0]), "TICKER_SERVER_METRICS_PORT": "0"}
        self.environ["XDG_STATE_HOME"] = str(folder / "state")
        self.running: list[subprocess.Popen[bytes]] = []
        self.said: list[str] = []

    def types(self, line: str) -> None:
        """One line, at this machine's addresses. What stays is left running."""
        for there, here in (
            ("<this repository>", str(ROOT)),
            ("127.0.0.1:8080", f"127.0.0.1:{self.ports[0]}"),
            ("8081", str(self.ports[1])),
            ("127.0.0.1:6379", f"127.0.0.1:{self._redis.port}"),
        ):
            line = line.replace(there, here)
        if STAYS.match(line):
            with (self.folder.parent / "log").open("ab") as log:
                running = subprocess.Popen(
                    shlex.split(line), cwd=self.folder, env=self.environ, stdout=log, stderr=log, start_new_session=True
                )
            self.running.append(running)
            return
        done = subprocess.run(
            line, shell=True, cwd=self.folder, env=self.environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        self.said.append(done.stdout)
        if " && cd " in line:
            self.folder /= line.rpartition(" ")[2]

    def stops(self) -> None:
        """Ctrl-C in every terminal."""
        for one in self.running:
            os.killpg(one.pid, signal.SIGINT)
        for one in self.running:
            one.wait(30)
        self.running = []

    def sees(self, path: str, place: int = 0) -> Any:
        """What a server answers, as soon as it does, and has prices."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[place]}{path}", timeout=5) as answer:
                    found = json.loads(answer.read())
                if any(price["price"] for price in found["prices"]):
                    return found
            except OSError:
                pass
            if time.monotonic() > until:
                log = (self.folder.parent / "log").read_text(encoding="utf-8")
                raise AssertionError(f"{path} is not there in {PATIENCE} s:\n{log[-3000:]}")
            time.sleep(0.1)


@pytest.fixture
def market() -> Iterator[dict[str, str]]:
    """Every source simulated, by a process beside; the environment that leads there."""
    port = free_port()
    running = subprocess.Popen(
        [os.sys.executable, "-m", "ticker", "simulate", "--port", str(port)],  # type: ignore[attr-defined]
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert market_of(load(shipped_folder(), {}))
    yield demo_environment(base_urls(f"http://127.0.0.1:{port}"), {})
    running.terminate()
    running.wait(20)


@pytest.mark.redis
@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM, reason=ABSENT)
@pytest.mark.timeout(420)
def test_the_walk(tmp_path: Path, plain_redis: RedisServer, market: dict[str, str]) -> None:
    """Clone, see it, a configuration of one's own, a coin more, on a page, on Redis, a second replica."""
    steps = [
        [line for block in blocks(part) if block.language == "sh" for line in block.text.splitlines()]
        for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    ]
    see, configure, coin, page, redis, second = steps
    (tmp_path / "home").mkdir()
    newcomer = Newcomer(tmp_path / "home", plain_redis)
    try:
        for line in see:
            newcomer.types(line)
        assert newcomer.sees("/v1/prices")["simulated"] is True
        newcomer.stops()

        newcomer.environ |= market
        for line in configure:
            newcomer.types(line)
        assert len(newcomer.sees("/v1/prices")["prices"]) == 11

        for line in coin:
            newcomer.types(line)
        until = time.monotonic() + PATIENCE
        while "solana" not in {price["id"] for price in newcomer.sees("/v1/prices")["prices"]}:
            assert time.monotonic() < until
            time.sleep(0.1)

        for line in page:
            newcomer.types(line)
        assert json.loads(newcomer.said[-1])["prices"][0]["price"]
        snippet = newcomer.said[-2]
        (tmp_path / "page.html").write_text(f"<!doctype html><title>News</title>{snippet}", encoding="utf-8")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            tab = browser.new_page()
            tab.goto((tmp_path / "page.html").as_uri())
            expect(tab.locator('.mp-row[data-coin="solana"] .mp-price')).to_contain_text("$", timeout=20_000)
            browser.close()
        newcomer.stops()

        for line in [*redis, *second]:
            newcomer.types(line)
        first, other = newcomer.sees("/v1/prices"), newcomer.sees("/v1/prices", 1)
        assert {price["id"] for price in first["prices"]} == {price["id"] for price in other["prices"]}
        assert first["id"].split("-")[0] == other["id"].split("-")[0]  # one leader's epoch
        while "another poller leads; standing by" not in (newcomer.folder.parent / "log").read_text(encoding="utf-8"):
            assert time.monotonic() < until + PATIENCE
            time.sleep(0.1)
    finally:
        newcomer.stops()
