"""One encoder per source: the same market in every dialect, written from the documented and recorded answers.

Independent of the adapters on purpose: when an encoder and an adapter agree, two readings of the documents agree.
"""

from collections.abc import Mapping

from ticker.model import SourceName
from ticker.simulate.dialects import (
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
from ticker.simulate.dialects.wire import Dialect

DIALECTS: Mapping[SourceName, Dialect] = {
    module.DIALECT.source: module.DIALECT
    for module in (
        coingecko,
        coinpaprika,
        coinlore,
        coinmarketcap,
        kraken,
        coinbase,
        okx,
        kucoin,
        gateio,
        binance,
        mexc,
        htx,
        bitfinex,
        bitstamp,
        ecb,
        frankfurter,
        openerapi,
        coingeckorates,
    )
}
