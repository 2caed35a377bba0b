"""The few words around the numbers, in the languages of `words.toml`; English for every other language."""

import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he"})
_TRADITIONAL = frozenset({"hant", "tw", "hk", "mo"})


@cache
def all_words() -> Mapping[str, Mapping[str, str]]:
    """Language to word name to word, as in the file."""
    return tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=256)
def _known(locale: str) -> str | None:
    first, *rest = locale.lower().split("-")
    found = "zh-hant" if first == "zh" and _TRADITIONAL.intersection(rest) else first
    return found if found in all_words() else None


def words(locale: str) -> Mapping[str, str]:
    """Word name to word for `locale`."""
    return all_words()[_known(locale) or "en"]


def language(locale: str) -> str:
    """The `lang` of what is written for `locale`: itself where we have its words, else "en".

    It names the language of the words, since screen readers choose their voice by it.
    """
    return locale if _known(locale) else "en"


def direction(locale: str) -> Literal["ltr", "rtl"]:
    """The `dir` of what is written for `locale`."""
    return "rtl" if _known(locale) in _RIGHT_TO_LEFT else "ltr"
