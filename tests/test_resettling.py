"""Settling what seldom moves: the same settlement until there is a reason for another."""

import pytest
from rounds import NOW, quote, rules

from ticker.consensus import Memory, Rules, settle
from ticker.model import Quote
from ticker.resettling import Resettling

RULES = rules(("ecb", "openerapi"), "eur")
QUOTES = (quote("ecb", "1.25", "eur"), quote("openerapi", "1.25", "eur"))
OTHERS = (quote("ecb", "1.26", "eur"), QUOTES[1])


def test_the_same_quotes_are_not_settled_twice() -> None:
    """The very settlement is given again, without what it has told before, and its prices are what others would be."""
    again = Resettling(30.0)
    memory = again.settle(QUOTES, Memory(), NOW, RULES).memory
    found = again.settle(tuple(QUOTES), memory, NOW + 29, RULES)

    assert found.memory is memory
    assert found.decisions == ()
    assert [one.price for one in found.prices] == [one.price for one in settle(QUOTES, memory, NOW + 29, RULES).prices]


@pytest.mark.parametrize(
    ("quotes", "published", "later", "known"),
    [
        pytest.param(OTHERS, True, 1.0, RULES, id="another quote"),
        pytest.param(QUOTES, True, 1.0, rules(("ecb",), "eur"), id="other rules"),
        pytest.param(QUOTES, False, 1.0, RULES, id="a settlement that was never published"),
        pytest.param(QUOTES, True, 30.0, RULES, id="time gone by"),
        pytest.param(QUOTES, True, -1.0, RULES, id="a clock set back"),
    ],
)
def test_every_reason_to_settle_anew_is_one(
    quotes: tuple[Quote, ...], published: bool, later: float, known: Rules
) -> None:
    """Then it is what settling gives, decisions and all."""
    again, before = Resettling(30.0), Memory()
    first = again.settle(QUOTES, before, NOW, RULES)
    memory = first.memory if published else before
    found = again.settle(quotes, memory, NOW + later, known)

    assert found == settle(quotes, memory, NOW + later, known)
    assert found.memory is not first.memory
