"""Field for field, an encoder writes what the real API wrote when it was recorded."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ticker import currencies
from ticker.simulate.dialects import DIALECTS
from ticker.simulate.dialects.wire import Ask, View
from ticker.simulate.market import Market

NOW = 1_795_000_020.0
NULLABLE = {"roi", "max_supply", "platform", "notice", "error_message", "fully_diluted_valuation"}
NULLABLE |= {"self_reported_circulating_supply", "self_reported_market_cap", "total_supply"}

Pick = Callable[[Any], Any]


def itself(value: Any) -> Any:
    return value


def first(value: Any) -> Any:
    return value[0]


def named(key: str | int, wanted: str) -> Pick:
    return lambda rows: next(row for row in rows if row[key] == wanted)


def inside(*steps: Any) -> Pick:
    def pick(value: Any) -> Any:
        for step in steps:
            value = step(value) if callable(step) else value[step]
        return value

    return pick


def only(*names: str) -> Pick:
    return lambda value: {name: value[name] for name in names if name in value}


def without(name: str) -> Pick:
    return lambda value: {key: each for key, each in value.items() if key != name}


# source, file, id, query, what to compare in the recording and in the answer, fields that came or went since
CASES = [
    pytest.param(
        "coingecko",
        "coins_markets_usd_top250_2022-02-23.json",
        "bitcoin",
        {"vs_currency": "usd", "price_change_percentage": "1h,24h,7d"},
        (named("id", "bitcoin"), first),
        {f"price_change_percentage_{span}_in_currency" for span in ("14d", "30d", "200d", "1y")}
        | {"market_cap_rank_with_rehypothecated"},
        id="coingecko-2022",
    ),
    pytest.param(
        "coingecko",
        "coins_markets_docs_example.json",
        "bitcoin",
        {"vs_currency": "usd", "price_change_percentage": "1h,24h,7d"},
        (first, first),
        {f"price_change_percentage_{span}_in_currency" for span in ("14d", "30d", "200d", "1y")} | {"sparkline_in_7d"},
        id="coingecko-2026",
    ),
    pytest.param(
        "coinpaprika", "tickers_usd_all_2021-08-12.json", "btc-bitcoin", {}, (first, first), set(), id="coinpaprika"
    ),
    pytest.param("coinlore", "tickers_top100_2024-11.json", "90", {}, (itself, itself), set(), id="coinlore"),
    pytest.param(
        "coinmarketcap",
        "listings_latest_top100_2022-01-29.json",
        "1",
        {"id": "1"},
        (inside("data", 0), inside("data", "1")),
        set(),
        id="coinmarketcap-row",
    ),
    pytest.param(
        "coinmarketcap",
        "listings_latest_top100_2022-01-29.json",
        "1",
        {"id": "1"},
        (inside("status"), inside("status")),
        {"total_count"},
        id="coinmarketcap-status",
    ),
    pytest.param(
        "coinmarketcap",
        "quotes_latest_10coins_2019-02-04.json",
        "1",
        {"id": "1"},
        (lambda value: list(value), lambda value: list(value)),
        set(),
        id="coinmarketcap-envelope",
    ),
    pytest.param(
        "kraken",
        "Ticker_all_assetVersion1_2026-07-23.json",
        "BTC/USD",
        {"assetVersion": "1"},
        (inside("result", "BTC/USD"), inside("result", "BTC/USD")),
        set(),
        id="kraken",
    ),
    pytest.param(
        "coinbase",
        "exchange_products_stats_bulk_2026-07-27.json",
        "NEAR-USD",
        {},
        (inside("NEAR-USD"), inside("NEAR-USD")),
        set(),
        id="coinbase",
    ),
    pytest.param(
        "okx",
        "v5_market_ticker_BTC-USDT_2026-08-22.json",
        "BTC-USDT",
        {"instType": "SPOT"},
        (itself, itself),
        set(),
        id="okx",
    ),
    pytest.param(
        "kucoin", "v1_market_allTickers_docs_example.json", "BTC-USDT", {}, (itself, itself), set(), id="kucoin"
    ),
    pytest.param("gateio", "v4_spot_tickers_2026-07-27.json", "ETH_USDT", {}, (first, first), set(), id="gateio"),
    pytest.param(
        "gateio",
        "v4_spot_tickers_2026.json",
        "ETH_USDT",
        {},
        (named("currency_pair", "SUSHI3L_USDT"), named("currency_pair", "SUSHI3L_USDT")),
        set(),
        id="gateio-leveraged",
    ),
    pytest.param(
        "binance", "api_v3_ticker_24hr_all_2024-01-05.json", "ETHUSDT", {}, (first, first), set(), id="binance"
    ),
    pytest.param(
        "binance",
        "api_v3_ticker_24hr_all_2024-01-05.json",
        "ETHUSDT",
        {},
        (named("lastPrice", "0.00000000"), named("lastPrice", "0.00000000")),
        set(),
        id="binance-delisted",
    ),
    pytest.param("mexc", "api_v3_ticker_24hr_5rows_2025-12-31.json", "ETHUSDT", {}, (first, first), set(), id="mexc"),
    pytest.param("htx", "market_tickers_2026-07-27.json", "ethusdt", {}, (itself, itself), set(), id="htx"),
    pytest.param(
        "bitfinex",
        "v2_tickers_ALL_2019-11-01.json",
        "tBTCUSD",
        {"symbols": "ALL"},
        (first, first),
        set(),
        id="bitfinex",
    ),
    pytest.param(
        "bitfinex",
        "v2_tickers_ALL_2019-11-01.json",
        "tBTCUSD",
        {"symbols": "ALL"},
        (named(0, "fUSD"), named(0, "fUSD")),
        set(),
        id="bitfinex-funding",
    ),
    pytest.param(
        "bitstamp",
        "v2_ticker_perpetual_row_2026-09.json",
        "BTC/USD",
        {},
        (itself, named("market_type", "PERPETUAL")),
        set(),
        id="bitstamp-perpetual",
    ),
    pytest.param(
        "frankfurter",
        "v1_latest_EUR_2026-09-04.json",
        "EUR",
        {"base": "EUR"},
        (inside(only("amount", "base", "date")), inside(only("amount", "base", "date"))),
        set(),
        id="frankfurter",
    ),
    pytest.param(
        "frankfurter",
        "v1_latest_EUR_2026-09-04.json",
        "EUR",
        {"base": "EUR"},
        (inside("rates"), inside("rates")),
        {"GBP", "JPY"},
        id="frankfurter-rates",
    ),
    pytest.param(
        "openerapi",
        "v6_latest_GBP_2026-03-02.json",
        "EUR",
        {},
        (without("rates"), without("rates")),
        set(),
        id="openerapi",
    ),
    pytest.param(
        "openerapi",
        "v6_latest_GBP_2026-03-02.json",
        "EUR",
        {},
        (inside("rates", only("EUR", "USD")), inside("rates", only("EUR", "USD"))),
        set(),
        id="openerapi-rates",
    ),
    pytest.param(
        "coingeckorates",
        "exchange_rates_docs_example_2026.json",
        "EUR",
        {},
        (inside("rates", only("btc", "usd", "eur")), inside("rates", only("btc", "usd", "eur"))),
        set(),
        id="coingeckorates",
    ),
    pytest.param(
        "bitstamp",
        "v2_ticker_btcusdt_2024-03-13.json",
        "BTC/USDT",
        {},
        (itself, first),
        {"market_type", "pair", "market"},
        id="bitstamp-spot",
    ),
]


def shape(value: Any, name: str = "") -> Any:
    """The names and JSON types of a value; of a list of equal rows, one. Fields that may be null count as one type."""
    if name in NULLABLE:
        return "nullable"
    if isinstance(value, dict):
        return {key: shape(each, key) for key, each in value.items()}
    if isinstance(value, list):
        if value and isinstance(value[0], dict):
            return [shape(value[0])]
        return [shape(each) for each in value] if name != "tags" else ["string"]
    if isinstance(value, bool) or value is None:
        return str(value)
    return "number" if isinstance(value, int | float) else "string"


def answer(source: str, market: str, query: dict[str, str]) -> Any:
    """What the encoder says of one coin."""
    dialect = DIALECTS[source]
    coin = "eur" if market == "EUR" else "bitcoin"
    tick = Market(3).tick(market, coin, NOW, currency=dialect.currency_of(market), source=source)
    return json.loads(dialect.encode(View([tick], NOW), Ask(query, {"x-cmc_pro_api_key": "simulated"})).body)


@pytest.mark.parametrize(("source", "file", "market", "query", "picks", "since"), CASES)
def test_fields_and_types_are_the_recorded_ones(
    recordings: Path,
    source: str,
    file: str,
    market: str,
    query: dict[str, str],
    picks: tuple[Pick, Pick],
    since: set[str],
) -> None:
    """The same keys with the same JSON types as the recording, but for fields that came or went since, named here."""
    folder = recordings / {"coingeckorates": "coingecko"}.get(source, source)
    recorded = shape(picks[0](json.loads((folder / file).read_bytes())))
    written = shape(picks[1](answer(source, market, query)))
    if isinstance(recorded, dict):
        assert (recorded.keys() ^ written.keys()) == since
        recorded = {key: value for key, value in recorded.items() if key not in since}
        written = {key: value for key, value in written.items() if key not in since}
    assert written == recorded


def test_the_bank_s_document_is_the_recorded_one(recordings: Path) -> None:
    """Line for line the document of 2018, but for digits and for the currencies that came and went since."""

    def skeleton(text: str) -> list[str]:
        return [re.sub(r"[0-9]+(\.[0-9]+)?", "0", line) for line in text.splitlines()]

    ids = {one: code for code, (one,) in currencies.ids().items()}
    market = Market(3)
    ticks = [market.tick(one, code, NOW, currency="usd", source="ecb") for one, code in ids.items()]
    written = skeleton(DIALECTS["ecb"].encode(View(ticks, NOW), Ask()).body.decode())
    recorded = skeleton((recordings / "ecb/eurofxref-daily_2018-09-12.xml").read_text(encoding="utf-8"))

    gone = [line for line in recorded if re.search("BGN|HRK|RUB|ISK", line)]
    assert written == [line for line in recorded if line not in gone]
    assert len(gone) == 4


def test_every_dialect_has_a_recording() -> None:
    """No encoder is compared with nothing."""
    assert {case.values[0] for case in CASES} | {"ecb"} == set(DIALECTS)
