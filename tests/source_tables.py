"""What our payloads say, under which ids, and where each dialect keeps it: for every test that reads or speaks one."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

PAYLOADS = Path(__file__).resolve().parent / "payloads"
PAYLOAD_TIME = 1_790_000_000.0


class Day(NamedTuple):
    """What the payloads say of a coin: the price, and its change of 24 hours in percent."""

    price: str
    change: str


DAYS = {
    "bitcoin": Day("65280", "2"),
    "ethereum": Day("1950", "-2.5"),
    "neo": Day("8.4", "5"),
    "waves": Day("1.52", "-5"),
    "monero": Day("168", "5"),
    "nano": Day("0.82", "2.5"),
    "ark": Day("0.49", "-2"),
    "pirate-chain": Day("0.25", "25"),
    "dogecoin": Day("0.12", "-4"),
    "litecoin": Day("80.8", "1"),
    "cardano": Day("0.41", "2.5"),
    "tether": Day("0.9995", "-0.05"),
    "usd-coin": Day("1", "0"),
}

RATES = {"eur": "1.25", "gbp": "1.28", "jpy": "0.0064"}  # US dollars for one, in the payloads of currencies
PRICES = {coin: day.price for coin, day in DAYS.items()} | RATES
PAYLOAD_DAY = 1_789_948_800.0  # the midnight that begins 2026-09-21

_TEN = ("bitcoin", "ethereum", "neo", "waves", "monero", "nano", "ark", "dogecoin", "litecoin", "cardano")
_USDT = [*_TEN, "usd-coin"]
_FEW = ["bitcoin", "ethereum", "neo", "nano", "dogecoin", "litecoin", "cardano", "usd-coin"]
_SYMBOLS = dict(
    zip(_USDT, ("BTC", "ETH", "NEO", "WAVES", "XMR", "XNO", "ARK", "DOGE", "LTC", "ADA", "USDC"), strict=True)
)


def _markets(coins: list[str], shape: str) -> dict[str, str]:
    return {coin: shape.format(_SYMBOLS[coin]) for coin in coins}


IDS: dict[str, dict[str, str]] = {
    "coingecko": {coin: coin for coin in DAYS},
    "coinpaprika": {
        "bitcoin": "btc-bitcoin",
        "ethereum": "eth-ethereum",
        "neo": "neo-neo",
        "waves": "waves-waves",
        "monero": "xmr-monero",
        "nano": "xno-nano",
        "ark": "ark-ark",
        "pirate-chain": "arrr-pirate",
        "dogecoin": "doge-dogecoin",
        "litecoin": "ltc-litecoin",
        "cardano": "ada-cardano",
        "tether": "usdt-tether",
        "usd-coin": "usdc-usd-coin",
    },
    "coinlore": {
        "bitcoin": "90",
        "ethereum": "80",
        "neo": "133",
        "monero": "28",
        "dogecoin": "2",
        "litecoin": "1",
        "cardano": "257",
        "tether": "518",
        "usd-coin": "33285",
    },
    "coinmarketcap": {
        "bitcoin": "1",
        "ethereum": "1027",
        "neo": "1376",
        "waves": "1274",
        "monero": "328",
        "nano": "1567",
        "dogecoin": "74",
        "litecoin": "2",
        "cardano": "2010",
        "tether": "825",
        "usd-coin": "3408",
    },
    "kraken": {
        "bitcoin": "BTC/USD",
        "ethereum": "ETH/USD",
        "neo": "NEO/USD",
        "monero": "XMR/USD",
        "nano": "NANO/USD",
        "dogecoin": "DOGE/USD",
        "litecoin": "LTC/USD",
        "cardano": "ADA/USD",
        "tether": "USDT/USD",
        "usd-coin": "USDC/USD",
    },
    "coinbase": {
        "bitcoin": "BTC-USD",
        "ethereum": "ETH-USD",
        "dogecoin": "DOGE-USD",
        "litecoin": "LTC-USD",
        "cardano": "ADA-USD",
        "tether": "USDT-USD",
    },
    "okx": _markets(_USDT, "{}-USDT") | {"nano": "NANO-USDT"},
    "kucoin": _markets(_FEW, "{}-USDT"),
    "gateio": _markets(_USDT, "{}_USDT"),
    "binance": _markets(_USDT, "{}USDT"),
    "mexc": _markets(_FEW, "{}USDT"),
    "htx": {coin: market.lower() for coin, market in _markets(_FEW, "{}USDT").items()},
    "bitfinex": {
        "bitcoin": "tBTCUSD",
        "ethereum": "tETHUSD",
        "neo": "tNEOUSD",
        "monero": "tXMRUSD",
        "dogecoin": "tDOGE:USD",
        "litecoin": "tLTCUSD",
        "cardano": "tADAUSD",
        "tether": "tUSTUSD",
        "usd-coin": "tUDCUSD",
    },
    "bitstamp": {
        "bitcoin": "BTC/USD",
        "ethereum": "ETH/USD",
        "dogecoin": "DOGE/USD",
        "litecoin": "LTC/USD",
        "cardano": "ADA/USD",
        "tether": "USDT/USD",
        "usd-coin": "USDC/USD",
    },
}

_MONEY = {code: code.upper() for code in RATES}
IDS |= dict.fromkeys(("ecb", "frankfurter", "openerapi", "coingeckorates"), _MONEY)


class Dialect(NamedTuple):
    """Where an answer keeps the price, the rest we read, and the time: keys, or places in a row."""

    price: str | int
    rest: tuple[str | int, ...]
    time: str | None = None


DIALECTS = {
    "coingecko": Dialect(
        "current_price",
        (
            "price_change_percentage_24h",
            "price_change_percentage_1h_in_currency",
            "price_change_percentage_7d_in_currency",
            "high_24h",
            "low_24h",
            "total_volume",
            "market_cap",
        ),
        "last_updated",
    ),
    "coinpaprika": Dialect(
        "price",
        ("percent_change_24h", "percent_change_1h", "percent_change_7d", "volume_24h", "market_cap"),
        "last_updated",
    ),
    "coinlore": Dialect(
        "price_usd",
        ("percent_change_24h", "percent_change_1h", "percent_change_7d", "volume24", "market_cap_usd"),
        "time",
    ),
    "coinmarketcap": Dialect(
        "price",
        ("percent_change_24h", "percent_change_1h", "percent_change_7d", "volume_24h", "market_cap"),
        "last_updated",
    ),
    "kraken": Dialect("c", ("v", "p", "h", "l")),
    "coinbase": Dialect("last", ("open", "high", "low", "volume")),
    "okx": Dialect("last", ("open24h", "high24h", "low24h", "volCcy24h"), "ts"),
    "kucoin": Dialect("last", ("changeRate", "high", "low", "volValue"), "time"),
    "gateio": Dialect("last", ("change_percentage", "high_24h", "low_24h", "quote_volume")),
    "binance": Dialect("lastPrice", ("priceChangePercent", "highPrice", "lowPrice", "quoteVolume"), "closeTime"),
    "mexc": Dialect("lastPrice", ("priceChangePercent", "highPrice", "lowPrice", "quoteVolume"), "closeTime"),
    "htx": Dialect("close", ("open", "high", "low", "vol"), "ts"),
    "bitfinex": Dialect(7, (6, 8, 9, 10)),
    "bitstamp": Dialect("last", ("percent_change_24", "high", "low", "volume", "vwap"), "timestamp"),
    "ecb": Dialect("rate", (), "time"),
    "frankfurter": Dialect("rates", (), "date"),
    "openerapi": Dialect("rates", (), "time_last_update_unix"),
    "coingeckorates": Dialect("value", ()),
}


def payload(name: str) -> bytes:
    """Our own answer in the documented shape of a source."""
    (path,) = PAYLOADS.glob(f"{name}.*")
    return path.read_bytes()


def price_of(name: str, one: str) -> str:
    """What the payload of a source says under one of its ids."""
    return next(PRICES[coin] for coin, known in IDS[name].items() if known == one)


def changed(name: str, keys: tuple[str | int, ...], value: object) -> bytes:
    """That answer with `value` in these cells of every row."""

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            row = [walk(one) for one in node]
            if node and isinstance(node[0], str) and node[0].startswith("t"):
                row = [value if place in keys else one for place, one in enumerate(row)]
            return row
        if isinstance(node, dict):
            return {key: cell(key, one) for key, one in node.items()}
        return node

    def cell(key: str, one: Any) -> Any:
        if key not in keys:
            return walk(one)
        if isinstance(one, dict):
            return dict.fromkeys(one, value)
        return [value] * len(one) if name == "kraken" else value

    if not keys:
        return payload(name)
    if name == "ecb":
        text = "" if value is None else str(value)
        return re.sub(rf"({'|'.join(map(str, keys))})='[^']*'", rf"\1='{text}'", payload(name).decode()).encode()
    return json.dumps(walk(json.loads(payload(name)))).encode()
