"""The command line as a person meets it: sentences and exit codes (design §5)."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ticker import __version__

ROOT = Path(__file__).resolve().parents[2]


def ticker(*words: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TICKER_")}
    return subprocess.run(
        [sys.executable, "-m", "ticker", *words],
        cwd=cwd,
        env={**kept, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_init_then_check(tmp_path: Path) -> None:
    """A fresh configuration is valid, and `check` says what will be polled and what shows "—"."""
    made = ticker("init", cwd=tmp_path)
    assert (made.returncode, (tmp_path / "config" / "coins.toml").is_file()) == (0, True)

    checked = ticker("check", cwd=tmp_path)
    assert checked.returncode == 0
    assert "config: ok, 56 coins, 11 shown" in checked.stdout
    assert "kraken" in checked.stdout
    assert "coinmarketcap  off:" in checked.stdout
    assert "ecb            every 14400 s, currencies" in checked.stdout
    assert "openerapi      off: its terms" in checked.stdout
    assert 'openvoicecoin: no source that is on lists it; it shows "—"' in checked.stdout


def test_check_tells_a_currency_that_nothing_counts(tmp_path: Path) -> None:
    """Prices in EOS need the price of EOS: without that coin every page would be empty, and check says so."""
    ticker("init", cwd=tmp_path)
    lacking = ticker("check", cwd=tmp_path, TICKER_DISPLAY_CURRENCY="eos").stdout
    assert 'currency "eos": is counted by "eos", which is not in coins.toml' in lacking
    assert 'currency "' not in ticker("check", cwd=tmp_path, TICKER_DISPLAY_CURRENCY="sats").stdout


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    """A second init is refused and leaves the file as it is."""
    ticker("init", cwd=tmp_path)
    coins = tmp_path / "config" / "coins.toml"
    coins.write_text("mine")
    again = ticker("init", cwd=tmp_path)

    assert again.returncode == 1
    assert "not overwritten" in again.stderr
    assert coins.read_text() == "mine"


def test_check_tells_every_mistake(tmp_path: Path) -> None:
    """All of them at once, each with file, line, key, value and reason; exit code 1."""
    ticker("init", cwd=tmp_path)
    (tmp_path / "config" / "ticker.toml").write_text(
        '[server]\nport = "eighty"\ncolour = 1\n[sources.kraken]\nevery = "soon"\n'
    )
    checked = ticker("check", cwd=tmp_path)

    lines = checked.stderr.splitlines()
    assert checked.returncode == 1
    assert len(lines) == 3
    assert [line.split(": ")[0] for line in lines] == [f"config/ticker.toml:{n}" for n in (2, 3, 5)]
    assert all("Traceback" not in line for line in lines)


@pytest.mark.parametrize(
    ("words", "environ", "code", "says"),
    [
        (("run", "--config", "nowhere"), {}, 1, "nowhere"),
        (("run",), {"TICKER_SERVER_PORT": "99999"}, 1, "TICKER_SERVER_PORT"),
        (("run", "--store", "banana"), {}, 1, "store.url"),
        (("run", "--store", "embedded:/proc/none/x"), {}, 3, "/proc/none"),
        (("run", "--port", "99999"), {}, 2, "--port"),
        (("run", "--log-format", "xml"), {}, 2, "--log-format"),
        (("simulate", "--fault", "kraken=teapot"), {}, 2, "teapot"),
        (("dance",), {}, 2, "dance"),
    ],
)
def test_what_goes_wrong_is_said(
    words: tuple[str, ...], environ: dict[str, str], code: int, says: str, tmp_path: Path
) -> None:
    """A sentence that names it, the exit code of its kind, and no trace."""
    ended = ticker(*words, cwd=tmp_path, **environ)

    assert ended.returncode == code, ended.stderr
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    """Named, with the reason."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = ticker("run", "--port", str(port), "--store", f"embedded:{tmp_path}/s", cwd=tmp_path)

    assert ended.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr
    assert "--port, or [server] port, takes another" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_help_names_every_command(tmp_path: Path) -> None:
    """`ticker` alone shows what there is."""
    shown = ticker("--help", cwd=tmp_path).stdout

    assert all(command in shown for command in ("run", "poll", "serve", "init", "check", "simulate"))


def test_the_version(tmp_path: Path) -> None:
    """`--version` says it and ends."""
    said = ticker("--version", cwd=tmp_path)

    assert (said.returncode, said.stdout) == (0, f"ticker {__version__}\n")


def test_a_port_that_is_taken_from_the_simulation(tmp_path: Path) -> None:
    """`simulate` says where it cannot listen, in a sentence."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = ticker("simulate", "--port", str(port), cwd=tmp_path)

    assert ended.returncode == 1
    assert ended.stderr.startswith(f"ticker: cannot listen on 127.0.0.1:{port}: ")
    assert "Traceback" not in ended.stderr
