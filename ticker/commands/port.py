"""A port that several processes of ours may share, and nobody else; and what to say where it cannot be had.

Knows nothing of what is served there.
"""

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from ticker.errors import TickerError


@contextmanager
def held(host: str, port: int) -> Iterator[int]:
    """Keep a port for sockets of ours alone, without listening; gives its number, also where it was 0.

    Raises `TickerError` where somebody else has it: SO_REUSEPORT alone would let two services share it by accident.
    """
    with ExitStack() as stack:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            for family, kind, protocol, _, address in dict.fromkeys(found):
                with _bound(family, kind, protocol, (address[0], port, *address[2:]), socket.SO_REUSEADDR) as probe:
                    port = probe.getsockname()[1]
                where = (address[0], port, *address[2:])
                stack.enter_context(_bound(family, kind, protocol, where, socket.SO_REUSEPORT))
        except OSError as error:
            raise cannot_listen(host, port, error) from error
        yield port


def cannot_listen(host: str, port: int, error: OSError) -> TickerError:
    """What to tell who wanted this address, and what to do about it where another has it."""
    other = "; --port, or [server] port, takes another" if error.errno == errno.EADDRINUSE else ""
    return TickerError(f"cannot listen on {host}:{port}: {error.strerror}{other}")


def _bound(family: int, kind: int, protocol: int, address: tuple[str | int, ...], option: int) -> socket.socket:
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, option, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock
