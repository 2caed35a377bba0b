"""The contract that every source keeps, whoever it is; needs no recordings."""

import json
import pkgutil
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from source_tables import DAYS, DIALECTS, IDS, PAYLOAD_DAY, PAYLOAD_TIME, PAYLOADS, RATES, payload

import ticker.sources
from ticker.config import MOST_BYTES_A_DAY, Demand, bytes_a_day
from ticker.config.quotas import misfits
from ticker.currencies import ids
from ticker.politeness import allowances
from ticker.sources import REGISTRY, Source
from ticker.sources.base import MINUTE, MONTH

PARTS = {"base", "rows", "values"}  # of the package, beside the sources

every_source = pytest.mark.parametrize("source", REGISTRY.values(), ids=REGISTRY)
of_coins = [source for source in REGISTRY.values() if source.of == "coins"]
of_currencies = [source for source in REGISTRY.values() if source.of == "currencies"]


def test_registry_equals_folder() -> None:
    """Every file in the folder is a registered source, and every registered source has a file of its name."""
    files = {module.name for module in pkgutil.iter_modules(ticker.sources.__path__)} - PARTS
    assert set(REGISTRY) == files
    for name, source in REGISTRY.items():
        module = getattr(ticker.sources, name)
        assert source is module.SOURCE
        assert source.name == name == module.NAME


def test_tables_name_every_source() -> None:
    """Every source has a payload of ours, ids for it, and a dialect to spoil."""
    assert set(IDS) == set(DIALECTS) == {path.stem for path in PAYLOADS.iterdir()} == set(REGISTRY)


@every_source
def test_facts_are_sane(source: Source) -> None:
    """Addresses are https without a path, bounds are positive, the example is an id, and a name can be a config key."""
    assert re.fullmatch(r"[a-z0-9]+", source.name)
    assert source.docs.startswith("https://")
    assert source.terms.url.startswith("https://")
    assert bool(source.terms.read) or source.terms.note == "not read"
    assert source.plans
    for plan in source.plans:
        assert re.fullmatch(r"https://[a-z0-9.-]+", plan.base_url)
        assert all(limit.calls > 0 and limit.per > 0 for limit in plan.limits)
    assert source.every >= MINUTE
    assert source.cost > 0
    assert source.batch is None or source.batch > 0
    assert source.id_pattern.fullmatch(source.id_example)
    assert source.currency_of(source.id_example) in ("usd", "tether", "usd-coin")
    assert source.content_types
    assert len(payload(source.name)) < source.max_body
    assert 0 < source.typical_bytes < source.max_body
    if source.credit is not None:
        text, url = source.credit
        assert text
        assert url.startswith("https://")


@every_source
def test_limits_are_data(source: Source) -> None:
    """Every offer says how often it may be asked, so that the budget knows it (trust rule 19); two document nothing."""
    unlimited = {"ecb", "frankfurter"}
    assert all(bool(plan.limits) == (source.name not in unlimited) for plan in source.plans)
    assert source.quota == "" or source.quota in REGISTRY


@every_source
def test_one_request_a_turn_stays_inside_the_limits(source: Source) -> None:
    """At its usual interval a source uses half of a short limit at most, and 90 % of a monthly one."""
    for plan in source.plans:
        for allowance in allowances(plan.limits, source.cost):
            share = 0.9 if allowance.limit.per >= MONTH else 0.5
            assert allowance.rate <= share * allowance.limit.calls / allowance.limit.per * (1 + 1e-9)
            assert source.cost / source.every <= allowance.rate, plan.name


def test_sources_that_share_an_allowance_stay_inside_it_together() -> None:
    """CoinGecko counts calls, whatever they ask: its coins and its exchange rates together keep its monthly limit."""
    sharing = [source for source in REGISTRY.values() if source.quota == "coingecko"]
    assert {source.name for source in sharing} == {"coingecko", "coingeckorates"}
    rate = sum(source.cost / source.every for source in sharing)
    for plan in sharing[0].plans:
        for limit in plan.limits:
            assert rate <= (0.9 if limit.per >= MONTH else 0.5) * limit.calls / limit.per
    assert all(source.quota in ("", "coingecko") for source in REGISTRY.values())
    assert all(source.plans == sharing[0].plans for source in sharing)


def test_all_sources_together_stay_below_a_gigabyte_a_day() -> None:
    """With everything switched on and at its usual interval, a day is less than 1 GB on the wire, as `plan` counts."""
    everything = [Demand(source, source.plans[0], source.every, requests=1) for source in REGISTRY.values()]
    assert bytes_a_day(everything) <= MOST_BYTES_A_DAY == 10**9
    assert misfits(everything) == {}


def test_terms_that_forbid_are_marked() -> None:
    """CoinMarketCap's free plan is for personal use, ExchangeRate-API forbids to redistribute: ops must accept them."""
    assert {name for name, source in REGISTRY.items() if source.terms.forbid} == {"coinmarketcap", "openerapi"}


