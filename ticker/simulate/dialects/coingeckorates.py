"""CoinGecko's `/exchange_rates`: what one bitcoin costs in every currency, without a time, a cache of five minutes."""

from decimal import Decimal

from ticker.simulate.dialects.wire import Ask, Dialect, Reply, View, dollars, number, per_unit, reply, rounded
from ticker.simulate.market import Tick

_BITCOIN = Decimal("64250.12")  # any price does: what counts is how two currencies stand to each other
_METALS = ("XAG", "XAU")


def _encode(view: View, _: Ask) -> Reply:
    rates = {
        "btc": _rate("Bitcoin", "BTC", Decimal("1.0"), "crypto"),
        "usd": _rate("US Dollar", "$", _BITCOIN, "fiat"),
    }
    return reply({"rates": rates | {tick.id.lower(): _of(tick) for tick in view.ticks}})


def _of(tick: Tick) -> dict[str, object]:
    places = max(3, 3 + tick.price.adjusted())  # more than its three where an ounce or a fault would leave nothing
    value = rounded(per_unit(_BITCOIN, tick.price), places)
    return _rate(tick.name, tick.symbol, value, "commodity" if tick.id in _METALS else "fiat")


def _rate(name: str, unit: str, value: Decimal, sort: str) -> dict[str, object]:
    return {"name": name, "unit": unit, "value": number(value), "type": sort}


DIALECT = Dialect("coingeckorates", "/api/v3/exchange_rates", dollars, _encode, refresh=300.0, of="currencies")
