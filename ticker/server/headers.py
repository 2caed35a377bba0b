"""The headers of every answer: caching, sharing, locking down. Pure.

Sources: RFC 9111 and 5861 for caching, trust rules 32 and 33. Knows no body and no route.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence

CACHE = "public, max-age=5, s-maxage=10, stale-while-revalidate=60, stale-if-error=300"
NO_STORE = "no-store"

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
JAVASCRIPT = "text/javascript; charset=utf-8"
CSS = "text/css; charset=utf-8"
SVG = "image/svg+xml; charset=utf-8"
TEXT = "text/plain; charset=utf-8"


def source(style: str) -> str:
    """The CSP source of a style that stands in a page: "sha256-…"."""
    return "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def policy(
    style_hashes: Sequence[str], frame_ancestors: Sequence[str], *, script: bool = True, form: bool = False
) -> str:
    """The Content-Security-Policy of a page: our own styles, script, marks and prices, framed by whom ops allow.

    `style_hashes` are CSP sources without quotes ("sha256-…"); no ancestors means nobody. Without `script` none runs;
    with `form` a form may ask us again.
    """
    asks = "'self'" if form else "'none'"
    live = "script-src 'self'; connect-src 'self'; " if script else ""
    styles = " ".join(("'self'", *(f"'{one}'" for one in style_hashes)))
    ancestors = " ".join(frame_ancestors) or "'none'"
    return (
        f"default-src 'none'; {live}style-src {styles}; img-src 'self'; "
        f"base-uri 'none'; form-action {asks}; frame-ancestors {ancestors}"
    )


def sharing(origins: Sequence[str], origin: str | None) -> dict[str, str]:
    """The CORS headers for a request from `origin`, without credentials; none where it is not allowed."""
    exposed = {"Access-Control-Expose-Headers": "Date, Age, ETag"}
    if "*" in origins:
        return {"Access-Control-Allow-Origin": "*", **exposed}
    if origin is not None and origin in origins:
        return {"Access-Control-Allow-Origin": origin, **exposed}
    return {}


def vary(origins: Sequence[str]) -> str:
    """What caches must tell answers apart by."""
    return "Accept-Encoding" if "*" in origins else "Accept-Encoding, Origin"


def accepts_gzip(header: str | None) -> bool:
    """Whether an Accept-Encoding header takes gzip (RFC 9110, 12.5.3)."""
    weights = dict(_weight(part) for part in (header or "").lower().split(","))
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _weight(part: str) -> tuple[str, float]:
    coding, _, parameter = part.partition(";")
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return coding.strip(), 1.0
    try:
        return coding.strip(), float(value)
    except ValueError:
        return coding.strip(), 0.0


def not_modified(if_none_match: str | None, etag: str) -> bool:
    """Whether the reader has this very answer; weak and strong tags compare alike here (RFC 9110, 13.1.2)."""
    if if_none_match is None:
        return False
    tags = (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))
    return if_none_match.strip() == "*" or etag in tags


SECURITY: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Server": "ticker",  # in place of the versions of what we run on
    # Of what is no page; a page has a policy of its own in its place.
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
EMBED: Mapping[str, str] = {"X-Robots-Tag": "noindex"}