@every_source
def test_requests(source: Source) -> None:
    """No ids ask nothing; many ids ask once, or once for each full batch; the same ids ask the same."""
    ids = [f"{source.id_example}{number}" for number in range(2 * (source.batch or 100) + 1)]
    assert source.requests([]) == []
    found = source.requests(ids)
    assert len(found) == (1 if source.batch is None else 3)
    assert found == source.requests(ids)
    if source.batch is not None:
        queries = [dict(request.query) for request in found]
        asked = [one for query in queries for one in (query.get("ids") or query["id"]).split(",")]
        assert asked == ids


@every_source
def test_no_key_in_the_address(source: Source) -> None:
    """A key has its header, and the adapter never sees it: nothing in the request names one."""
    (request,) = source.requests([source.id_example])
    assert request.path.startswith("/")
    assert "?" not in request.path
    assert not [name for name, _ in (*request.query, *request.headers) if "key" in name.lower()]


@pytest.mark.parametrize("source", of_coins, ids=lambda source: source.name)
def test_payload(source: Source, quoted: Any) -> None:
    """Our payload in the documented shape gives every coin's exact price, its change in percent, currency and time."""
    ids = IDS[source.name]
    found = quoted(source.name, payload(source.name), *ids.values())
    assert {one: quote.price for one, quote in found.items()} == {
        one: Decimal(DAYS[coin].price) for coin, one in ids.items()
    }
    for coin, one in ids.items():
        quote = found[one]
        assert source.id_pattern.fullmatch(one)
        assert quote.currency == source.currency_of(one)
        assert quote.change_24h == (None if source.name == "kraken" else Decimal(DAYS[coin].change))
        assert quote.at == (PAYLOAD_TIME if source.timed else None)
        assert quote.volume_24h is not None
        assert (quote.source, quote.poll, quote.received) == (source.name, 7, 1_790_000_030.0)
        if source.kind == "aggregator":
            assert (quote.change_1h, quote.change_7d) == (Decimal("0.25"), Decimal("-1.5"))
            assert quote.name
            assert quote.symbol
            assert quote.market_cap is not None
        else:
            assert quote.low_24h is not None
            assert quote.high_24h is not None
            assert quote.low_24h <= quote.price <= quote.high_24h


@pytest.mark.parametrize("source", of_currencies, ids=lambda source: source.name)
def test_payload_of_currencies(source: Source, quoted: Any) -> None:
    """Our payload gives the exact US dollars for one of each currency, as of the provider's day or moment."""
    found = quoted(source.name, payload(source.name), *IDS[source.name].values())
    assert {one.lower(): quote.price for one, quote in found.items()} == {
        code: Decimal(rate) for code, rate in RATES.items()
    }
    assert {quote.currency for quote in found.values()} == {"usd"}
    times = {"ecb": PAYLOAD_DAY, "frankfurter": PAYLOAD_DAY, "openerapi": PAYLOAD_TIME, "coingeckorates": None}
    assert {quote.at for quote in found.values()} == {times[source.name]}


@pytest.mark.parametrize("source", of_currencies, ids=lambda source: source.name)
def test_currencies_are_named_alike(source: Source) -> None:
    """Every source of currencies is asked by ISO 4217's codes, and every one of ours is such a code."""
    assert all(source.id_pattern.fullmatch(one) for many in ids().values() for one in many)
    assert source.kind == "aggregator"
    assert source.credit is not None


def test_one_bank_is_one_group() -> None:
    """Frankfurter republishes the ECB's rates: two hosts, one vote, one credit."""
    groups = {source.name: source.group for source in of_currencies}
    assert groups == {
        "ecb": "ecb",
        "frankfurter": "ecb",
        "openerapi": "openerapi",
        "coingeckorates": "coingecko",
    }
    assert REGISTRY["ecb"].credit == REGISTRY["frankfurter"].credit


@every_source
def test_only_what_is_wanted(source: Source, quoted: Any) -> None:
    """Nobody gets what was not asked for, and an id that the source does not have is absent, not an error."""
    assert set(quoted(source.name, payload(source.name), source.id_example, "no-such-coin")) == {source.id_example}
    assert quoted(source.name, payload(source.name)) == {}


def _names(node: Any) -> Iterator[str]:
    for one in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _names(one)
    if isinstance(node, dict):
        yield from node


@every_source
def test_documented_names(source: Source) -> None:
    """The table of dialects names cells that are in the payload, so that spoiling them spoils something."""
    body = payload(source.name)
    names = set(re.findall(r"(\w+)=", body.decode()) if body.startswith(b"<") else _names(json.loads(body)))
    dialect = DIALECTS[source.name]
    wanted = {dialect.price, *dialect.rest} | ({dialect.time} if dialect.time else set())
    assert {one for one in wanted if isinstance(one, str)} <= names
