"""Answers while snapshots change under load: is each wholly of one snapshot? And how long does the slowest take?

    PYTHONPATH=tests:. python tests/exam/torn.py [ANSWERS]

Clients on kept connections ask for the widget, the JSON and the badge, plain and in three codings, with and without a
tag, so both roads answer; new prices come twenty times a second. An answer is torn where its tag is not the hash of the
body it unpacks to, its length not that of the body, or its prices not all of one snapshot. A tag that was seen with one
body and later with another is torn too. Exit code 1 where any is. How long the slowest took is printed, not judged: the
clients share the server's process. The suite runs a few thousand.
"""

import asyncio
import gzip
import hashlib
import re
import sys
import time
from collections.abc import Callable
from decimal import Decimal

import brotli
from aiohttp import web
from backports import zstd
from server.viewers import Feed
from snapshots import COINS, price, snapshot

from ticker.model import Snapshot
from ticker.server.app import Serving, make_app
from ticker.server.guard import Bounds
from ticker.server.remembered import Remembered
from ticker.server.runner import Runner

CLIENTS, CHANGE_EVERY = 24, 0.05
UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": zstd.decompress,
}
PATHS = ("/widget/list?coins=bitcoin,ethereum,pirate-chain", "/v1/prices?coins=bitcoin,ethereum,pirate-chain")
_PRICE = {PATHS[0]: re.compile(rb'class="mp-price"[^>]*>\$([0-9,]+)'), PATHS[1]: re.compile(rb'"price":"([0-9]+)"')}


def numbered(seq: int) -> Snapshot:
    """A snapshot whose prices are all its own number."""
    now = time.time()
    number = str(100_000 + seq)
    return snapshot(seq, prices=tuple(price(coin.id, number, now) for coin in COINS))


class Judge:
    """Looks at every answer."""

    def __init__(self) -> None:
        self.answers = self.unchanged = 0
        self.torn: list[str] = []
        self.slowest = 0.0
        self.snapshots: set[Decimal] = set()
        self._bodies: dict[bytes, int] = {}

    def look(self, path: str, head: bytes, body: bytes, took: float) -> None:
        """One answer."""
        self.answers += 1
        self.slowest = max(self.slowest, took)
        lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
        tag = lines[b"ETag"].strip(b'"')
        digest, _, coding = tag.partition(b"-")
        if head.startswith(b"HTTP/1.1 304 "):
            self.unchanged += 1
            self._fault(not body and tag in self._bodies, f"{path}: a 304 for a tag that was never given")
            return
        plain = UNPACK[lines.get(b"Content-Encoding", b"identity").decode()](body)
        self._fault(hashlib.sha256(plain).hexdigest()[:32].encode() == digest, f"{path}: the tag is of another body")
        self._fault(coding.decode() in ("", lines.get(b"Content-Encoding", b"").decode()), f"{path}: another coding")
        self._fault(self._bodies.setdefault(tag, hash(body)) == hash(body), f"{path}: two bodies of one tag")
        prices = {Decimal(one.replace(b",", b"").decode()) for one in _PRICE[path].findall(plain)}
        self._fault(len(prices) == 1, f"{path}: prices of {len(prices)} snapshots")
        self.snapshots |= prices

    def _fault(self, good: bool, said: str) -> None:
        if not good:
            self.torn.append(said)


async def _client(port: int, number: int, judge: Judge, wanted: int) -> None:
    """Asks on one connection, over and over."""
    path = PATHS[number % 2]
    coding = tuple(UNPACK)[number // 2 % 4]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    tag = b""
    turn = 0
    while judge.answers < wanted:
        turn += 1
        lines = [f"GET {path} HTTP/1.1".encode(), b"Host: a.example", b"Accept-Encoding: " + coding.encode()]
        if tag and turn % 3 == 0:
            lines.append(b"If-None-Match: " + tag)
        began = time.perf_counter()
        writer.write(b"\r\n".join([*lines, b"", b""]))
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"Content-Length: ([0-9]+)", head)
        body = await reader.readexactly(int(length[1])) if length else b""
        judge.look(path, head[:-4], body, time.perf_counter() - began)
        tag = re.search(rb"ETag: (\S+)", head)[1]  # type: ignore[index]
    writer.close()


async def run(answers: int, every: float = CHANGE_EVERY) -> tuple[Judge, int]:
    """So many answers, and how many of them the lane gave."""
    feed, remembered = Feed(numbered(1)), Remembered(time.time)
    runner = Runner(make_app(feed, Serving(), time.time), Bounds(), remembered)  # type: ignore[arg-type]
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    judge = Judge()

    async def change() -> None:
        for seq in range(2, 10**9):
            await asyncio.sleep(every)
            feed.tell(numbered(seq))

    changing = asyncio.create_task(change())
    try:
        await asyncio.gather(*(_client(port, number, judge, answers) for number in range(CLIENTS)))
    finally:
        changing.cancel()
        await asyncio.wait([changing])
        await runner.cleanup()
    return judge, remembered.answered


def main(answers: int = 1_000_000) -> int:
    """Ask, print, judge; 0 = none was torn."""
    import uvloop

    judge, by_lane = uvloop.run(run(answers))
    sys.stdout.write(
        f"{judge.answers:,} answers of {len(judge.snapshots):,} snapshots, {by_lane:,} by the fast lane, "
        f"{judge.unchanged:,} unchanged: {len(judge.torn)} torn; the slowest took {judge.slowest * 1000:.1f} ms, "
        f"server, {CLIENTS} clients and judge in one process\n"
    )
    for one in judge.torn[:20]:
        sys.stdout.write(f"  {one}\n")
    return 1 if judge.torn else 0


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if sys.argv[1:] else 1_000_000))
