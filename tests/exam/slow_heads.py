"""A thousand connections that send half a head, or nothing, beside healthy ones: when are they closed, who notices?

    PYTHONPATH=tests:. python tests/exam/slow_heads.py

With the deadlines of the service, on both roads (trust rule 30). Exit code 1 where one is open after 15 s, or where a
healthy request was not answered. How long the healthy ones took, alone and beside the others, is printed.
"""

import asyncio
import statistics
import sys
import time
from contextlib import suppress

from server.test_guard import QUESTION, over, served

from ticker.server.guard import Bounds

HALVES = (b"", b"G", b"GET /v1/prices HTTP/1.1\r\nHost: a", QUESTION[:-2], QUESTION + QUESTION[:30])
SLOW, MOST = 1000, 15.0


async def _healthy(port: int, until: asyncio.Future[list[float]] | None, least: int) -> list[float]:
    """How long healthy requests take, one after another: until then, or so many."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    took: list[float] = []
    while len(took) < least if until is None else not until.done():
        began = time.perf_counter()
        writer.write(QUESTION)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise AssertionError(head)
        length = next(int(line[16:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length: "))
        await reader.readexactly(length)
        took.append(time.perf_counter() - began)
        await asyncio.sleep(0.01)
    writer.close()
    return took


async def _half(port: int, number: int) -> float:
    """How long a slow connection is left open, in seconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HALVES[number % len(HALVES)])
    began = time.monotonic()
    await over(reader)
    with suppress(ConnectionError):
        writer.close()
    return time.monotonic() - began


async def _road(*, lane: bool) -> bool:
    async with served(Bounds(), lane=lane) as (port, guard):
        alone = await _healthy(port, None, 300)
        slow = asyncio.gather(*(_half(port, number) for number in range(SLOW)))
        beside = await _healthy(port, slow, 0)
        ended = await slow
    figures = [statistics.quantiles(one, n=100)[98] * 1000 for one in (alone, beside)]
    sys.stdout.write(
        f"fast lane {'on' if lane else 'off'}: {SLOW} slow heads closed after {min(ended):.1f} to {max(ended):.1f} s "
        f"({guard.ended['header']} by the deadline); {len(beside):,} healthy requests beside them, all answered, p99 "
        f"{figures[1]:.1f} ms (alone {figures[0]:.1f} ms)\n"
    )
    return max(ended) <= MOST


async def _both() -> bool:
    return all([await _road(lane=lane) for lane in (True, False)])


def main() -> int:
    """0 = all closed in time."""
    import uvloop

    return 0 if uvloop.run(_both()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
