"""What the pages ask a ticker for is there: every address they write out, each line with curl, the CoinGecko clients.

Asked of the real service on simulated prices; only the address of the ticker is another.
"""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote

import pytest
from docs.pages import SERVICE, TEXTS, inline, of
from redis_server import RedisServer
from service import free_port

from ticker.config import shipped_folder

PATIENCE = 45.0
OURS = re.compile(r"/(?:v1|api|widget|embed|badge|snippet|oembed|gallery|status|healthz|readyz)(?:[/?.][^`…{}\s]*)?")
STATIC = {"/v1/prices.json", "/widget/list.html"}  # of `ticker publish`
# Where more must follow, and what is none of a ticker's own.
PARTS = {"/v1", "/api/v3", "/api/v3/", "/embed/", "/oembed", "/v1/history", "/v1/explain"}
PARTS |= {"/api/v3/simple/price", "/api/v3/coins/markets"}


@dataclass
class Demo:
    """A running `ticker run --demo`."""

    origin: str
    state: Path

    def status(self, path: str) -> int:
        """The status of the answer to a path; of a stream, as soon as it begins."""
        try:
            with urllib.request.urlopen(self.origin + quote(path, safe="/?&=,%:.-"), timeout=20) as answer:
                return int(answer.status)
        except HTTPError as refusal:
            with refusal:
                return int(refusal.code)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One for all tests here, with the coins that ship; ready, with rounds to explain."""
    folder, port = tmp_path_factory.mktemp("demo"), free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TICKER_")}
    kept |= {"TICKER_SERVER_PORT": str(port), "TICKER_SERVER_METRICS_PORT": "0", "TMPDIR": str(folder)}
    command = [sys.executable, "-m", "ticker", "run", "--demo", "--config", str(shipped_folder())]
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(command, env=kept, stdout=log, stderr=log)
    found = Demo(f"http://127.0.0.1:{port}", folder)
    try:
        until = time.monotonic() + PATIENCE
        while not _ready(found):
            assert running.poll() is None, (folder / "log").read_text(encoding="utf-8")
            assert time.monotonic() < until, (folder / "log").read_text(encoding="utf-8")
            time.sleep(0.05)
        yield found
    finally:
        running.terminate()
        running.wait(20)


def _ready(demo: Demo) -> bool:
    try:
        return demo.status("/readyz") == 200 == demo.status("/v1/explain/bitcoin")
    except OSError:
        return False


def written() -> dict[str, str]:
    """Each path that is written out, with parameters and all, and the page where."""
    found = {}
    for name, text in TEXTS.items():
        if name == "docs/adding-a-source.md":  # of the API of an exchange
            continue
        paths = [one for one in inline(name) if OURS.fullmatch(one)]
        paths += re.findall(SERVICE.pattern + r"(/[^\s`'\"()<>|;…{}]*)", text)
        found |= dict.fromkeys(paths, name)
    return {path: name for path, name in found.items() if path not in PARTS | STATIC}


def test_every_address_answers(demo: Demo) -> None:
    """200 for each path that a page writes out whole."""
    paths = written()
    assert len(paths) > 25
    assert {path: demo.status(path) for path in paths} == dict.fromkeys(paths, 200)


def test_every_kind_of_a_table_row_answers(demo: Demo) -> None:
    """Every door of the table in docs/http.md, with every kind that it names and a coin in its place."""
    table = TEXTS["docs/http.md"].partition("| path | answer |")[2].partition("\n\n")[0]
    kinds = re.findall(r"`(\w+)`", table.partition("[the kinds]")[2].partition("|")[0])
    doors = [one for row in table.splitlines() for one in re.findall(r"`([^`]+)`", "|".join(row.split("|")[1:2]))]
    assert len(kinds) == 7
    paths = [one for one in doors if "…" not in one and "{file}" not in one]
    for name, values in (("{kind}", kinds), ("{coin}", ["monero"]), ("{door}", ["php"]), ("{look}", ["news"])):
        paths = [path.replace(name, value) for path in paths for value in (values if name in path else [""])]
    assert len(paths) > 40
    assert {path: demo.status(path) for path in paths} == dict.fromkeys(paths, 200)


CURLS = [(name, block.text) for name, block in of("sh", "docs/first-steps.md") if "curl" in block.text]


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl on the path")
@pytest.mark.parametrize(("name", "text"), CURLS, ids=[name for name, _ in CURLS])
def test_every_line_with_curl(name: str, text: str, demo: Demo) -> None:
    """Run by sh as it stands. Those of docs/first-steps.md are followed by a test of their own."""
    lines = [line for line in text.splitlines() if "curl" in line]
    script = re.sub(r"http://127\.0\.0\.1:\d+", demo.origin, SERVICE.sub(demo.origin, "\n".join(lines)))
    done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, check=False, timeout=40)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_clients_of_the_dialect(demo: Demo, tmp_path: Path) -> None:
    """The program of docs/coingecko-dialect.md, with what its calls give printed behind it."""
    ((_, block),) = of("python", "docs/adding-a-source.md", "docs/for-page-authors.md")
    calls = [line for line in block.text.splitlines() if re.match(r"(api|sdk)\.[\w.]+\(", line)]
    assert len(calls) == 2
    text = SERVICE.sub(demo.origin, block.text)
    for call in calls:
        text = text.replace(call, f"print({call})")
    (tmp_path / "program.py").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, tmp_path / "program.py"], capture_output=True, text=True, check=False, timeout=40
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("bitcoin") >= 2
    assert done.stdout.count("monero") >= 2


STATUS = [line for _, block in of("sh") for line in block.text.splitlines() if line.startswith("ticker status")]


@pytest.mark.parametrize("line", STATUS)
def test_the_status_in_a_pipe(line: str, demo: Demo) -> None:
    """Each line of docs/ops.md tells once how the coins are; its exit code is one that the page names."""
    port = demo.origin.rpartition(":")[2]
    command = SERVICE.sub(demo.origin, line).replace("ticker", f"{sys.executable} -m ticker", 1)
    done = subprocess.run(
        ["sh", "-c", command],
        env={**os.environ, "TICKER_SERVER_PORT": port},
        capture_output=True,
        text=True,
        check=False,
        timeout=40,
    )
    assert done.returncode in (0, 1), done.stderr
    assert "openvoicecoin" in done.stdout.lower()  # no source of the demo has it, so it is told


def backup(program: str) -> str:
    """The line of docs/deploy.md that backs up with this program."""
    lines = [line for name, block in of("sh") if name == "docs/deploy.md" for line in block.text.splitlines()]
    (found,) = (line for line in lines if line.startswith(program))
    return found


def test_a_backup_while_it_runs(demo: Demo, tmp_path: Path) -> None:
    """The line of docs/deploy.md for the embedded store; the copy is whole."""
    if shutil.which("sqlite3") is None:
        pytest.skip("no sqlite3 here")
    (store,) = demo.state.rglob("*.sqlite3")
    line = backup("sqlite3").replace("/var/lib/ticker/ticker.sqlite3", str(store))
    subprocess.run(["sh", "-ec", line.replace("/backup", str(tmp_path))], check=True, timeout=40)
    with sqlite3.connect(tmp_path / "ticker.sqlite3") as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()[0] > 1
    copy.close()


@pytest.mark.redis
def test_a_backup_of_redis(own_redis: RedisServer, tmp_path: Path) -> None:
    """The line for Redis, at its socket; what comes is a dump."""
    here = f"redis-cli -s {own_redis.socket}"
    line = backup("redis-cli").replace("redis-cli", here).replace("/backup", str(tmp_path))
    soon = f"{here} config set repl-diskless-sync-delay 0"  # else it waits 5 s for others who want a dump, too
    subprocess.run(["sh", "-ec", f"{soon}\n{line}"], check=True, timeout=40)
    assert (tmp_path / "ticker.rdb").read_bytes().startswith(b"REDIS")
