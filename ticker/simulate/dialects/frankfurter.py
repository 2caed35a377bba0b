"""Frankfurter's `/v1/latest`: the bank's rates as JSON numbers under its day, the base not among them."""

from ticker.simulate.dialects.ecb import day_of, euro_rates, newest_day
from ticker.simulate.dialects.wire import Ask, Dialect, Reply, View, dollars, number, reply


def _encode(view: View, ask: Ask) -> Reply:
    if ask.query.get("base", "EUR") != "EUR":
        return reply({"message": "not found"}, 404)
    rates = {code: number(rate) for code, rate in sorted(euro_rates(view).items())}
    return reply({"amount": 1.0, "base": "EUR", "date": day_of(view), "rates": rates})


DIALECT = Dialect("frankfurter", "/v1/latest", dollars, _encode, published=newest_day, origin="ecb", of="currencies")
