"""Reading a Redis URL: what to connect to, and the same without its secrets.

    redis://[USER:PASSWORD@]HOST[:PORT][/DB]
    unix://[USER:PASSWORD@]/PATH[?db=DB]                                        a socket of this machine
    redis+sentinel://[USER:PASSWORD@]HOST[:26379][,HOST…]/MASTER[/DB]           the primary that Sentinels call so
    redis+cluster://[USER:PASSWORD@]HOST[:PORT][,HOST…]                         the node of a cluster that has our keys

rediss:// rediss+sentinel:// rediss+cluster:// are the same over TLS, to the Sentinels too. Query: `db`; over TLS
`ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile` (paths of files); for Sentinels that want a login of their own
`sentinel_username`, `sentinel_password`. Everything else is refused by name. An error never repeats the URL, since it
may hold a password. Makes no connection.
"""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ticker.errors import ConfigError

SCHEMES = ("unix", *(f"{one}{kind}" for kind in ("", "+sentinel", "+cluster") for one in ("redis", "rediss")))
MOST_NODES = 16

_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_NODE = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::([0-9]{1,5}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """`shown` is the URL for logs and errors. `settings` are keyword arguments of redis-py's connections.

    `nodes` are the hosts and ports to ask where the primary is, none where `settings` say it; `primary` is what
    Sentinels call it, None in a cluster; `asking` are the settings of connections to Sentinels.
    """

    scheme: str
    shown: str
    settings: dict[str, Any] = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    nodes: tuple[tuple[str, int], ...] = ()
    primary: str | None = None
    asking: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def tls(self) -> bool:
        """Whether connections are made over TLS."""
        return self.scheme.startswith("rediss")


def parse(url: str) -> Address:
    """Raises `ConfigError` with key `url` where it is no Redis URL."""
    scheme, _, rest = url.partition(":")
    scheme = scheme.lower()
    if scheme.endswith(("+sentinel", "+cluster")):
        return _parse_nodes(scheme, rest.removeprefix("//"))
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # The cause is not chained: it quotes the part it stumbled over, which may be half of a password.
        raise _unreadable() from None
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    database = options.pop("db", "0")
    settings: dict[str, Any] = {}
    if scheme == "unix":
        if parts.hostname or len(parts.path) < 2:
            raise _refused("unix:// needs the absolute path of a socket: unix:///run/redis/redis.sock")
        settings["path"] = unquote(parts.path)
        shown = f"unix://{settings['path']}"
    else:
        if not parts.hostname:
            raise _refused(f"{scheme}:// needs a host: {scheme}://localhost:6379/0")
        database = parts.path.strip("/") or database
        settings["host"], settings["port"] = unquote(parts.hostname), 6379 if port is None else port
        shown = f"{scheme}://{_host(settings['host'])}:{settings['port']}"
    settings |= _files(options, scheme) | {"db": _database(database)} | _login(parts.username, parts.password)
    return Address(
        scheme, f"{shown}/{database}" if scheme != "unix" else shown, settings, _secrets(settings.get("password"))
    )


def _parse_nodes(scheme: str, rest: str) -> Address:
    sentinel = scheme.endswith("+sentinel")
    before, question, query = rest.partition("?")
    login, _, before = before.rpartition("@")
    hosts, _, path = before.partition("/")
    user, _, password = login.partition(":")
    options = dict(parse_qsl(query, keep_blank_values=True))
    nodes = tuple(_node(one, 26379 if sentinel else 6379) for one in hosts.split(","))
    if len(nodes) > MOST_NODES or None in nodes:
        if login or question:
            raise _unreadable()
        raise _refused(f"{scheme}:// needs hosts: {scheme}://{'h1:26379,h2/MASTER/0' if sentinel else 'h1:6379,h2'}")
    primary, _, database = path.strip("/").partition("/") if sentinel else ("", "", path.strip("/"))
    if sentinel and not primary:
        raise _refused(f"{scheme}:// needs the name of the primary after the hosts: {scheme}://h1:26379,h2/MASTER/0")
    number = _database(database or options.pop("db", "0"))
    if number and not sentinel:
        raise _refused("a cluster has database 0 and no other")
    own = {name: options.pop(f"sentinel_{name}") for name in ("username", "password") if f"sentinel_{name}" in options}
    if own and not sentinel:
        raise _refused(f"does not take 'sentinel_{next(iter(own))}' after the question mark")
    files = _files(options, scheme)
    settings = files | {"db": number} | _login(user, password)
    known = tuple(node for node in nodes if node is not None)
    shown = f"{scheme}://{','.join(f'{_host(host)}:{port}' for host, port in known)}"
    return Address(
        scheme,
        f"{shown}/{primary}/{number}" if sentinel else shown,
        settings,
        _secrets(settings.get("password"), own.get("password")),
        known,
        unquote(primary) if sentinel else None,
        files | own,
    )


def _node(text: str, port: int) -> tuple[str, int] | None:
    match = _NODE.fullmatch(text)
    if match is None:
        return None
    found = int(match[2] or port)
    return (match[1].strip("[]"), found) if 0 < found < 65_536 else None


def _files(options: dict[str, str], scheme: str) -> dict[str, Any]:
    """The files of TLS among the options. Raises on every other."""
    for name in options:
        if name not in _TLS_FILES or not scheme.startswith("rediss"):
            raise _refused(f"does not take {name[:40]!r} after the question mark")
    return dict(options)


def _database(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise _refused("the database after the address must be a number")
    return int(text)


def _login(user: str | None, password: str | None) -> dict[str, Any]:
    found = {"username": unquote(user)} if user else {}
    return found | ({"password": unquote(password)} if password else {})


def _secrets(*passwords: str | None) -> tuple[str, ...]:
    return tuple(one for one in passwords if one)


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _unreadable() -> ConfigError:
    return _refused("cannot be read; write / # ? @ : in a user name or password as %2F %23 %3F %40 %3A")


def _refused(reason: str) -> ConfigError:
    return ConfigError("[store]", "url", reason)
