"""config/coins.toml: the reference list, and no id that nobody has seen."""

import json

import pytest

from ticker.config import load, shipped_folder
from ticker.sources import REGISTRY

SIDEBAR = (
    ("bitcoin", "Bitcoin", "BTC"),
    ("ethereum", "Ethereum", "ETH"),
    ("neo", "NEO", "NEO"),
    ("waves", "Waves", "WAVES"),
    ("monero", "Monero", "XMR"),
    ("nano", "Nano", "NANO"),
    ("ark", "ARK", "ARK"),
    ("pirate-chain", "Pirate Chain", "ARRR"),
    ("dogecoin", "Dogecoin", "DOGE"),
    ("litecoin", "Litecoin", "LTC"),
    ("cardano", "Cardano", "ADA"),
)

# Ids that stand in no recording, and where they are written. "apis" is apis.md §2, "Our eleven coins, per API": its
# table, the lines under it, and its sentence that Coinbase, Gate and MEXC use plain symbols.
BITSTAMP = "https://www.bitstamp.net/api/, supported values of currency_pair"
HTX = "https://www.skills.sh/htx-exchange/htx-skills-hub/htx-spot-market, symbols"
CITED = {
    ("coinpaprika", "xno-nano"): "apis",
    ("coinmarketcap", "1567"): "apis",
    ("coinbase", "ETH-USD"): "apis",
    ("coinbase", "DOGE-USD"): "apis",
    ("coinbase", "LTC-USD"): "apis",
    ("coinbase", "ADA-USD"): "apis",
    ("kucoin", "XNO-USDT"): "apis",
    ("gateio", "NEO_USDT"): "apis",
    ("gateio", "WAVES_USDT"): "apis",
    ("gateio", "XMR_USDT"): "apis",
    ("gateio", "XNO_USDT"): "apis",
    ("gateio", "DOGE_USDT"): "apis",
    ("gateio", "LTC_USDT"): "apis",
    ("gateio", "ADA_USDT"): "apis",
    ("mexc", "NEOUSDT"): "apis",
    ("mexc", "WAVESUSDT"): "apis",
    ("mexc", "XMRUSDT"): "apis",
    ("mexc", "XNOUSDT"): "apis",
    ("mexc", "DOGEUSDT"): "apis",
    ("mexc", "LTCUSDT"): "apis",
    ("mexc", "ADAUSDT"): "apis",
    ("htx", "xnousdt"): "apis",
    ("htx", "btcusdt"): HTX,
    ("bitstamp", "BTC/USD"): BITSTAMP,
    ("bitstamp", "ETH/USD"): BITSTAMP,
    ("bitstamp", "LTC/USD"): BITSTAMP,
    ("bitstamp", "XRP/USD"): BITSTAMP,
    ("bitstamp", "BCH/USD"): BITSTAMP,
    ("bitstamp", "XLM/USD"): BITSTAMP,
    ("bitstamp", "LINK/USD"): BITSTAMP,
    ("bitstamp", "USDC/USD"): BITSTAMP,
}
OTHER_SYMBOLS = {"nano": {"NANO", "XNO"}}


@pytest.fixture(scope="module")
def config():
    """The shipped configuration."""
    return load(shipped_folder(), {})


def used(config):
    """Every (source, id, coin) of the shipped coins."""
    return [(source, one, coin) for coin in config.coins for source, ids in coin.ids.items() for one in ids]


