"""What the two halves of the service hand over when somebody looks at their metrics. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass

from ticker.bulletin import Bulletin, ConfigStanding
from ticker.model import Snapshot


@dataclass(frozen=True, slots=True)
class Serving:
    """A server: answers by door and status, who watches, what it shows. `skipped` are frames that viewers missed."""

    requests: Mapping[tuple[str, int], int]
    viewers: int
    streams: int
    skipped: int
    variants: int
    snapshot: Snapshot | None
    store_up: bool


@dataclass(frozen=True, slots=True)
class Polling:
    """A poller: how it stands, whether it leads, whether the store takes what it writes. `webhook` counts messages."""

    bulletin: Bulletin
    leads: bool
    store_up: bool
    snapshot: Snapshot | None
    webhook: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Figures:
    """All of one process; None for the half that it is not. `tasks` are those of its event loop."""

    now: float
    version: str
    config: ConfigStanding
    serving: Serving | None = None
    polling: Polling | None = None
    tasks: int = 0

    @property
    def snapshot(self) -> Snapshot | None:
        """The one that this process shows, or else has made."""
        if self.serving is not None:
            return self.serving.snapshot
        return None if self.polling is None else self.polling.snapshot
