"""Real input through the real service: recordings over HTTP, poller, Redis, server, and what a reader gets.

The prices below were read off the recordings by hand.
"""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from chromium import ABSENT, CHROMIUM, FLAGS
from playwright.sync_api import sync_playwright
from redis_server import RedisServer
from replay import Replay, load
from service import stand_ins, ticker, write_config

RECORDED = {
    "coingecko": "coingecko/coins_markets_usd_top250_2022-02-23.json",
    "coinpaprika": "coinpaprika/tickers_usd_all_2021-08-12.json",
    "coinlore": "coinlore/tickers_top100_2024-11.json",
    "coinmarketcap": "coinmarketcap/listings_latest_top100_2022-01-29.json",
    "kraken": "kraken/Ticker_all_assetVersion1_2026-07-23.json",
    "coinbase": "coinbase/exchange_products_stats_bulk_2026-07-27.json",
    "okx": "okx/v5_market_ticker_BTC-USDT_2026-08-22.json",
    "kucoin": "kucoin/v1_market_allTickers_2019-02-21.json",
    "gateio": "gateio/v4_spot_tickers_2026-07-27.json",
    "binance": "binance/api_v3_ticker_24hr_all_2024-01-05.json",
    "mexc": "mexc/api_v3_ticker_24hr_BTCUSDT_2025-12-31.json",
    "htx": "htx/market_tickers_2026-07-27.json",
    "bitfinex": "bitfinex/v2_tickers_ALL_2019-11-01.json",
    "bitstamp": "bitstamp/v2_ticker_btcusd_2017.json",
}

USDT = Decimal("0.99937000")  # kraken's USDT/USD

# coin of the test, source, its id there, price in dollars by hand, 24 h change by hand
DOLLARS = [
    ("cg-btc", "coingecko", "bitcoin", "38938", "3.48"),
    ("cg-xmr", "coingecko", "monero", "154.86", "5.88"),
    ("cp-btc", "coinpaprika", "btc-bitcoin", "44456.514304206", "-4.01"),
    ("cp-arrr", "coinpaprika", "arrr-pirate", "3.9358632918808", "0.98"),
    ("cl-neo", "coinlore", "133", "8.99", "1.22"),
    ("cmc-waves", "coinmarketcap", "1274", "9.820116082770117", "-2.34"),
    ("kr-btc", "kraken", "BTC/USD", "65670.3", None),
    ("kr-nano", "kraken", "NANO/USD", "0.39958", None),
    ("cb-btc", "coinbase", "BTC-USD", "65237", "1.93"),
    ("bf-eth", "bitfinex", "tETHUSD", "182.54699277", "-0.50"),
    ("bs-btc", "bitstamp", "BTC/USD", "4402.16", None),
]
TETHERS = [
    ("ok-btc", "okx", "BTC-USDT", "77218.1", "-0.14"),
    ("ku-neo", "kucoin", "NEO-USDT", "8.97633", "4.17"),
    ("ga-eth", "gateio", "ETH_USDT", "1958.48", "4.04"),
    ("bn-ark", "binance", "ARKUSDT", "0.787", "-6.76"),
    ("mx-btc", "mexc", "BTCUSDT", "87904", "-0.55"),
    ("ht-eth", "htx", "ethusdt", "1957.73", "2.24"),
]


def serve_all(replay: Replay, recordings: Path, rebase: Mapping[str, Mapping[str, Decimal]] | None = None) -> None:
    """Every source's recording at its path."""
    for source, name in RECORDED.items():
        replay.serve(source, load(recordings, name), rebase=(rebase or {}).get(source))


async def all_polled(replay: Replay, *sources: str) -> None:
    """Wait until these sources were asked twice, and for the publication after that."""
    async with asyncio.timeout(30):
        while not all(replay.calls[source] >= 2 for source in sources):  # noqa: ASYNC110 - the server has no event
            await asyncio.sleep(0.05)
    await asyncio.sleep(1.2)


def one_source_each(coins: list[tuple[str, str, str, str, str | None]]) -> dict[str, dict[str, Any]]:
    return {coin: {"ids": {source: one}} for coin, source, one, _, _ in coins}


