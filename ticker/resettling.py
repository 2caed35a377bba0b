"""Settling what seldom moves: the same again, until there is a reason to settle anew.

Exchange rates move a few times a day, while prices are published every second; settling both each time would cost as
much for the rates as for the prices. Knows settling; neither sources nor the store.
"""

from typing import NamedTuple

from msgspec.structs import replace

from ticker.consensus import Memory, Rules, Settlement, settle
from ticker.model import Quote

EVERY = 30.0  # seconds; the votes of currencies live for hours


class _Last(NamedTuple):
    quotes: tuple[Quote, ...]
    rules: Rules
    at: float
    settlement: Settlement


class Resettling:
    """Settles anew when a quote, the memory or the rules are others, and every so many seconds, as votes grow old."""

    def __init__(self, every: float = EVERY) -> None:
        self._every = every
        self._last: _Last | None = None

    def settle(self, quotes: tuple[Quote, ...], memory: Memory, now: float, rules: Rules) -> Settlement:
        """As `consensus.settle`; where the last settlement still stands it is given again, without its decisions.

        It stands only for who goes on with its memory, so that one which was never published is settled anew.
        """
        last = self._last
        if (
            last is not None
            and last.settlement.memory is memory
            and last.rules is rules
            and 0 <= now - last.at < self._every
            and last.quotes == quotes
        ):
            return replace(last.settlement, decisions=())
        settled = settle(quotes, memory, now, rules)
        self._last = _Last(quotes, rules, now, settled)
        return settled
