"""Faults on demand, written as `SOURCE=KIND[:VALUE][;coin=ID][;for=TIME][;retry_after=TIME][;on=polls|stream]`.

    status:503  delay:5s  truncate  garbage  html  drip[:1s]  reset  empty  bomb      what happens to the answer
    frozen  scale:10  price:bitcoin=1  zero  negative  nan                            what happens to the prices in it
    silence  drop  slow:5s                                                            what happens to the stream alone

SOURCE may be `*` for all of them. A source that streams has a fault in both its doors, unless `on` names one.
Reads the text and bends prices; breaking answers and streams is the sender's work. Knows no clock.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal, cast

from ticker.model import CoinId, SourceName
from ticker.simulate.market import Span, Tick

Kind = Literal[
    "status",
    "delay",
    "truncate",
    "garbage",
    "html",
    "drip",
    "reset",
    "empty",
    "bomb",
    "frozen",
    "scale",
    "price",
    "zero",
    "negative",
    "nan",
    "silence",
    "drop",
    "slow",
]
Door = Literal["polls", "stream"]

_UNITS = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600)}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h)", re.ASCII)
_AMOUNT = re.compile(r"[0-9]{1,13}(?:\.[0-9]{1,24})?(?:[eE]-?[0-9]{1,2})?", re.ASCII)
_LEAST, _MOST = Decimal("1e-12"), Decimal("1e12")
_COIN_ID = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)

_STATUS, _TIME, _NUMBER, _COIN_PRICE, _NOTHING = "a status", "a time", "a number", "COIN=PRICE", "nothing"
_VALUES: Mapping[str, str] = {
    "status": _STATUS,
    "delay": _TIME,
    "truncate": _NOTHING,
    "garbage": _NOTHING,
    "html": _NOTHING,
    "drip": _TIME,
    "reset": _NOTHING,
    "empty": _NOTHING,
    "bomb": _NOTHING,
    "frozen": _NOTHING,
    "scale": _NUMBER,
    "price": _COIN_PRICE,
    "zero": _NOTHING,
    "negative": _NOTHING,
    "nan": _NOTHING,
    "silence": _NOTHING,
    "drop": _NOTHING,
    "slow": _TIME,
}
STREAM_KINDS = frozenset({"silence", "drop", "slow"})
PRICE_KINDS = frozenset({"frozen", "scale", "price", "zero", "negative", "nan"})
_EXAMPLES = {
    "status": "status:503",
    "delay": "delay:5s",
    "scale": "scale:10",
    "price": "price:bitcoin=1",
    "slow": "slow:5s",
}
_DRIP = Decimal(1)


class FaultError(ValueError):
    """A fault that cannot be understood; the message says what is wrong and what would be right."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of one source.

    `number` is the status, the seconds of a delay or between two bytes, the factor, or the price; None for the others.
    `coin` limits a price fault to one coin, `on` any fault to the polls or the stream. `lasts` and `retry_after` are
    seconds.
    """

    kind: Kind
    number: Decimal | None = None
    coin: CoinId | None = None
    lasts: float | None = None
    retry_after: float | None = None
    on: Door | None = None

    def __str__(self) -> str:
        """The text that `parse` reads as this fault."""
        value = ""
        if self.number is not None:
            shown = format(self.number, "f")
            shown += "s" if _VALUES[self.kind] is _TIME else ""
            value = f":{self.coin}={shown}" if self.kind == "price" else f":{shown}"
        coin = f";coin={self.coin}" if self.coin and self.kind != "price" else ""
        lasts = f";for={self.lasts:g}s" if self.lasts is not None else ""
        again = f";retry_after={self.retry_after:g}s" if self.retry_after is not None else ""
        on = f";on={self.on}" if self.on else ""
        return f"{self.kind}{value}{coin}{lasts}{again}{on}"

    def at(self, door: Door) -> bool:
        """Whether it is at this door of the source."""
        return door == "stream" if self.kind in STREAM_KINDS else self.on in (None, door)

    def hits(self, tick: Tick) -> bool:
        """Whether it bends this price."""
        return self.kind in PRICE_KINDS and self.coin in (None, tick.coin)

    def bend(self, tick: Tick) -> Tick:
        """The market with its price made wrong. A frozen one is the caller's: it asks the market for the old moment."""
        if not self.hits(tick):
            return tick
        match self.kind:
            case "scale" if self.number is not None:
                return _scaled(tick, self.number)
            case "price" if self.number is not None:
                return _repriced(tick, self.number)
            case "zero":
                return _repriced(tick, Decimal("0.00000000"))
            case "negative":
                return _repriced(tick, -tick.price)
            case "nan":
                return _repriced(tick, Decimal("NaN"))
        return tick


