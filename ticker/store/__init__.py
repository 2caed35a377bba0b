"""Where the two halves of the service meet: one narrow contract (`base`), an embedded and a Redis back end.

`open_store` picks the back end by the scheme of its URL. It makes no connection, so a configuration can be checked
with it; only the chosen back end is imported. Its errors never repeat the URL, which may hold a password.
"""

import re
from pathlib import Path

from ticker.errors import ConfigError
from ticker.store.base import KEPT, SILENCE, Store
from ticker.store.redis_url import SCHEMES, parse

_PREFIX = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_KNOWN = (
    "embedded:PATH, redis://HOST:PORT/DB, unix:///PATH, redis+sentinel://H1:PORT,H2:PORT/MASTER/DB or "
    "redis+cluster://H1:PORT,H2:PORT; rediss… is over TLS"
)


def open_store(url: str, prefix: str = "ticker", *, silence: float = SILENCE, keep: float = KEPT["1d"]) -> Store:
    """The store at `url`, not opened yet. `prefix` begins its Redis keys; an embedded file holds one store anyway.

    `keep` is how long it keeps a price a day, in seconds.

    Raises `ConfigError` with key `url` or `prefix` where there can be no such store.
    """
    if not _PREFIX.fullmatch(prefix):
        raise ConfigError("[store]", "prefix", "must be 1 to 64 letters, digits or any of _ . : -", value=prefix)
    scheme, colon, rest = url.partition(":")
    scheme = scheme.lower()
    if colon and scheme == "embedded":
        if not rest:
            raise ConfigError("[store]", "url", "embedded: needs the path of a file after the colon")
        from ticker.store.sqlite import SqliteStore  # here, so that only the back end in use is loaded

        return SqliteStore(Path(rest).expanduser(), silence=silence, keep=keep)
    if colon and scheme in SCHEMES:
        from ticker.store.redis import RedisStore

        return RedisStore(parse(url), prefix, silence=silence, keep=keep)
    raise ConfigError("[store]", "url", f"names no store we know; use {_KNOWN}")