async def test_each_source_alone(recordings: Path, own_redis: RedisServer, tmp_path: Path) -> None:
    """(a) Exactly the prices worked out by hand, state single; USDT venues through one stated USDT/USD source."""
    coins = one_source_each(DOLLARS + TETHERS)
    coins["tether"] = {"name": "Tether", "symbol": "USDT", "ids": {"kraken": "USDT/USD"}}
    async with Replay() as replay:
        serve_all(replay, recordings)
        environ = {**stand_ins(replay.base_urls), "TICKER_STORE_URL": own_redis.url}
        config = write_config(tmp_path / "config", coins)
        async with (
            ticker("poll", config=config, environ=environ),
            ticker("serve", config=config, environ=environ) as server,
        ):
            await server.until("/readyz")
            await all_polled(replay, *RECORDED)
            found = await server.prices()

    assert found["tether"]["price"] == "0.99937"
    for coin, source, _, price, change in DOLLARS:
        one = found[coin]
        assert (Decimal(one["price"]), one["agreement"], one["freshness"]) == (Decimal(price), "single", "live"), coin
        assert (one["change_24h"], one["sources"]) == (change, {"used": 1, "total": 1}), source
    for coin, source, _, price, change in TETHERS:
        one = found[coin]
        assert (Decimal(one["price"]), one["agreement"]) == (Decimal(price) * USDT, "single"), coin
        assert one["change_24h"] == change, source


async def test_a_tether_venue_without_a_tether_price(recordings: Path, own_redis: RedisServer, tmp_path: Path) -> None:
    """(a) Without a USDT/USD source beside it, a USDT venue says nothing of dollars: none."""
    async with Replay() as replay:
        serve_all(replay, recordings)
        environ = {**stand_ins(replay.base_urls), "TICKER_STORE_URL": own_redis.url}
        config = write_config(tmp_path / "config", one_source_each(TETHERS))
        async with (
            ticker("poll", config=config, environ=environ),
            ticker("serve", config=config, environ=environ) as server,
        ):
            await server.until("/readyz")
            await all_polled(replay, *(source for _, source, *_ in TETHERS))
            found = await server.prices()

    for coin, *_ in TETHERS:
        assert (found[coin]["price"], found[coin]["agreement"], found[coin]["freshness"]) == (None, "none", "none")


