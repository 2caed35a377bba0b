"""How the configuration stands: which one is in force, and what was refused last. For `/status` and metrics.

Knows no file and no setting: who loads the configuration writes it down here, who tells of it reads.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refused:
    """A configuration that was not taken over: when (seconds since 1970), and every reason, a sentence each."""

    at: float
    reasons: tuple[str, ...]


@dataclass(slots=True)
class Standing:
    """The configuration in force: its version, and when it was taken over, in seconds since 1970.

    `refused` is the last one that was not; None once the files are in force again. `taken` and `refusals` count both
    since the start, the first configuration included. `waiting` are settings that wait for a restart.
    """

    version: str
    since: float
    refused: Refused | None = None
    taken: int = 1
    refusals: int = 0
    waiting: tuple[str, ...] = ()

    def take(self, version: str, now: float, waiting: tuple[str, ...]) -> None:
        """Another configuration is in force."""
        self.version, self.since, self.refused, self.waiting = version, now, None, waiting
        self.taken += 1

    def refuse(self, reasons: tuple[str, ...], now: float) -> None:
        """What is in the files cannot be taken over, and the one in force stays."""
        self.refused = Refused(now, reasons)
        self.refusals += 1
