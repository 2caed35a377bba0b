"""The files behind a configuration, looked at: whether what is in them is other than it was. Knows no setting.

What is in the files is what counts, and not their times or any notice of the system: so it does not matter who writes
them how, to what kind of filesystem, through which links, nor whether a folder is replaced by another of its name.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from ticker.config.folder import COINS_FILE, SETTINGS_FILE
from ticker.config.read import LARGEST_FILE

SECRET = "_FILE"  # noqa: S105 - how the names of variables end whose values are paths of secrets


def files_of(folder: Path, environ: Mapping[str, str], *, priced: bool) -> tuple[Path, ...]:
    """The files that make a configuration: the two of the folder, and those that hold its secrets."""
    secrets = sorted(
        value for name, value in environ.items() if name.startswith("TICKER_") and name.endswith(SECRET) and value
    )
    own = (SETTINGS_FILE, COINS_FILE) if priced else (SETTINGS_FILE,)
    return (*(folder / name for name in own), *map(Path, secrets))


def fingerprint(files: tuple[Path, ...]) -> bytes:
    """A short name for what is in these files, or keeps us from reading them. Secrets cannot be told from it."""
    digest = hashlib.sha256()
    for path in files:
        try:
            with path.open("rb") as file:
                content = file.read(LARGEST_FILE + 1)
            digest.update(b"%d:" % len(content) + content)
        except OSError as error:
            digest.update(f"-{error.errno}:".encode())
    return digest.digest()
