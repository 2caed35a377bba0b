"""Politeness: how often a source may be asked, as values and pure rules. Knows no network, no clock, no store."""

from ticker.politeness.breaker import FAILURES, FIRST_RETRY, Breaker
from ticker.politeness.budget import Allowance, Budget, Window, allowances
from ticker.politeness.manners import Customer, Hold, Kept, Manners

__all__ = [
    "FAILURES",
    "FIRST_RETRY",
    "Allowance",
    "Breaker",
    "Budget",
    "Customer",
    "Hold",
    "Kept",
    "Manners",
    "Window",
    "allowances",
]
