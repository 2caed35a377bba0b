"""USDT and USDC are coins with a price, never dollars (trust rule 9, design §8)."""

from decimal import Decimal

import pytest
from rounds import NOW, quote, rules, venue

from ticker.consensus import Memory, Rules, settle
from ticker.model import Price, Quote

VOTERS = {f"v{i}": venue(f"v{i}") for i in range(6)}
RULES = rules(VOTERS, "bitcoin", "tether", "usd-coin")


def prices(*quotes: Quote, known: Rules = RULES) -> dict[str, Price]:
    return {price.coin: price for price in settle(quotes, Memory(), NOW, known).prices}


def test_a_stablecoin_quote_counts_through_its_own_settled_price() -> None:
    """65,000 USDT at 0.999 dollars a USDT is 64,935 dollars."""
    found = prices(quote("v0", "65000", currency="tether"), quote("v1", "0.999", coin="tether"))

    assert found["bitcoin"].price == Decimal(64935)
    assert found["bitcoin"].agreement == "single"


def test_without_a_rate_there_is_no_vote() -> None:
    """No settled USDT price: the USDT venue says nothing of dollars."""
    assert prices(quote("v0", "65000", currency="tether"))["bitcoin"].agreement == "none"


def test_a_disputed_rate_is_no_rate() -> None:
    """Two sources that disagree about USDT convert nothing."""
    found = prices(
        quote("v0", "65000", currency="tether"),
        quote("v1", "0.95", coin="tether"),
        quote("v2", "1.00", coin="tether"),
    )

    assert found["tether"].agreement == "disputed"
    assert found["bitcoin"].agreement == "none"


def test_an_old_rate_is_no_rate() -> None:
    """A last good USDT price still shown as delayed converts nothing any more."""
    known = RULES
    first = settle([quote("v1", "1", coin="tether")], Memory(), NOW, known)
    later = settle([quote("v0", "65000", currency="tether", received=NOW + 200)], first.memory, NOW + 200, known)
    found = {price.coin: price for price in later.prices}

    assert found["tether"].price == Decimal(1)
    assert found["bitcoin"].agreement == "none"


def test_usd_coin_may_be_quoted_in_tether() -> None:
    """Tether is settled first, by dollars alone; USDC may then use it."""
    found = prices(quote("v0", "1.001", coin="usd-coin", currency="tether"), quote("v1", "0.999", coin="tether"))

    assert found["usd-coin"].price == Decimal("0.999999")


def test_tether_is_never_its_own_rate() -> None:
    """A quote of USDT in USDC waits for dollars: there is no circle."""
    found = prices(quote("v0", "1", coin="tether", currency="usd-coin"), quote("v1", "1", coin="usd-coin"))

    assert found["tether"].agreement == "none"


def test_usdc_at_877_does_not_move_bitcoin() -> None:
    """2023-03-11: USDC falls to 0.877; venues that quote in it are converted and bitcoin errs by less than 0.3 %."""
    honest = Decimal(20_500)
    found = prices(
        *(quote(f"v{i}", "0.877", coin="usd-coin") for i in range(3)),
        quote("v0", honest),
        quote("v1", honest),
        quote("v2", (honest / Decimal("0.877")).quantize(Decimal("0.01")), currency="usd-coin"),
        quote("v3", (honest / Decimal("0.877")).quantize(Decimal("0.01")), currency="usd-coin"),
        quote("v4", (honest / Decimal("0.877")).quantize(Decimal("0.01")), currency="usd-coin"),
    )

    assert found["usd-coin"].price == Decimal("0.877")
    assert found["bitcoin"].agreement == "ok"
    assert abs(found["bitcoin"].price / honest - 1) < Decimal("0.003")


def test_off_its_peg_by_fewer_than_three_it_converts_nothing() -> None:
    """One or two sources that see 0.877 are more likely wrong than right."""
    found = prices(
        quote("v0", "0.877", coin="usd-coin"),
        quote("v1", "0.877", coin="usd-coin"),
        quote("v2", "23000", currency="usd-coin"),
        quote("v3", "20500"),
    )

    assert found["usd-coin"].price == Decimal("0.877")
    assert (found["bitcoin"].price, found["bitcoin"].used) == (Decimal(20500), 1)


@pytest.mark.parametrize(
    ("said", "converts"),
    [
        (["0.981"], False),
        (["0.9949"], False),
        (["0.9951"], True),
        (["0.981", "0.981"], True),
        (["0.979", "0.979"], False),
        (["0.6", "0.6", "0.6"], True),
    ],
)
def test_the_further_off_its_peg_the_more_must_say_so(said: list[str], converts: bool) -> None:
    """One source within 0.5 %, two within 2 %, three whatever it is: else nothing is converted."""
    tether = [quote(f"v{i}", price, coin="tether") for i, price in enumerate(said)]
    found = prices(*tether, quote("v5", "65000", currency="tether"))

    assert (found["bitcoin"].price is not None) is converts


def test_high_and_low_are_in_dollars_too() -> None:
    """A USDT venue's range is converted like its price; a low above the price is no low."""
    tether = [quote(f"v{i}", "0.9", coin="tether") for i in range(3)]
    range_of = {"high_24h": Decimal(101_000), "low_24h": Decimal(99_000)}
    found = prices(*tether, quote("v5", "100000", currency="tether", **range_of))
    odd = prices(*tether, quote("v5", "90000", currency="tether", **range_of))

    assert (found["bitcoin"].price, found["bitcoin"].high_24h, found["bitcoin"].low_24h) == (90000, 90900, 89100)
    assert (odd["bitcoin"].price, odd["bitcoin"].low_24h) == (81000, None)
