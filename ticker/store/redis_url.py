"""Reading a Redis URL: what to connect to, and the same without its secrets.

    redis://[USER:PASSWORD@]HOST[:PORT][/DB]      rediss:// is the same over TLS
    unix://[USER:PASSWORD@]/PATH[?db=DB]          a socket of this machine

Query: `db`, and for rediss `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile` (paths of files). Everything else is refused
by name. An error never repeats the URL, since it may hold a password. Makes no connection.
"""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ticker.errors import ConfigError

_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")


@dataclass(frozen=True, slots=True)
class Address:
    """`shown` is the URL for logs and errors. `settings` are keyword arguments of redis-py's connection of `scheme`."""

    scheme: str
    shown: str
    settings: dict[str, Any] = field(repr=False)
    secret: str | None = field(default=None, repr=False)


def parse(url: str) -> Address:
    """Raises `ConfigError` with key `url` where it is no Redis URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # The cause is not chained: it quotes the part it stumbled over, which may be half of a password.
        raise _refused("cannot be read; write / # ? @ : in a user name or password as %2F %23 %3F %40 %3A") from None
    settings: dict[str, Any] = {}
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    database = options.pop("db", "0")
    if parts.scheme == "unix":
        if parts.hostname or len(parts.path) < 2:
            raise _refused("unix:// needs the absolute path of a socket: unix:///run/redis/redis.sock")
        settings["path"] = unquote(parts.path)
        shown = f"unix://{settings['path']}"
    else:
        if not parts.hostname:
            raise _refused(f"{parts.scheme}:// needs a host: {parts.scheme}://localhost:6379/0")
        database = parts.path.strip("/") or database
        settings["host"], settings["port"] = unquote(parts.hostname), 6379 if port is None else port
        host = f"[{settings['host']}]" if ":" in settings["host"] else settings["host"]
        shown = f"{parts.scheme}://{host}:{settings['port']}"
    if not (database.isascii() and database.isdigit() and len(database) < 6):
        raise _refused("the database after the address must be a number")
    for name in options:
        if name not in _TLS_FILES or parts.scheme != "rediss":
            raise _refused(f"does not take {name[:40]!r} after the question mark")
    settings |= options
    settings["db"] = int(database)
    if parts.username:
        settings["username"] = unquote(parts.username)
    secret = unquote(parts.password) if parts.password else None
    if secret is not None:
        settings["password"] = secret
    return Address(parts.scheme, f"{shown}/{database}" if parts.scheme != "unix" else shown, settings, secret)


def _refused(reason: str) -> ConfigError:
    return ConfigError("[store]", "url", reason)