# one reference price a coin, and what each recording says of it: the factor is the one through the other
REFERENCE = {
    "bitcoin": "65000",
    "ethereum": "1950",
    "neo": "2.1",
    "waves": "1.3",
    "monero": "350",
    "nano": "0.4",
    "ark": "0.45",
    "pirate-chain": "0.21",
    "dogecoin": "0.0725",
    "litecoin": "47",
    "cardano": "0.174",
    "tether": "0.9994",
}
SAID: dict[str, dict[str, tuple[str, str]]] = {
    "bitcoin": {
        "coingecko": ("bitcoin", "38938"),
        "coinpaprika": ("btc-bitcoin", "44456.514304206"),
        "coinlore": ("90", "68345.81"),
        "coinmarketcap": ("1", "38012.17476016029"),
        "kraken": ("BTC/USD", "65670.30000"),
        "coinbase": ("BTC-USD", "65237"),
        "okx": ("BTC-USDT", "77218.1"),
        "kucoin": ("BTC-USDT", "3962.704301"),
        "binance": ("BTCUSDT", "43714.03"),
        "mexc": ("BTCUSDT", "87904"),
        "bitfinex": ("tBTCUSD", "9137"),
        "bitstamp": ("BTC/USD", "4402.16"),
    },
    "ethereum": {
        "coingecko": ("ethereum", "2726.53"),
        "coinpaprika": ("eth-ethereum", "3058.3337180888"),
        "coinlore": ("80", "2444.85"),
        "coinmarketcap": ("1027", "2588.8222021578254"),
        "kraken": ("ETH/USD", "1926.82"),
        "kucoin": ("ETH-USDT", "146.760003"),
        "gateio": ("ETH_USDT", "1958.48"),
        "binance": ("ETHUSDT", "2238.28"),
        "htx": ("ethusdt", "1957.73"),
        "bitfinex": ("tETHUSD", "182.54699277"),
    },
    "neo": {
        "coingecko": ("neo", "20.95"),
        "coinpaprika": ("neo-neo", "48.331706591095"),
        "coinlore": ("133", "8.99"),
        "coinmarketcap": ("1376", "19.24568411025493"),
        "kraken": ("NEO/USD", "2.06"),
        "kucoin": ("NEO-USDT", "8.97633"),
        "binance": ("NEOUSDT", "12.05"),
        "bitfinex": ("tNEOUSD", "10.453"),
    },
    "waves": {
        "coingecko": ("waves", "9.6"),
        "coinpaprika": ("waves-waves", "18.224318065283"),
        "coinmarketcap": ("1274", "9.820116082770117"),
        "binance": ("WAVESUSDT", "2.498"),
    },
    "monero": {
        "coingecko": ("monero", "154.86"),
        "coinpaprika": ("xmr-monero", "258.1197327315"),
        "coinlore": ("28", "160.60"),
        "coinmarketcap": ("328", "153.43682855612866"),
        "kraken": ("XMR/USD", "356.55"),
        "binance": ("XMRUSDT", "155.3"),
        "bitfinex": ("tXMRUSD", "58.903"),
    },
    "nano": {
        "coingecko": ("nano", "2.04"),
        "coinpaprika": ("nano-nano", "6.2538256497513"),
        "kraken": ("NANO/USD", "0.39958"),
        "kucoin": ("NANO-USDT", "0.910819"),
        "binance": ("XNOUSDT", "1.129"),
    },
    "ark": {"coinpaprika": ("ark-ark", "1.2240367633114"), "binance": ("ARKUSDT", "0.787")},
    "pirate-chain": {"coinpaprika": ("arrr-pirate", "3.9358632918808")},
    "dogecoin": {
        "coingecko": ("dogecoin", "0.13467"),
        "coinpaprika": ("doge-dogecoin", "0.2652699860915"),
        "coinlore": ("2", "0.156416"),
        "coinmarketcap": ("74", "0.14245680434250432"),
        "kraken": ("DOGE/USD", "0.072317"),
        "binance": ("DOGEUSDT", "0.08199"),
    },
    "litecoin": {
        "coingecko": ("litecoin", "110.74"),
        "coinpaprika": ("ltc-litecoin", "166.04641657124"),
        "coinlore": ("1", "66.69"),
        "coinmarketcap": ("2", "110.41048074234095"),
        "kraken": ("LTC/USD", "46.95"),
        "kucoin": ("LTC-USDT", "50.400418"),
        "binance": ("LTCUSDT", "65.43"),
        "bitfinex": ("tLTCUSD", "58.095"),
    },
    "cardano": {
        "coingecko": ("cardano", "0.935309"),
        "coinpaprika": ("ada-cardano", "1.7739756665272"),
        "coinlore": ("257", "0.325765"),
        "coinmarketcap": ("2010", "1.0593859286494323"),
        "kraken": ("ADA/USD", "0.173885"),
        "binance": ("ADAUSDT", "0.5297"),
    },
    "tether": {
        "coingecko": ("tether", "1.002"),
        "coinpaprika": ("usdt-tether", "1.0010010911679"),
        "coinmarketcap": ("825", "1.0002644161687164"),
        "kraken": ("USDT/USD", "0.99937"),
        "bitfinex": ("tUSTUSD", "1.004"),
    },
}
NAMES = {
    "bitcoin": ("Bitcoin", "BTC"),
    "ethereum": ("Ethereum", "ETH"),
    "neo": ("NEO", "NEO"),
    "waves": ("Waves", "WAVES"),
    "monero": ("Monero", "XMR"),
    "nano": ("Nano", "NANO"),
    "ark": ("ARK", "ARK"),
    "pirate-chain": ("Pirate Chain", "ARRR"),
    "dogecoin": ("Dogecoin", "DOGE"),
    "litecoin": ("Litecoin", "LTC"),
    "cardano": ("Cardano", "ADA"),
    "tether": ("Tether", "USDT"),
}
SIDEBAR = [coin for coin in NAMES if coin != "tether"]


