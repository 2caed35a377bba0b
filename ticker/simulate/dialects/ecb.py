"""The ECB's `eurofxref-daily.xml`: units for one euro in XML attributes, each day's until the next."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from ticker.simulate.dialects.wire import Ask, Dialect, Reply, View, dollars, per_unit, significant, text, trimmed

_OUT_AT = timedelta(hours=15)  # after midnight UTC: 16:00 CET
_CODES = (
    "JPY CZK DKK GBP HUF PLN RON SEK CHF ISK NOK TRY AUD BRL CAD CNY HKD IDR ILS INR KRW MXN MYR NZD PHP SGD THB ZAR"
)
_DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" \
xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
\t<gesmes:subject>Reference rates</gesmes:subject>
\t<gesmes:Sender>
\t\t<gesmes:name>European Central Bank</gesmes:name>
\t</gesmes:Sender>
\t<Cube>
\t\t<Cube time='{day}'>
{rows}
\t\t</Cube>
\t</Cube>
</gesmes:Envelope>"""


def newest_day(at: float) -> float:
    """The midnight that begins the day whose rates are the newest at `at`: weekends and TARGET holidays have none."""
    moment = datetime.fromtimestamp(at, UTC) - _OUT_AT
    day = moment.date()
    while day.weekday() >= 5 or _holiday(day):
        day -= timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def _holiday(day: date) -> bool:
    fixed = ((1, 1), (5, 1), (12, 25), (12, 26))
    return (day.month, day.day) in fixed or day - _easter(day.year) in (timedelta(days=-2), timedelta(days=1))


def _easter(year: int) -> date:
    """Easter Sunday, by the anonymous Gregorian computus."""
    century, in_century = divmod(year, 100)
    golden = year % 19
    epact = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (in_century // 4) - epact - in_century % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def euro_rates(view: View) -> dict[str, Decimal]:
    """Units for one euro, as the bank rounds them; nothing where the view has no euro."""
    prices = {tick.id: tick.price for tick in view.ticks}
    if "EUR" not in prices:
        return {}
    euro = prices["EUR"]
    rates = {"USD": euro} | {code: per_unit(euro, prices[code]) for code in _CODES.split() if code in prices}
    return {code: trimmed(significant(rate, 6)) for code, rate in rates.items()}


def day_of(view: View) -> str:
    """The day of the rates, as 2026-11-20."""
    return datetime.fromtimestamp(view.at, UTC).date().isoformat()


def _encode(view: View, _: Ask) -> Reply:
    rows = "\n".join(f"\t\t\t<Cube currency='{code}' rate='{text(rate)}'/>" for code, rate in euro_rates(view).items())
    return Reply(_DOCUMENT.format(day=day_of(view), rows=rows).encode(), content_type="text/xml")


DIALECT = Dialect(
    "ecb", "/stats/eurofxref/eurofxref-daily.xml", dollars, _encode, published=newest_day, of="currencies"
)
