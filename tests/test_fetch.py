"""The road out, against a real server that misbehaves (trust rules 17, 18, 36)."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp.abc import AbstractResolver

from ticker.errors import (
    ForbiddenAddress,
    Malformed,
    NotFound,
    RateLimited,
    Redirected,
    Refused,
    ServerFailed,
    SourceError,
    TimedOut,
    TooLarge,
    Unreachable,
)
from ticker.fetch import Ask, Fetcher
from ticker.outside import PublicResolver, error_of_status, is_public

NOW = 1_800_000_000.0
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(talk: Talk) -> AsyncIterator[str]:
    """A TCP server that reads a request head and then does what `talk` says; gives its base address."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def saying(status: str = "200 OK", body: bytes = b"{}", **headers: str) -> Talk:
    """A server that answers once, with these headers (underscores are dashes)."""
    given = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items() if value)

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body)
        await writer.drain()

    return talk


async def ask(base_url: str, **more: object) -> bytes:
    """The body, or the error, of one GET there."""
    async with Fetcher("ticker/test", lambda: NOW) as fetcher:
        given: dict[str, object] = {"deadline": 2.0, "allow_private": True, **more}
        return (await fetcher.fetch(Ask("kraken", base_url, "/x", **given))).body  # type: ignore[arg-type]


async def failure(talk: Talk, **more: object) -> SourceError:
    """The error that such a server's answer becomes."""
    async with serving(talk) as base_url:
        with pytest.raises(SourceError) as caught:
            await ask(base_url, **more)
        return caught.value


async def test_a_good_answer_is_its_body() -> None:
    """Status 200, expected type, identity."""
    async with serving(saying(body=b'{"a":1}')) as base_url:
        assert await ask(base_url) == b'{"a":1}'


async def test_gzip_is_opened() -> None:
    """What we ask for, we read; the wire size is what was sent."""
    body = b'{"a":"' + b"x" * 10_000 + b'"}'
    async with (
        serving(saying(body=gzip.compress(body), Content_Encoding="gzip")) as base_url,
        Fetcher("ticker/test", lambda: NOW) as fetcher,
    ):
        answer = await fetcher.fetch(Ask("kraken", base_url, "/x", allow_private=True))

    assert answer.body == body
    assert answer.wire == len(gzip.compress(body))


async def test_query_and_headers_are_sent_as_given() -> None:
    """Order and commas of the query stay, the base address may have a path, our name is told."""
    seen: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        await saying()(reader, writer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mirror/"
    async with Fetcher("ticker/test", lambda: NOW) as fetcher:
        await fetcher.fetch(
            Ask("x", base_url, "/v1/a", (("ids", "a,b"), ("q", "é&")), {"X-Key": "s"}, allow_private=True)
        )
    server.close()

    lines = seen[0].decode().split("\r\n")
    assert lines[0] == "GET /mirror/v1/a?ids=a,b&q=%C3%A9%26 HTTP/1.1"
    assert {"X-Key: s", "User-Agent: ticker/test", "Accept-Encoding: gzip"} <= set(lines)


def test_a_key_stays_out_of_the_repr() -> None:
    """Headers may hold a secret."""
    assert "hunter2" not in repr(Ask("x", "https://a", "/", headers={"X-Key": "hunter2"}))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("301 Moved", Redirected),
        ("302 Found", Redirected),
        ("400 Bad Request", Refused),
        ("401 Unauthorized", Refused),
        ("402 Payment Required", RateLimited),
        ("403 Forbidden", Refused),
        ("404 Not Found", NotFound),
        ("410 Gone", NotFound),
        ("418 Teapot", RateLimited),
        ("429 Too Many Requests", RateLimited),
        ("451 Unavailable", Refused),
        ("500 Oops", ServerFailed),
        ("503 Busy", ServerFailed),
        ("206 Partial Content", Refused),
    ],
)
async def test_a_status_becomes_an_error(status: str, kind: type[SourceError]) -> None:
    """One class a meaning; the status and the server's words are in the cause."""
    error = await failure(saying(status, b'{"msg":"restricted location"}', Location="http://127.0.0.1/elsewhere"))

    assert type(error) is kind
    assert error.cause.startswith(f"HTTP {status[:3]}")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30.0),
        ("0", 0.0),
        ("999999999", 86_400.0),
        ("Fri, 15 Jan 2027 08:02:00 GMT", 120.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
        ("soon", None),
        ("٣٠", None),
        ("-5", None),
        (None, None),
    ],
)
def test_retry_after_in_both_forms(header: str | None, seconds: float | None) -> None:
    """Seconds or a date, at most a day; nonsense says nothing."""
    error = error_of_status("kraken", 429, {"Retry-After": header} if header else {}, b"", NOW)

    assert error.retry_after == seconds


async def test_a_challenge_page_with_200_is_malformed() -> None:
    """HTML where JSON is expected is refused before anything reads it."""
    error = await failure(saying(body=b"<html>Just a moment...</html>", Content_Type="text/html"))

    assert isinstance(error, Malformed)


