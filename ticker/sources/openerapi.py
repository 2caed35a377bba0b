"""open.er-api.com, the open access to ExchangeRate-API: some 166 currencies in one answer, once a day."""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from msgspec import Raw, Struct, field, json

from ticker.errors import Malformed, NotFound, RateLimited, Refused, SourceError
from ticker.sources.base import HOUR, Limit, Plan, Request, Row, Source, Terms
from ticker.sources.values import ABSENT, dollars_each, in_dollars, number, unix_seconds

NAME = "openerapi"
_ERRORS: Mapping[str, type[SourceError]] = {
    "unsupported-code": NotFound,
    "quota-reached": RateLimited,
    **dict.fromkeys(("invalid-key", "inactive-account"), Refused),
}


class _Answer(Struct):
    result: str
    error_type: str = field(name="error-type", default="")
    rates: dict[str, Raw] | None = None
    time_last_update_unix: Raw = ABSENT


_answer = json.Decoder(_Answer)


def request(ids: Sequence[str]) -> Request:
    """All currencies, for one dollar."""
    return Request("/v6/latest/USD")


def parse(body: bytes, wanted: AbstractSet[str]) -> Iterator[Row]:
    """Units of a currency for one of a base, which is among them, as of the last daily update."""
    answer = _answer.decode(body)
    if answer.result != "success" or answer.rates is None:
        raise _ERRORS.get(answer.error_type, Malformed)(NAME, answer.error_type or answer.result or "no rates")
    dollars, at = number(answer.rates.get("USD")), unix_seconds(answer.time_last_update_unix)
    for code, rate in answer.rates.items():
        if code in wanted:
            yield Row(id=code, price=dollars_each(dollars, number(rate)), at=at)


SOURCE = Source(
    name=NAME,
    title="ExchangeRate-API",
    kind="aggregator",
    group="openerapi",
    docs="https://www.exchangerate-api.com/docs/free",
    # "Once every hour and never get rate limited"; beyond that, 20 minutes of 429.
    plans=(Plan("open", "https://open.er-api.com", limits=(Limit(1, HOUR),)),),
    terms=Terms(
        "https://www.exchangerate-api.com/terms",
        "2026-10-04",
        display=True,
        derive=True,
        redistribute=False,
        note="attribution is required; its data may not be redistributed, nor be used in a service that gives "
        "programs access to rates, which prices as JSON in another currency come close to",
    ),
    id_pattern=re.compile(r"[A-Z]{3}"),
    id_example="EUR",
    request=request,
    parse=parse,
    currency_of=in_dollars,
    every=6 * HOUR,
    # In the recorded answer the next update is due 24 h 16 min after the last; two hours for their being late.
    cache=26 * HOUR,
    typical_bytes=1_500,
    timed=True,
    credit=("Rates By Exchange Rate API", "https://www.exchangerate-api.com"),
    of="currencies",
)
