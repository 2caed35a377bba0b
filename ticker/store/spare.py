"""A copy of the last snapshot on this machine's disk, for a server that starts while its Redis is down (trust rule 25).

It is sealed like the stored one, so half a file or another one is never taken for it, and it says its own times, so
that it is shown with its true age. One file a Redis and prefix; any number of processes may write it.
"""

import hashlib
import logging
import os
from contextlib import suppress
from pathlib import Path

from ticker.errors import StoreCorrupt
from ticker.model import Snapshot
from ticker.store.base import Publication
from ticker.store.envelope import seal, unseal_snapshot
from ticker.store.redis_url import parse

log = logging.getLogger("ticker.store")

LARGEST = 64 * 1024 * 1024  # bytes that are read


def spare_of(url: str, prefix: str, folder: Path) -> "Spare | None":
    """The copy of what is at this URL, in a folder; None for an embedded store, which is on the disk itself."""
    if url.startswith("embedded:"):
        return None
    name = hashlib.sha256(f"{parse(url).shown} {prefix}".encode()).hexdigest()[:16]
    return Spare(folder / f"last-{name}.snapshot")


class Spare:
    """The file at `path`; its folder is made. Both methods block, and neither raises: no copy is worth an error."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._failed = False

    def load(self) -> Snapshot | None:
        """The copy; None where there is none that we wrote."""
        try:
            with self._path.open("rb") as file:
                return unseal_snapshot(file.read(LARGEST))
        except FileNotFoundError:
            return None
        except (OSError, StoreCorrupt) as error:
            log.warning("%s: the copy of the last snapshot cannot be used: %s", self._path, error)
            return None

    def save(self, snapshot: Snapshot) -> None:
        """Replace the copy, whole or not at all."""
        new = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new.write_bytes(seal(Publication(snapshot)).snapshot)
            new.replace(self._path)
        except OSError as error:
            if not self._failed:
                log.warning("%s: no copy of the last snapshot can be kept: %s", self._path, error.strerror)
            self._failed = True
            with suppress(OSError):
                new.unlink()
        else:
            self._failed = False