async def test_a_large_body_is_refused() -> None:
    """As sent, or grown from gzip: the limit is on what would be in memory."""
    assert isinstance(await failure(saying(body=b"[" + b" " * 5000 + b"]"), max_body=4096), TooLarge)
    bomb = gzip.compress(b" " * 50_000_000)
    assert isinstance(await failure(saying(body=bomb, Content_Encoding="gzip"), max_body=4096), TooLarge)


async def test_a_body_at_the_limit_is_read() -> None:
    """The limit itself is allowed."""
    body = b"[" + b" " * 4094 + b"]"
    async with serving(saying(body=gzip.compress(body), Content_Encoding="gzip")) as base_url:
        assert await ask(base_url, max_body=4096) == body


@pytest.mark.parametrize(
    ("talk", "kind"),
    [
        (saying(body=b"not gzip", Content_Encoding="gzip"), Malformed),
        (saying(body=gzip.compress(b"{}" * 999)[:-9], Content_Encoding="gzip"), Malformed),
        (saying(body=b"{}", Content_Encoding="br"), Malformed),
        (saying(body=b"{}", Content_Length="100"), Unreachable),
        (saying("200 OK\r\nno colon here"), Unreachable),
        (saying("banana"), Unreachable),
    ],
    ids=["not gzip", "cut gzip", "unasked encoding", "cut body", "bad header", "no status"],
)
async def test_a_broken_answer_is_our_error(talk: Talk, kind: type[SourceError]) -> None:
    """No foreign exception escapes."""
    assert isinstance(await failure(talk), kind)


async def test_a_black_hole_ends_at_the_deadline() -> None:
    """A server that reads and says nothing costs the deadline and no more."""

    async def silent(*_: object) -> None:
        await asyncio.sleep(5)

    started = time.monotonic()
    error = await failure(silent, deadline=0.3)

    assert isinstance(error, TimedOut)
    assert time.monotonic() - started < 1.5


async def test_a_drip_ends_at_the_deadline() -> None:
    """One byte now and then does not extend it."""

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
        for _byte in range(100):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    started = time.monotonic()
    error = await failure(drip, deadline=0.4)

    assert isinstance(error, TimedOut)
    assert time.monotonic() - started < 1.5


async def test_reset_at_every_tenth_byte() -> None:
    """A connection that breaks anywhere in the answer is Unreachable, and nothing of it is used."""
    whole = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n"
        + b"[1,2,3,4,5,6,7,8,9,10,11,12,13]"
    )

    for cut in range(0, len(whole) - 10, 10):

        async def part(_: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: int = cut) -> None:
            writer.write(whole[:cut])
            await writer.drain()
            writer.transport.abort()

        assert isinstance(await failure(part), Unreachable), cut


async def test_nobody_there() -> None:
    """A refused connection is Unreachable."""
    async with serving(saying()) as base_url:
        pass
    with pytest.raises(Unreachable):
        await ask(base_url)


async def test_cancellation_passes_through() -> None:
    """Whoever stops the poll is not kept waiting, and is not told of an error."""

    async def silent(*_: object) -> None:
        await asyncio.sleep(5)

    async with serving(silent) as base_url:
        task = asyncio.create_task(ask(base_url))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


FORBIDDEN = [
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
    "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:169.254.169.254", "2002:7f00:1::", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1",
]  # fmt: skip


@pytest.mark.parametrize("address", FORBIDDEN)
async def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    """As a literal in a URL, and as what a name resolves to (rule 36)."""
    assert not is_public(address)

    class Lying(AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: int = 0) -> list:  # type: ignore[type-arg,override]
            return [
                {"hostname": host, "host": h, "port": port, "family": family, "proto": 0, "flags": 0}
                for h in ("93.184.216.34", address)
            ]

        async def close(self) -> None: ...

    with pytest.raises(OSError, match="not a public address"):
        await PublicResolver(Lying()).resolve("rebind.example")
    if "%" not in address:
        host = f"[{address}]" if ":" in address else address
        with pytest.raises(ForbiddenAddress):
            await ask(f"https://{host}", allow_private=False)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "::ffff:93.184.216.34"])
def test_public_addresses_are_public(address: str) -> None:
    """The guard refuses no honest source."""
    assert is_public(address)


@pytest.mark.parametrize("url", ["http://api.kraken.com", "https://2130706433", "https://0x7f.1", "https://127.1"])
async def test_plain_http_and_odd_literals_are_refused(url: str) -> None:
    """Without allow_private there is https to public addresses, and nothing else."""
    with pytest.raises((ForbiddenAddress, Unreachable)):
        await ask(url, allow_private=False)


async def test_a_name_for_this_machine_is_refused() -> None:
    """localhost resolves to an address that is not public."""
    with pytest.raises(ForbiddenAddress, match="localhost"):
        await ask("https://localhost:1", allow_private=False)
