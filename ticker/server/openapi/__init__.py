"""`/v1/openapi.json`: every JSON we hand out, described in OpenAPI 3.1. Pure; the tests hold each answer against it.

Written by hand, in one place: `schemas` are the bodies, `paths` the doors, and what both take from the code is what the
code checks with (currencies, bounds, choices).
"""

from typing import Any

from ticker import __version__
from ticker.server.openapi.paths import dialect_paths, paths, status_path
from ticker.server.openapi.schemas import RESPONSES, SCHEMAS
from ticker.server.openapi.status import STATUS

__all__ = ["document"]


def document(origin: str, *, dialect: bool, status: bool = True) -> dict[str, Any]:
    """The description of a server that readers reach at `origin`."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Latest market prices",
            "version": __version__,
            "summary": "Settled prices of coins, with the age and the agreement of each.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": origin}],
        "paths": paths() | (status_path() if status else {}) | (dialect_paths() if dialect else {}),
        "components": {"schemas": {**SCHEMAS, "Status": STATUS}, "responses": RESPONSES},
    }
