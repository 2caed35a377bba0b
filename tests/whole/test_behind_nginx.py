"""Behind nginx with deploy/nginx/ticker.conf: the service is asked once for each answer, however many readers come."""

import asyncio
import re
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import aiohttp
from crowd import crowd
from nginx_example import Front, front, prepared
from origin import Origin

from ticker.server import headers

READERS = 500
VARIANTS = {"br, gzip", "gzip", ""}
ACCEPTED = ("gzip, deflate, br, zstd", "gzip, deflate", "identity", "", "br;q=0, gzip", "gzip;q=0")


@asynccontextmanager
async def behind(root: Path) -> AsyncIterator[tuple[Origin, Front]]:
    """Both, connected."""
    origin = Origin()
    await origin.start()
    try:
        with front(root, origin.port) as nginx:
            yield origin, nginx
    finally:
        await origin.stop()


def test_nginx_takes_the_file(tmp_path: Path) -> None:
    """`nginx -t` has nothing to say against deploy/nginx/ticker.conf."""
    command, _, _ = prepared(tmp_path, 8080)
    done = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


async def test_a_crowd_is_one_reader_to_the_service(tmp_path: Path) -> None:
    """Cold, expired, and with the service gone: everybody is answered; it is asked once for each of three variants."""
    async with asyncio.timeout(55), behind(tmp_path) as (origin, nginx):
        first, second = "/prices/widget/list", "/prices/widget/table"
        cold = [await crowd(nginx.plain, path, READERS, ACCEPTED) for path in (first, second)]
        filled = time.monotonic()
        assert {one.status for told in cold for one in told} == {200}
        assert {coding for _, coding in origin.hits} == VARIANTS
        assert (len(origin.hits), set(origin.hits.values())) == (2 * len(VARIANTS), {1}), origin.hits

        fresh = int(re.search(r"s-maxage=(\d+)", headers.CACHE)[1])  # type: ignore[index]
        await asyncio.sleep(fresh + 1 - (time.monotonic() - filled))
        origin.hits.clear()
        expired = await crowd(nginx.plain, first, READERS, ACCEPTED)
        while len(origin.hits) < len(VARIANTS):  # noqa: ASYNC110 - nginx asks in the background
            await asyncio.sleep(0.05)
        assert {one.status for one in expired} == {200}
        assert set(origin.hits.values()) == {1}, origin.hits
        assert {one.headers["x-cache"] for one in expired} <= {"STALE", "UPDATING", "HIT", "REVALIDATED"}

        await origin.stop()
        gone = await crowd(nginx.plain, second, READERS, ACCEPTED)
        assert {one.status for one in gone} == {200}
        assert {one.headers["x-cache"] for one in gone} <= {"STALE", "UPDATING"}
        plain, before = (next(one for one in told if "content-encoding" not in one.headers) for told in (gone, cold[1]))
        assert plain.body == before.body
        assert b'data-as-of="' in plain.body
        # A reader's now is Date + Age: both are nginx's own, so what is old is known to be.
        assert parsedate_to_datetime(plain.headers["date"]) > parsedate_to_datetime(before.headers["date"])
        assert "age" not in plain.headers


async def test_through_the_front_door(tmp_path: Path) -> None:
    """Over https: the path is taken off, the reader's address arrives, ETags answer 304, errors are not kept."""
    async with asyncio.timeout(55), behind(tmp_path) as (origin, nginx):
        trusted = ssl.create_default_context(cafile=str(nginx.certificate))
        resolver = aiohttp.TCPConnector(ssl=trusted, resolver=_Here())
        async with aiohttp.ClientSession(connector=resolver) as session:
            async with session.get(f"{nginx.secure}/prices/v1/prices") as answer:
                assert (answer.status, (await answer.json())["prices"][0]["id"]) == (200, "bitcoin")
                etag, vary = answer.headers["ETag"], answer.headers["Vary"]
            assert vary == "Accept-Encoding"
            async with session.get(f"{nginx.secure}/prices/v1/prices", headers={"If-None-Match": etag}) as answer:
                assert (answer.status, answer.headers["X-Cache"]) == (304, "HIT")
            for _ in range(2):
                async with session.get(f"{nginx.secure}/prices/v1/prices/nothing") as answer:
                    assert (answer.status, answer.headers["X-Cache"]) == (404, "MISS")
            async with session.get(f"{nginx.secure}/prices/v1/stream?coins=bitcoin") as answer:
                assert answer.content_type == "text/event-stream"
                said = await answer.content.readuntil(b"\n\n")
                while not said.startswith(b"id: 7-1"):
                    said = await answer.content.readuntil(b"\n\n")
                assert b'"full":true' in said
            async with session.post(f"{nginx.secure}/prices/v1/prices", data=b"x" * 2048) as answer:
                assert answer.status == 413
            async with session.get(f"{nginx.secure}/elsewhere") as answer:
                assert answer.status == 404
        assert origin.from_whom == {"127.0.0.1"}
        assert sum(count for (path, _), count in origin.hits.items() if path == "/v1/prices/nothing") == 2


class _Here(aiohttp.abc.AbstractResolver):
    """Every name is this machine."""

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[Any]:
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": 2, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        """Nothing to let go of."""
