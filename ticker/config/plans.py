"""What ops want of each source: its plan, base address and key, and whether it is polled at all. Opens nothing."""

from collections.abc import Iterable, Mapping
from typing import Any

from ticker.config.given import Given, nearest
from ticker.config.layers import SOURCE_KEY, Layers
from ticker.config.secret import Secret
from ticker.config.settings import SOURCE_KINDS, CoinSettings, SourceSettings
from ticker.config.urls import source_url, stream_url
from ticker.model import SourceName
from ticker.sources.base import Plan, Source


def source_settings(
    layers: Layers, sources: Mapping[SourceName, Source], coins: Iterable[CoinSettings]
) -> dict[SourceName, SourceSettings]:
    """The settings of every source there is, in the registry's order. Errors go to the layers."""
    listed = {name for coin in coins if coin.fixed is None for name in coin.ids}
    listed |= {name for name, source in sources.items() if source.of == "currencies"}
    return {name: _settings(layers, source, listed=name in listed) for name, source in sources.items()}


def _settings(layers: Layers, source: Source, *, listed: bool) -> SourceSettings:
    defaults: dict[str, Any] = dict.fromkeys(SOURCE_KINDS, "")
    defaults |= {"enabled": True, "every": source.every, "allow_private": False, "accept_terms": False, "stream": True}
    values = {name: layers.value(("sources", source.name, name), default) for name, default in defaults.items()}
    key = _key(layers, source)
    plan = _plan(layers, source, values["plan"] or _shared_plan(layers, source), has_key=key is not None)
    base_url = plan.base_url
    if values["base_url"]:
        try:
            base_url = source_url(values["base_url"], allow_private=values["allow_private"])
        except ValueError as error:
            refuse_setting(layers, source, "base_url", str(error))
    return SourceSettings(
        enabled=values["enabled"],
        every=values["every"],
        base_url=base_url,
        plan=plan.name,
        key=key if plan.key_header else None,
        allow_private=values["allow_private"],
        accept_terms=values["accept_terms"],
        stream_url=_stream_url(layers, source, values),
        idle=_idle(source, plan, values, has_key=key is not None, listed=listed),
    )


def _key(layers: Layers, source: Source) -> Secret | None:
    given = layers.strongest(("sources", source.name, SOURCE_KEY))
    if given is None:  # whoever shares an allowance with another source shares its key, which is checked there
        shared = layers.strongest(("sources", source.quota, SOURCE_KEY))
        return None if shared is None else Secret(str(shared.value))
    text = str(given.value)
    if not any(plan.key_header for plan in source.plans):
        layers.refuse(given, f"{source.title} takes no key")
    elif not (text.isascii() and text.isprintable() and " " not in text):
        layers.refuse(given, "a key is printable ASCII without spaces")
    return Secret(text)


def _shared_plan(layers: Layers, source: Source) -> str:
    """The plan that ops chose for the source whose allowance this one shares, "" where there is none of the kind."""
    given = layers.strongest(("sources", source.quota, "plan"))
    return next((plan.name for plan in source.plans if given is not None and plan.name == given.value), "")


def _plan(layers: Layers, source: Source, wanted: str, *, has_key: bool) -> Plan:
    """The plan by its name, else the first that suits the key, or its absence."""
    for plan in source.plans:
        if plan.name == wanted or (not wanted and bool(plan.key_header) == has_key):
            return plan
    if wanted:
        names = [plan.name for plan in source.plans]
        refuse_setting(layers, source, "plan", f"must be one of {', '.join(names)}{nearest(wanted, names)}")
    return source.plans[0]


def _stream_url(layers: Layers, source: Source, values: Mapping[str, Any]) -> str:
    """Where to stream from. What stands in for its polls says nothing of its feed: that one is named too, or none."""
    given = values["stream_url"]
    if source.stream is None:
        if given:
            refuse_setting(layers, source, "stream_url", f"{source.title} has no live feed that we know")
        return ""
    if given:
        try:
            given = stream_url(given, allow_private=values["allow_private"])
        except ValueError as error:
            refuse_setting(layers, source, "stream_url", str(error))
    elif not values["base_url"]:
        given = source.stream.url
    return given if values["stream"] else ""


def _idle(source: Source, plan: Plan, values: Mapping[str, Any], *, has_key: bool, listed: bool) -> str | None:
    if not values["enabled"]:
        return "switched off: enabled = false"
    if source.terms.forbid and not values["accept_terms"]:
        return f"its terms seem to forbid this use ({source.terms.url}): read them, then set accept_terms = true"
    if plan.key_header and not has_key:
        return f'plan "{plan.name}" needs a key: set TICKER_SOURCES_{source.name.upper()}_KEY'
    return None if listed else "no coin has an id for it"


def refuse_setting(layers: Layers, source: Source, name: str, reason: str, default: str | None = None) -> None:
    """Note an error about a setting of a source, where it was given; where it was not, about the default."""
    given = layers.strongest(("sources", source.name, name))
    fallback = Given(default, "defaults", f"sources.{source.name}.{name}")
    layers.refuse(given or fallback, reason)
