"""How many sources become one price: pure, exact, explained. `settle` is the whole of it."""

from ticker.consensus.memory import Memory, Reason, Remembered
from ticker.consensus.rules import METHOD, CoinRule, Rules, Voter
from ticker.consensus.settle import Decision, Round, Settlement, settle

__all__ = [
    "METHOD",
    "CoinRule",
    "Decision",
    "Memory",
    "Reason",
    "Remembered",
    "Round",
    "Rules",
    "Settlement",
    "Voter",
    "settle",
]
