"""docs/adding-a-source.md, followed to the letter in a copy of the repository, gives a source like all others."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest
from docs.followed import follow

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "adding-a-source.md"


@pytest.mark.timeout(240)
def test_the_page_followed_to_the_letter(tmp_path: Path, recordings: Path) -> None:
    """Its own commands pass, the configuration that ships is right, and the code is as it should be written."""
    for folder in ("ticker", "widgets", "config", "tests"):
        copytree(ROOT / folder, tmp_path / folder, ignore=ignore_patterns("__pycache__"))
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    commands = follow(PAGE.read_text(encoding="utf-8"), tmp_path)
    assert [shlex.split(one)[:3] for one in commands] == [["python", "-m", "pytest"]]
    for command in [
        *commands,
        "python -m ticker check",
        "python -m ruff check ticker",
        "python -m mypy ticker/sources",
    ]:
        done = subprocess.run(
            [sys.executable, *shlex.split(command)[1:]],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path), "RECORDINGS_DIR": str(recordings.resolve())},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}{done.stderr[-2000:]}"
        if "pytest" in command:
            assert " passed" in done.stdout
            assert "skipped" not in done.stdout
            assert int(done.stdout.rpartition(" passed")[0].rpartition("\n")[2].split()[-1]) > 50
