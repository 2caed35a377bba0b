from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticker.simulate.known import KNOWN, MONEY, facts_of
from ticker.simulate.market import DAY, SOURCE_NOISE, WALK, Market, step_of
from ticker.simulate.noise import smooth, steepest

moments = st.floats(min_value=0, max_value=4e9, allow_nan=False)
coins = st.one_of(st.sampled_from(sorted(KNOWN)), st.from_regex(r"[a-z0-9-]{1,30}", fullmatch=True))
seeds = st.integers(0, 2**32)
sources = st.sampled_from(["", "kraken", "coingecko", "okx"])
relaxed = settings(deadline=None)  # the first price of a coin draws its whole past
widest = sum(amplitude for _, amplitude in (*WALK, *SOURCE_NOISE))


@relaxed
@given(seeds, coins, moments, sources)
def test_the_same_question_has_the_same_answer(seed: int, coin: str, at: float, source: str) -> None:
    """Two markets of one seed agree about every coin at every moment, in any order of asking."""
    first, second = Market(seed), Market(seed)
    second.price(coin, at + 12_345)
    assert first.price(coin, at, source=source) == second.price(coin, at, source=source)


@relaxed
@given(coins, moments)
def test_another_seed_is_another_market(coin: str, at: float) -> None:
    """A seed changes the walk."""
    assert smooth(f"1/{coin}", at, WALK) != smooth(f"2/{coin}", at, WALK)


@relaxed
@given(seeds, coins, moments, sources)
def test_prices_stay_in_bounds(seed: int, coin: str, at: float, source: str) -> None:
    """A price is above zero and never leaves the band around the usual price, whatever the moment."""
    facts = facts_of(coin)
    price = Market(seed).price(coin, at, source=source)
    reach = Decimal(widest * max(facts.volatility, 1.0)).exp()
    assert price > 0
    assert facts.price / reach <= price <= facts.price * reach


@relaxed
@given(seeds, coins, moments, st.floats(0, 60))
def test_prices_glide(seed: int, coin: str, at: float, seconds: float) -> None:
    """Within a minute a price moves by no more than the walk can, which is less than a percent."""
    market = Market(seed)
    volatility = facts_of(coin).volatility
    most = steepest(WALK) * seconds * volatility
    before, after = market.price(coin, at), market.price(coin, at + seconds)
    rounding = step_of(coin) / before
    assert abs(after / before - 1) <= Decimal(most * 1.02) + rounding * 2
    assert steepest(WALK) * 60 * 1.4 < 0.01


@relaxed
@given(seeds, coins, moments)
def test_sources_differ_honestly(seed: int, coin: str, at: float) -> None:
    """A source is never more than 0.05 % from the truth, rounding included."""
    market = Market(seed)
    true = market.price(coin, at)
    assert abs(market.price(coin, at, source="kraken") / true - 1) <= Decimal("0.0005")


@settings(max_examples=40, deadline=None)
@given(
    seeds,
    coins.filter(lambda coin: coin != "tether"),
    moments.filter(lambda at: at > 8 * DAY),
    st.sampled_from(["usd", "tether"]),
)
def test_a_tick_agrees_with_its_own_past(seed: int, coin: str, at: float, currency: str) -> None:
    """Open and change of 24 hours are those of the price a day ago; high and low hold all that was; bid < ask."""
    market = Market(seed)
    tick = market.tick("ID", coin, at, currency=currency, source="kraken")
    yesterday = market.price(coin, at - DAY, currency=currency, source="kraken")
    assert tick.day.open == yesterday
    assert tick.change_24h == (tick.price / yesterday - 1) * 100
    for span in (tick.day, tick.today):
        assert span.low <= min(span.open, tick.price, span.average)
        assert span.high >= max(span.open, tick.price, span.average)
        assert span.volume > 0
    assert tick.bid < tick.price < tick.ask
    assert tick.day.volume >= tick.today.volume


@relaxed
@given(coins, moments)
def test_a_stablecoin_market_is_counted_in_the_stablecoin(coin: str, at: float) -> None:
    """A price in USDT times the price of USDT is the price in dollars, within a step of each."""
    market = Market(1)
    dollars = market.price(coin, at)
    product = market.price(coin, at, currency="tether") * market.price("tether", at)
    assert abs(product / dollars - 1) < Decimal("0.000003")


def test_a_day_moves_like_a_day_and_a_minute_like_a_minute() -> None:
    """Over a hundred days bitcoin moves a few percent a day and some hundredths of a percent a minute."""
    market = Market(0)

    def mean(seconds: int, count: int) -> float:
        prices = [market.price("bitcoin", 1.79e9 + index * seconds) for index in range(count)]
        return float(sum(abs(b / a - 1) for a, b in pairwise(prices)) / (count - 1))

    assert 0.008 < mean(86_400, 101) < 0.05
    assert 0.0001 < mean(60, 1000) < 0.001


def test_stablecoins_hold_their_peg() -> None:
    """Tether stays within 0.1 % of 0.9994 and USD Coin of 0.9999 for years."""
    market = Market(0)
    for coin, peg in (("tether", Decimal("0.9994")), ("usd-coin", Decimal("0.9999"))):
        for week in range(200):
            assert abs(market.price(coin, 1.7e9 + week * 604_800) / peg - 1) < Decimal("0.001")


def test_known_coins_are_whole() -> None:
    """Every known coin has a name, a symbol, a price and a supply; the reference sidebar is known."""
    sidebar = "bitcoin ethereum neo waves monero nano ark pirate-chain dogecoin litecoin cardano tether usd-coin"
    assert set(sidebar.split()) <= KNOWN.keys()
    assert len(KNOWN) >= 60
    for facts in KNOWN.values():
        assert facts.name
        assert facts.symbol == facts.symbol.upper()
        assert facts.price > 0 < facts.supply


@pytest.mark.parametrize(("coin", "step"), [("bitcoin", "0.01"), ("cardano", "1E-7"), ("shiba-inu", "1E-12")])
def test_a_market_keeps_its_step(coin: str, step: str) -> None:
    """Every price of a market has the same number of decimals."""
    exponents = {Market(5).price(coin, 1.79e9 + hour * 3600).as_tuple().exponent for hour in range(500)}
    assert exponents == {Decimal(step).as_tuple().exponent}


@relaxed
@given(seeds, st.sampled_from(sorted(MONEY)), moments)
def test_a_rate_is_the_market_s_price_and_no_more(seed: int, code: str, at: float) -> None:
    """A currency's tick has the price that its source sees, and a day in which nothing happened."""
    market = Market(seed)
    tick = market.rate(code.upper(), code, at, source="ecb")
    assert tick.price == market.price(code, at, source="ecb")
    assert tick.day.high == tick.day.low == tick.bid == tick.ask == tick.open_utc8 == tick.price
    assert (tick.change_24h, tick.day.volume) == (0, 0)
