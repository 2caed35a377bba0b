"""The units: systemd reads them, rates their sandbox, and their commands are ours."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNITS = sorted((Path(__file__).resolve().parents[2] / "deploy" / "systemd").glob("*.service"))
EXPOSURE = 1.5  # of 10, as systemd-analyze rates it; a service without a sandbox has 9.6


@pytest.fixture(scope="module")
def analyze() -> str:
    """The path of systemd-analyze."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze here")
    return program


def sandbox(unit: Path) -> str:
    """The part of a unit that locks it in."""
    return unit.read_text().partition("# The sandbox")[2].partition("[Install]")[0]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_its_sandbox_is_tight(unit: Path, analyze: str) -> None:
    """The exposure that docs/deploy.md states, or less."""
    done = subprocess.run(
        [analyze, "security", "--offline=true", str(unit)], capture_output=True, text=True, check=False
    )
    rated = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)

    assert rated is not None, done.stdout + done.stderr
    assert float(rated[1]) <= EXPOSURE


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_reads_it(unit: Path, analyze: str, tmp_path: Path) -> None:
    """No unknown line, no wrong value; the program it starts is the only thing that is put in its place here."""
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text().replace("/opt/ticker/bin/ticker", sys.executable))
    done = subprocess.run([analyze, "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "ticker" in line]

    assert ours == []


def test_all_are_locked_in_alike() -> None:
    """One sandbox, three units."""
    assert len(UNITS) == 3
    assert len({sandbox(unit) for unit in UNITS}) == 1


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_it_starts_what_there_is(unit: Path) -> None:
    """A command of ours with options it knows, told as a service that notifies, given time to drain."""
    text = unit.read_text()
    (command,) = re.findall(r"^ExecStart=/opt/ticker/bin/ticker (.*)$", text, re.MULTILINE)
    shown = subprocess.run(
        [sys.executable, "-m", "ticker", command.split()[0], "--help"], capture_output=True, text=True, check=True
    )

    assert "--config" in shown.stdout
    assert command.split()[0] in ("run", "poll", "serve")
    assert "Type=notify\n" in text
    assert "WatchdogSec=" in text
    assert int(re.findall(r"TimeoutStopSec=(\d+)s", text)[0]) >= 70
