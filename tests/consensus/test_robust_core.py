"""The robust core: the table of trust §1.2, one poisoned source, and properties (rules 2, 4, 15)."""

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rounds import NOW, bitcoin, quote, settled, venues

from ticker.consensus.statistics import agreeing, confidence, median, quantile, reach

HONEST = Decimal(50_000)
DRAWS = 400


def noisy(rng: random.Random, true: Decimal = HONEST) -> Decimal:
    """An honest price: gaussian noise of 0.08 %."""
    return (true * Decimal(1 + rng.gauss(0, 0.0008))).quantize(Decimal("0.01"))


@pytest.mark.parametrize(
    ("honest", "bad", "bound"),
    [
        (4, [Decimal(10)], "0.003"),
        (2, [Decimal(10)], "0.003"),
        (3, [Decimal("0.001"), Decimal("0.0001")], "0.003"),
        (3, [Decimal("0.87"), Decimal("0.87")], "0.003"),
    ],
    ids=["1 of 5 x10", "1 of 3 x10", "2 of 5 near zero", "2 of 5 at -13 %"],
)
def test_minority_of_faults(honest: int, bad: list[Decimal], bound: str) -> None:
    """The 99th percentile of the error over 400 draws is within 0.3 %, and nothing is called disputed."""
    rng, errors = random.Random(1), []
    for _ in range(DRAWS):
        quotes = venues(*(noisy(rng) for _ in range(honest)), *(noisy(rng) * factor for factor in bad))
        price = bitcoin(settled(quotes))
        assert price.agreement in ("ok", "degraded")
        errors.append(abs(price.price / HONEST - 1))

    assert sorted(errors)[int(DRAWS * 0.99)] <= Decimal(bound)


@pytest.mark.parametrize(("honest", "bad"), [(2, [Decimal("0.87")] * 2), (1, [Decimal(10)])], ids=["2:2", "1:1 x10"])
def test_even_split_is_always_flagged(honest: int, bad: list[Decimal]) -> None:
    """No rule saves an even split: disputed every time, and no mean is published."""
    rng = random.Random(2)
    for _ in range(DRAWS):
        quotes = venues(*(noisy(rng) for _ in range(honest)), *(noisy(rng) * factor for factor in bad))
        price = bitcoin(settled(quotes))
        assert (price.agreement, price.price) == ("disputed", None)


@pytest.mark.parametrize("factor", ["10", "0.1", "1000000", "0.000001", "1.02", "0.98"])
def test_one_poisoned_of_five(factor: str) -> None:
    """Whatever one of five says, the price moves less than 0.3 %."""
    rng = random.Random(3)
    for _ in range(100):
        quotes = venues(*(noisy(rng) for _ in range(5)))
        clean = bitcoin(settled(quotes)).price
        poisoned = [*quotes[:4], quote("v4", HONEST * Decimal(factor))]
        assert abs(bitcoin(settled(poisoned)).price / clean - 1) < Decimal("0.003")


def test_pyth_2021() -> None:
    """2 of 11 near zero: excluded, price within 0.3 %, confidence small (rule 4)."""
    rng = random.Random(4)
    price = bitcoin(settled(venues(*(noisy(rng) for _ in range(9)), "5.4", "0.000054")))

    assert price.agreement == "ok"
    assert price.used == 9
    assert abs(price.price / HONEST - 1) < Decimal("0.003")
    assert price.confidence < Decimal("0.003")


positive = st.decimals(min_value="1e-18", max_value="1e15", allow_nan=False, allow_infinity=False)


@given(
    true=st.decimals(min_value="1e-12", max_value="1e9", places=15).filter(lambda d: d > 0),
    noise=st.lists(st.integers(-10, 10), min_size=3, max_size=9),
    bad=st.lists(positive, max_size=4),
)
def test_fewer_than_half_cannot_leave_the_honest_range(true: Decimal, noise: list[int], bad: list[Decimal]) -> None:
    """With f < n/2 arbitrary inputs a published price stays in the honest range widened by 0.5 % (rule 2)."""
    honest = [true * (1 + Decimal(n) / 10_000) for n in noise]
    bad = bad[: (len(honest) - 1) if len(honest) > 1 else 0]
    price = bitcoin(settled(venues(*honest, *bad)))

    assert price.agreement in ("ok", "degraded")
    assert min(honest) * Decimal("0.995") <= price.price <= max(honest) * Decimal("1.005")


def test_the_middle_and_not_the_mean() -> None:
    """A price a little off, near enough to count, draws the others nowhere; of an even number it is between the two."""
    assert bitcoin(settled(venues("99.9", "100", "100", "100.1", "100.45"))).price == 100
    assert bitcoin(settled(venues("99.9", "100", "100.2", "100.45"))).price == Decimal("100.1")


@given(st.permutations(venues("100", "100.1", "99.9", "250", "100.05")))
def test_order_does_not_matter(quotes: list) -> None:  # type: ignore[type-arg]
    """The same quotes in any order settle alike."""
    assert bitcoin(settled(quotes)) == bitcoin(settled(sorted(quotes, key=lambda q: q.source)))


@given(st.decimals(min_value="1e-18", max_value="1e15", allow_nan=False, allow_infinity=False))
def test_a_single_price_is_published_exactly(value: Decimal) -> None:
    """One source's own digits are kept, up to 18 of them; a price is never turned into zero."""
    price = bitcoin(settled([quote("v0", value)])).price

    assert price == +value.normalize() or len(value.as_tuple().digits) > 18
    assert price > 0


@given(st.lists(positive, min_size=1, max_size=12))
def test_reach_is_between_half_a_percent_and_ten(values: list[Decimal]) -> None:
    """No spread of the sample makes it wider or narrower."""
    ordered = sorted(values)
    middle = median(ordered)

    assert middle / 200 <= reach(ordered, middle) <= middle / 10


@pytest.mark.parametrize(
    ("values", "size"),
    [([], 0), ([1], 1), ([1, 2], 1), ([100, 101, 103], 2), ([100, 101, 102], 3), ([1, 50, 50, 99], 2)],
)
def test_agreeing_counts_the_largest_set(values: list[int], size: int) -> None:
    """A set agrees when all its members are within 1 % of its median."""
    assert agreeing([Decimal(v) for v in values], Decimal("0.01")) == size


def test_quantiles_are_interpolated() -> None:
    """The lower quartile of 0, 10, 20, 30 is 7.5."""
    ordered = [Decimal(v) for v in (0, 10, 20, 30)]

    assert quantile(ordered, Decimal("0.25")) == Decimal("7.5")
    assert confidence([Decimal(100), Decimal(100), Decimal(100)], Decimal(100)) == 0


def test_now_is_an_argument() -> None:
    """Settling the same at the same moment gives the same, byte for byte."""
    quotes = venues("100", "100.1", "250")

    assert settled(quotes, now=NOW) == settled(quotes, now=NOW)
