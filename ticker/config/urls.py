"""What addresses must look like in a configuration. Opens nothing and resolves nothing."""

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from ticker.public import is_public

_PRINTABLE = re.compile(r"[!-~]{1,2048}")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_-]+)*\.?")
_ANCESTOR = re.compile(
    r"\*|'self'|'none'|https?:|(?:https?://)?(?:\*\.)?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?::[0-9*]{1,5})?"
)
_STORE_SCHEMES = (
    "redis",
    "rediss",
    "unix",
    "redis+sentinel",
    "rediss+sentinel",
    "redis+cluster",
    "rediss+cluster",
)


def web_url(text: str, *, schemes: tuple[str, ...] = ("https", "http"), query: bool = False) -> str:
    """A web address without user and fragment, without a query unless it may have one, no slash at the end."""
    parts = _split(text)
    if parts.scheme not in schemes:
        raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not contain a user name or password")
    if "#" in text or ("?" in text and not query):
        raise ValueError("must not contain a fragment (#)" if "#" in text else "must not contain a query (?)")
    if not is_host(parts.hostname or ""):
        raise ValueError("must name a host")
    return text.rstrip("/")


def public_url(text: str) -> str:
    """Where readers reach us. Its path begins addresses of our own, which must not lead to another host."""
    url = web_url(text)
    if "\\" in url or "//" in urlsplit(url).path:
        raise ValueError("must not contain \\ or, in its path, //")
    return url


def source_url(text: str, *, allow_private: bool, query: bool = False) -> str:
    """The base address of a source: https to a public host, unless private ones are allowed."""
    if text.startswith("http://") and not allow_private:
        raise ValueError("must begin with https://; http is for sources with allow_private = true")
    url = web_url(text, query=query)
    if not allow_private and is_private(urlsplit(url).hostname or ""):
        raise ValueError("is not a public address; such sources need allow_private = true")
    return url


def stream_url(text: str, *, allow_private: bool) -> str:
    """The address of a live feed: wss to a public host, unless private ones are allowed."""
    if text.startswith("ws://") and not allow_private:
        raise ValueError("must begin with wss://; ws is for sources with allow_private = true")
    url = web_url(text, schemes=("wss", "ws"))
    if not allow_private and is_private(urlsplit(url).hostname or ""):
        raise ValueError("is not a public address; such sources need allow_private = true")
    return url


def origin(text: str) -> str:
    """A web origin as browsers send it: scheme, host and port; or "*"."""
    if text != "*" and urlsplit(web_url(text)).path:
        raise ValueError("must be an origin such as https://example.org, without a path")
    return text if text == "*" else text.rstrip("/").lower()


def frame_ancestor(text: str) -> str:
    """A source expression of the `frame-ancestors` directive, which nothing can be smuggled through."""
    if not _ANCESTOR.fullmatch(text):
        raise ValueError('must be "*", "\'self\'", "\'none\'" or an origin such as https://*.example.org')
    return text


def store_url(text: str) -> str:
    """`embedded:PATH` or an address of Redis; what stands in it is the store's to read."""
    if text.startswith("embedded:"):
        if any(ord(char) < 32 for char in text):
            raise ValueError("must not contain control characters")
        return text
    scheme = text.partition("://")[0]
    if scheme not in _STORE_SCHEMES or not _PRINTABLE.fullmatch(text) or len(text) == len(scheme) + 3:
        raise ValueError(f"must be embedded:PATH or begin with {', '.join(f'{one}://' for one in _STORE_SCHEMES)}")
    return text


def has_password(text: str) -> bool:
    """Whether a store's address holds a password."""
    head, _, tail = text.partition("?")
    user = head.partition("://")[2].rpartition("@")[0]
    return ":" in user or "password=" in tail


def is_host(text: str) -> bool:
    """Whether it can be a host: a name, or an IPv4 or IPv6 address."""
    return _is_address(text) or bool(_HOST.fullmatch(text))


def is_private(host: str) -> bool:
    """Whether a host says by itself that it is not on the public internet."""
    if _is_address(host):
        return not is_public(host)
    name = host.rstrip(".").lower()
    if _NUMBER.fullmatch(name.rpartition(".")[2]):  # 127.1, 0x7f.1: some resolvers read an address in it
        return True
    return name == "localhost" or name.endswith((".localhost", ".local", ".internal")) or "." not in name


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _split(text: str) -> SplitResult:
    if not _PRINTABLE.fullmatch(text):
        raise ValueError("must be a URL of printable ASCII without spaces")
    try:
        parts = urlsplit(text)
        valid = parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise ValueError("is not a URL")
    return parts
