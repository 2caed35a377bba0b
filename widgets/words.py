"""The few words around the numbers, in the languages of `locale/`; English for every other language.

The catalogues are gettext's: `ticker.pot` holds the English words, each under its name (msgctxt), and every language
has one `ticker.po`. They are read as they are, so there is no step between editing and seeing, neither in a checkout
nor in a wheel; each is read when its language is first asked for, which takes milliseconds and happens once.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from gettext import c2py
from pathlib import Path
from typing import Literal

from babel import Locale, UnknownLocaleError
from babel.core import get_global

FOLDER = Path(__file__).with_name("locale")
ENGLISH = "en"

_SEVERAL = 5  # the count that decides the form of a plural where nobody says one


@dataclass(frozen=True, slots=True)
class _Catalogue:
    """One language: its texts, the forms of those that depend on a count, and which form a count takes."""

    texts: Mapping[str, str]
    forms: Mapping[str, tuple[str, ...]]
    form: Callable[[int], int]


class _Languages(Mapping[str, Mapping[str, str]]):
    """Every language by its tag, English first; read when it is looked at, not when it is listed."""

    def __getitem__(self, tag: str) -> Mapping[str, str]:
        name = tag.replace("-", "_")
        if name not in _names():
            raise KeyError(tag)
        return _catalogue(name).texts

    def __iter__(self) -> Iterator[str]:
        return (name.replace("_", "-") for name in _names())

    def __len__(self) -> int:
        return len(_names())


def all_words() -> Mapping[str, Mapping[str, str]]:
    """Language tag ("pt", "zh-Hant") to word name to word."""
    return _Languages()


@cache
def own_name(tag: str) -> str:
    """What a language calls itself; the tag where nobody knows."""
    locale = Locale.parse(tag.partition("-u-")[0], sep="-")
    return locale.get_display_name(locale) or tag


def words(locale: str) -> Mapping[str, str]:
    """Word name to word for `locale`; of a word that depends on a count, the form for several."""
    return _catalogue(_known(locale) or ENGLISH).texts


def counted(name: str, number: int, locale: str) -> str:
    """The word `name` in the form that `number` asks for in the language of `locale`."""
    catalogue = _catalogue(_known(locale) or ENGLISH)
    return catalogue.forms[name][catalogue.form(number)]


def language(locale: str) -> str:
    """The `lang` of what is written for `locale`: itself where we have its words, else the language they are in.

    Screen readers choose their voice by it.
    """
    found = _known(locale)
    if found is None:
        return ENGLISH
    base = locale.partition("-u-")[0]
    return base if base.partition("-")[0] == found.partition("_")[0] else found.replace("_", "-")


def direction(locale: str) -> Literal["ltr", "rtl"]:
    """The `dir` of what is written for `locale`."""
    return "rtl" if Locale.parse(_known(locale) or ENGLISH).text_direction == "rtl" else "ltr"


@cache
def _names() -> tuple[str, ...]:
    """The catalogues by the names of their folders, English first."""
    return ENGLISH, *sorted(path.parent.parent.name for path in FOLDER.glob("*/LC_MESSAGES/ticker.po"))


@lru_cache(maxsize=2048)
def _known(locale: str) -> str | None:
    """The catalogue that a reader of `locale` gets: its own, its parent's, and so on as the CLDR has it."""
    try:
        name: str | None = str(Locale.parse(locale.partition("-u-")[0], sep="-"))
    except (ValueError, UnknownLocaleError):
        return None
    while name is not None and name not in _names():
        name = _parent(name)
    return name


def _parent(name: str) -> str | None:
    """The locale whose words stand in for those of `name`: pt_BR › pt, zh_Hant_MO › zh_Hant_HK › zh_Hant, never › zh.

    None where there is none: a language has no parent, nor has a script that is not the usual one of its language.
    """
    exception = get_global("parent_exceptions").get(name)
    if exception is not None:
        return None if exception == "root" else str(exception)
    parent, _, last = name.rpartition("_")
    if not parent:
        return None
    script = len(last) == 4 and last.istitle()
    usual = str(get_global("likely_subtags").get(parent, "")).split("_")
    return None if script and "_" not in parent and last not in usual else parent


@cache
def _catalogue(name: str) -> _Catalogue:
    from babel.messages.pofile import read_po  # here: what only lists languages, or needs none, does not load it

    path = FOLDER / "ticker.pot" if name == ENGLISH else FOLDER / name / "LC_MESSAGES" / "ticker.po"
    with path.open("rb") as file:
        read = read_po(file, locale=name)
    form = c2py(read.plural_expr)
    found = {one.context: one.id if name == ENGLISH else one.string for one in read if one.context}
    forms = {key: tuple(text) for key, text in found.items() if text and not isinstance(text, str)}
    texts = {key: text for key, text in found.items() if isinstance(text, str)}
    return _Catalogue(texts | {key: many[form(_SEVERAL)] for key, many in forms.items()}, forms, form)
