"""How many sources become one price: pure, exact, explained. `settle` is the whole of it."""

from ticker.consensus.rules import METHOD, CoinRule, Rules, Voter
from ticker.consensus.settle import Decision, Memory, Remembered, Settlement, settle

__all__ = ["METHOD", "CoinRule", "Decision", "Memory", "Remembered", "Rules", "Settlement", "Voter", "settle"]
