"""The whole configuration: files, environment and command line in, one frozen value or every reason against it out."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from ticker.config.coins import Coins, read_coins
from ticker.config.durations import duration_text
from ticker.config.folder import COINS_FILE, SETTINGS_FILE
from ticker.config.given import COMMAND_LINE, ENVIRONMENT, Given
from ticker.config.layers import Layers, gather
from ticker.config.own import crowded, declared, read_own
from ticker.config.plans import refuse_setting, source_settings
from ticker.config.quotas import demands, misfits
from ticker.config.read import Document, parse, read
from ticker.config.settings import (
    SECTIONS,
    AlertsSettings,
    CoinSettings,
    ConsensusSettings,
    DisplaySettings,
    HistorySettings,
    ServerSettings,
    SourceSettings,
    StoreSettings,
    settings,
)
from ticker.errors import ConfigError
from ticker.model import CoinId, SourceName
from ticker.sources import REGISTRY
from ticker.sources.base import Source
from ticker.sources.jsonsource import Spec, make

LARGEST_ICON = 262_144  # bytes; the server hands out none that is larger


class Config(Struct, frozen=True, kw_only=True):
    """Everything ops decide. `version` names it to readers: it changes with whatever they could see of it.

    `coins` are the shown ones in display order, then the others in the order of the file. `registry` are the sources
    there are, those that come with the program and those that the configuration makes, of `own`; `sources` how to use
    them. `folder` is where it was read, with the coins' icons in `icons/`.
    """

    server: ServerSettings
    store: StoreSettings
    display: DisplaySettings
    consensus: ConsensusSettings
    history: HistorySettings
    alerts: AlertsSettings
    registry: Mapping[SourceName, Source]
    sources: Mapping[SourceName, SourceSettings]
    coins: tuple[CoinSettings, ...]
    shown: tuple[CoinId, ...]
    version: str
    folder: Path
    own: Mapping[SourceName, Spec] = {}

    def active_sources(self) -> tuple[SourceName, ...]:
        """The sources that are polled, in the registry's order."""
        return tuple(name for name, source in self.sources.items() if source.idle is None)

    def idle_sources(self) -> dict[SourceName, str]:
        """The sources that are not polled, and why."""
        return {name: source.idle for name, source in self.sources.items() if source.idle is not None}

    def usable_sources(self) -> tuple[SourceName, ...]:
        """The sources that may be asked, whether or not any coin has an id for them."""
        return tuple(name for name, source in self.sources.items() if source.barred is None)

    def ids_on(self, source: SourceName) -> dict[CoinId, tuple[str, ...]]:
        """What to ask a source for: the ids of each coin it may price, without those of a fixed price."""
        return {coin.id: coin.ids[source] for coin in self.coins if source in coin.ids and coin.fixed is None}


def load(
    folder: Path,
    environ: Mapping[str, str],
    overrides: Mapping[str, object] | None = None,
    sources: Mapping[SourceName, Source] = REGISTRY,
    *,
    fit: bool = True,
    priced: bool = True,
) -> Config:
    """The configuration. `overrides` are the command line's, by keys such as "server.port"; None = not given.

    Raises the first ConfigError there is. With `fit` = False it may ask more of its sources than they allow; with
    `priced` = False it has no coins, for those who only show what others price: coins.toml may be anything or absent.
    """
    config, errors = attempt(folder, environ, overrides, sources, fit=fit, priced=priced)
    if errors:
        raise errors[0]
    return config


def attempt(
    folder: Path,
    environ: Mapping[str, str],
    overrides: Mapping[str, object] | None = None,
    sources: Mapping[SourceName, Source] = REGISTRY,
    coins: str | None = None,
    *,
    fit: bool = True,
    priced: bool = True,
) -> tuple[Config, list[ConfigError]]:
    """As `load` and `check` in one: the configuration, which is good only where there are no errors."""
    return _build(folder, environ, overrides or {}, sources, coins, fit=fit, priced=priced)


def check(
    folder: Path,
    environ: Mapping[str, str],
    overrides: Mapping[str, object] | None = None,
    sources: Mapping[SourceName, Source] = REGISTRY,
    coins: str | None = None,
) -> list[ConfigError]:
    """Everything wrong with it, file by file and line by line; empty where `load` succeeds.

    `coins` is a text to judge in the place of what coins.toml holds.
    """
    return _build(folder, environ, overrides or {}, sources, coins, fit=True, priced=True)[1]


