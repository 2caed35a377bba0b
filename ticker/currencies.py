"""The currencies that prices can be shown in: facts only, by code.

The codes are those of CoinGecko's `simple/supported_vs_currencies` (docs.coingecko.com/reference), in its order, as the
documented answer of its `exchange_rates` of 2026 has them. Left out is `vef`: the bolívar of that code ended in 2018,
and what is still quoted for it is the price of nothing. Knows no rate, no source and no clock.
"""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from msgspec import Struct

from ticker.model import CoinId

DOLLAR = "usd"

Sort = Literal["dollar", "fiat", "metal", "coin", "unit"]


class Currency(Struct, frozen=True):
    """A currency by its lower-case code, and where its price in US dollars comes from.

    The dollar is 1 by definition; fiat money (and the XDR, a basket of it) and metals (a troy ounce) have a settled
    rate; coins, and units of a coin, are worth `fraction` of the settled price of the coin with the id `coin`.
    """

    code: str
    sort: Sort
    coin: CoinId | None = None
    fraction: Decimal = Decimal(1)


_COINS: Mapping[str, CoinId] = {
    "btc": "bitcoin",
    "eth": "ethereum",
    "ltc": "litecoin",
    "bch": "bitcoin-cash",
    "bnb": "binancecoin",
    "eos": "eos",
    "xrp": "ripple",
    "xlm": "stellar",
    "link": "chainlink",
    "dot": "polkadot",
    "yfi": "yearn-finance",
    "sol": "solana",
}
_FIAT = (
    "aed ars aud bdt bhd bmd brl cad chf clp cny czk dkk eur gbp gel hkd huf idr ils inr jpy krw kwd lkr mmk mxn myr "
    "ngn nok nzd php pkr pln rub sar sek sgd thb try twd uah vnd zar xdr"
)
_METALS = ("xag", "xau")
_UNITS = {"bits": Decimal("1e-6"), "sats": Decimal("1e-8")}
_LATER_FIAT = "cop kes ron dop crc hnl zmw svc bam pen gtq lbp amd"


def _all() -> dict[str, Currency]:
    found = [Currency(code, "coin", coin) for code, coin in _COINS.items()]
    found.append(Currency(DOLLAR, "dollar"))
    found += [Currency(code, "fiat") for code in _FIAT.split()]
    found += [Currency(code, "metal") for code in _METALS]
    found += [Currency(code, "unit", "bitcoin", part) for code, part in _UNITS.items()]
    found += [Currency(code, "fiat") for code in _LATER_FIAT.split()]
    return {one.code: one for one in found}


CURRENCIES: Mapping[str, Currency] = MappingProxyType(_all())

RATED: tuple[str, ...] = tuple(code for code, one in CURRENCIES.items() if one.sort in ("fiat", "metal"))
"""The codes that need a rate from a source: all that are neither the dollar nor a coin."""


def ids() -> dict[str, tuple[str, ...]]:
    """What a source of exchange rates is asked for: our codes to theirs, which are ISO 4217's."""
    return {code: (code.upper(),) for code in RATED}
