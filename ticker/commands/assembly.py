"""From a configuration to the parts and their arguments: assignments, rules, listing, poller, serving. No I/O.

Knows every part's arguments; starts nothing. Loads a part only when its arguments are asked for.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ticker import __version__, currencies
from ticker.config import Config
from ticker.consensus import CoinRule, Rules, Voter
from ticker.model import SourceName

if TYPE_CHECKING:
    from ticker.asking import Assignment, Road
    from ticker.poller import Listing, Poller
    from ticker.server.app import Serving
    from ticker.skew import Skew
    from ticker.store.base import Store
    from ticker.streaming import Channel


def assignments(config: Config) -> "list[Assignment]":
    """The sources to poll: those switched on that we may use and that list any of the coins, or price currencies."""
    return [assignment(config, name) for name in config.active_sources()]


def assignment(config: Config, name: SourceName) -> "Assignment":
    """How to ask one source, and for which of its ids."""
    from ticker.asking import Assignment

    source, settings = config.registry[name], config.sources[name]
    plan = next(plan for plan in source.plans if plan.name == settings.plan)
    headers = {}
    if plan.key_header is not None and settings.key is not None:
        headers[plan.key_header] = settings.key.reveal()
    return Assignment(
        source=source,
        base_url=settings.base_url,
        every=settings.every,
        ids=currencies.ids() if source.of == "currencies" else config.ids_on(name),
        headers=headers,
        allow_private=settings.allow_private,
        # A stand-in's limits are its own, and it draws on nobody's quota.
        limits=() if settings.allow_private else plan.limits,
        quota="" if settings.allow_private else f"{source.quota or name}/{plan.name}",
    )


def user_agent(config: Config) -> str:
    """How we name ourselves to sources: with an address where ops have one, so that they can be asked to stop."""
    contact = f"; +{config.server.public_url}" if config.server.public_url else ""
    return f"ticker/{__version__} (price widget{contact})"


def channels(config: Config) -> "list[Channel]":
    """The streams to follow: those of the sources polled that have one and may use it."""
    from ticker.streaming import Channel

    found = []
    for name in config.active_sources():
        source, settings = config.registry[name], config.sources[name]
        if source.stream is not None and settings.stream_url:
            ids = tuple(dict.fromkeys(one for many in config.ids_on(name).values() for one in many))
            found.append(Channel(name, source.stream, settings.stream_url, ids, settings.allow_private))
    return found


def rules(config: Config, polled: "Sequence[Assignment]") -> Rules:
    """What settling needs to know of the sources that are polled for coins, and of the coins."""
    polled = [one for one in polled if one.source.of == "coins"]
    coins = tuple(
        CoinRule(
            id=coin.id,
            sources=tuple(one.source.name for one in polled if coin.id in one.ids),
            tolerance=coin.tolerance,
            fixed=coin.fixed,
            confirmed=coin.confirmed,
            listing=_listing_of(coin.ids),
        )
        for coin in config.coins
    )
    return Rules(_voters(polled), coins, config.consensus.tolerance)


def _listing_of(ids: Mapping[SourceName, Sequence[str]]) -> str:
    """A short name for the ids of a coin, another one for others."""
    return hashlib.sha256(repr(sorted((name, tuple(many)) for name, many in ids.items())).encode()).hexdigest()[:12]


def rate_rules(polled: "Sequence[Assignment]") -> Rules:
    """The same of the sources that are polled for currencies: each currency is settled like a coin of its code."""
    polled = [one for one in polled if one.source.of == "currencies"]
    codes = dict.fromkeys(code for one in polled for code in one.ids)
    return Rules(
        _voters(polled),
        tuple(
            CoinRule(id=code, sources=tuple(one.source.name for one in polled if code in one.ids), daily=True)
            for code in codes
        ),
    )


def _voters(polled: "Sequence[Assignment]") -> dict[SourceName, Voter]:
    return {one.source.name: Voter(one.source.kind, one.source.group, one.every, one.source.cache) for one in polled}


def listing(config: Config, *, simulated: bool) -> "Listing":
    """What readers see beside prices."""
    from ticker.poller import Listing

    return Listing(tuple(coin.coin for coin in config.coins), config.shown, config.version, simulated)


def poller(
    config: Config,
    polled: "Sequence[Assignment]",
    store: "Store",
    road: "Road",
    *,
    simulated: bool,
    publish_every: float,
    steady: Callable[[], float],
    epoch: int | None = None,
    skew: "Skew | None" = None,
) -> "Poller":
    """A poller of these sources by the system's clock."""
    from ticker.poller import Poller

    return Poller(
        polled,
        rules(config, polled),
        listing(config, simulated=simulated),
        store,
        road,
        rate_rules=rate_rules(polled),
        epoch=epoch,
        skew=skew,
        clock=time.time,
        steady=steady,
        publish_every=publish_every,
    )


def serving(config: Config) -> "Serving":
    """What answers depend on beside prices."""
    from ticker.server.app import Serving
    from ticker.server.params import Defaults
    from ticker.server.stream import Limits

    display, server = config.display, config.server
    return Serving(
        defaults=Defaults(
            title=display.title,
            currency=display.currency,
            locale=display.locale,
            theme=display.theme,
            up=display.up_colour,
            css=display.css,
        ),
        origin=origin(config),
        disclaimer=server.disclaimer,
        cors_origins=server.cors_origins,
        frame_ancestors=server.frame_ancestors,
        limits=Limits(server.max_viewers, server.max_viewers_per_address),
        trusted_proxies=server.trusted_proxies,
        costly_per_minute=server.costly_per_minute,
        dialect=server.dialect,
        icons=config.folder / "icons",
        status=server.status,
    )


def secrets(config: Config) -> list[str]:
    """All that no log may repeat: keys, the store's password, the webhook's address and what is secret in it."""
    found = [one.key.reveal() for one in config.sources.values() if one.key is not None]
    if config.alerts.webhook is not None:
        url = config.alerts.webhook.reveal()
        parts = urlsplit(url)
        found += [url, f"{parts.path}?{parts.query}" if parts.query else parts.path.strip("/")]
    password = urlsplit(config.store.url).password
    return found + ([password, unquote(password)] if password else [])


def origin(config: Config) -> str:
    """Where readers reach us, without a slash at its end: the public URL, else where we listen."""
    return config.server.public_url.rstrip("/") or listening(config)


def listening(config: Config) -> str:
    """Where we listen, as an address that this machine can ask, without a slash at its end."""
    host = {"0.0.0.0": "localhost", "::": "localhost"}.get(config.server.host, config.server.host)  # noqa: S104
    return f"http://[{host}]:{config.server.port}" if ":" in host else f"http://{host}:{config.server.port}"
