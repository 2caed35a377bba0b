"""`/icons/{file}`: the coin icons that ops drop into `icons/` beside their configuration, held in memory.

The folder is looked through at the start and from time to time, never on a request. What is no icon by its name, its
size or its first bytes is left out. An SVG may hold script: it is served so that none runs (trust rule 33). Knows no
coin but by the name of its file.
"""

import asyncio
import hashlib
import logging
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

log = logging.getLogger("ticker.server")

LARGEST = 262_144  # bytes of one file
MOST = 2000  # files
EVERY = 30.0  # seconds between two looks

NAME = re.compile(r"[a-z0-9-]{1,64}\.(?:svg|png|webp)", re.ASCII)
TYPES = {"svg": "image/svg+xml", "png": "image/png", "webp": "image/webp"}
_BEGINNINGS: Mapping[str, Callable[[bytes], bool]] = {
    "svg": lambda body: b"<svg" in body[:4096].lower(),
    "png": lambda body: body.startswith(b"\x89PNG\r\n\x1a\n"),
    "webp": lambda body: body[:4] == b"RIFF" and body[8:12] == b"WEBP",
}
_SUFFIXES = ("svg", "webp", "png")  # of a coin's own file, in the order of preference

CACHE = "public, max-age=31536000, immutable"  # where the address names the content
CACHE_UNNAMED = "public, max-age=86400"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@dataclass(frozen=True, slots=True)
class Icon:
    """One file: its bytes, their type, and the name of their content."""

    body: bytes
    content_type: str
    version: str


class Icons:
    """The icons of one folder, or none. `changed` is called when they are others than before."""

    def __init__(self, folder: Path | None, changed: Callable[[], None] = lambda: None) -> None:
        self._folder, self._changed = folder, changed
        self._seen: Mapping[str, tuple[int, int]] = {}
        self._icons: Mapping[str, Icon] = MappingProxyType({})
        self._task: asyncio.Task[None] | None = None
        self.look()

    def get(self, name: str) -> Icon | None:
        """The icon in a file."""
        return self._icons.get(name)

    def address(self, coin: str, named: str | None) -> str | None:
        """The path of a coin's icon on this server: the file its configuration names, else one of its own id."""
        for name in (named, *(f"{coin}.{suffix}" for suffix in _SUFFIXES)):
            icon = self._icons.get(name) if name else None
            if icon is not None:
                return f"/icons/{name}?v={icon.version}"
        return None

    def look(self) -> bool:
        """Look through the folder, and say whether anything is other than before."""
        seen = _files(self._folder)
        if seen == self._seen:
            return False
        found: dict[str, Icon] = {}
        for name, stamp in seen.items():
            known = self._icons.get(name)
            icon = known if known is not None and self._seen.get(name) == stamp else self._read(name)
            if icon is not None:
                found[name] = icon
        self._seen, self._icons = seen, MappingProxyType(found)
        return True

    def start(self) -> None:
        """Look again from time to time, until `close`."""
        if self._folder is not None:
            self._task = asyncio.create_task(self._run(), name="icons")

    async def close(self) -> None:
        """Look no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            try:
                if await asyncio.to_thread(self.look):
                    self._changed()
            except Exception:
                log.exception("looking for icons failed in a way that should not be; trying again")

    def _read(self, name: str) -> Icon | None:
        if self._folder is None:
            return None
        try:
            with (self._folder / name).open("rb") as file:
                body = file.read(LARGEST + 1)
        except OSError as error:
            log.warning("the icon %s cannot be read: %s", name, error.strerror)
            return None
        kind = name.rpartition(".")[2]
        if len(body) > LARGEST:
            log.warning("the icon %s is left out: it is larger than %d KiB", name, LARGEST // 1024)
            return None
        if not _BEGINNINGS[kind](body):
            log.warning("the icon %s is left out: it is no %s", name, kind.upper())
            return None
        return Icon(body, TYPES[kind], hashlib.sha256(body).hexdigest()[:12])


def _files(folder: Path | None) -> dict[str, tuple[int, int]]:
    """The files that may be icons, each with what changes when it is written; none where there is no folder."""
    found: dict[str, tuple[int, int]] = {}
    if folder is None:
        return found
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            if len(found) < MOST and NAME.fullmatch(path.name):
                with suppress(OSError):
                    if path.is_file():
                        stat = path.stat()
                        found[path.name] = (stat.st_mtime_ns, stat.st_size)
    return found
