"""`ticker plan` as a person meets it: what will be asked, against every quota, and a refusal where it cannot fit."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEMO = {"TICKER_SOURCES_COINGECKO_KEY": "planted-secret"}


def plan(cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run it on the shipped configuration."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TICKER_")}
    command = [sys.executable, "-m", "ticker", "plan"]
    return subprocess.run(
        command, cwd=cwd, env={**kept, **environ}, capture_output=True, text=True, check=False, timeout=30
    )


def row(text: str, *begins: str) -> list[str]:
    """The cells of the first line that begins so."""
    return next(line.split() for line in text.splitlines() if line.split()[: len(begins)] == list(begins))


def test_the_plan_of_what_ships(tmp_path: Path) -> None:
    """Calls a turn, a day, a month, megabytes, and every limit with our share and how much of it is used."""
    done = plan(tmp_path, **DEMO)
    assert (done.returncode, done.stderr) == (0, "")
    assert row(done.stdout, "coingecko") == ["coingecko", "5m", "1", "288", "8,640", "2.3"]
    assert row(done.stdout, "kraken") == ["kraken", "1m", "1", "1,440", "43,200", "180"]
    assert row(done.stdout, "coingeckorates")[2:5] == ["1", "6", "180"]
    assert row(done.stdout, "together")[1:3] == ["12,018", "360,540"]
    assert "98% of the 1,000 MB a day we take" in done.stdout
    assert 'coingecko + coingeckorates "demo"  10,000 a month   9,000 a month      8,820  98.0%' in done.stdout
    assert "coinmarketcap   is not asked: its terms seem to forbid this use" in done.stdout
    assert "planted-secret" not in done.stdout


def test_a_plan_that_cannot_fit(tmp_path: Path) -> None:
    """The table shows what is too much, a sentence names the key, and the exit code is 1."""
    done = plan(tmp_path, **DEMO, TICKER_SOURCES_COINGECKO_EVERY="2m")
    assert done.returncode == 1
    assert "242.0%, too much" in done.stdout
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("ticker: environment: TICKER_SOURCES_COINGECKO_EVERY = '2m': 21,780 a month")
    assert sentence.endswith('the smallest interval that fits is "294s"')


@pytest.mark.parametrize("command", ["check", "run", "poll"])
def test_no_command_goes_beyond_a_quota(command: str, tmp_path: Path) -> None:
    """What `plan` refuses, `check` refuses, and nothing starts with it."""
    environ = {**os.environ, **DEMO, "TICKER_SOURCES_COINGECKO_EVERY": "2m"}
    store = [] if command == "check" else ["--store", f"embedded:{tmp_path}/s"]
    done = subprocess.run(
        [sys.executable, "-m", "ticker", command, *store],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 1
    assert "smallest interval that fits" in done.stderr
    assert "Traceback" not in done.stderr


def test_stand_ins_are_told_apart(tmp_path: Path) -> None:
    """A source at an address of our own is asked as often as we like, and the plan says that it does not judge it."""
    done = plan(tmp_path, TICKER_SOURCES_KRAKEN_ALLOW_PRIVATE="true", TICKER_SOURCES_KRAKEN_EVERY="1s")
    assert done.returncode == 0
    assert "kraken          is a stand-in of yours (allow_private = true): its quota is yours to know" in done.stdout


def test_a_wrong_configuration_has_no_plan(tmp_path: Path) -> None:
    """Its first mistake is told instead."""
    done = plan(tmp_path, TICKER_SERVER_PORT="x")
    assert (done.returncode, done.stdout) == (1, "")
    assert "TICKER_SERVER_PORT" in done.stderr


def test_on_a_terminal_it_is_a_table(tmp_path: Path) -> None:
    """With rules between the columns, for eyes."""
    ours, theirs = pty.openpty()
    done = subprocess.Popen(
        [sys.executable, "-m", "ticker", "plan"],
        cwd=tmp_path,
        stdout=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    assert done.wait(timeout=30) == 0
    text = shown.decode()
    assert "│" in text
    assert "coinpaprika" in text
