"""`/oembed`: for whom to paste the address of a widget's page is enough (oEmbed 1.0, type "rich"). Pure.

Only addresses of our own `/embed` pages are answered. Knows no snapshot: what a board needs is told.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from ticker.server import params
from ticker.server.params import Defaults, RequestError
from ticker.server.places import Place, address, asked, size
from ticker.server.snippets import Spot, frame

CACHE_AGE = 3600  # seconds; the frame's own content is never older than its page says
LEAST = 100  # pixels; below, nothing of ours can be read

_PIXELS = re.compile(r"[0-9]{1,5}", re.ASCII)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a consumer asks for."""

    place: Place
    most_width: int | None
    most_height: int | None


def wished(query: Sequence[tuple[str, str]], origin: str, defaults: Defaults) -> Wish:
    """The wish behind a URL. Raises `RequestError`: 404 for an address that is not one of our pages, 501 for XML."""
    given = params.known(query, {"url", "maxwidth", "maxheight", "format"})
    if given.get("format", "json") != "json":
        raise RequestError("unsupported", "only format=json is spoken here", "format")
    if "url" not in given:
        raise RequestError("bad_parameter", "url must be the address of a page under /embed/", "url")
    most = _pixels(given, "maxwidth"), _pixels(given, "maxheight")
    return Wish(_place(given["url"], origin, defaults), *most)


def _pixels(given: dict[str, str], name: str) -> int | None:
    if name not in given:
        return None
    if not _PIXELS.fullmatch(given[name]) or int(given[name]) < LEAST:
        raise RequestError("bad_parameter", f"{name} must be a number of pixels from {LEAST}", name)
    return int(given[name])


def _place(url: str, origin: str, defaults: Defaults) -> Place:
    """The place that one of our pages shows; http and https alike, since proxies change that."""
    nowhere = RequestError("not_found", "this is not the address of a page under /embed/ here", "url")
    try:
        parts, ours = urlsplit(url), urlsplit(origin)
        theirs = (parts.hostname, parts.port or _PORTS.get(parts.scheme))
        here = (ours.hostname, ours.port or _PORTS.get(parts.scheme))
        query = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=50)
    except ValueError:
        raise nowhere from None
    steps = parts.path.removeprefix(f"{ours.path}/embed/").split("/")
    inside = parts.path.startswith(f"{ours.path}/embed/") and len(steps) <= 2
    if parts.scheme not in _PORTS or theirs != here or not inside or parts.username is not None:
        raise nowhere
    kind, coin = unquote(steps[0]), unquote(steps[1]) if len(steps) == 2 else None
    try:
        return asked(kind, coin, query, defaults)
    except RequestError as error:
        raise RequestError("not_found", f"there is no such page here: {error.message}", "url") from error


def answer(wish: Wish, spot: Spot) -> dict[str, Any]:
    """The body."""
    width, height = size(wish.place.kind, spot.board, wish.most_width)
    origin = address(spot.origin)
    return {
        "version": "1.0",
        "type": "rich",
        "title": spot.title,
        "provider_name": urlsplit(origin).hostname,
        "provider_url": f"{origin}/",
        "cache_age": CACHE_AGE,
        "width": width,
        "height": height if wish.most_height is None else min(height, wish.most_height),
        "html": frame(spot, wish.most_width, wish.most_height),
    }


def discovery(place: Place, origin: str) -> str:
    """Where a page of ours is described, for a link in its head."""
    here = address(origin)
    return f"{here}/oembed?format=json&url={quote(here + place.path('embed'), safe='')}"
