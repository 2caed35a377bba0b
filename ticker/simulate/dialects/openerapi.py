"""open.er-api.com's `/v6/latest/USD`: units for one dollar as JSON numbers, the dollar among them, once a day."""

from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime

from ticker.simulate.dialects.wire import Ask, Dialect, Reply, View, dollars, number, per_unit, reply, rounded, trimmed

_DAY = 86_400.0


def _encode(view: View, _: Ask) -> Reply:
    def utc(at: float) -> str:
        return format_datetime(datetime.fromtimestamp(at, UTC))

    rates = {"USD": Decimal(1)} | {
        tick.id: trimmed(rounded(per_unit(Decimal(1), tick.price), _places(tick.price))) for tick in view.ticks
    }
    return reply(
        {
            "result": "success",
            "provider": "https://www.exchangerate-api.com",
            "documentation": "https://www.exchangerate-api.com/docs/free",
            "terms_of_use": "https://www.exchangerate-api.com/terms",
            "time_last_update_unix": int(view.at),
            "time_last_update_utc": utc(view.at),
            "time_next_update_unix": int(view.at + _DAY),
            "time_next_update_utc": utc(view.at + _DAY),
            "time_eol_unix": 0,
            "base_code": "USD",
            "rates": {code: number(rate) for code, rate in rates.items()},
        }
    )


def _places(price: Decimal) -> int:
    """Six decimals, and more where an ounce or a fault would leave nothing of them."""
    return max(6, 6 + price.adjusted())


DIALECT = Dialect("openerapi", "/v6/latest/USD", dollars, _encode, refresh=_DAY, of="currencies")
