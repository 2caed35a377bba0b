"""Nobody makes us call an address inside: every known way to write or to reach one is refused (trust rule 36)."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from ticker import outside
from ticker.config import urls
from ticker.errors import ForbiddenAddress, Redirected, SourceError, Unreachable
from ticker.fetch import Ask, Fetcher
from ticker.sources.kraken import STREAM
from ticker.streaming import Channel, Streamer


class Inside:
    """A server on this machine that must never be called."""

    def __init__(self, port: int) -> None:
        self.port, self.calls = port, 0


@contextlib.asynccontextmanager
async def inside() -> AsyncIterator[Inside]:
    """It listens on IPv4 and, where there is any, IPv6."""
    found = Inside(0)

    async def called(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.calls += 1
        writer.close()

    server = await asyncio.start_server(called, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    servers = [server]
    with contextlib.suppress(OSError):
        servers.append(await asyncio.start_server(called, "::1", found.port, family=socket.AF_INET6))
    try:
        yield found
    finally:
        for one in servers:
            one.close()


VECTORS = {
    "loopback": "https://127.0.0.1:{port}",
    "plain http": "http://127.0.0.1:{port}",
    "another loopback": "https://127.8.9.10:{port}",
    "this host": "https://0.0.0.0:{port}",
    "decimal": "https://2130706433:{port}",
    "hexadecimal": "https://0x7f000001:{port}",
    "hexadecimal parts": "https://0x7f.0x0.0x0.0x1:{port}",
    "octal": "https://0177.0.0.1:{port}",
    "long octal": "https://00000177.0.0.1:{port}",
    "short": "https://127.1:{port}",
    "IPv6 loopback": "https://[::1]:{port}",
    "IPv6 loopback in full": "https://[0:0:0:0:0:0:0:1]:{port}",
    "IPv6 nowhere": "https://[::]:{port}",
    "mapped": "https://[::ffff:127.0.0.1]:{port}",
    "mapped in hexadecimal": "https://[::ffff:7f00:1]:{port}",
    "compatible": "https://[::127.0.0.1]:{port}",
    "translated (NAT64)": "https://[64:ff9b::7f00:1]:{port}",
    "6to4": "https://[2002:7f00:1::]:{port}",
    "link-local with a zone": "https://[fe80::1%25lo]:{port}",
    "a name of this machine": "https://localhost:{port}",
    "a name with a dot": "https://localhost.:{port}",
    "a name in capitals": "https://LOCALHOST:{port}",
    "behind a user name": "https://api.kraken.com@127.0.0.1:{port}",
    "behind a password": "https://api.kraken.com:443@127.0.0.1:{port}",
    "a user that looks like a host": "https://127.0.0.1:{port}#@api.kraken.com",
    "full-width digits": "https://１２７.０.０.１:{port}",
    "ideographic dots": "https://127。0。0。1:{port}",
    "metadata of a cloud": "https://169.254.169.254",
    "a file": "file:///etc/passwd",
    "another protocol": "gopher://127.0.0.1:{port}",
}


@pytest.mark.parametrize("vector", VECTORS)
async def test_it_is_not_called(vector: str) -> None:
    """Refused as one of our errors, before a connection is made."""
    async with inside() as server, Fetcher("ticker/test", lambda: 0.0) as fetcher:
        with pytest.raises(SourceError):
            await fetcher.fetch(Ask("mine", VECTORS[vector].format(port=server.port), "/x", deadline=5.0))
        await asyncio.sleep(0.02)

        assert server.calls == 0


@pytest.mark.parametrize("vector", VECTORS)
def test_it_is_no_address_of_a_source_either(vector: str) -> None:
    """A configuration that names it is refused before anything runs."""
    with pytest.raises(ValueError, match=r"\w"):
        urls.source_url(VECTORS[vector].format(port=8443), allow_private=False)


class Rebinding(AbstractResolver):
    """Says an honest address first, and one inside from then on."""

    def __init__(self) -> None:
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        self.asked += 1
        address = "127.0.0.2" if self.asked == 1 else "127.0.0.1"
        return [ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None: ...


async def test_a_name_that_changes_its_mind(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: what was looked at is what is called; the second answer, inside, is refused."""
    resolver = Rebinding()
    monkeypatch.setattr(outside, "DefaultResolver", lambda: resolver)
    monkeypatch.setattr(outside, "is_public", lambda address: address == "127.0.0.2")  # stands for an honest one
    monkeypatch.setattr(outside, "_is_private_literal", lambda _: False)
    async with inside() as server, Fetcher("ticker/test", lambda: 0.0) as fetcher:
        ask = Ask("mine", f"https://rebind.example:{server.port}", "/x", deadline=5.0)
        with pytest.raises(Unreachable):
            await fetcher.fetch(ask)
        await _forget_names(fetcher)
        with pytest.raises(ForbiddenAddress, match=r"resolves to 127\.0\.0\.1"):
            await fetcher.fetch(ask)

        assert (resolver.asked, server.calls) == (2, 0)


async def _forget_names(fetcher: Fetcher) -> None:
    session = fetcher._public
    assert session is not None
    assert isinstance(session.connector, aiohttp.TCPConnector)
    session.connector.clear_dns_cache()


async def test_a_redirect_inside_is_not_followed() -> None:
    """A source that we may call points inside: it is told as a redirect, and nobody is called."""

    async def pointing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{server.port}/\r\nContent-Length: 0\r\n\r\n"
        writer.write(head.encode())
        await writer.drain()
        writer.close()

    async with inside() as server, Fetcher("ticker/test", lambda: 0.0) as fetcher:
        source = await asyncio.start_server(pointing, "127.0.0.1", 0)
        port = source.sockets[0].getsockname()[1]
        with pytest.raises(Redirected):
            await fetcher.fetch(Ask("mine", f"http://127.0.0.1:{port}", "/x", allow_private=True))
        source.close()

        assert server.calls == 0


@pytest.mark.parametrize("url", ["wss://127.0.0.1:{port}", "ws://127.0.0.1:{port}", "wss://localhost:{port}"])
async def test_a_stream_is_not_called_either(url: str) -> None:
    """The other road out has the same guard."""
    async with inside() as server:
        streamer = Streamer(
            [Channel("kraken", STREAM, url.format(port=server.port), ("BTC/USD",))], lambda *_: None, sleep=_for_ever
        )
        running = asyncio.create_task(streamer.run())
        async with asyncio.timeout(20):
            while streamer.health["kraken"].error is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

        assert isinstance(streamer.health["kraken"].error, ForbiddenAddress)
        assert server.calls == 0


async def _for_ever(_: float) -> None:
    await asyncio.Event().wait()
