"""Locales of the CLDR by their BCP 47 tags, each with the digits its readers use, or the ones they ask for.

"ar-EG" writes ٣, "ar-EG-u-nu-latn" writes 3. Knows locales; not what is written in them.
"""

import re
from collections.abc import Mapping
from copy import deepcopy
from functools import cached_property, lru_cache
from typing import Any, cast

from babel import Locale, UnknownLocaleError
from babel.localedata import LocaleDataDict, load

# The zero of every decimal numbering system that is the usual or the native one of some locale.
ZEROS: Mapping[str, int] = {
    "latn": 0x30,
    "arab": 0x660,
    "arabext": 0x6F0,
    "nkoo": 0x7C0,
    "deva": 0x966,
    "beng": 0x9E6,
    "guru": 0xA66,
    "gujr": 0xAE6,
    "orya": 0xB66,
    "tamldec": 0xBE6,
    "telu": 0xC66,
    "knda": 0xCE6,
    "mlym": 0xD66,
    "thai": 0xE50,
    "laoo": 0xED0,
    "tibt": 0xF20,
    "mymr": 0x1040,
    "khmr": 0x17E0,
    "mong": 0x1810,
    "olck": 0x1C50,
    "vaii": 0xA620,
    "java": 0xA9D0,
    "mtei": 0xABF0,
    "cakm": 0x11136,
    "hmnp": 0x1E140,
    "adlm": 0x1E950,
}

_TAG = re.compile(r"([a-z]{2,3}(?:-[a-z0-9]{2,8}){0,3}?)(?:-u-nu-([a-z]{3,8}))?", re.ASCII | re.IGNORECASE)
# Where four digits stand together and five do not, "1234" and "12.345": CLDR 48's minimumGroupingDigits, which Babel's
# data lacks. Spanish and Portuguese do so in some countries only.
_FOUR_TOGETHER = frozenset(("be", "bg", "ee", "et", "hu", "hy", "ia", "ie", "it", "ka", "lv", "pl", "sl", "sq"))
_SPAIN = frozenset((None, "EA", "ES", "GQ", "IC", "PH"))
_ALIASED = ("months", "days", "quarters", "eras")  # where the CLDR says "the same as over there"


class Tagged(Locale):
    """A locale as Babel has it, with a numbering system of its own choice, and data that nobody else can change.

    Babel resolves "the same as over there" inside data that locales share, so that the name of a month could depend on
    which locale was asked for before. So each has its own copy of what is resolved.
    """

    system = ""  # the numbering system asked for; "" for the usual one

    @cached_property
    def _data(self) -> LocaleDataDict:
        shared = load(str(self).partition("@")[0])
        own: dict[str | int | None, Any] = {}
        own.update(shared)
        own.update({key: deepcopy(shared[key]) for key in _ALIASED if key in shared})
        return LocaleDataDict(own)

    @property
    def default_numbering_system(self) -> str:
        """What all of Babel's functions take for "default"."""
        return self.system or super().default_numbering_system

    @cached_property
    def number_symbols(self) -> Any:  # noqa: ANN401 - Babel's own words for it
        """The symbols by numbering system; what a system leaves open is as with Latin digits, which the CLDR means."""
        found, system = super().number_symbols, self.default_numbering_system
        return {**found, system: {**found.get("latn", {}), **found.get(system, {})}}

    def native(self, text: str) -> str:
        """`text` in the digits and with the percent sign of the locale."""
        system = self.default_numbering_system
        if system == "latn" or system not in ZEROS:
            return text
        digits: dict[int, int | str] = {0x30 + digit: ZEROS[system] + digit for digit in range(10)}
        return text.translate(digits | {ord("%"): self.number_symbols[system].get("percentSign", "%")})


@lru_cache(maxsize=256)
def locale_of(tag: str) -> Tagged:
    """The locale of a tag such as "pt-BR" or "hi-u-nu-deva". Raises `ValueError`, which names it, for any other."""
    match = _TAG.fullmatch(tag)
    if not match:
        raise ValueError(f"{tag!r} is not a locale such as en or pt-BR")
    try:
        found = cast("Tagged", Tagged.parse(match[1], sep="-"))
    except UnknownLocaleError as error:
        raise ValueError(f"{tag!r} is not a locale we know") from error
    if match[2]:
        system = match[2].lower()
        usual, others = found.default_numbering_system, found.other_numbering_systems
        system = str(others.get("native", usual)) if system == "native" else system
        if system not in ZEROS or system not in {"latn", usual, *others.values()}:
            raise ValueError(f"{tag!r} is not a locale with these digits")
        found.system = "" if system == usual else system
    return found


def canonical(tag: str) -> str:
    """The one tag for all that mean the same: "zh_TW" is "zh-Hant-TW", "hi-u-nu-latn" is "hi". Raises `ValueError`."""
    found = locale_of(tag.replace("_", "-"))
    base = str(found).replace("_", "-")
    return f"{base}-u-nu-{found.system}" if found.system else base


def least_grouped(locale: Locale) -> int:
    """The smallest whole number that a locale writes with a mark between its thousands."""
    language, territory = locale.language, locale.territory
    together = (
        language in _FOUR_TOGETHER
        or (language == "es" and territory in _SPAIN)
        or (language == "pt" and territory not in (None, "BR"))
    )
    return 10_000 if together else 1000
