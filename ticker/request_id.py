"""The name of the request that is being answered, for every line of the log that is written meanwhile.

A name is made when it is first asked for, since most answers need none.
"""

import os
import re
from collections.abc import Callable
from contextvars import ContextVar

CURRENT: ContextVar[Callable[[], str] | None] = ContextVar("ticker_request_id", default=None)

_WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}", re.ASCII)


def well_formed(text: str | None) -> bool:
    """Whether a name from outside may stand in our log: 8 to 64 letters, digits, and . _ -, such as a UUID."""
    return text is not None and _WELL_FORMED.fullmatch(text) is not None


def made() -> str:
    """A new name: 16 hex digits."""
    return os.urandom(8).hex()


def current() -> str | None:
    """The name of the request that is being answered here; None outside of one."""
    name = CURRENT.get()
    return None if name is None else name()
