"""The replay changes the times and nothing else, and with a factor the named prices and nothing else."""

import json
import re
from decimal import Decimal, localcontext
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import aiohttp
import pytest
from replay import ENVELOPES, SHAPES, Recording, Replay, cells, load, matches

from ticker.sources import REGISTRY, Row

NOW = 1_795_000_000.75

FILES = {
    "coingecko/coins_markets_usd_top250_2022-02-23.json": "bitcoin",
    "coingecko/coins_markets_sparkline_one_row_2026-02-17.json": "bitcoin",
    "coinpaprika/tickers_usd_all_2021-08-12.json": "arrr-pirate",
    "coinlore/tickers_top100_2024-11.json": "90",
    "coinmarketcap/listings_latest_top100_2022-01-29.json": "1",
    "coinmarketcap/quotes_latest_10coins_2019-02-04.json": "2",
    "kraken/Ticker_all_assetVersion1_2026-07-23.json": "BTC/USD",
    "coinbase/exchange_products_stats_bulk_2026-07-27.json": "BTC-USD",
    "okx/v5_market_ticker_BTC-USDT_2026-08-22.json": "BTC-USDT",
    "kucoin/v1_market_allTickers_2019-02-21.json": "BTC-USDT",
    "gateio/v4_spot_tickers_2026-07-27.json": "ETH_USDT",
    "binance/api_v3_ticker_24hr_all_2024-01-05.json": "XNOUSDT",
    "binance/api_v3_ticker_24hr_DOGEUSDT.json": "DOGEUSDT",
    "mexc/api_v3_ticker_24hr_5rows_2025-12-31.json": "METALUSDT",
    "mexc/api_v3_ticker_24hr_BTCUSDT_2025-12-31.json": "BTCUSDT",
    "htx/market_tickers_2026-07-27.json": "ethusdt",
    "bitfinex/v2_tickers_ALL_2019-11-01.json": "tBTCUSD",
    "bitstamp/v2_ticker_btcusd_2017.json": "BTC/USD",
    "bitstamp/v2_ticker_btcusdt_2024-03-13.json": "BTC/USDT",
    "ecb/eurofxref-daily_2017-03-08.xml": "GBP",
    "ecb/eurofxref-daily_2018-09-12.xml": "JPY",
    "frankfurter/v1_latest_EUR_2026-09-04.json": "JPY",
    "openerapi/v6_latest_GBP_2026-03-02.json": "EUR",
    "coingecko/exchange_rates_docs_example_2026.json": "XAU",
}
NAMED_PRICE = re.compile("price|last|close|open|high|low|bid|ask|vwap|sod|buy|sell|average", re.IGNORECASE)

every_file = pytest.mark.parametrize("name", FILES)


def source_of(name: str) -> str:
    """Whose answer a recording is: CoinGecko's exchange rates are a source of their own."""
    folder = name.partition("/")[0]
    return "coingeckorates" if "exchange_rates" in name else folder


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Any]]:
    """All scalars with their paths, by the standard library's reader."""
    if isinstance(value, dict):
        return [leaf for key, each in value.items() for leaf in leaves(each, (*path, key))]
    if isinstance(value, list):
        return [leaf for index, each in enumerate(value) for leaf in leaves(each, (*path, index))]
    return [(path, value)]


@lru_cache(maxsize=4)
def plain(body: bytes) -> list[tuple[tuple[Any, ...], Any]]:
    """All scalars with their paths; numbers as their own text."""
    if body.startswith(b"<"):
        elements = enumerate(ElementTree.fromstring(body).iter())
        return [
            ((one.tag.rpartition("}")[2], index, key), text) for index, one in elements for key, text in one.items()
        ]
    return leaves(json.loads(body, parse_float=str, parse_int=str))


def read(source: str, body: bytes, market: str) -> Row:
    """The row that the adapter reads."""
    return next(iter(REGISTRY[source].parse(body, {market})))


@every_file
def test_cells_are_those_of_the_standard_reader(recordings: Path, name: str) -> None:
    """The replay's own reading of a body finds every scalar at its place, and its exact text."""
    body = load(recordings, name)
    text = body.decode()
    found = [(cell.path, text[cell.start : cell.end]) for cell in cells(text)]
    words = {True: "true", False: "false", None: "null"}
    meant = [(path, words.get(value, value) if not isinstance(value, str) else value) for path, value in plain(body)]
    assert [path for path, _ in found] == [path for path, _ in meant]
    assert [json.loads(f'"{word}"') for _, word in found] == [word for _, word in meant]


@every_file
def test_told_at_its_own_time_it_is_the_recording(recordings: Path, name: str) -> None:
    """With no time to move, every byte is the recorded one."""
    body = load(recordings, name)
    recording = Recording(source_of(name), body)
    assert recording.at(recording.newest or NOW) == body


@every_file
def test_only_times_move(recordings: Path, name: str) -> None:
    """Told now, every cell is the same text but for the times, which all move by the same whole seconds."""
    source = source_of(name)
    body = load(recordings, name)
    recording = Recording(source, body)
    told = recording.at(NOW)
    patterns = [pattern for pattern, _ in SHAPES[source].times]

    changed = [path for (path, old), (_, new) in zip(plain(body), plain(told), strict=True) if old != new]
    timed = [path for path, _ in plain(body) if any(matches(path, pattern) for pattern in patterns)]
    assert changed == timed
    assert bool(timed) == bool(patterns)
    assert re.sub(rb"[0-9]", b"0", told) == re.sub(rb"[0-9]", b"0", body)


