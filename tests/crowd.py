"""Many readers at the same moment: each its own connection, all asking at once, and what each was answered."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

# How browsers and programs write what they can unpack; behind the proxy these are three variants.
ACCEPTED = (
    "gzip, deflate, br, zstd",
    "gzip, deflate, br",
    "br;q=1.0, gzip;q=0.8, *;q=0.1",
    "gzip, deflate",
    "gzip",
    "deflate, gzip;q=1.0, *;q=0.5",
    "br;q=0, gzip",
    "identity",
    "gzip;q=0, br;q=0",
    "",
)


class Told(NamedTuple):
    """One answer: its status, 0 where there was none, its headers by lower-case name, its body."""

    status: int
    headers: dict[str, str]
    body: bytes


async def asked(port: int, path: str, accepted: str, go: asyncio.Event, there: asyncio.Semaphore) -> Told:
    """Connect, wait for the word, ask, and read to the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    there.release()
    await go.wait()
    coding = f"Accept-Encoding: {accepted}\r\n" if accepted else ""
    request = f"GET {path} HTTP/1.1\r\nHost: prices.example.org\r\n{coding}Connection: close\r\n\r\n"
    writer.write(request.encode())
    try:
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    except ConnectionError:
        head = b""
    writer.close()
    if not head:
        return Told(0, {}, b"")
    status, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return Told(int(status.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}, body)


async def crowd(port: int, path: str, readers: int, accepted: Sequence[str] = ACCEPTED) -> list[Told]:
    """So many readers, connected first and then all asking at once, in turn with one of these Accept-Encoding."""
    go, there = asyncio.Event(), asyncio.Semaphore(0)
    tasks = []
    for number in range(readers):
        tasks.append(asyncio.create_task(asked(port, path, accepted[number % len(accepted)], go, there)))
        if number % 100 == 99:
            await asyncio.sleep(0.01)  # a queue of connections has an end
    for _ in range(readers):
        await there.acquire()
    go.set()
    return list(await asyncio.gather(*tasks))
