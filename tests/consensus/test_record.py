"""Rounds on record can be worked out again, to the same bytes (trust rule 16; issue 3, explain)."""

import random
from decimal import Decimal

import msgspec
import pytest
from rounds import NOW, aggregator, quote, rules, venue

from ticker.consensus import METHOD, Memory, settle
from ticker.consensus.explain import REASONS, explain
from ticker.consensus.record import digest, pack, record, unpack
from ticker.model import Quote

KNOWN = rules(
    {**{f"v{i}": venue(f"v{i}") for i in range(5)}, "a0": aggregator("a0"), "a1": aggregator("a1")},
    "tether", "bitcoin", "litecoin", "monero",
)  # fmt: skip


def random_quotes(rng: random.Random, number: int, now: float) -> list[Quote]:
    """A round of honest prices with faults on some."""
    found = []
    for coin, base in (("tether", "1"), ("bitcoin", "65000"), ("litecoin", "47"), ("monero", "350")):
        for source in KNOWN.voters:
            if rng.random() < 0.1:
                continue
            price = Decimal(base) * Decimal(f"{1 + rng.gauss(0, 0.001):.6f}")
            price *= rng.choice([1] * 12 + [10, Decimal("0.1"), Decimal("1.3"), Decimal("0.98")])
            at = rng.choice([None, now, now - 30, now - 30, now - 400, 0.0, now + 500])
            currency = "tether" if coin != "tether" and source == "v4" else "usd"
            found.append(quote(source, price, coin=coin, poll=number, received=now, at=at, currency=currency))
    return found


def test_a_thousand_rounds_again() -> None:
    """1,000 rounds with faults, packed, unpacked, worked out again: the same prices, byte for byte."""
    rng, memory = random.Random(7), Memory()
    for number in range(1000):
        now = NOW + 60 * number
        quotes = random_quotes(rng, number + 1, now)
        settlement = settle(quotes, memory, now, KNOWN)
        kept = unpack(pack(record(quotes, memory, now, KNOWN, settlement.prices)))

        again = kept.again()

        assert msgspec.json.encode(again.prices) == msgspec.json.encode(settlement.prices)
        assert digest(again.prices) == kept.digest
        assert msgspec.json.encode(again.memory) == msgspec.json.encode(settlement.memory)
        memory = settlement.memory


def test_a_record_names_its_method() -> None:
    """Whoever works it out again must know by which rules it was made."""
    assert unpack(pack(record([], Memory(), NOW, KNOWN, []))).method == METHOD


@pytest.mark.parametrize("damaged", [b"", b"nonsense", pack(record([], Memory(), NOW, KNOWN, []))[:-5]])
def test_a_damaged_record_is_refused(damaged: bytes) -> None:
    """With one error, whatever is wrong with it."""
    with pytest.raises(ValueError, match="not a record"):
        unpack(damaged)


def test_the_explanation_names_every_quote() -> None:
    """What it said, in which group, whether it counted, and if not, why; and who said nothing."""
    quotes = [
        quote("v0", "100"), quote("v1", "100.1"), quote("v2", "100.2", currency="tether"), quote("v3", "1000"),
        quote("a0", "100.05", at=NOW - 5000), quote("gone", "100"),
    ]  # fmt: skip
    settlement = settle(quotes, Memory(), NOW, KNOWN)
    rule = next(coin for coin in KNOWN.coins if coin.id == "bitcoin")
    found = explain(rule, settlement.rounds["bitcoin"], KNOWN, NOW)

    told = {one["source"]: (one["used"], one["reason"]) for one in found["sources"]}
    assert told == {
        "v0": (True, None), "v1": (True, None), "v2": (False, "no_rate"), "v3": (False, "unit"),
        "a0": (False, "expired"), "gone": (False, "unknown_source"),
    }  # fmt: skip
    assert found["silent"] == ["a1", "v4"]
    assert (found["agreement"], found["groups"], found["agreeing"], found["price"]) == ("degraded", 3, 2, "100.05")
    assert (found["method"], found["verdict"], found["tolerance"]) == (METHOD, "publish", "0.01")


def test_a_price_that_waits_is_explained() -> None:
    """It says that it waits, and since when; no quote is called used."""
    first = settle([quote(f"v{i}", "100") for i in range(3)], Memory(), NOW, KNOWN)
    second = settle([quote(f"v{i}", "200", poll=2) for i in range(3)], first.memory, NOW + 60, KNOWN)
    found = explain(KNOWN.coins[1], second.rounds["bitcoin"], KNOWN, NOW + 60)

    assert (found["verdict"], found["waiting_since"], found["price"]) == ("wait", NOW + 60, "100")
    assert not any(one["used"] for one in found["sources"])


def test_every_reason_has_words() -> None:
    """No reason reaches a reader as a bare code."""
    from typing import get_args

    from ticker.consensus import Reason

    assert set(REASONS) == set(get_args(Reason))
