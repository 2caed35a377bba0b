"""Where the primary is, asked anew for every connection: a fixed address, Sentinel's word, or the owner of our slot.

All our keys have one hash tag, so in a cluster they are on one node, and a connection to that node is all we need.
Whoever answers must say by ROLE that it is a primary; one that is no more, or has moved our slot away, is left, and the
next connection asks again (trust rules 23 and 24). Knows no keys and no values.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from redis.asyncio import SSLConnection
from redis.asyncio.connection import Connection
from redis.crc import key_slot
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    ReadOnlyError,
    RedisError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as NoConnection

from ticker.store.redis_url import Address

LEAVE = (AskError, ClusterDownError, MasterDownError, MovedError, ReadOnlyError, TryAgainError)
"""Errors after which every connection is made anew: another node may be the primary now."""


class Route(Protocol):
    """Finds the primary."""

    async def primary(self) -> tuple[str, int]:
        """Host and port. Raises an error of redis-py where nobody knows."""
        ...


class _Asking:
    """Asks nodes in turn, whoever answered last first."""

    def __init__(self, nodes: tuple[tuple[str, int], ...], settings: Mapping[str, Any], *, tls: bool) -> None:
        self._nodes, self._settings = list(nodes), settings
        self._kind: type[Connection] = SSLConnection if tls else Connection

    async def _ask(self, node: tuple[str, int], *command: str) -> Any:  # noqa: ANN401 - whatever Redis answers
        connection = self._kind(host=node[0], port=node[1], **self._settings)
        try:
            await connection.connect()  # type: ignore[no-untyped-call]
            await connection.send_command(*command)
            return await connection.read_response()
        finally:
            await connection.disconnect(nowait=True)

    async def primary(self) -> tuple[str, int]:
        told = "nobody answers"
        for node in list(self._nodes):
            try:
                found = await self._primary_by(node)
            except (RedisError, OSError, RuntimeError) as error:  # the last of uvloop, of what has just closed
                told = str(error) or "no answer in time"
                continue
            if found is not None:
                self._nodes.sort(key=lambda one: one != node)
                return found
            told = self._unknown
        raise NoConnection(f"no primary is known: {told}")

    _unknown = "it has none"

    async def _primary_by(self, node: tuple[str, int]) -> tuple[str, int] | None:
        raise NotImplementedError


class BySentinel(_Asking):
    """The primary of this name, as Sentinels know it."""

    def __init__(
        self, nodes: tuple[tuple[str, int], ...], name: str, settings: Mapping[str, Any], *, tls: bool
    ) -> None:
        super().__init__(nodes, settings, tls=tls)
        self._name = name
        self._unknown = f"Sentinel watches no {name!r}"

    async def _primary_by(self, node: tuple[str, int]) -> tuple[str, int] | None:
        found = await self._ask(node, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._name)
        return None if found is None else (found[0].decode(), int(found[1]))


class BySlot(_Asking):
    """The node of a cluster that has our keys."""

    def __init__(
        self, nodes: tuple[tuple[str, int], ...], prefix: str, settings: Mapping[str, Any], *, tls: bool
    ) -> None:
        super().__init__(nodes, settings, tls=tls)
        self._slot = key_slot(prefix.encode())
        self._unknown = f"nobody has slot {self._slot}"

    async def _primary_by(self, node: tuple[str, int]) -> tuple[str, int] | None:
        for first, last, owner, *_ in await self._ask(node, "CLUSTER", "SLOTS"):
            if first <= self._slot <= last:
                return owner[0].decode() if owner[0] else node[0], int(owner[1])
        return None


class RoutedConnection(Connection):
    """A connection to whoever is the primary when it is made."""

    def __init__(self, *, route: Route, **settings: Any) -> None:  # noqa: ANN401 - redis-py's own
        super().__init__(**settings)
        self._route = route

    async def connect_check_health(self, check_health: bool = True, retry_socket_connect: bool = True) -> None:
        """Find the primary, then connect to it."""
        if not self.is_connected:
            self.host, self.port = await self._route.primary()
        await super().connect_check_health(check_health, retry_socket_connect)

    async def on_connect_check_health(self, check_health: bool = True) -> None:
        """Log in, and leave where it is not the primary."""
        await super().on_connect_check_health(check_health)
        await self.send_command("ROLE")
        role = (await self.read_response())[0]
        if role != b"master":
            raise NoConnection(f"{self.host}:{self.port} is not the primary: its role is {role.decode()}")


class RoutedTlsConnection(RoutedConnection, SSLConnection):
    """The same over TLS."""


def connection(address: Address, prefix: str, timeouts: Mapping[str, Any]) -> tuple[type[Any], dict[str, Any]]:
    """The kind of connection for an address with several nodes, and what redis-py is to make it with."""
    tls = address.tls
    route: Route
    if address.primary is not None:
        route = BySentinel(address.nodes, address.primary, {**address.asking, **timeouts}, tls=tls)
    else:
        route = BySlot(address.nodes, prefix, {**address.settings, **timeouts}, tls=tls)
    return RoutedTlsConnection if tls else RoutedConnection, {**address.settings, "route": route}
