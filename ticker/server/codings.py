"""Content codings: which of them a reader takes, and how bodies are put into them. Pure; knows no body's meaning.

The compressors are imported when somebody asks for what they make, so a server that nobody asks for it never has them
in memory. Zstandard is in Python from 3.14 on; before, its backport is used where it is installed. Brotli goes first:
for a body of one to a hundred kilobytes it is the smallest that costs less than a millisecond.
"""

import gzip
import importlib
import importlib.util
import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from types import ModuleType

IDENTITY = "identity"
PREFERRED = ("br", "zstd", "gzip")  # where a reader takes several equally
SMALLEST = 256  # bytes; below, compressing gains nothing

_WEIGHT = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.ASCII)
_LONGEST_KEPT = 256  # characters of a header whose meaning is remembered


def compress(coding: str, body: bytes, *, lasting: bool = False) -> bytes:
    """A body in a coding of `PREFERRED`. Equal bodies give equal bytes, so that an ETag names them.

    One that is sent for as long as the process runs is `lasting`: it is made as small as can be.
    """
    return _br(body, 11) if lasting and coding == "br" else _COMPRESSORS[coding](body)


def choices(header: str | None) -> tuple[str, ...]:
    """The codings that an Accept-Encoding header takes, the best first (RFC 9110, 12.5.3); never empty.

    `identity` stands where its weight puts it: last unless it is named, and not at all where it is refused. Who takes
    nothing gets identity all the same, which the RFC allows and which helps more than a refusal.
    """
    if not header:
        return (IDENTITY,)
    return _remembered(header) if len(header) <= _LONGEST_KEPT else _choices(header)


def _choices(header: str) -> tuple[str, ...]:
    weights = dict(_weight(part) for part in header.lower().split(",") if part.strip())
    if "x-gzip" in weights:  # an old name of the same (RFC 9110, 8.4.1.3)
        weights.setdefault("gzip", weights["x-gzip"])
    any_other = weights.get("*")
    if any_other is not None:
        weights.setdefault("gzip", any_other)  # of all codings the one that everybody understands
    taken = [coding for coding in PREFERRED if weights.get(coding, 0.0) > 0 and _there(coding)]
    if IDENTITY in weights or any_other != 0.0:
        weights.setdefault(IDENTITY, 0.0005)  # less than any weight that can be named
        if weights[IDENTITY] > 0:
            taken.append(IDENTITY)
    return tuple(sorted(taken, key=lambda coding: -weights[coding])) or (IDENTITY,)


_remembered = lru_cache(maxsize=256)(_choices)


def _weight(part: str) -> tuple[str, float]:
    """A coding and its weight; what is no weight counts as a refusal."""
    coding, *parameters = (one.strip() for one in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return coding, float(value) if _WEIGHT.fullmatch(value.strip()) else 0.0
    return coding, 1.0


def _there(coding: str) -> bool:
    return coding != "zstd" or _zstd_name() is not None


@cache
def _zstd_name() -> str | None:
    """The module that makes it; None where there is none. Loads none."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            if importlib.util.find_spec(name) is not None:
                return name
        except ModuleNotFoundError:  # not even the package around it
            continue
    return None


@cache
def _zstd() -> ModuleType:
    return importlib.import_module(_zstd_name() or "compression.zstd")


def _br(body: bytes, quality: int = 5) -> bytes:
    import brotli

    return bytes(brotli.compress(body, quality=quality))  # more than 5 costs tens of milliseconds for a few per cent


_COMPRESSORS: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": lambda body: gzip.compress(body, 6, mtime=0),
    "br": _br,
    "zstd": lambda body: bytes(_zstd().compress(body, 9)),
}