def parse_assignment(text: str, sources: Collection[SourceName]) -> dict[SourceName, Fault]:
    """`SOURCE=FAULT` as one fault a source named; `*` names all of `sources`. Raises FaultError."""
    source, found, fault = text.partition("=")
    if not found:
        raise FaultError(f"{text!r}: expected SOURCE=FAULT, as in kraken=status:503")
    if source != "*" and source not in sources:
        raise FaultError(f"{text!r}: unknown source {source!r}; known are {', '.join(sorted(sources))}, or * for all")
    return dict.fromkeys(sources if source == "*" else [source], parse(fault))


def parse(text: str) -> Fault:
    """A fault from its text, without the source. Raises FaultError."""
    head, *options = (part.strip() for part in text.strip().split(";"))
    kind, colon, value = head.partition(":")
    if kind not in _VALUES:
        raise FaultError(f"{text!r}: unknown fault {kind!r}; known are {', '.join(_VALUES)}")
    fault = _with_value(text, cast("Kind", kind), value if colon else None)
    for option in options:
        name, _, setting = option.partition("=")
        fault = _with_option(text, fault, name.strip(), setting.strip())
    return fault


def _with_value(text: str, kind: Kind, value: str | None) -> Fault:
    expected = _VALUES[kind]
    if expected is _NOTHING:
        if value is not None:
            raise FaultError(f"{text!r}: {kind} takes no value")
        return Fault(kind)
    if value is None:
        if kind == "drip":
            return Fault(kind, _DRIP)
        raise FaultError(f"{text!r}: {kind} needs {expected}, as in {_EXAMPLES[kind]}")
    if expected is _STATUS:
        if not re.fullmatch(r"[345][0-9]{2}", value, re.ASCII):
            raise FaultError(f"{text!r}: not a status from 300 to 599: {value!r}")
        return Fault(kind, Decimal(value))
    if expected is _TIME:
        return Fault(kind, _seconds(text, value))
    coin, separator, price = value.rpartition("=")
    if expected is _COIN_PRICE and (not separator or not _COIN_ID.fullmatch(coin)):
        raise FaultError(f"{text!r}: price needs COIN=PRICE, as in {_EXAMPLES[kind]}")
    return Fault(kind, _amount(text, price), coin=coin or None)


def _with_option(text: str, fault: Fault, name: str, setting: str) -> Fault:
    match name:
        case "coin":
            if fault.kind not in PRICE_KINDS or fault.kind == "price":
                raise FaultError(f"{text!r}: coin= goes with {', '.join(sorted(PRICE_KINDS - {'price'}))} only")
            if not _COIN_ID.fullmatch(setting):
                raise FaultError(f"{text!r}: not a coin id: {setting!r}")
            return replace(fault, coin=setting)
        case "for":
            return replace(fault, lasts=float(_seconds(text, setting)))
        case "retry_after":
            if fault.kind != "status":
                raise FaultError(f"{text!r}: retry_after= goes with status only")
            return replace(fault, retry_after=float(_seconds(text, setting)))
        case "on":
            if setting not in ("polls", "stream"):
                raise FaultError(f"{text!r}: on= is polls or stream, not {setting!r}")
            if fault.kind in STREAM_KINDS:
                raise FaultError(f"{text!r}: {fault.kind} is a fault of streams anyway")
            return replace(fault, on=cast("Door", setting))
    raise FaultError(f"{text!r}: unknown option {name!r}; known are coin, for, on, retry_after")


def _seconds(text: str, value: str) -> Decimal:
    """`5s`, `200ms`, `2m`, `1h`, or bare seconds."""
    found = _DURATION.fullmatch(value if value[-1:].isalpha() else f"{value}s")
    if not found or not (seconds := Decimal(found[1]) * _UNITS[found[2]]):
        raise FaultError(f"{text!r}: not a time above zero such as 5s, 200ms or 2m: {value!r}")
    return seconds


def _amount(text: str, value: str) -> Decimal:
    if not _AMOUNT.fullmatch(value) or not _LEAST <= (amount := Decimal(value)) <= _MOST:
        raise FaultError(f"{text!r}: not a number from 1e-12 to 1e12: {value!r}")
    return amount


def _repriced(tick: Tick, price: Decimal) -> Tick:
    return replace(tick, price=price, bid=price, ask=price)


def _scaled(tick: Tick, factor: Decimal) -> Tick:
    def span(one: Span) -> Span:
        return replace(
            one, open=one.open * factor, high=one.high * factor, low=one.low * factor, average=one.average * factor
        )

    return replace(
        _repriced(tick, tick.price * factor),
        bid=tick.bid * factor,
        ask=tick.ask * factor,
        day=span(tick.day),
        today=span(tick.today),
        open_utc8=tick.open_utc8 * factor,
        hours=lambda: tuple(one * factor for one in tick.hours()),
    )
