"""Every setting of ticker.toml: its name, kind and default, and the frozen values the program gets.

Knows no file and no environment. A new setting is one line here and one in config/ticker.toml; a test compares them.
"""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from ipaddress import ip_network
from typing import Annotated, Any, get_type_hints

from msgspec import Struct
from msgspec.structs import fields

from ticker.config import urls
from ticker.config.durations import seconds
from ticker.config.given import mask, nearest
from ticker.config.kinds import Kind, checked, duration, flag, is_text, matching, one_of, percentage, text, texts, whole
from ticker.config.secret import Secret
from ticker.currencies import CURRENCIES
from ticker.model import Coin, CoinId, SourceName
from widgets.format import is_locale


def _host(given: str) -> str:
    if not urls.is_host(given):
        raise ValueError("must be a host name or an IP address")
    return given


def _network(given: str) -> str:
    try:
        return str(ip_network(given, strict=False))
    except ValueError:
        raise ValueError("must be an IP address or a network such as 10.0.0.0/8") from None


def _webhook(value: object) -> Secret | None:
    given = is_text(value)
    return Secret(urls.web_url(given, query=True)) if given else None


def _address(value: object) -> str:
    return _host(is_text(value))


def _currency(value: object) -> str:
    given = is_text(value)
    if given not in CURRENCIES:
        raise ValueError(f'must be a currency such as "usd", "eur" or "btc"{nearest(given, CURRENCIES)}')
    return given


def _language(value: object) -> str:
    given = is_text(value)
    if not is_locale(given):
        raise ValueError('must be a language such as "en", "de" or "pt-BR"')
    return given


_PREFIX = matching(r"[A-Za-z0-9_.:-]{1,64}", "must be 1 to 64 letters, digits and _ . : -")
_COLOUR = matching(r"green|red|blue", 'must be "green", "red" or "blue"; any other colour: --mp-up in your own style')


class ServerSettings(Struct, frozen=True, kw_only=True):
    """Where and how pages are served. Port 0 takes any free port, metrics port 0 serves no metrics."""

    host: Annotated[str, Kind(_address)] = "127.0.0.1"
    port: Annotated[int, whole(0, 65_535)] = 8080
    public_url: Annotated[str, checked(urls.public_url)] = ""
    workers: Annotated[int, whole(1, 64)] = 1
    fast_lane: Annotated[bool, flag()] = True
    max_connections: Annotated[int, whole(1, 1_000_000)] = 10_000
    max_viewers: Annotated[int, whole(1, 1_000_000)] = 10_000
    max_viewers_per_address: Annotated[int, whole(1, 1_000_000)] = 100
    trusted_proxies: Annotated[tuple[str, ...], texts(_network)] = ()
    access_log: Annotated[bool, flag()] = False
    cors_origins: Annotated[tuple[str, ...], texts(urls.origin)] = ("*",)
    frame_ancestors: Annotated[tuple[str, ...], texts(urls.frame_ancestor)] = ("*",)
    dialect: Annotated[bool, flag()] = True
    status: Annotated[str, one_of("public", "local", "off")] = "local"
    metrics_port: Annotated[int, whole(0, 65_535)] = 9108
    metrics_host: Annotated[str, Kind(_address)] = "127.0.0.1"
    drain: Annotated[float, duration(0.0, 60.0)] = 0.0
    costly_per_minute: Annotated[int, whole(0, 1_000_000)] = 240
    rest_after: Annotated[float, duration(0.0, 7 * 86_400.0)] = 600.0
    disclaimer: Annotated[str, text(longest=300)] = ""


class StoreSettings(Struct, frozen=True, kw_only=True):
    """Where snapshots are kept. In a loaded configuration `url` is never just "embedded:"."""

    url: Annotated[str, checked(urls.store_url, secret=True)] = "embedded:"
    prefix: Annotated[str, _PREFIX] = "ticker"

    def __repr__(self) -> str:
        return f"StoreSettings(url={mask(self.url)!r}, prefix={self.prefix!r})"


