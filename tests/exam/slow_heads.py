"""A thousand connections with half a head or none, and 200 viewers that do not read, beside a healthy reader.

    PYTHONPATH=tests:. python tests/exam/slow_heads.py [PAIRS]

With the deadlines of the service, on both roads, 250 coins with new prices twice a second (trust rules 29 and 30). The
server, the crowd and the healthy reader are three processes, and one viewer reads all the time, so that there is a
stream to write. In each pair the reader asks for 15 s alone, and for 15 s beside a new crowd. Exit code 1 where a slow
head or a viewer that takes nothing is there after 15 s, where a healthy request is not answered, where the p99 beside
the crowd is twice as long (median of the pairs), or where the server is larger by more than 32 MB after the last crowd
than after the first.
"""

import asyncio
import json
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path

from aiohttp import web
from server.test_guard import QUESTION, over
from server.viewers import Feed
from snapshots import price, snapshot

from ticker.model import Coin, Snapshot
from ticker.server.app import STREAM, Serving, make_app
from ticker.server.guard import Bounds
from ticker.server.remembered import Remembered
from ticker.server.runner import GUARD, Runner

HALVES = (b"", b"G", b"GET /v1/prices HTTP/1.1\r\nHost: a", QUESTION[:-2], QUESTION + QUESTION[:30])
WATCH = b"GET /v1/stream?coins=all HTTP/1.1\r\nHost: a.example\r\n\r\n"
SLOW, STALLED = 1000, 200
SPAN, MOST, SLOWER, HEAVIER = 15.0, 15.0, 2.0, 32.0
ARRIVE = 2.0  # seconds in which the crowd comes
COINS = tuple(Coin(f"coin-{number}", f"Coin {number}", f"C{number}") for number in range(250))


def crowded(seq: int) -> Snapshot:
    """Every coin with a new price: a frame of about 100 KB."""
    now = time.time()
    prices = tuple(price(coin.id, str(Decimal(seq) + number), now) for number, coin in enumerate(COINS))
    return snapshot(seq, coins=COINS, shown=tuple(coin.id for coin in COINS[:11]), prices=prices)


async def serve(*, lane: bool) -> None:
    """The server; a line with its port, then one a quarter of a second with who is there."""
    feed = Feed(crowded(1))
    app = make_app(feed, Serving(), time.time)  # type: ignore[arg-type]
    runner = Runner(app, Bounds(), Remembered(time.time) if lane else None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=2048).start()
    say({"port": runner.addresses[0][1]})
    turn = 0
    while True:
        turn += 1
        if turn % 2 == 0:
            feed.tell(crowded(turn))
        guard = app[GUARD]
        say({"viewers": app[STREAM].viewers, "heads": guard.ended["header"], "connections": guard.connections})
        await asyncio.sleep(0.25)


async def crowd(port: int) -> None:
    """The crowd; at its end a line with the longest time that a slow head was left open."""

    async def half(number: int) -> float:
        await asyncio.sleep(ARRIVE * number / SLOW)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HALVES[number % len(HALVES)])
        began = time.monotonic()
        await over(reader)
        with suppress(ConnectionError):
            writer.close()
        return time.monotonic() - began

    async def stalled(number: int) -> socket.socket:
        await asyncio.sleep(ARRIVE * number / STALLED)
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.connect(("127.0.0.1", port))
        one.sendall(WATCH)
        return one

    kept = asyncio.gather(*map(stalled, range(STALLED)))
    took = await asyncio.gather(*map(half, range(SLOW)))
    say({"shortest": min(took), "longest": max(took), "stalled": len(await kept)})
    await asyncio.to_thread(sys.stdin.read)  # they stay until we are told to go


def read_all(port: int) -> None:
    """A viewer that takes everything as it comes."""
    with socket.create_connection(("127.0.0.1", port)) as one:
        one.sendall(WATCH)
        while one.recv(1 << 18):
            pass


