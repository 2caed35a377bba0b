"""What every road out shares: which addresses may be called, how connections are made, what a failure means.

Knows no source's dialect and no configuration. Takes no proxy and no cookie from anywhere. Addresses that are not
public are refused, as literals and as what a name resolves to, unless the caller allows them.
"""

import socket
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver
from yarl import URL

from ticker.errors import (
    ForbiddenAddress,
    NotFound,
    RateLimited,
    Redirected,
    Refused,
    ServerFailed,
    SourceError,
    Unreachable,
    words,
)
from ticker.model import SourceName
from ticker.public import is_public

CONNECT = 3.0
LONGEST_RETRY_AFTER = 86_400.0


def client(
    headers: Mapping[str, str], *, allow_private: bool, middlewares: Sequence[aiohttp.ClientMiddlewareType] = ()
) -> aiohttp.ClientSession:
    """Connections that go to public addresses only, unless private ones are allowed. The caller closes it."""
    resolver = DefaultResolver() if allow_private else PublicResolver(DefaultResolver())
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=resolver, limit_per_host=4, ttl_dns_cache=60),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=dict(headers),
        auto_decompress=False,
        trust_env=False,
        middlewares=middlewares,
    )


def guard(source: SourceName, url: URL, *, allow_private: bool, secure: str) -> None:
    """Raise `ForbiddenAddress` for a URL that we must not call: only `secure` ("https", "wss") and public hosts."""
    if allow_private:
        return
    if url.scheme != secure:
        plain = secure.removesuffix("s")
        raise ForbiddenAddress(source, f"plain {plain} needs allow_private = true")
    if _is_private_literal(url.host or ""):
        raise ForbiddenAddress(source, f"{url.host} is not a public address")


def error_of_failure(source: SourceName, error: Exception) -> SourceError:
    """What a connection that failed or broke means."""
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, _PrivateAddressError):
        return ForbiddenAddress(source, str(error.os_error))
    return Unreachable(source, f"{type(error).__name__}: {error}")


def error_of_status(
    source: SourceName, status: int, headers: Mapping[str, str], excerpt: bytes, now: float
) -> SourceError:
    """The one place that says what a status other than 200 means (apis.md lists who sends what)."""
    said = words(excerpt.decode("utf-8", "replace"))
    cause = f"HTTP {status}" + (f": {said}" if said else "")
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


def _is_private_literal(host: str) -> bool:
    try:
        return not is_public(host)
    except ValueError:
        return False  # a name: the resolver decides
