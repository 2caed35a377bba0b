"""A folder of published files: each written whole or not at all, only where it changed, and cleared of our old ones.

A file is written beside its place, flushed to the disk, and moved there, so readers and crashes see the old one or the
new one. `manifest.json` comes last: what stands in it is there. What is not in it was not written by us and stays.
Knows paths and bytes; not what they mean.
"""

import fcntl
import hashlib
import logging
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ticker.errors import TickerError
from ticker.publishing import File

log = logging.getLogger("ticker.publish")

MANIFEST = "manifest.json"
GENERATOR = "ticker publish"  # how we know a manifest of ours

_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:/[A-Za-z0-9][A-Za-z0-9_-]*)*(?:\.[a-z0-9]+){1,3}", re.ASCII)
_UNFINISHED = ".ticker-unfinished"


class _Entry(msgspec.Struct, frozen=True):
    """What the manifest says of a file: its bytes, and what of them is news, both as SHA-256."""

    sha256: str
    news: str
    size: int


class _Manifest(msgspec.Struct, frozen=True):
    generator: str = ""
    id: str = ""
    built_at: float = 0.0
    files: dict[str, _Entry] = {}


@dataclass(frozen=True, slots=True)
class Done:
    """How many files a round wrote, left as they were, and removed."""

    written: int
    unchanged: int
    removed: int


class StaticFolder:
    """One folder, ours alone from `open` to `close`. Every method raises `TickerError` with the path and the reason."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock: int | None = None
        self._known: dict[str, _Entry] = {}

    def open(self) -> None:
        """Make it if need be, and read what we left there."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise TickerError(f"{self._folder}: another ticker publish is writing there") from error
        except OSError as error:
            raise TickerError(f"{self._folder}: cannot be written to: {error.strerror}") from error
        try:
            self._known = self._left()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let others write here; safe to call twice."""
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def write(self, files: Mapping[str, File], snapshot: str, built_at: float) -> Done:
        """Make the folder hold these files, and of ours no others. `snapshot` and `built_at` go into the manifest."""
        if self._lock is None:
            raise RuntimeError("the folder is not open")
        found: dict[str, _Entry] = {}
        written = removed = 0
        try:
            for path, file in files.items():
                entry = _Entry(_digest(file.body), _digest(file.news), len(file.body))
                known = self._known.get(path)
                if known is not None and known.news == entry.news and self._holds(path, known):
                    found[path] = known
                    continue
                self._put(path, file.body)
                found[path] = self._known[path] = entry
                written += 1
            for path in self._known.keys() - found.keys():
                removed += self._remove(path)
                del self._known[path]
            self._put(
                MANIFEST, msgspec.json.encode(_Manifest(GENERATOR, snapshot, built_at, dict(sorted(found.items()))))
            )
            self._sweep(found)
        except OSError as error:
            raise TickerError(f"{error.filename or self._folder}: cannot be written: {error.strerror}") from error
        return Done(written, len(found) - written, removed)

    def _left(self) -> dict[str, _Entry]:
        """What the last round wrote. A manifest that is not ours means that the folder is not, either."""
        try:
            text = (self._folder / MANIFEST).read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise TickerError(f"{self._folder / MANIFEST}: cannot be read: {error.strerror}") from error
        try:
            manifest = msgspec.json.decode(text, type=_Manifest)
        except msgspec.MsgspecError:
            manifest = _Manifest()
        if manifest.generator != GENERATOR:
            raise TickerError(f"{self._folder / MANIFEST} is not ours; publish into a folder of its own")
        return {path: entry for path, entry in manifest.files.items() if _PATH.fullmatch(path)}

    def _holds(self, path: str, entry: _Entry) -> bool:
        """Whether the file is as we left it."""
        try:
            return _digest((self._folder / path).read_bytes()) == entry.sha256
        except OSError:
            return False

    def _put(self, path: str, body: bytes) -> None:
        if not _PATH.fullmatch(path):
            raise ValueError(f"{path!r} is no path of a published file")
        place = self._folder / path
        unfinished = place.with_name(f".{place.name}{_UNFINISHED}")
        place.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            unfinished.unlink()  # of a round that was killed
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(place)

    def _remove(self, path: str) -> bool:
        """Remove a file that is as we left it; what somebody has changed is theirs."""
        if not self._holds(path, self._known[path]):
            log.info("%s is no longer published, and stays: it is not as we left it", self._folder / path)
            return False
        (self._folder / path).unlink(missing_ok=True)
        return True

    def _sweep(self, found: Mapping[str, object]) -> None:
        """Clear what rounds left that were killed."""
        for folder in {(self._folder / path).parent for path in (MANIFEST, *found)}:
            for left in folder.glob(f".*{_UNFINISHED}"):
                left.unlink(missing_ok=True)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
