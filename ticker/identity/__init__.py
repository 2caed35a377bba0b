"""Is it the coin we mean? What sources say of our coins side by side, and what does not fit. Knows no terminal."""

from ticker.identity.answers import Answer, Said, dollars, rates, read, said
from ticker.identity.ask import ask_all, catalogues
from ticker.identity.findings import Finding, findings
from ticker.identity.matching import Hit, Proposal, Refusal, propose, search

__all__ = [
    "Answer",
    "Finding",
    "Hit",
    "Proposal",
    "Refusal",
    "Said",
    "ask_all",
    "catalogues",
    "dollars",
    "findings",
    "propose",
    "rates",
    "read",
    "said",
    "search",
]
