"""What every test may use: the recorded answers of the real APIs, wherever they are kept."""

import os
from pathlib import Path

import pytest

pytest_plugins = ["redis_server"]

_DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "recordings"


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recorded answers, from RECORDINGS_DIR or beside the repository."""
    folder = Path(os.environ.get("RECORDINGS_DIR") or _DEFAULT)
    if not (folder / "INDEX.md").is_file():
        pytest.skip(f"no recorded answers in {folder}; set RECORDINGS_DIR")
    return folder


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where NO_SKIPS is set, as in CI, a skipped test is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("NO_SKIPS") and reporter is not None and reporter.stats.get("skipped") and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line("NO_SKIPS is set and tests were skipped: that is a failure here", red=True)
