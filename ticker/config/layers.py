"""Who says what: the settings as the file, the environment and the command line give them, each with its place.

Finds names that nobody knows; whether a value is right is the business of its kind.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ticker.config.environment import value_of, variables
from ticker.config.given import COMMAND_LINE, ENVIRONMENT, Given, nearest, sounds_secret
from ticker.config.kinds import Kind
from ticker.config.own_kinds import OWN_KINDS
from ticker.config.read import Document
from ticker.config.settings import SECTIONS, SOURCE_KINDS, settings
from ticker.config.urls import has_password
from ticker.errors import ConfigError
from ticker.model import SourceName

Key = tuple[str, ...]

SOURCE_KEY = "key"
_KEY_KIND = Kind(lambda value: value, secret=True)


@dataclass(slots=True)
class Layers:
    """What was given for each key, the strongest last, and what was wrong with it so far."""

    kinds: Mapping[Key, Kind]
    given: dict[Key, list[Given]] = field(default_factory=dict)
    errors: list[ConfigError] = field(default_factory=list)

    def value(self, key: Key, default: Any) -> Any:  # noqa: ANN401 - the kind of the key says what it is
        """The strongest value, or the default where there is none. All values are read, and refused if wrong."""
        found = default
        for given in self.given.get(key, ()):
            try:
                found = self._read(key, given)
            except ValueError as error:
                self.refuse(given, str(error))
        return found

    def peek(self, key: Key, default: Any) -> Any:  # noqa: ANN401 - the kind of the key says what it is
        """As `value`, for who asks besides the one who refuses: the default where the strongest is wrong."""
        given = self.strongest(key)
        try:
            return default if given is None else self._read(key, given)
        except ValueError:
            return default

    def _read(self, key: Key, given: Given) -> Any:  # noqa: ANN401 - the kind of the key says what it is
        kind, textual = self.kinds[key], isinstance(given.value, str) and given.file in (ENVIRONMENT, COMMAND_LINE)
        return kind.read(kind.from_text(given.value) if textual else given.value)

    def strongest(self, key: Key) -> Given | None:
        """Who decided the value; None where the default stands."""
        return next(reversed(self.given.get(key, [])), None)

    def refuse(self, given: Given, reason: str) -> None:
        """Note an error about a value."""
        self.errors.append(given.error(reason))

    def put(self, key: Key, given: Given) -> None:
        """Note what someone gave for a key; later calls are stronger."""
        secret = self.kinds[key].secret
        self.given.setdefault(key, []).append(given.hide() if secret else given)


def known(sources: Iterable[SourceName], own: Iterable[SourceName] = ()) -> dict[Key, Kind]:
    """Every key there is, the sources' secret keys too, and its kind. `own` are sources made by the configuration."""
    found: dict[Key, Kind] = {(one.section, one.name): one.kind for one in settings()}
    made = tuple(own)
    for name in (*sources, *made):
        kinds = {**SOURCE_KINDS, **(OWN_KINDS if name in made else {})}
        found |= {("sources", name, key): kind for key, kind in kinds.items()}
        found["sources", name, SOURCE_KEY] = _KEY_KIND
    return found


def gather(
    document: Document | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, object],
    sources: Iterable[SourceName],
    own: Iterable[SourceName] = (),
) -> Layers:
    """All three layers in the order of their strength. `overrides` are keys such as "server.port"; None = not given."""
    names, own = tuple(sources), tuple(own)
    layers = Layers(known(names, own))
    if document is not None:
        for key, given in _from_file(document, (*names, *own), layers):
            layers.put(key, given)
    for key, variable, value in _from_environment(environ, layers):
        layers.put(key, Given(value, ENVIRONMENT, variable))
    for name, override in overrides.items():
        key = tuple(name.split("."))
        if key not in layers.kinds or key[-1] == SOURCE_KEY:
            near = nearest(name, (".".join(one) for one in layers.kinds))
            layers.refuse(Given(override, COMMAND_LINE, name), f"unknown setting{near}")
        elif override is not None:
            layers.put(key, Given(override, COMMAND_LINE, name))
    return layers


def _from_file(document: Document, sources: tuple[str, ...], layers: Layers) -> Iterator[tuple[Key, Given]]:
    for section, content in document.values.items():
        if section not in SECTIONS and section != "sources":
            near = nearest(section, [*SECTIONS, "sources"])
            layers.refuse(document.given(section), f"unknown section{near}")
        elif not isinstance(content, dict):
            layers.refuse(document.given(section), f"must be a section: [{section}]")
        elif section == "sources":
            yield from _sources_from_file(document, sources, layers)
        else:
            for name in content:
                key, given = (section, name), document.given(section, name)
                if key not in layers.kinds:
                    near = nearest(name, (one[1] for one in layers.kinds if one[0] == section))
                    layers.refuse(given, f"unknown setting{near}")
                elif key == ("store", "url") and isinstance(given.value, str) and has_password(given.value):
                    layers.refuse(given.hide(), _belongs_to_environment("TICKER_STORE_URL", "a password"))
                else:
                    yield key, given


def _sources_from_file(document: Document, sources: tuple[str, ...], layers: Layers) -> Iterator[tuple[Key, Given]]:
    for source, content in document.values["sources"].items():
        if source not in sources:
            layers.refuse(document.given("sources", source), _unknown_source(source, content, sources))
            continue
        if not isinstance(content, dict):
            layers.refuse(document.given("sources", source), f"must be a section: [sources.{source}]")
            continue
        for name in content:
            key, given = ("sources", source, name), document.given("sources", source, name)
            if name == SOURCE_KEY or (key not in layers.kinds and sounds_secret(name)):
                layers.refuse(given.hide(), _belongs_to_environment(f"TICKER_SOURCES_{source.upper()}_KEY", "a key"))
            elif name == "kind" and key not in layers.kinds:
                layers.refuse(given, f'"{source}" comes with the program; give a source of your own another name')
            elif key not in layers.kinds:
                near = nearest(name, (one[2] for one in layers.kinds if one[:2] == key[:2] and one[2] != SOURCE_KEY))
                layers.refuse(given, f"unknown setting{near}")
            else:
                yield key, given


def _unknown_source(name: str, content: object, sources: Iterable[SourceName]) -> str:
    if isinstance(content, dict) and "kind" in content:
        return "the name of a source is 1 to 32 of a-z and 0-9"
    return "unknown source" + (nearest(name, sources) or '; a source of your own says kind = "json"')


def _from_environment(environ: Mapping[str, str], layers: Layers) -> Iterator[tuple[Key, str, str]]:
    names = variables(layers.kinds)
    sections = tuple(f"TICKER_{section.upper()}" for section in (*SECTIONS, "sources"))
    for variable, value in sorted(environ.items()):
        if variable in names:
            if not value:  # compose files hand on variables that nobody set as empty ones
                continue
            try:
                yield names[variable].key, variable, value_of(variable, environ, names)
            except ValueError as error:
                layers.refuse(Given(value, ENVIRONMENT, variable, secret=not names[variable].is_file), str(error))
        elif any(variable == section or variable.startswith(f"{section}_") for section in sections):
            layers.refuse(Given(value, ENVIRONMENT, variable), f"unknown variable{nearest(variable, names)}")


def _belongs_to_environment(variable: str, what: str) -> str:
    return f"{what} belongs in the environment, never in a file: set {variable} or {variable}_FILE"