def texts_in(value):
    """Every text in a recorded answer, as value or as key."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from texts_in(one)
    elif isinstance(value, str):
        yield value


def rows_in(value):
    """Every row of a recorded answer of an aggregator that bears an id and a symbol."""
    if isinstance(value, dict):
        if {"id", "symbol"} <= value.keys():
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from rows_in(one)


@pytest.fixture(scope="module")
def recorded(recordings):
    """Per source all its recorded answers."""
    return {
        name: [json.loads(path.read_text()) for path in sorted((recordings / name).glob("*.json"))] for name in REGISTRY
    }


def test_the_sidebar(config):
    """The reference list in its order, with the names and symbols it shows."""
    shown = {coin.id: (coin.id, coin.name, coin.symbol) for coin in config.coins}
    assert tuple(shown[one] for one in config.shown) == SIDEBAR


def test_the_label(config):
    """OpenVoiceCoin is known, quoted by nobody, and not in the list."""
    (coin,) = [coin for coin in config.coins if coin.id == "openvoicecoin"]
    assert (coin.symbol, coin.fixed, dict(coin.ids)) == ("OPENVC", None, {})
    assert coin.id not in config.shown


def test_the_fifty_largest_are_known(config, recordings):
    """Every coin of the first fifty of the CoinLore recording of 2024-11 is there under CoinLore's id."""
    rows = json.loads((recordings / "coinlore" / "tickers_top100_2024-11.json").read_text())["data"][:50]
    assert {row["id"] for row in rows} <= set().union(*(coin.ids.get("coinlore", ()) for coin in config.coins))


def test_every_id_was_seen(config, recorded):
    """Every id of a venue stands in one of its recordings, or in the table of cited ones."""
    seen = {name: {text for answer in answers for text in texts_in(answer)} for name, answers in recorded.items()}
    unseen = [
        (source, one)
        for source, one, _ in used(config)
        if REGISTRY[source].kind == "venue" and one not in seen[source] and (source, one) not in CITED
    ]
    assert unseen == []


def test_every_id_of_an_aggregator_is_that_coin(config, recorded):
    """Every id of an aggregator stands in one of its recordings under the coin's symbol, or in the table."""
    wrong = []
    symbols = {
        name: {(str(row["id"]), str(row["symbol"]).upper()) for answer in answers for row in rows_in(answer)}
        for name, answers in recorded.items()
    }
    for source, one, coin in used(config):
        if REGISTRY[source].kind == "aggregator" and (source, one) not in CITED:
            allowed = OTHER_SYMBOLS.get(coin.id, {coin.symbol.upper()})
            if not any((one, symbol) in symbols[source] for symbol in allowed):
                wrong.append((source, one, coin.symbol))
    assert wrong == []


def test_our_ids_are_coingecko_s(config, recorded):
    """A coin that CoinGecko lists has CoinGecko's id as its own."""
    for coin in config.coins:
        assert coin.ids.get("coingecko", (coin.id,)) == (coin.id,)
    listed = {row["id"] for answer in recorded["coingecko"] for row in rows_in(answer)}
    assert {coin.id for coin in config.coins} - listed == {"openvoicecoin", "cryptonex"}


def test_no_delisted_market_of_binance(config, recordings):
    """The ids of Binance had a price in the recording of 2024: a delisted market stands there with zero."""
    rows = json.loads((recordings / "binance" / "api_v3_ticker_24hr_all_2024-01-05.json").read_text())
    priced = {row["symbol"] for row in rows if float(row["lastPrice"]) > 0}
    assert {one for source, one, _ in used(config) if source == "binance"} <= priced


def test_the_table_holds_nothing_else(config, recorded):
    """Every cited id is used, and none of them was recorded after all."""
    assert CITED.keys() <= {(source, one) for source, one, _ in used(config)}
    for source, one in CITED:
        if REGISTRY[source].kind == "venue":
            assert one not in {text for answer in recorded[source] for text in texts_in(answer)}


def test_stablecoins_are_priced_in_dollars(config):
    """USDT and USDC have a price that counts through no stablecoin, from venues too."""
    for coin in config.coins:
        if coin.id in ("tether", "usd-coin"):
            assert {REGISTRY[source].currency_of(one) for source, ids in coin.ids.items() for one in ids} == {"usd"}
            assert {"kraken", "bitfinex"} <= coin.ids.keys()
