"""What a configuration asks of its sources: it is refused where it cannot fit, and only there (design §8, cadence)."""

import math
import re
from dataclasses import replace

import pytest
from fakes import fake_source

from ticker.config import SourceSettings, check, demands, load, shipped_folder, usages
from ticker.config.quotas import Demand, amount, bytes_a_day, misfits, period
from ticker.errors import ConfigError
from ticker.sources import REGISTRY
from ticker.sources.base import DAY, HOUR, MINUTE, MONTH, SECOND, Limit, Plan

DEMO = {"TICKER_SOURCES_COINGECKO_KEY": "planted-secret"}
EVERYTHING = {
    **DEMO,
    "TICKER_SOURCES_COINMARKETCAP_KEY": "planted-secret",
    "TICKER_SOURCES_COINMARKETCAP_ACCEPT_TERMS": "true",
}


def many(folder, source, count):
    """The folder with so many coins that the source lists."""
    coins = [f'[coins.c{n}]\nname = "C"\nsymbol = "C"\nids = {{ {source} = "{n + 10}" }}\n' for n in range(count)]
    with (folder / "coins.toml").open("a") as file:
        file.write("\n".join(coins))
    return folder


@pytest.mark.parametrize("environ", [{}, DEMO, EVERYTHING], ids=["keyless", "demo", "everything"])
def test_what_ships_fits(environ):
    """With any key, the shipped configuration stays inside every quota and below a gigabyte a day."""
    config = load(shipped_folder(), environ)
    asked = demands(config.sources, config.ids_on, REGISTRY)
    assert {one.source.name for one in asked} == set(config.active_sources())
    assert all(usage.part <= 1 for usage in usages(asked))
    assert bytes_a_day(asked) <= 10**9


def test_two_minutes_are_too_often_for_the_demo_plan(folder):
    """10,000 a month: file, line, key, value, reason and what fits; no key in it."""
    (folder / "ticker.toml").write_text('[sources.coingecko]\n\nevery = "2m"\n')
    assert check(folder, {}) == []
    with pytest.raises(ConfigError) as caught:
        load(folder, DEMO)
    assert str(caught.value) == (
        f"{folder}/ticker.toml:3: sources.coingecko.every = '2m': 21,780 a month would be asked of CoinGecko and "
        'CoinGecko exchange rates; of the 10,000 a month that plan "demo" allows we use at most 9,000 a month; '
        'the smallest interval that fits is "294s"'
    )
    assert load(folder, DEMO, fit=False).sources["coingecko"].every == 120


def test_the_variable_is_named_where_it_decides(folder):
    """The one who gave the interval is the one who is told."""
    (error,) = check(folder, {**DEMO, "TICKER_SOURCES_COINGECKO_EVERY": "4m"})
    assert (error.file, error.key, error.value) == ("environment", "TICKER_SOURCES_COINGECKO_EVERY", "4m")


def test_a_default_that_does_not_fit_is_refused_too(folder):
    """Many coins make many requests a turn: then the usual interval is too short, though nobody wrote it."""
    (error,) = check(many(folder, "coinmarketcap", 401), EVERYTHING)
    assert (error.file, error.key, error.value) == ("defaults", "sources.coinmarketcap.every", "5m")
    assert "43,200 a month" in error.reason
    assert error.reason.endswith('"24m"')  # 5 requests of 100 coins


@pytest.mark.parametrize(
    ("source", "environ"), [("coingecko", {}), ("coingecko", DEMO), ("coinmarketcap", EVERYTHING), ("kraken", {})]
)
def test_the_smallest_interval_is_the_smallest(folder, source, environ):
    """What the sentence says fits; a second less does not."""
    key = f"TICKER_SOURCES_{source.upper()}_EVERY"
    many(folder, "coinmarketcap", 1)
    (error,) = check(folder, {**environ, key: "1s"})
    smallest = int(re.search(r'fits is "([0-9]+)s"', error.reason)[1])
    assert check(folder, {**environ, key: f"{smallest}s"}) == []
    assert check(folder, {**environ, key: f"{smallest - 1}s"}) != []


def test_stand_ins_are_ours_to_ask(folder):
    """A source with allow_private = true may be polled every second, and does not count into the gigabyte."""
    environ = {}
    for name in ("COINGECKO", "KRAKEN", "BINANCE"):
        environ[f"TICKER_SOURCES_{name}_ALLOW_PRIVATE"] = "true"
        environ[f"TICKER_SOURCES_{name}_EVERY"] = "1s"
    config = load(folder, environ)
    asked = demands(config.sources, config.ids_on, REGISTRY)
    assert [one.source.name for one in asked if one.source.of == "coins"] == []


