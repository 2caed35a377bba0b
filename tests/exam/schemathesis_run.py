"""Schemathesis against a real server on this machine: does every answer keep to `/v1/openapi.json`, whatever is asked?

By hand, for long: `PYTHONPATH=.:tests python tests/exam/schemathesis_run.py 2000`. The suite runs a short one.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from described import described

CONFIG = Path(__file__).with_name("schemathesis.toml")
STREAM = "/v1/stream"  # it has no end; its own tests read it


async def run(examples: int, seed: int = 1) -> tuple[int, str]:
    """Exit code and report of one run, of so many random requests a door beside the systematic ones."""
    program = Path(sys.executable).with_name("st")
    async with described() as origin:
        with tempfile.TemporaryDirectory() as folder:
            process = await asyncio.create_subprocess_exec(
                *(program, "--config-file", CONFIG, "run", f"{origin}/v1/openapi.json", "--url", origin),
                *("--exclude-path", STREAM, "--max-examples", str(examples), "--seed", str(seed)),
                *("--generation-database", "none", "--no-color"),
                cwd=folder,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            report, _ = await process.communicate()
    return process.returncode or 0, report.decode()


if __name__ == "__main__":
    code, said = asyncio.run(run(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1))
    print(said)  # noqa: T201 - it is a program
    sys.exit(code)
