"""What systemd wants to hear of a service (sd_notify): ready, reloading, stopping, alive. One datagram each.

Knows the protocol only: when to say what is the life cycle's. Without NOTIFY_SOCKET in the environment it is silent.
"""

import logging
import os
import socket
import time
from collections.abc import Mapping

log = logging.getLogger("ticker")


class Notifier:
    """Tells whoever started us how we are. `watchdog` is how long it waits for a sign of life, in seconds; None = it
    waits for none. Nothing here raises: a supervisor that does not listen is told of once, in the log.
    """

    def __init__(self, address: str = "", watchdog: float | None = None) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address  # "@" is an abstract socket
        self.watchdog = watchdog
        self._failed = False

    @classmethod
    def of(cls, environ: Mapping[str, str], pid: int | None = None) -> "Notifier":
        """As the environment of a service says: NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID."""
        address = environ.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return cls()
        usec, whose = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
        ours = not whose or whose == str(os.getpid() if pid is None else pid)
        wanted = ours and usec.isascii() and usec.isdigit() and int(usec) > 0
        return cls(address, int(usec) / 1e6 if wanted else None)

    def ready(self, status: str) -> None:
        """We serve, or serve again after `reloading`; `status` is a line for people."""
        self._tell("READY=1", f"STATUS={status}")

    def status(self, status: str) -> None:
        """A line for people, shown by `systemctl status`."""
        self._tell(f"STATUS={status}")

    def reloading(self) -> None:
        """We read our configuration anew; `ready` must follow."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self, status: str = "stopping") -> None:
        """We have begun to end."""
        self._tell("STOPPING=1", f"STATUS={status}")

    def alive(self) -> None:
        """The sign of life that the watchdog waits for."""
        self._tell("WATCHDOG=1")

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sending:
                sending.setblocking(False)
                sending.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            if not self._failed:
                log.warning("the supervisor cannot be told how we are (NOTIFY_SOCKET): %s", error.strerror)
            self._failed = True
        else:
            self._failed = False


SILENT = Notifier()