@every_file
def test_the_adapter_reads_the_recorded_price_as_of_now(recordings: Path, name: str) -> None:
    """Through its adapter, a row has the recorded numbers, and a time within minutes of now."""
    source, market = source_of(name), FILES[name]
    body = load(recordings, name)
    before, after = read(source, body, market), read(source, Recording(source, body).at(NOW), market)

    assert after.price == before.price is not None
    assert (after.high_24h, after.change_24h, after.volume_24h) == (
        before.high_24h,
        before.change_24h,
        before.volume_24h,
    )
    if SHAPES[source].times:
        assert after.at is not None
        by_day = any(unit == "day" for _, unit in SHAPES[source].times)
        assert NOW - (86_400 if by_day else 300) <= after.at <= NOW


@every_file
def test_rebasing_multiplies_the_prices_of_one_market(recordings: Path, name: str) -> None:
    """A factor multiplies the price cells of the named id exactly, and leaves every other cell as it was."""
    source, market = source_of(name), FILES[name]
    factor = Decimal("1.0000000000000000001")
    body = load(recordings, name)
    unmoved = Recording(source, body)
    row = market.lower() if source == "coingeckorates" else market
    told = Recording(source, body, {row: factor}).at(unmoved.newest or NOW)

    changed = [(path, old, new) for (path, old), (_, new) in zip(plain(body), plain(told), strict=True) if old != new]
    assert changed
    depth = len(SHAPES[source].row)
    assert len({path[:depth] for path, _, _ in changed}) == 1
    with localcontext(prec=100):
        for path, old, new in changed:
            assert Decimal(new) == Decimal(old) * factor
            of_coins = REGISTRY[source].of == "coins"
            assert not of_coins or source in ("kraken", "bitfinex") or NAMED_PRICE.search(str(path[-1]))
        price, rebased = read(source, body, market).price, read(source, told, market).price
        assert price is not None
        assert rebased is not None
        if of_coins:
            assert rebased == price * factor
        else:  # what is multiplied is what a dollar buys
            assert abs(rebased * factor / price - 1) < Decimal("1e-26")


def test_a_tiny_price_is_multiplied_exactly(recordings: Path) -> None:
    """2.673e-05 times 3 is 0.00008019, written without an exponent; the row beside it keeps its own."""
    body = load(recordings, "coingecko/coins_markets_usd_top250_2022-02-23.json")
    told = Recording("coingecko", body, {"shiba-inu": Decimal(3)}).at(NOW)
    assert b'"current_price":2.673e-05' in body
    assert b'"current_price":0.00008019' in told
    assert b'"current_price":1.96e-06' in told


def test_a_factor_for_an_unknown_id_is_an_error(recordings: Path) -> None:
    """A typing error in a test does not pass as a rebase of nothing."""
    body = load(recordings, "kraken/Ticker_all_assetVersion1_2026-07-23.json")
    with pytest.raises(KeyError, match="XBT/USD"):
        Recording("kraken", body, {"XBT/USD": Decimal(2)})


def test_envelopes_add_what_the_table_says(recordings: Path) -> None:
    """A wrapped body holds the recorded bytes whole; only Bitstamp's gain the cells that name their market."""
    for name in ENVELOPES:
        body, recorded = load(recordings, name), (recordings / name).read_bytes()
        rows = json.loads(body)
        assert len(rows) == 1
        added = rows[0].keys() - json.loads(recorded).keys()
        named = name.startswith("bitstamp/v2_ticker_btc")
        assert added == ({"market_type", "pair", "market"} if named else set())
        assert recorded.strip()[1:] in body


def test_every_source_has_a_shape_at_its_adapters_path() -> None:
    """The replay stands in for the whole registry, at the very paths that the adapters ask."""
    assert list(SHAPES) == list(REGISTRY)
    for source, shape in SHAPES.items():
        assert REGISTRY[source].request(["1"]).path == shape.path


async def test_it_serves_counts_and_falls_silent(recordings: Path) -> None:
    """Over HTTP: the body as of now, another status untouched, 404 for the rest, and every call counted."""
    body = load(recordings, "okx/v5_market_ticker_BTC-USDT_2026-08-22.json")
    failed = (recordings / "kraken/error_unknown_pair_http200.json").read_bytes()
    async with Replay(clock=lambda: NOW) as replay, aiohttp.ClientSession() as session:

        async def ask(source: str) -> tuple[int, bytes]:
            async with session.get(replay.base_urls[source] + SHAPES[source].path) as answer:
                return answer.status, await answer.read()

        replay.serve("okx", body)
        replay.serve("kraken", failed, status=503)
        assert await ask("okx") == (200, Recording("okx", body).at(NOW))
        assert await ask("kraken") == (503, failed)
        assert (await ask("htx"))[0] == 404
        replay.silence("okx")
        assert (await ask("okx"))[0] == 404
        assert replay.calls == {"okx": 2, "kraken": 1, "htx": 1}
