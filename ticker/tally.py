"""What a poller counts of its own work, for those who report it: rounds, their time, what was refused, the store.

Only kept here; what it means is decided by who reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ticker.consensus import Memory
from ticker.model import CoinId, Snapshot, SourceName


@dataclass(slots=True)
class Tally:
    """Counts since the start. `snapshot` is the last one published, None before; times are seconds since 1970.

    `leads` says that this poller publishes: False before it has taken over, and while it stands by.
    """

    leads: bool = False
    rounds: int = 0
    seconds: float = 0.0
    last_seconds: float | None = None
    last_at: float | None = None
    store_errors: int = 0
    store_down: bool = False
    snapshot: Snapshot | None = None
    _memories: tuple[Memory, ...] = field(default=(), repr=False)

    def round(self, took: float, snapshot: Snapshot, *memories: Memory) -> None:
        """A round was settled, in so many seconds, and is published."""
        self.rounds, self.seconds, self.last_seconds = self.rounds + 1, self.seconds + took, took
        self.last_at, self.snapshot, self._memories = snapshot.built_at, snapshot, memories

    @property
    def refused(self) -> Mapping[CoinId, Mapping[SourceName, str]]:
        """The sources that do not count at present, and the reason's name, by coin or currency."""
        return {coin: one.refused for memory in self._memories for coin, one in memory.coins.items() if one.refused}
