"""Where the configuration is, and a first one to edit. Reads and writes files, and knows nothing of what is in them."""

import os
import stat
import tempfile
from pathlib import Path

from ticker.errors import ConfigError

SETTINGS_FILE, COINS_FILE = "ticker.toml", "coins.toml"
FILES = (SETTINGS_FILE, COINS_FILE)

_PACKAGE = Path(__file__).resolve().parents[1]


def shipped_folder() -> Path:
    """The configuration that came with the program, which is never written to."""
    installed = _PACKAGE / "default_config"
    return installed if installed.is_dir() else _PACKAGE.parent / "config"


def default_folder(explicit: Path | None = None) -> Path:
    """The explicit folder, else ./config where it holds a configuration, else the shipped one."""
    if explicit is not None:
        return explicit
    here = Path("config")
    return here if any((here / name).is_file() for name in FILES) else shipped_folder()


def initialise(folder: Path) -> list[Path]:
    """Copy the shipped configuration into a folder, which is made where it is missing; both files or none.

    Raises ConfigError where one of them is there already, or cannot be written.
    """
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            if (folder / name).exists():
                raise FileExistsError
        for name in FILES:
            _write_new(folder / name, (shipped_folder() / name).read_bytes())
            written.append(folder / name)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        exists = isinstance(error, FileExistsError)
        path = next((folder / name for name in FILES if (folder / name).exists()), folder) if exists else folder
        reason = "is there already, and is not overwritten" if exists else f"cannot be written: {error.strerror}"
        raise ConfigError(str(path), "init", reason) from error
    return written


def editable(explicit: Path | None = None) -> Path:
    """The folder whose files may be changed. Raises ConfigError for the configuration that came with the program."""
    folder = default_folder(explicit)
    here = explicit is not None or folder != shipped_folder()
    if not here or folder.resolve() == (_PACKAGE / "default_config"):
        reason = "came with the program and is never changed: `ticker init` makes one to edit"
        raise ConfigError(str(folder), "folder", reason)
    return folder


def replace_file(path: Path, before: bytes, after: bytes) -> None:
    """Put new content in a file's place at once, under the same permissions; a link stays one, and its file changes.

    Raises ConfigError where the file no longer holds `before`, or cannot be written.
    """
    target = path.resolve()
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(after)
                was = target.stat()
                os.fchmod(file.fileno(), stat.S_IMODE(was.st_mode))
                if os.geteuid() == 0:
                    os.fchown(file.fileno(), was.st_uid, was.st_gid)
                file.flush()
                os.fsync(file.fileno())
            if target.read_bytes() != before:
                raise ConfigError(str(path), "file", "was changed by someone else meanwhile; nothing was written")
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(str(path), "file", f"cannot be written: {(error.strerror or str(error)).lower()}") from error


def _write_new(path: Path, content: bytes) -> None:
    """A file that is there whole or not at all, and never in the place of another."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), 0o644)
        os.link(temporary, path)  # unlike a rename, refuses to replace
    finally:
        temporary.unlink()
