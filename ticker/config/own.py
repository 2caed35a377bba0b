"""Sources of one's own: reads `[sources.NAME] kind = "json"`, and says what must go together in it.

Knows no answer and opens nothing; what becomes of it is `sources.jsonsource`'s.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ticker.config.layers import Layers
from ticker.config.own_kinds import OWN_KINDS
from ticker.config.read import Document
from ticker.config.settings import CoinSettings
from ticker.config.urls import source_url
from ticker.errors import ConfigError
from ticker.model import SourceName
from ticker.sources.jsonsource import PLACE, Spec

MOST_CALLS = 30  # a poll asks once for each id; more would not be polite, nor done within a turn

_NAME = re.compile(r"[a-z0-9]{1,32}")
_SECRET_QUERY = re.compile(r"api[_-]?key|^key$|secret|passw|auth|access[_-]?token", re.IGNORECASE)
_NOTHING = Spec(url="https://localhost", price="@", currency="usd")  # stands where a wrong one is refused anyway


_UNLIKE_SPEC = ("kind", "url", "credit", "credit_url")
_REQUIRED: Mapping[str, str] = {
    "url": "the address to ask",
    "price": "a JMESPath expression that finds the price",
    "currency": 'what the price is counted in: "usd", "tether" or "usd-coin"',
}
# A unit or a key that is only guessed would be a wrong number some day, so it is stated.
_TOGETHER: Mapping[str, tuple[str, str]] = {
    "time": ("time_unit", '"s", "ms" or "iso"'),
    "change": ("change_unit", '"percent" or "fraction"'),
    "credit": ("credit_url", "where the credit points to"),
    "time_unit": ("time", "the expression that finds it"),
    "change_unit": ("change", "the expression that finds it"),
    "credit_url": ("credit", "the text of the credit"),
}


def declared(document: Document | None, builtin: Iterable[SourceName]) -> tuple[SourceName, ...]:
    """The names of the sources that the file makes, in its order."""
    sections = document.values.get("sources", {}) if document else {}
    if not isinstance(sections, dict):
        return ()
    known = set(builtin)
    return tuple(
        name
        for name, content in sections.items()
        if isinstance(content, dict) and "kind" in content and name not in known and _NAME.fullmatch(name)
    )


def read_own(document: Document, layers: Layers, builtin: Iterable[SourceName]) -> dict[SourceName, Spec]:
    """The specs of the sources that the file makes. Errors go to the layers, and then a spec says nothing."""
    return {name: _spec(document, layers, name) for name in declared(document, builtin)}


def _spec(document: Document, layers: Layers, name: SourceName) -> Spec:
    before = len(layers.errors)
    defaults: dict[str, Any] = {field: getattr(_NOTHING, field) for field in _NOTHING.__struct_fields__}
    found = {key: layers.value(("sources", name, key), defaults.get(key, "")) for key in OWN_KINDS}
    here = document.given("sources", name)
    given = {key for key in OWN_KINDS if layers.strongest(("sources", name, key)) is not None}
    for key, what in _REQUIRED.items():
        if key not in given:
            layers.refuse(here, f"needs {key}: {what}")
    for key, (other, what) in _TOGETHER.items():
        if key in given and other not in given:
            _refuse(layers, name, key, f"needs {other} beside it: {what}")
    if "url" in given:
        try:
            _check_url(found["url"], private=layers.peek(("sources", name, "allow_private"), default=False))
        except ValueError as error:
            _refuse(layers, name, "url", str(error))
    if len(layers.errors) > before:
        return _NOTHING
    credit = (found["credit"], found["credit_url"]) if found["credit"] else None
    return Spec(url=found["url"], credit=credit, **{key: found[key] for key in OWN_KINDS if key not in _UNLIKE_SPEC})


def _check_url(url: str, *, private: bool) -> None:
    source_url(url, allow_private=private, query=True)
    if re.search(r"[{}]", url.replace(PLACE, "")):
        raise ValueError("may have {id} in it, which becomes a coin's id, and no other braces")
    secret = next((key for key, _ in parse_qsl(urlsplit(url).query) if _SECRET_QUERY.search(key)), None)
    if secret is not None:
        raise ValueError(
            f'"{secret}" in it looks like a key, which does not belong in an address: set key_header, '
            "and the key in the environment"
        )


def crowded(document: Document, specs: Mapping[SourceName, Spec], coins: Iterable[CoinSettings]) -> list[ConfigError]:
    """The ids that are too many for a source of one's own: a fixed URL prices one coin, a template asks for each."""
    errors: list[ConfigError] = []
    ids = [(name, coin.id, one) for coin in coins for name, many in coin.ids.items() if name in specs for one in many]
    for name, spec in specs.items():
        mine = [(coin, one) for source, coin, one in ids if source == name]
        if spec is _NOTHING or (spec.rows and PLACE not in spec.url):
            continue
        most = MOST_CALLS if PLACE in spec.url else 1
        for coin, _ in mine[most:]:
            reason = (
                f"one too many: {name} asks once for each id, of at most {MOST_CALLS}; only rows have no limit"
                if PLACE in spec.url
                else f'{name} prices one coin, "{mine[0][0]}"; for more, its url needs {{id}}, or it needs rows'
            )
            errors.append(document.given("coins", coin, "ids", name).error(reason))
    return errors


def _refuse(layers: Layers, name: SourceName, key: str, reason: str) -> None:
    given = layers.strongest(("sources", name, key))
    if given is not None:
        layers.refuse(given, reason)
