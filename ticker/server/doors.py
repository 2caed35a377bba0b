"""What all doors share, wherever they are written: ready bytes for a key, the response around them, one refusal.

Only names: `app` does it. Knows no path.
"""

from typing import Protocol

from aiohttp import web

from ticker.model import Snapshot
from ticker.server.params import RequestError
from ticker.server.ready import Ready
from ticker.server.shelf import Build


class Answer(Protocol):
    """Dresses ready bytes as the response to a request: encoding, ETag, caching, sharing, and `extra` headers."""

    def __call__(
        self, request: web.Request, ready: Ready, content_type: str, extra: dict[str, str] | None = None
    ) -> web.Response:
        """The response, 304 where the reader has it."""
        ...


class Doors(Protocol):
    """What a door in a module of its own is given."""

    @property
    def answer(self) -> Answer:
        """As `Answer`."""
        ...

    @property
    def snapshot(self) -> Snapshot:
        """The present one. Raises `not_ready` before the first."""
        ...

    def ready(self, key: object, build: Build) -> Ready:
        """What `build` makes of the present snapshot, kept under `key`. Raises `not_ready` before the first."""
        ...


def not_ready() -> RequestError:
    """The refusal before the first snapshot."""
    return RequestError("not_ready", "no prices have been settled yet; try again in a moment")
