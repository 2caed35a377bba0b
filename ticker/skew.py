"""How far the system's clock is from everybody else's, told by the Date of many answers. Pure.

Prices are judged by time: a clock that is wrong makes fresh prices old, or refuses them as from the future. The median
over sources is believed, and only where several agree, so that one server with a wrong clock says nothing (trust rule
38). Knows no source and no HTTP but the two headers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from statistics import median

from ticker.model import SourceName

ALARM = 5.0  # seconds that a clock may be off before it is told
SUSPECT = 30.0  # beyond, ages and freshness are not to be believed
FEWEST = 3  # sources that must have told their time


def offset(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the clock of an answer's server is ahead of ours; None where it does not say.

    A cache hands the Date of the first answer on and says in Age how long ago that was.
    """
    try:
        there = parsedate_to_datetime(headers.get("Date", "")).timestamp()
        age = float(headers.get("Age", "0"))
    except (ValueError, TypeError, OverflowError):
        return None
    return there + age - now if 0 <= age < 86_400 else None


@dataclass(slots=True)
class Skew:
    """The last offset of every source, and what they say together."""

    offsets: dict[SourceName, float] = field(default_factory=dict)
    told: float = 0.0

    def note(self, source: SourceName, headers: Mapping[str, str], now: float) -> None:
        """Take what an answer that arrived at `now` says."""
        found = offset(headers, now)
        if found is not None:
            self.offsets[source] = found

    @property
    def seconds(self) -> float | None:
        """How far others are ahead of our clock; None where too few have said."""
        return median(self.offsets.values()) if len(self.offsets) >= FEWEST else None

    @property
    def suspect(self) -> bool:
        """Whether ages by our clock are not to be believed."""
        seconds = self.seconds
        return seconds is not None and abs(seconds) > SUSPECT

    def news(self) -> float | None:
        """The offset to be told now: it has become alarming, another by more than the alarm, or (0.0) well again."""
        seconds = self.seconds
        if seconds is None:
            return None
        seconds = seconds if abs(seconds) > ALARM else 0.0
        if abs(seconds - self.told) <= (ALARM if seconds and self.told else 0.0):
            return None
        self.told = seconds
        return seconds