def factors() -> dict[str, dict[str, Decimal]]:
    """Source to its id to the factor from its recording to the reference table, to eight digits."""
    found: dict[str, dict[str, Decimal]] = {}
    for coin, sources in SAID.items():
        for source, (one, said) in sources.items():
            tether = Decimal(REFERENCE["tether"]) if one.upper().endswith("USDT") else Decimal(1)
            factor = Decimal(REFERENCE[coin]) / Decimal(said) / tether
            found.setdefault(source, {})[one] = Decimal(f"{factor:.8g}")
    return found


def sidebar_config(folder: Path) -> Path:
    """The eleven coins of the sidebar as the recordings name them."""
    coins = {
        coin: {"name": NAMES[coin][0], "symbol": NAMES[coin][1], "ids": {s: one for s, (one, _) in sources.items()}}
        for coin, sources in SAID.items()
    }
    return write_config(folder, coins, SIDEBAR)


def sidebar_in_a_browser(url: str) -> list[tuple[str, str, bool]]:
    """Name, price, and whether it is in sight, of every row that headless Chromium shows."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tab = browser.new_page(viewport={"width": 300, "height": 700})
        tab.goto(url)
        rows = [
            (
                row.locator(".mp-name").inner_text().strip(),
                row.locator(".mp-price").inner_text().strip(),
                row.is_visible() and row.locator(".mp-mark").is_visible(),
            )
            for row in tab.locator(".mp-row").all()
        ]
        browser.close()
    return rows


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM, reason=ABSENT)
async def test_all_sources_rebased_to_one_table(recordings: Path, own_redis: RedisServer, tmp_path: Path) -> None:
    """(b) One reference table: every coin at its price, agreed by as many sources as list it."""
    async with Replay() as replay:
        serve_all(replay, recordings, factors())
        environ = {**stand_ins(replay.base_urls), "TICKER_STORE_URL": own_redis.url}
        config = sidebar_config(tmp_path / "config")
        async with (
            ticker("poll", config=config, environ=environ),
            ticker("serve", config=config, environ=environ) as server,
        ):
            await server.until("/readyz")
            await all_polled(replay, *RECORDED)
            found = await server.prices()
            _, _, html = await server.get("/widget/list")
            seen = await asyncio.to_thread(sidebar_in_a_browser, server.origin + "/embed/list")

    for coin in SIDEBAR:
        assert abs(Decimal(found[coin]["price"]) / Decimal(REFERENCE[coin]) - 1) < Decimal("0.0001"), coin
    for coin in ("bitcoin", "ethereum", "litecoin", "neo"):
        assert found[coin]["agreement"] == "ok"
        assert found[coin]["sources"]["used"] >= 8, (coin, found[coin]["sources"])
    for coin in ("monero", "nano", "dogecoin", "cardano", "waves"):
        assert found[coin]["agreement"] == "ok"
    assert (found["ark"]["agreement"], found["ark"]["sources"]["used"]) == ("degraded", 2)
    assert (found["pirate-chain"]["agreement"], found["pirate-chain"]["sources"]["used"]) == ("single", 1)
    assert html.count("data-coin=") == 11
    assert [name for name, _, _ in seen] == [NAMES[coin][0] for coin in SIDEBAR]
    assert all(price.startswith("$") and visible for _, price, visible in seen), seen


async def test_two_eras_together_are_disputed(recordings: Path, own_redis: RedisServer, tmp_path: Path) -> None:
    """(c) Left as they are, 2022 beside 2026 is no price at all, and never a mean."""
    coins = {
        "bitcoin": {"ids": {"coingecko": "bitcoin", "kraken": "BTC/USD"}},
        "litecoin": {"ids": {"coinpaprika": "ltc-litecoin", "kraken": "LTC/USD"}},
    }
    async with Replay() as replay:
        serve_all(replay, recordings)
        environ = {**stand_ins(replay.base_urls), "TICKER_STORE_URL": own_redis.url}
        config = write_config(tmp_path / "config", coins)
        async with (
            ticker("poll", config=config, environ=environ),
            ticker("serve", config=config, environ=environ) as server,
        ):
            await server.until("/readyz")
            await all_polled(replay, "coingecko", "kraken", "coinpaprika")
            found = await server.prices()

    for coin in coins:
        assert (found[coin]["price"], found[coin]["agreement"]) == (None, "disputed")


pytestmark = pytest.mark.redis
