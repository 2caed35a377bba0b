"""The only road out: one GET under deadlines and a size limit, and every failure as one of our errors.

Knows no source's dialect and no configuration. Follows no redirect, sends no cookie, takes no proxy from the
environment; which addresses it may call is decided in `outside`.
"""

import asyncio
import logging
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from ticker.errors import Malformed, SourceError, TimedOut, TooLarge
from ticker.model import SourceName
from ticker.outside import client, error_of_failure, error_of_status, guard
from ticker.skew import Skew

log = logging.getLogger("ticker.fetch")

TOTAL = 8.0
_CHUNK = 64 * 1024
_EXCERPT = 2048
_EXCERPT_SECONDS = 1.0


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
        self.skew = Skew()
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": "gzip"}
        self._clock = clock
        self._public: aiohttp.ClientSession | None = None
        self._private: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._public = client(self._headers, allow_private=False)
        self._private = client(self._headers, allow_private=True)
        return self

    async def __aexit__(self, *_: object) -> None:
        for session in (self._public, self._private):
            if session is not None:
                await session.close()

    async def fetch(self, ask: Ask) -> Answer:
        """The answer to `ask`, whole and within its deadline. Raises `SourceError` and nothing else."""
        url = URL(ask.url, encoded=True)
        guard(ask.source, url, allow_private=ask.allow_private, secure="https")
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
            raise error_of_failure(ask.source, error) from error

    async def _read(self, response: aiohttp.ClientResponse, ask: Ask) -> Answer:
        self._compare_clocks(response, ask)
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

    def _compare_clocks(self, response: aiohttp.ClientResponse, ask: Ask) -> None:
        """Tell, once, where the sources agree that our clock is wrong; and once when it is right again."""
        self.skew.note(ask.source, response.headers, self._clock())
        seconds = self.skew.news()
        if seconds is None:
            return
        if not seconds:
            log.info("this machine's clock is right again")
            return
        way = "behind" if seconds > 0 else "ahead"
        suspect = "; ages are wrong and prices may be refused until it is set" if self.skew.suspect else ""
        log.error(
            "this machine's clock is %.0f s %s, by %d sources%s", abs(seconds), way, len(self.skew.offsets), suspect
        )


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