class DisplaySettings(Struct, frozen=True, kw_only=True):
    """What a widget looks like where its page says nothing."""

    title: Annotated[str, text(longest=80)] = "Latest Market Prices"
    currency: Annotated[str, Kind(_currency)] = "usd"
    locale: Annotated[str, Kind(_language)] = "en"
    theme: Annotated[str, one_of("auto", "light", "dark")] = "auto"
    up_colour: Annotated[str, _COLOUR] = "green"
    css: Annotated[str, one_of("inline", "link", "none")] = "inline"


class ConsensusSettings(Struct, frozen=True, kw_only=True):
    """How near sources must be to agree, as a fraction, and how often a snapshot is published, in seconds."""

    tolerance: Annotated[Decimal, percentage(Decimal("0.0001"), Decimal("0.10"))] = Decimal("0.01")
    publish_every: Annotated[float, duration(0.1, 60.0)] = 1.0


class HistorySettings(Struct, frozen=True, kw_only=True):
    """How long past prices are kept, in seconds, and whether a coin without a past is filled in at the start."""

    keep: Annotated[float, duration(seconds("1d"), seconds("3650d"))] = seconds("365d")
    fill: Annotated[bool, flag()] = True


class AlertsSettings(Struct, frozen=True, kw_only=True):
    """Where alerts are posted; None = nowhere. The address counts as a secret. `source_down` is seconds."""

    webhook: Annotated[Secret | None, Kind(_webhook, secret=True)] = None
    allow_private: Annotated[bool, flag()] = False
    source_down: Annotated[float, duration(60.0, seconds("7d"))] = seconds("3h")


class SourceSettings(Struct, frozen=True, kw_only=True):
    """One source as ops want it: seconds between polls, the plan that serves us, its base address and key.

    `stream_url` is where its live feed is; "" = it is only polled. `barred` says why it may not be asked at all, `idle`
    why it is not polled; None = it may, it is.
    """

    enabled: bool
    every: float
    base_url: str
    plan: str
    key: Secret | None
    allow_private: bool
    accept_terms: bool
    stream_url: str
    barred: str | None = None
    idle: str | None


SOURCE_KINDS: Mapping[str, Kind] = {
    "enabled": flag(),
    "every": duration(0.1, seconds("1d")),
    "base_url": text(longest=2048),  # what it may be depends on allow_private
    "plan": text(longest=40),  # which there are depends on the source
    "allow_private": flag(),
    "accept_terms": flag(),
    "stream": flag(),
    "stream_url": text(longest=2048),  # as base_url
}


class CoinSettings(Struct, frozen=True, kw_only=True):
    """A coin as ops list it.

    `ids` are its names on each source, the first present wins. `tolerance` is a fraction, None = the usual rule;
    `fixed` a price in US dollars that asks no source. `confirmed` is a moment (seconds since 1970): a person says that
    a jump of its unit which was seen before it is right.
    """

    id: CoinId
    name: str
    symbol: str
    icon: str | None = None
    link: str | None = None
    tolerance: Decimal | None = None
    fixed: Decimal | None = None
    confirmed: float | None = None
    ids: Mapping[SourceName, tuple[str, ...]] = {}

    @property
    def coin(self) -> Coin:
        """What readers see of it."""
        return Coin(self.id, self.name, self.symbol, self.icon, self.link, self.confirmed)


SECTIONS: Mapping[str, type[Struct]] = {
    "server": ServerSettings,
    "store": StoreSettings,
    "display": DisplaySettings,
    "consensus": ConsensusSettings,
    "history": HistorySettings,
    "alerts": AlertsSettings,
}


class Setting(Struct, frozen=True):
    """One setting outside of `[sources.NAME]`."""

    section: str
    name: str
    kind: Kind
    default: Any


@cache
def settings() -> tuple[Setting, ...]:
    """Every setting outside of `[sources.NAME]`, in the order of the file."""
    hints = {section: get_type_hints(struct, include_extras=True) for section, struct in SECTIONS.items()}
    return tuple(
        Setting(section, field.name, hints[section][field.name].__metadata__[0], field.default)
        for section, struct in SECTIONS.items()
        for field in fields(struct)
    )
