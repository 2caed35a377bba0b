"""What an embedded store could not write, kept in memory: the latest publication, so that readers go on having news.

A full or read-only disk costs what would have been kept, never a price. Told once when it begins and once when it is
over. Knows no file and no SQL.
"""

import logging

from ticker.errors import DiskTrouble, Fenced
from ticker.store.base import Publication

log = logging.getLogger("ticker.store")


class Held:
    """`where` names the file. Holds one publication at most; past prices and decisions are counted, not held."""

    def __init__(self, where: str) -> None:
        self._where = where
        self.publication: Publication | None = None
        self.trouble: DiskTrouble | None = None
        self._lost = 0

    def hold(self, publication: Publication, error: DiskTrouble) -> None:
        """Keep it in the place of what cannot be written. Raises `Fenced` where a newer one is held."""
        if self.publication is not None and publication.snapshot.order <= self.publication.snapshot.order:
            raise Fenced(f"{self._where}: a publication that is not older than {publication.snapshot.id} is held")
        self.publication = publication
        self._tell(error)

    def lose(self, lines: int, error: DiskTrouble) -> None:
        """So many lines of history or decisions cannot be kept."""
        self._lost += lines
        self._tell(error)

    def written(self) -> None:
        """A publication is in the file: nothing needs to be held any more."""
        if self.trouble is not None:
            log.info(
                "%s: it can be written again; %d lines of history and decisions from between are missing",
                self._where,
                self._lost,
            )
        self.publication, self.trouble, self._lost = None, None, 0

    def _tell(self, error: DiskTrouble) -> None:
        if self.trouble is None:
            log.error("%s; prices go on from memory, and nothing is kept until the disk takes it again", error)
        self.trouble = error