def test_a_source_that_is_off_asks_nothing(folder):
    """Neither one that is switched off nor one whose terms nobody accepted."""
    assert check(folder, {"TICKER_SOURCES_KRAKEN_EVERY": "1s", "TICKER_SOURCES_KRAKEN_ENABLED": "false"}) == []
    assert check(many(folder, "coinmarketcap", 1), {"TICKER_SOURCES_COINMARKETCAP_EVERY": "1s"}) == []


def demand(name, *limits, every=60.0, requests=1, quota="", plan="public", **more):
    """What a source of these limits is asked for."""
    offer = Plan(plan, "https://example.org", limits=limits)
    return Demand(fake_source(name, plans=(offer,), quota=quota, **more), offer, every, requests)


def test_sources_of_one_quota_are_counted_together():
    """Each fits alone; together they do not, and the one that asks most is named, with what the other leaves it."""
    prices = demand("prices", Limit(10_000, MONTH), every=300, quota="gecko")
    rates = demand("rates", Limit(10_000, MONTH), every=3600, quota="gecko")
    assert misfits([prices]) == misfits([rates]) == {}
    assert misfits([prices, rates]) == {
        "prices": '9,360 a month would be asked of Prices and Rates; of the 10,000 a month that plan "public" allows '
        'we use at most 9,000 a month; the smallest interval that fits is "314s"'
    }
    assert misfits([replace(prices, every=314), rates]) == {}
    assert misfits([replace(prices, every=313), rates]) != {}


def test_plans_are_quotas_of_their_own():
    """What one source asks with a key does not count against what another asks without."""
    keyed = demand("a", Limit(10_000, MONTH), every=300, quota="gecko", plan="demo")
    keyless = demand("b", Limit(10_000, MONTH), every=300, quota="gecko", plan="keyless")
    assert [usage.quota for usage in usages([keyed, keyless])] == ["gecko/demo", "gecko/keyless"]
    assert misfits([keyed, keyless]) == {}


def test_where_others_leave_nothing():
    """No interval is promised that does not fit."""
    full = demand("a", Limit(2, MINUTE), every=60, quota="q")
    more = demand("b", Limit(2, MINUTE), every=90, quota="q")
    assert misfits([full, more])["a"].endswith('fits is "3m"')
    assert misfits([full, replace(more, every=59)])["b"].endswith("while the others are asked as often as they are")


def test_too_many_bytes_blame_the_largest():
    """A gigabyte a day from all: the largest is named; where the others alone are too many, no interval is."""
    big, small = demand("big", typical_bytes=600_000), demand("small", typical_bytes=200_000)
    assert math.isclose(bytes_a_day([big, small]), 800_000 * 1440)
    assert misfits([big, small]) == {
        "big": "1.15 GB a day would come from all sources, 0.86 of it from Big; we take at most 1 GB; "
        'the smallest interval that fits is "73s"'
    }
    assert misfits([replace(big, every=73), small]) == {}
    five = [demand(f"s{n}", typical_bytes=200_000 + n) for n in range(5)]
    assert list(misfits(five)) == ["s4"]
    six = [demand(f"s{n}", typical_bytes=200_000 + n) for n in range(6)]
    assert misfits(six)["s5"].endswith("while the others are asked as often as they are")


def test_an_interval_that_fits_the_quota_fits_the_bytes_too():
    """A source over both is told one interval, which is enough for both."""
    both = demand("a", Limit(2, SECOND), every=0.5, typical_bytes=1_000_000)
    (reason,) = misfits([both]).values()
    assert reason.endswith('"87s"')
    assert misfits([replace(both, every=87)]) == {}


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "0"), (0.004, "<0.01"), (0.5, "0.5"), (2.0, "2"), (99.994, "99.99"), (100.2, "101"), (21_600, "21,600")],
)
def test_amounts(value, expected):
    """Few with decimals, many without, and never fewer than there are."""
    assert amount(value) == expected


def test_periods():
    """A limit's time as people say it."""
    said = [period(seconds) for seconds in (SECOND, 2 * SECOND, MINUTE, 5 * MINUTE, HOUR, DAY, MONTH)]
    assert said == ["second", "2s", "minute", "5m", "hour", "day", "month"]


def test_settings_of_sources_say_their_plan():
    """What a demand is built from: the plan that serves us is one of the source's own."""
    settings = SourceSettings(
        enabled=True,
        every=60.0,
        base_url="https://example.org",
        plan="demo",
        key=None,
        allow_private=False,
        accept_terms=False,
        idle=None,
    )
    (one,) = demands({"coingecko": settings}, lambda _: {"bitcoin": ("bitcoin",)}, REGISTRY)
    assert (one.plan.name, one.quota, one.requests, one.calls_a_day) == ("demo", "coingecko/demo", 1, 1440)
