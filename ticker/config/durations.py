"""Durations ("2s", "5m") and percentages ("1%") as people write them. Knows no setting and no bound."""

import re
from decimal import Decimal

_UNITS = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600), "d": Decimal(86_400)}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h|d)", re.ASCII)
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?) ?%", re.ASCII)


def seconds(text: str) -> float:
    """The seconds of "500ms", "2s", "5m", "1h", "7d". Raises ValueError with the reason for anything else."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError('must be a duration such as "30s", "5m" or "1h"')
    return float(Decimal(match[1]) * _UNITS[match[2]])


def fraction(text: str) -> Decimal:
    """The fraction that a percentage is: "1%" is 0.01. Raises ValueError with the reason for anything else."""
    match = _PERCENT.fullmatch(text)
    if match is None:
        raise ValueError('must be a percentage such as "1%" or "0.5%"')
    return Decimal(match[1]) / 100


def duration_text(value: float) -> str:
    """Seconds in the largest unit that gives a whole number: 300.0 is "5m", 90.0 is "90s", 0.5 is "500ms"."""
    exact = Decimal(str(value))
    if not exact:
        return "0s"
    for unit in ("d", "h", "m", "s"):
        if exact and exact % _UNITS[unit] == 0:
            return f"{int(exact / _UNITS[unit])}{unit}"
    return f"{int(exact * 1000)}ms"


def percent_text(value: Decimal) -> str:
    """A fraction as a percentage: 0.01 is "1%"."""
    return f"{(value * 100).normalize():f}%"
