"""How soon a viewer has a new snapshot: from the feed's receipt of it to the last byte at each of many browsers.

    PYTHONPATH=tests:. python tests/bench/stream.py [VIEWERS [STALLED [SNAPSHOTS]]]

A server process with the service's own application on its own loop, and this process with the browsers, on loopback
and on one monotonic clock. Every snapshot moves all prices of the list, in one of two languages; so many further
browsers never read. At most 5,000 viewers and 500 snapshots, five a second, then it is over. Exit code 1 where the
99th percentile of the readers is above 250 ms, a reader missed a snapshot, or the stalled are still there at the end.
"""

import asyncio
import os
import resource
import socket
import sys
import time
from decimal import Decimal
from pathlib import Path

import uvloop
from aiohttp import web
from server.viewers import Feed

from ticker.model import Coin, Price, Snapshot
from ticker.server.app import STREAM, Serving, make_app
from ticker.server.stream import Limits

COINS = tuple(Coin(f"coin-{number}", f"Coin {number}", f"C{number}") for number in range(250))
SHOWN = tuple(coin.id for coin in COINS[:11])
EVERY = 0.2
MOST = 0.250  # seconds, the 99th percentile


def snapshot(seq: int) -> Snapshot:
    """Every price is new."""
    now = time.time()
    prices = tuple(
        Price(
            coin.id,
            Decimal(64_250_12 + 37 * seq + 101 * number) / 100,
            "ok",
            used=5,
            total=7,
            as_of=now,
            live_until=now + 120,
            delayed_until=now + 300,
            gone_at=now + 3600,
            change_24h=Decimal(seq + number) / 100,
        )
        for number, coin in enumerate(COINS)
    )
    return Snapshot(1, seq, now, COINS, SHOWN, prices)


async def serve(snapshots: int) -> None:
    """The server: says its port, waits for a word, then says when it received each snapshot, and what it cost."""
    feed = Feed(snapshot(0))
    app = make_app(feed, Serving(limits=Limits(viewers=10_000)), time.time)  # type: ignore[arg-type]
    runner = web.AppRunner(app)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", 0, backlog=5000)
    await listener.start()
    say(runner.addresses[0][1])
    await asyncio.to_thread(sys.stdin.readline)
    say(app[STREAM].viewers)
    for seq in range(1, snapshots + 1):
        found = snapshot(seq)
        say(time.monotonic_ns())
        feed.tell(found)
        await asyncio.sleep(EVERY)
    await asyncio.to_thread(sys.stdin.readline)
    say(app[STREAM].viewers)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    say(usage.ru_maxrss)
    say(round(1000 * (usage.ru_utime + usage.ru_stime)))
    await runner.cleanup()


def say(value: int) -> None:
    """One number to the other process."""
    sys.stdout.write(f"{value}\n")
    sys.stdout.flush()


class Reader(asyncio.Protocol):
    """A browser: notes when it has all of each snapshot."""

    def __init__(self) -> None:
        self.had: dict[int, int] = {}
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        """Events end with an empty line."""
        now = time.monotonic_ns()
        *events, self._rest = (self._rest + data).split(b"\n\n")
        for event in events:
            if event.startswith(b"id: 1-"):
                self.had.setdefault(int(event[6 : event.index(b"\n")]), now)


async def watch(port: int, number: int) -> Reader:
    """One more browser."""
    transport, reader = await asyncio.get_running_loop().create_connection(Reader, "127.0.0.1", port)
    locale = ("en", "de")[number % 2]
    transport.write(f"GET /v1/stream?locale={locale} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    return reader


def stall(port: int) -> socket.socket:
    """A browser that asks for much and never reads."""
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.connect(("127.0.0.1", port))
    one.sendall(b"GET /v1/stream?coins=all HTTP/1.1\r\nHost: a\r\n\r\n")
    return one


async def measure(viewers: int, stalled: int, snapshots: int) -> bool:
    """Print what was found; whether it is good enough."""
    server = await asyncio.create_subprocess_exec(
        sys.executable, Path(__file__), "--serve", str(snapshots), stdin=-1, stdout=-1, env=dict(os.environ)
    )
    assert server.stdin is not None
    assert server.stdout is not None

    async def heard() -> int:
        return int(await server.stdout.readline())  # type: ignore[union-attr]

    port = await heard()
    readers = [await watch(port, number) for number in range(viewers)]
    blocked = [stall(port) for _ in range(stalled)]
    async with asyncio.timeout(30):
        while not all(reader.had for reader in readers):  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)  # the stalled are in, too
    server.stdin.write(b"go\n")
    sys.stdout.write(
        f"{await heard()} viewers, {stalled} of whom do not read; {snapshots} snapshots, {1 / EVERY:g} a second\n"
    )
    told = {seq: await heard() for seq in range(1, snapshots + 1)}
    await asyncio.sleep(max(1.0, 13.0 - snapshots * EVERY) if stalled else 1.0)
    server.stdin.write(b"enough\n")
    left, peak, cost = await heard(), await heard(), await heard()
    delays = sorted((reader.had[seq] - at) / 1e9 for reader in readers for seq, at in told.items() if seq in reader.had)
    missed = viewers * snapshots - len(delays)
    p50, p99 = (delays[int(len(delays) * part)] for part in (0.5, 0.99))
    sys.stdout.write(
        f"receipt to last byte: p50 {1000 * p50:.1f} ms, p99 {1000 * p99:.1f} ms, max {1000 * delays[-1]:.1f} ms\n"
    )
    sys.stdout.write(
        f"missed {missed}; viewers at the end {left}; server: {peak / 1024:.0f} MiB, {cost / 1000:.2f} s of CPU\n"
    )
    for one in blocked:
        one.close()
    await server.wait()
    return p99 <= MOST and not missed and left == viewers


def main(arguments: list[str]) -> int:
    """0 = good enough."""
    if arguments[:1] == ["--serve"]:
        uvloop.run(serve(int(arguments[1])))
        return 0
    viewers, stalled, snapshots = [*map(int, arguments), *(200, 0, 100)[len(arguments) :]]
    if not (1 <= viewers <= 5000 and 0 <= stalled <= 5000 and 1 <= snapshots <= 500):
        raise SystemExit("at most 5,000 viewers and 500 snapshots")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return 0 if uvloop.run(measure(viewers, stalled, snapshots)) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
