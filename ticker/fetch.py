"""The only road out: one GET under deadlines and a size limit, and every failure as one of our errors.

Knows no source's dialect and no configuration. Follows no redirect, sends no cookie, takes no proxy from the
environment. Addresses that are not public are refused, as literals and as what a name resolves to, unless the caller
allows them.
"""

import asyncio
import ipaddress
import socket
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Self
from urllib.parse import urlencode

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver
from yarl import URL

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
from ticker.model import SourceName

CONNECT = 3.0
TOTAL = 8.0
LONGEST_RETRY_AFTER = 86_400.0
_CHUNK = 64 * 1024
_EXCERPT = 2048
_EXCERPT_SECONDS = 1.0
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address behind a translator
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")  # RFC 8215: for use inside one network


@dataclass(frozen=True, slots=True)
class Ask:
    """One GET to make on behalf of a source. `headers` may hold a key, so they stay out of the repr."""

    source: SourceName
    base_url: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    max_body: int = 2 * 2**20
    content_types: tuple[str, ...] = ("application/json",)
    deadline: float = TOTAL
    allow_private: bool = False

    @property
    def url(self) -> str:
        """The base address with the path and query put behind it."""
        query = f"?{urlencode(self.query, safe=',')}" if self.query else ""
        return self.base_url.rstrip("/") + self.path + query


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole, decompressed body that arrived with status 200 and an expected type. `wire` is its size as sent."""

    body: bytes
    wire: int


class Fetcher:
    """Connections to all sources. Use as an asynchronous context manager."""

    def __init__(self, user_agent: str, clock: Callable[[], float]) -> None:
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": "gzip"}
        self._clock = clock
        self._public: aiohttp.ClientSession | None = None
        self._private: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._public = self._session(PublicResolver(DefaultResolver()))
        self._private = self._session(DefaultResolver())
        return self

    async def __aexit__(self, *_: object) -> None:
        for session in (self._public, self._private):
            if session is not None:
                await session.close()

    def _session(self, resolver: AbstractResolver) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=resolver, limit_per_host=4, ttl_dns_cache=60),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
            auto_decompress=False,
            trust_env=False,
        )

    async def fetch(self, ask: Ask) -> Answer:
        """The answer to `ask`, whole and within its deadline. Raises `SourceError` and nothing else."""
        url = URL(ask.url, encoded=True)
        if not ask.allow_private:
            if url.scheme != "https":
                raise ForbiddenAddress(ask.source, "plain http needs allow_private = true")
            if _is_private_literal(url.host or ""):
                raise ForbiddenAddress(ask.source, f"{url.host} is not a public address")
        session = self._private if ask.allow_private else self._public
        if session is None:
            raise RuntimeError("the fetcher is not open")
        try:
            async with asyncio.timeout(ask.deadline):
                async with session.get(url, headers=dict(ask.headers), allow_redirects=False) as response:
                    return await self._read(response, ask)
        except TimeoutError as error:
            raise TimedOut(ask.source, f"more than {ask.deadline:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, _PrivateAddressError):
                raise ForbiddenAddress(ask.source, str(error.os_error)) from error
            raise Unreachable(ask.source, f"{type(error).__name__}: {error}") from error

    async def _read(self, response: aiohttp.ClientResponse, ask: Ask) -> Answer:
        refusal = None
        if response.status != 200:
            excerpt = await _excerpt(response, ask)
            refusal = error_of_status(ask.source, response.status, response.headers, excerpt, self._clock())
        elif response.content_type not in ask.content_types:
            refusal = Malformed(ask.source, f"content type {response.content_type!r} is not expected")
        if refusal is not None:
            response.close()
            raise refusal
        return await _inflate(response, ask.source, ask.max_body)


async def _excerpt(response: aiohttp.ClientResponse, ask: Ask) -> bytes:
    """The beginning of an error page, if it comes at once; what it repeats of our headers (a key) is taken out."""
    try:
        async with asyncio.timeout(_EXCERPT_SECONDS):
            excerpt = (await _inflate(response, ask.source, _EXCERPT)).body
    except (SourceError, TimeoutError, aiohttp.ClientError):
        return b""  # too long, too slow or broken: it says nothing more than its status
    for value in ask.headers.values():
        excerpt = excerpt.replace(value.encode(), b"[removed]")
    return excerpt


async def _inflate(response: aiohttp.ClientResponse, source: SourceName, limit: int) -> Answer:
    """The body, decompressed as it arrives; `TooLarge` as soon as it is, before the rest is read."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip"):
        raise Malformed(source, f"content encoding {encoding!r} was not asked for")
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 16) if encoding == "gzip" else None
    body, wire = bytearray(), 0
    async for chunk in response.content.iter_chunked(_CHUNK):
        wire += len(chunk)
        try:
            body += chunk if inflate is None else inflate.decompress(chunk, limit + 1 - len(body))
        except zlib.error as error:
            raise Malformed(source, f"broken gzip: {error}") from error
        if len(body) > limit or wire > limit or (inflate is not None and inflate.unconsumed_tail):
            response.close()
            raise TooLarge(source, f"more than {limit} bytes")
        if inflate is not None and inflate.unused_data:
            response.close()
            raise Malformed(source, "more bytes after the end of the gzip stream")
    if inflate is not None and not inflate.eof:
        raise Malformed(source, "the gzip stream is cut short")
    return Answer(bytes(body), wire)


def error_of_status(
    source: SourceName, status: int, headers: Mapping[str, str], excerpt: bytes, now: float
) -> SourceError:
    """The one place that says what a status other than 200 means (apis.md lists who sends what)."""
    words = " ".join(excerpt.decode("utf-8", "replace").split())
    cause = f"HTTP {status}" + (f": {''.join(c for c in words if c.isprintable())[:160]}" if words else "")
    retry_after = _retry_after(headers.get("Retry-After"), now)
    if 300 <= status < 400:
        return Redirected(source, cause)
    if status in (402, 418, 429):  # CoinPaprika says 402, Binance 418, where others say 429
        return RateLimited(source, cause, retry_after=retry_after)
    if status in (404, 410):
        return NotFound(source, cause)
    if status >= 500:
        return ServerFailed(source, cause, retry_after=retry_after)
    return Refused(source, cause)


def _retry_after(text: str | None, now: float) -> float | None:
    """Seconds to wait, from either form of the header (RFC 9110, 10.2.3); at most a day; None if it says nothing."""
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdigit():
        return min(float(text.strip()), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return min(max(moment.timestamp() - now, 0.0), LONGEST_RETRY_AFTER)


class _PrivateAddressError(OSError):
    """A name resolves to an address that is not public."""


class PublicResolver(AbstractResolver):
    """Resolves names, and refuses those with any address that is not public (so that rebinding gains nothing)."""

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a name. Raises OSError where one is not public."""
        found = await self._inner.resolve(host, port, family)
        for one in found:
            if not is_public(one["host"]):
                raise _PrivateAddressError(f"{host} resolves to {one['host']}, which is not a public address")
        return found

    async def close(self) -> None:
        """Let go of the resolver."""
        await self._inner.close()


def is_public(address: str) -> bool:
    """Whether a literal address is global unicast, also when it is IPv4 inside IPv6."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed in _NAT64_LOCAL:
            return False
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if parsed in _NAT64:
            inner = ipaddress.IPv4Address(parsed.packed[-4:])
        if inner is not None:
            return is_public(str(inner))
    return parsed.is_global and not parsed.is_multicast


def _is_private_literal(host: str) -> bool:
    try:
        return not is_public(host)
    except ValueError:
        return False  # a name: the resolver decides
