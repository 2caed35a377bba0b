"""Settings as environment variables: TICKER_SECTION_KEY, and …_FILE for secrets. Knows no value's meaning."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ticker.config.kinds import Kind
from ticker.config.read import read_text

_LARGEST_SECRET = 64 * 1024


@dataclass(frozen=True, slots=True)
class Variable:
    """The key a variable sets; `is_file` says that its value is the path of a file that holds the secret."""

    key: tuple[str, ...]
    is_file: bool = False


def variables(kinds: Mapping[tuple[str, ...], Kind]) -> dict[str, Variable]:
    """Every variable there is."""
    found = {}
    for key, kind in kinds.items():
        name = "_".join(("ticker", *key)).upper()
        found[name] = Variable(key)
        if kind.secret:
            found[f"{name}_FILE"] = Variable(key, is_file=True)
    return found


def value_of(variable: str, environ: Mapping[str, str], names: Mapping[str, Variable]) -> str:
    """The value of a variable that is set, read from its file where it names one, without space around it.

    Raises ValueError with the reason, which never shows what is in the file.
    """
    if not names[variable].is_file:
        return environ[variable].strip()
    plain = variable.removesuffix("_FILE")
    if environ.get(plain):
        raise ValueError(f"{plain} is set too; keep one of them")
    found = read_text(Path(environ[variable]), _LARGEST_SECRET).strip()
    if not found:
        raise ValueError("the file is empty")
    return found
