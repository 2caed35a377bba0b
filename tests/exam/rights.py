"""Every test that meets a Redis, as the least privileged user of docs/redis.md and over TLS.

    python tests/exam/rights.py

The others are the same whoever we are at Redis. Exit code 1 where one fails or is skipped.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MEETS = re.compile(r"(?:own|shared|guarded)_(?:redis|watched|cluster)|redis_server")


def main() -> int:
    """Run them; 0 = all passed."""
    files = sorted(
        {
            str(path.relative_to(ROOT))
            for path in (ROOT / "tests").rglob("test_*.py")
            if MEETS.search(path.read_text(encoding="utf-8"))
        }
        | {"tests/store"}
    )
    environ = {**os.environ, "REDIS_AS": "acl,tls", "NO_SKIPS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *files],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    sys.stdout.write(f"{len(files)} files and folders, REDIS_AS=acl,tls\n")
    sys.stdout.writelines(f"{line}\n" for line in lines if line.startswith(("FAILED", "ERROR")) or line is lines[-1])
    return done.returncode


if __name__ == "__main__":
    raise SystemExit(main())