def _build(
    folder: Path,
    environ: Mapping[str, str],
    overrides: Mapping[str, object],
    builtin: Mapping[SourceName, Source],
    coins_text: str | None,
    *,
    fit: bool,
    priced: bool,
) -> tuple[Config, list[ConfigError]]:
    errors: list[ConfigError] = []
    settings_file = _document(folder / SETTINGS_FILE, None, errors)
    coins_file = _document(folder / COINS_FILE, coins_text, errors) if priced else None
    layers = gather(settings_file, environ, overrides, builtin, declared(settings_file, builtin))
    specs = {} if settings_file is None else read_own(settings_file, layers, builtin)
    sources = {**builtin, **{name: make(name, spec) for name, spec in specs.items()}}
    coins = Coins() if coins_file is None else read_coins(coins_file, sources)
    crowds = [] if coins_file is None else crowded(coins_file, specs, coins.coins)
    sections: dict[str, Any] = {
        section: struct(
            **{one.name: layers.value((section, one.name), one.default) for one in settings() if one.section == section}
        )
        for section, struct in SECTIONS.items()
    }
    _compare(sections["server"], sections["store"], layers)
    sections["store"] = _placed(sections["store"], environ)
    config = Config(
        **sections,
        registry=sources,
        sources=source_settings(layers, sources, coins.coins),
        coins=coins.coins,
        shown=coins.shown,
        version="",
        folder=folder,
        own=specs,
    )
    if fit:
        for name, reason in misfits(demands(config.sources, config.ids_on, sources)).items():
            refuse_setting(layers, sources[name], "every", reason, duration_text(config.sources[name].every))
    errors = [*errors, *layers.errors, *coins.errors, *crowds, *_icons_missing(folder, coins, coins_file)]
    order = (str(folder / SETTINGS_FILE), str(folder / COINS_FILE), ENVIRONMENT, COMMAND_LINE)
    places = {place: index for index, place in enumerate(order)}
    errors.sort(key=lambda error: (places.get(error.file, len(places)), error.line or 0))
    return msgspec.structs.replace(config, version=_version(config)), errors


def _document(path: Path, text: str | None, errors: list[ConfigError]) -> Document | None:
    try:
        return read(path) if text is None else parse(path, text)
    except ConfigError as error:
        errors.append(error)
        return None


def _compare(server: ServerSettings, store: StoreSettings, layers: Layers) -> None:
    """What no setting can see alone."""
    if server.port and server.port == server.metrics_port:
        given = layers.strongest(("server", "metrics_port")) or layers.strongest(("server", "port"))
        layers.refuse(given or Given(None, "defaults", "server.metrics_port"), "is also the port of the pages")
    if server.workers > 1 and store.url.startswith("embedded:"):
        given = layers.strongest(("server", "workers"))
        layers.refuse(
            given or Given(None, "defaults", "server.workers"),
            "more than one worker needs a store they can share: set [store] url to a Redis",
        )


def _icons_missing(folder: Path, coins: Coins, document: Document | None) -> list[ConfigError]:
    if document is None:
        return []
    return [
        document.given("coins", coin.id, "icon").error(reason)
        for coin in coins.coins
        if coin.icon is not None and (reason := _unusable(folder / "icons" / coin.icon)) is not None
    ]


def _unusable(icon: Path) -> str | None:
    """Why a file cannot be a coin's icon; None where it can."""
    try:
        if not icon.is_file():
            return "there is no such file in icons/"
        return f"is larger than {LARGEST_ICON // 1024} KiB" if icon.stat().st_size > LARGEST_ICON else None
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def state_folder(environ: Mapping[str, str]) -> Path:
    """Where what outlives a process is kept, by the XDG standard."""
    state = Path(environ.get("XDG_STATE_HOME") or "")
    if not state.is_absolute():  # the standard: a relative one counts as none
        state = _home(environ) / ".local" / "state"
    return state / "ticker"


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME") or Path.home())


def _placed(store: StoreSettings, environ: Mapping[str, str]) -> StoreSettings:
    """The store with the place of an embedded one written out."""
    kind, _, path = store.url.partition(":")
    if kind != "embedded":
        return store
    place = Path(path) if path else state_folder(environ) / "ticker.sqlite3"
    if place.parts[:1] == ("~",):
        place = _home(environ).joinpath(*place.parts[1:])
    return StoreSettings(url=f"embedded:{place}", prefix=store.prefix)


def _version(config: Config) -> str:
    """Twelve hex digits of what readers could see the effect of; nothing secret goes in."""
    visible = (
        config.display,
        config.consensus,
        config.history,
        config.server.public_url,
        config.server.disclaimer,
        config.coins,
        config.shown,
        [(name, config.sources[name].every) for name in config.active_sources()],
        config.own,
    )
    return hashlib.sha256(msgspec.json.encode(visible)).hexdigest()[:12]
