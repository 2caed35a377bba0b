"""The house itself: imports go one way, every module imports alone, commands load only what they need."""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import ticker
import widgets

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(
    info.name
    for package in (ticker, widgets)
    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
)


def in_a_new_process(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_imports_point_one_way() -> None:
    """The contracts in pyproject.toml hold (design §3)."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_every_module_imports_alone() -> None:
    """In an interpreter that has imported nothing else of ours: no circle, no hidden order."""
    code = f"""
import importlib, sys
for name in {MODULES!r}:
    for loaded in [m for m in sys.modules if m.split('.')[0] in ('ticker', 'widgets')]:
        del sys.modules[loaded]
    importlib.import_module(name)
print("ok")
"""
    assert in_a_new_process(code) == "ok\n"


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is_for(name: str) -> None:
    """One docstring at the top, with more than a name in it."""
    doc = importlib.import_module(name).__doc__

    assert doc
    assert len(doc.split()) >= 5


def test_the_command_line_loads_nothing_before_a_command() -> None:
    """`ticker --help` is quick: no server, no store, no settling."""
    loaded = in_a_new_process("import sys, ticker.__main__; print(*sys.modules)").split()

    assert not {"aiohttp", "redis", "msgspec", "babel", "jinja2", "apscheduler"} & set(loaded)


def test_no_file_is_too_long() -> None:
    """A file that passes 350 lines is more than one thing."""
    files = [*ROOT.glob("ticker/**/*.py"), *ROOT.glob("widgets/**/*.py")]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files}

    assert {name: length for name, length in lengths.items() if length > 350} == {}
