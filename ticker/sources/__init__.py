"""The sources we can ask: an explicit registry, one file each. Knows no network and no configuration."""

from collections.abc import Mapping
from types import MappingProxyType

from ticker.model import SourceName
from ticker.sources import (
    binance,
    bitfinex,
    bitstamp,
    coinbase,
    coingecko,
    coingeckorates,
    coinlore,
    coinmarketcap,
    coinpaprika,
    ecb,
    frankfurter,
    gateio,
    htx,
    kraken,
    kucoin,
    mexc,
    okx,
    openerapi,
)
from ticker.sources.base import Limit, Plan, Request, Row, Source, Stream, Terms, heard, quotes

__all__ = ["REGISTRY", "Limit", "Plan", "Request", "Row", "Source", "Stream", "Terms", "heard", "quotes"]

REGISTRY: Mapping[SourceName, Source] = MappingProxyType(
    {
        source.name: source
        for source in (
            coingecko.SOURCE,
            coinpaprika.SOURCE,
            coinlore.SOURCE,
            coinmarketcap.SOURCE,
            kraken.SOURCE,
            coinbase.SOURCE,
            okx.SOURCE,
            kucoin.SOURCE,
            gateio.SOURCE,
            binance.SOURCE,
            mexc.SOURCE,
            htx.SOURCE,
            bitfinex.SOURCE,
            bitstamp.SOURCE,
            ecb.SOURCE,
            frankfurter.SOURCE,
            openerapi.SOURCE,
            coingeckorates.SOURCE,
        )
    }
)
