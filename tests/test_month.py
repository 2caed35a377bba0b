"""Days of polling with the shipped configuration in accelerated time: nobody is asked more than its quota.

`tests/exam/month.py` is the whole month with every source.
"""

from accelerated import fullest, shipped, simulate

from ticker.sources import REGISTRY
from ticker.sources.base import DAY, MONTH

MONTHLY = ("coingecko", "coinmarketcap", "coinpaprika")


def test_a_day_of_all_sources_stays_inside_every_quota() -> None:
    """With outages and rate limits as they come, no window of any limit has more than our share of calls."""
    rows = simulate(shipped(), 1, light=True)
    limited = {name for name in shipped().active_sources() if REGISTRY[name].plans[0].limits}
    assert {name for row in rows for name in row.sources} == limited
    assert sum(row.failed for row in rows) > 100
    assert [row for row in rows if row.fullest > row.allowance.units] == []
    assert all(row.calls >= 0.8 * sum(DAY / REGISTRY[name].every for name in row.sources) for row in rows)


def test_twelve_bad_days_stay_inside_a_month_s_quota() -> None:
    """A third of all answers fail, at the shortest interval that fits: retries do not eat up the month, nor stop it."""
    rows = simulate(shipped(TICKER_SOURCES_COINGECKO_EVERY="294s"), 12, failing=0.33, only=MONTHLY, light=True)
    monthly = {row.sources[0]: row for row in rows if row.allowance.limit.per == MONTH}
    assert set(monthly) == set(MONTHLY)
    for row in monthly.values():
        assert row.failed > 0.25 * row.calls
        assert row.fullest <= row.allowance.units * 12 / 30
    assert monthly["coingecko"].calls >= 3_200


def test_the_same_seed_is_the_same_month() -> None:
    """A failure can be seen again."""
    first, second = (simulate(shipped(), 0.1, only=MONTHLY, light=True, seed=7) for _ in range(2))
    assert first == second
    assert first != simulate(shipped(), 0.1, only=MONTHLY, light=True, seed=8)


def test_the_fullest_window_is_found() -> None:
    """The measure itself: a window is half open, and costs add up."""
    spent = [(0.0, 1.0), (30.0, 2.0), (60.0, 4.0), (DAY, 1.0)]
    assert fullest(spent, 60) == 6
    assert fullest(spent, 61) == 7
    assert fullest(spent, 1) == 4
    assert fullest([], 60) == 0