def say(what: object) -> None:
    """A line to whoever started this."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


@contextmanager
def child(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """This file in another part, until the end of the block."""
    process = subprocess.Popen(
        [sys.executable, __file__, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def told(process: subprocess.Popen[str]) -> dict[str, float]:
    """Its next line."""
    assert process.stdout is not None
    return dict(json.loads(process.stdout.readline()))


class Watch:
    """What the server says of itself, read while it is asked."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.lines = process, [{"viewers": 0, "heads": 0, "connections": 0, "at": time.monotonic()}]

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                self.lines.append({**json.loads(line), "at": time.monotonic()})

        threading.Thread(target=read, daemon=True).start()

    @property
    def size(self) -> float:
        """MB that it holds."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


def healthy(port: int, seconds: float) -> list[float]:
    """How long requests took, in milliseconds, a hundred a second at most, one after another."""
    took: list[float] = []
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one, one.makefile("rb") as answers:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            began = time.perf_counter()
            one.sendall(QUESTION)
            line, length = answers.readline(), 0
            if not line.startswith(b"HTTP/1.1 200 "):
                raise AssertionError(line)
            while (line := answers.readline()) != b"\r\n":
                if line.startswith(b"Content-Length: "):
                    length = int(line[16:])
            answers.read(length)
            took.append(1000 * (time.perf_counter() - began))
            time.sleep(0.01)
    return took


def p99(took: list[float]) -> float:
    """The slowest of a hundred."""
    return statistics.quantiles(took, n=100)[98]


def pair(port: int, watch: Watch) -> tuple[float, float, list[str]]:
    """p99 alone and beside a crowd, and what was not as it should be."""
    alone, wrong = p99(healthy(port, SPAN)), []
    with child("crowd", str(port)) as process:
        beside = healthy(port, SPAN)
        said = told(process)
        if said["longest"] > MOST:
            wrong.append(f"a slow head was open for {said['longest']:.1f} s")
        came = next((one["at"] for one in watch.lines if one["viewers"] == STALLED + 1), None)
        left = next((one["at"] for one in reversed(watch.lines) if one["viewers"] > 1), None)
        if came is None or left is None:
            wrong.append("the viewers that do not read never were all there")
        elif watch.lines[-1]["viewers"] != 1 or left - came > MOST:
            wrong.append(f"{watch.lines[-1]['viewers']} viewers that do not read, {left - came:.1f} s after they came")
        sys.stdout.write(
            f"  alone {alone:.2f} ms, beside the crowd {p99(beside):.2f} ms ({len(beside):,} answers), longest "
            f"{max(beside):.0f} ms; heads closed after {said['shortest']:.1f} to {said['longest']:.1f} s, viewers "
            f"after {(left or 0) - (came or 0):.1f} s at most; server {watch.size:.1f} MB\n"
        )
    watch.lines[:] = watch.lines[-1:]
    return alone, p99(beside), wrong


def road(pairs: int, *, lane: bool) -> list[str]:
    """What was not as it should be."""
    sys.stdout.write(f"fast lane {'on' if lane else 'off'}, {SLOW:,} slow heads, {STALLED} viewers that do not read\n")
    ratios, sizes, wrong = [], [], []
    with child("serve", "lane" if lane else "plain") as process:
        port, watch = int(told(process)["port"]), Watch(process)
        with child("watch", str(port)):
            for _ in range(pairs):
                alone, beside, found = pair(port, watch)
                ratios.append(beside / alone)
                sizes.append(watch.size)
                wrong += found
    ratio = statistics.median(ratios)
    sys.stdout.write(f"  p99 x {ratio:.2f} (median of {pairs}), at most {SLOWER:g}\n")
    if ratio >= SLOWER:
        wrong.append(f"p99 x {ratio:.2f}")
    if sizes[-1] - sizes[0] > HEAVIER:
        wrong.append(f"{sizes[-1] - sizes[0]:.0f} MB more")
    return wrong


def main(pairs: int = 5) -> int:
    """0 = nobody noticed."""
    wrong = [*road(pairs, lane=True), *road(pairs, lane=False)]
    for one in wrong:
        sys.stdout.write(f"NOT HELD: {one}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", kind]:
            import uvloop

            uvloop.run(serve(lane=kind == "lane"))
        case ["crowd", port]:
            asyncio.run(crowd(int(port)))
        case ["watch", port]:
            read_all(int(port))
        case rest:
            raise SystemExit(main(*map(int, rest)))
