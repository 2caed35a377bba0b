"""A running stand-in with a few coins on every source, its clock, and a client that asks as the adapters do."""

from dataclasses import dataclass

import aiohttp

from ticker.simulate.server import Simulation
from ticker.sources import REGISTRY

NOW = 1_795_000_000.25

COINS = {
    "coingecko": {"bitcoin": "bitcoin", "tether": "tether", "shiba-inu": "shiba-inu", "invented": "invented"},
    "coinpaprika": {"btc-bitcoin": "bitcoin", "usdt-tether": "tether", "shib-shiba-inu": "shiba-inu"},
    "coinlore": {"90": "bitcoin", "518": "tether", "45088": "shiba-inu"},
    "coinmarketcap": {"1": "bitcoin", "825": "tether", "5994": "shiba-inu"},
    "kraken": {"BTC/USD": "bitcoin", "USDT/USD": "tether", "SHIB/USDC": "shiba-inu"},
    "coinbase": {"BTC-USD": "bitcoin", "USDT-USD": "tether", "SHIB-USD": "shiba-inu"},
    "okx": {"BTC-USDT": "bitcoin", "SHIB-USDT": "shiba-inu"},
    "kucoin": {"BTC-USDT": "bitcoin", "SHIB-USDT": "shiba-inu"},
    "gateio": {"BTC_USDT": "bitcoin", "SHIB_USDT": "shiba-inu"},
    "binance": {"BTCUSDT": "bitcoin", "SHIBUSDT": "shiba-inu"},
    "mexc": {"BTCUSDT": "bitcoin", "SHIBUSDC": "shiba-inu"},
    "htx": {"btcusdt": "bitcoin", "shibusdt": "shiba-inu"},
    "bitfinex": {"tBTCUSD": "bitcoin", "tUSTUSD": "tether", "tSHIB:UST": "shiba-inu"},
    "bitstamp": {"BTC/USD": "bitcoin", "USDT/USD": "tether", "SHIB/USD": "shiba-inu"},
    "ecb": {"EUR": "eur", "GBP": "gbp", "JPY": "jpy"},
    "frankfurter": {"EUR": "eur", "GBP": "gbp", "JPY": "jpy"},
    "openerapi": {"EUR": "eur", "XDR": "xdr", "LBP": "lbp"},
    "coingeckorates": {"EUR": "eur", "XAU": "xau", "LBP": "lbp"},
}


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str]


@dataclass
class Stand:
    """The stand-in, its clock, and a way to ask a source exactly what its adapter asks."""

    simulation: Simulation
    clock: Clock
    session: aiohttp.ClientSession

    async def ask(self, source: str, **extra: str) -> Answer:
        """One poll of the source over HTTP."""
        request = REGISTRY[source].request(list(COINS[source]))
        headers = {"X-CMC_PRO_API_KEY": "simulated"} | dict(request.headers) | extra
        url = self.simulation.base_urls[source] + request.path
        async with self.session.get(url, params=list(request.query), headers=headers, allow_redirects=False) as answer:
            return Answer(answer.status, await answer.read(), dict(answer.headers))

    async def price(self, source: str, market: str) -> object:
        """The price that the adapter reads in one poll."""
        rows = REGISTRY[source].parse((await self.ask(source)).body, {market})
        return next(row.price for row in rows)
