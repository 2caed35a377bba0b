"""Where the time goes: a repeated request, a new snapshot for many viewers, a minute of polling that nobody watches.

    PYTHONPATH=tests:. python tests/bench/profiles.py [SECONDS]

Each in the process that the other benchmarks measure. For each, how much of its processor time was the kernel's (from
/proc), and the functions that were running most often when py-spy looked, 500 times a second: a function's share is of
all looks at the event loop's thread while it was at work; the loop itself, in C, is there under the name of its caller.
Needs wrk, and py-spy, which `pip install --editable '.[bench]'` brings.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from fanout_crowd import Crowd
from fanout_sides import Ours, snapshot
from service import free_port
from startup import RUN, ticker
from startup import started as running
from throughput import TICKS, load, python

VIEWERS, RATE = 2000, 500
SHOWN = 12


def spent(pid: int) -> tuple[float, float]:
    """Seconds of a process so far: its own, and the kernel's for it."""
    cells = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(cells[11]) / TICKS, int(cells[12]) / TICKS


def look(name: str, pid: int, seconds: float) -> None:
    """Print where a process spends the next seconds."""
    with tempfile.NamedTemporaryFile("r") as told:
        before, began = spent(pid), time.monotonic()
        subprocess.run(
            ["py-spy", "record", "-p", str(pid), "-d", f"{seconds:g}", "-r", str(RATE), "-f", "raw", "-o", told.name],
            check=True,
            capture_output=True,
        )
        own, kernel = (now - then for now, then in zip(spent(pid), before, strict=True))
        took = time.monotonic() - began
        leaves: Counter[str] = Counter()
        for line in told:
            stack, _, count = line.rpartition(" ")
            frames = stack.split(";")
            if any("threading.py" in frame for frame in frames):  # helpers, which wait
                continue
            leaves[frames[-1].rpartition(":")[0].replace(f"{Path.cwd()}/", "")] += int(count)
    total = sum(leaves.values()) or 1
    sys.stdout.write(
        f"\n{name}: {100 * (own + kernel) / took:.0f} % of a core, {100 * kernel / (own + kernel):.0f} % of it the "
        f"kernel's; {total:,} looks\n"
    )
    for function, count in leaves.most_common(SHOWN):
        sys.stdout.write(f"  {100 * count / total:5.1f} %  {function})\n")
    sys.stdout.flush()


def request(seconds: float) -> None:
    """The fast lane under full load."""
    with ExitStack() as stack:
        server = python("ticker", "ticker", stack, ("widget",))
        load(server, "widget", "bare headers", 1)
        asking = threading.Thread(target=load, args=(server, "widget", "bare headers", int(seconds) + 3))
        asking.start()
        time.sleep(1)
        look("a repeated request, 64 connections", server.process, seconds)
        asking.join()


def fan_out(seconds: float) -> None:
    """Ten new snapshots a second for two thousand viewers."""
    side = Ours(None)
    try:
        crowd = Crowd(side.port, side.path)
        side.publish(snapshot(1), crowd.told, None)
        crowd.enter(VIEWERS, 0)
        looking = threading.Thread(target=look, args=(f"{VIEWERS:,} viewers", side.processes()[0], seconds))
        looking.start()
        seq = 1
        while looking.is_alive():
            seq += 1
            side.publish(snapshot(seq), crowd.told, None)
            until = time.monotonic() + 0.1
            while time.monotonic() < until:
                crowd.turn(0.01)
        crowd.leave()
    finally:
        side.stop()


async def polling(seconds: float) -> None:
    """The shipped configuration, its streams included, with nobody watching."""
    stand_in = await asyncio.create_subprocess_exec(
        *(sys.executable, Path(__file__).with_name("bulk.py")), stdin=-1, stdout=-1, stderr=-3
    )
    assert stand_in.stdin is not None
    assert stand_in.stdout is not None
    stand = f"http://127.0.0.1:{int(await stand_in.stdout.readline())}"
    with tempfile.TemporaryDirectory() as name:
        port = free_port()
        async with running(RUN, port, ticker(port, stand, Path(name) / "store.sqlite3")) as one:
            await one.ready()
            await asyncio.sleep(10)
            await asyncio.to_thread(look, "polling and streams, nobody watching", one.pid, seconds)
    stand_in.stdin.close()
    await stand_in.wait()


def main(seconds: float = 20) -> int:
    """Look at all three."""
    for program in ("wrk", "py-spy"):
        if shutil.which(program) is None:
            raise SystemExit(f"this needs the program {program}")
    os.chdir(Path(__file__).resolve().parents[2])
    request(seconds)
    fan_out(seconds)
    asyncio.run(polling(seconds))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*map(float, sys.argv[1:])))
