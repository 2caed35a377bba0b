"""One `ticker` command to its end, as a person or a script runs it: what it says, and its exit code."""

import asyncio
import os
import pty
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """Ours without its TICKER_ variables, and these."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TICKER_")} | dict(given)


async def run(*words: str, environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> Ended:
    """As a script runs it: no terminal anywhere."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", "ticker", *words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(environ or {}),
        cwd=cwd,
    )
    out, err = await process.communicate()
    return Ended(process.returncode or 0, out.decode(), err.decode())


async def type_into(typed: str, *words: str, environ: Mapping[str, str] | None = None) -> Ended:
    """As a person runs it, on a terminal of 200 columns, typing ahead."""
    master, slave = pty.openpty()
    os.write(master, typed.encode())
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", "ticker", *words),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**environment(environ or {}), "COLUMNS": "200", "TERM": "xterm"},
    )
    os.close(slave)
    said = await asyncio.to_thread(_read_all, master)
    os.close(master)
    return Ended(await process.wait(), said, "")


def _read_all(master: int) -> str:
    """All until the other end is closed, which Linux tells as an error."""
    parts = []
    try:
        while part := os.read(master, 65_536):
            parts.append(part)
    except OSError:
        pass
    return b"".join(parts).decode()
