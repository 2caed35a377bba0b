"""What is other in one configuration than in another, in sentences for ops. Pure; shows no secret."""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import fields

from ticker.config.durations import duration_text
from ticker.config.given import mask
from ticker.config.load import Config
from ticker.config.secret import Secret
from ticker.config.settings import SECTIONS, CoinSettings, SourceSettings
from ticker.model import CoinId

MOST = 8  # sentences in one line of a log
_ABOUT_A_SOURCE = ("base_url", "plan", "key", "allow_private", "accept_terms", "stream_url")


def changes(before: Config, after: Config) -> list[str]:
    """A sentence for each coin, place in the list, source and setting that is other in `after`; none for no change."""
    return [*_coins(before, after), *_shown(before.shown, after.shown), *_sources(before, after), *_rest(before, after)]


def in_short(sentences: Sequence[str]) -> str:
    """The sentences in one line, which may be long, but not endless."""
    rest = len(sentences) - MOST
    return "; ".join([*sentences[:MOST], f"and {rest} more"] if rest > 0 else sentences)


def _coins(before: Config, after: Config) -> Iterator[str]:
    known, wanted = ({coin.id: coin for coin in config.coins} for config in (before, after))
    for one, coin in wanted.items():
        if one not in known:
            yield f"{one} is new: {coin.name} ({coin.symbol}), {_where(coin)}"
    yield from (f"{one} is gone" for one in known if one not in wanted)
    for one in known.keys() & wanted.keys():
        if known[one] != wanted[one]:
            yield f"{one}: {', '.join(_of_a_coin(known[one], wanted[one]))}"


def _where(coin: CoinSettings) -> str:
    if coin.fixed is not None:
        return f"fixed at {coin.fixed:f}"
    return f"on {', '.join(coin.ids)}" if coin.ids else "on no source"


def _of_a_coin(before: CoinSettings, after: CoinSettings) -> Iterator[str]:
    for name in ("name", "symbol", "icon", "link", "tolerance", "fixed", "confirmed"):
        yield from _changed(name, getattr(before, name), getattr(after, name))
    for source in dict.fromkeys((*before.ids, *after.ids)):
        old, new = (" or ".join(coin.ids.get(source, ())) for coin in (before, after))
        if old != new:
            yield (
                f"on {source} {new}" if not old else f"no longer on {source}" if not new else f"{source} {old} → {new}"
            )


def _shown(before: Sequence[CoinId], after: Sequence[CoinId]) -> Iterator[str]:
    more, fewer = (
        [one for one in one_list if one not in other] for one_list, other in ((after, before), (before, after))
    )
    if more:
        yield f"in the list now: {', '.join(more)}"
    if fewer:
        yield f"no longer in the list: {', '.join(fewer)}"
    if [one for one in before if one in after] != [one for one in after if one in before]:
        yield f"the list in another order: {', '.join(after)}"


def _sources(before: Config, after: Config) -> Iterator[str]:
    for name in dict.fromkeys((*before.sources, *after.sources)):
        old, new = before.sources.get(name), after.sources.get(name)
        if new is None or old is None:
            yield f"the source {name} is {'gone' if new is None else 'new'}"
        elif old.idle != new.idle:
            yield f"{name} is polled now" if new.idle is None else f"{name} is not polled now: {new.idle}"
        elif told := [
            *_of_a_source(old, new),
            *(["described otherwise"] if before.own.get(name) != after.own.get(name) else []),
        ]:
            yield f"{name}: {', '.join(told)}"


def _of_a_source(before: SourceSettings, after: SourceSettings) -> Iterator[str]:
    if before.every != after.every:
        yield f"every {duration_text(before.every)} → {duration_text(after.every)}"
    for name in _ABOUT_A_SOURCE:
        yield from _changed(name, getattr(before, name), getattr(after, name))


def _rest(before: Config, after: Config) -> Iterator[str]:
    for section in SECTIONS:
        old: Struct = getattr(before, section)
        for field in fields(old):
            yield from _changed(
                f"{section}.{field.name}", getattr(old, field.name), getattr(getattr(after, section), field.name)
            )


def _changed(name: str, before: Any, after: Any) -> Iterator[str]:  # noqa: ANN401 - any setting
    if before == after:
        return
    if isinstance(before, Secret) or isinstance(after, Secret):
        yield f"another {name}"
    else:
        yield f"{name} {_value(before)} → {_value(after)}"


def _value(value: Any) -> str:  # noqa: ANN401 - any setting
    if value is None:
        return "none"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(str, value)) + "]"
    return f'"{mask(value)}"' if isinstance(value, str) else str(value)
