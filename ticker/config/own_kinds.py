"""The kinds of what a source of one's own may say beside the settings that every source has. Knows no value."""

from collections.abc import Mapping

from ticker.config.durations import seconds
from ticker.config.kinds import Kind, checked, duration, is_text, matching, one_of, size, text
from ticker.config.urls import web_url
from ticker.sources.base import MIB
from ticker.sources.expressions import Expression


def _expression() -> Kind:
    def read(value: object) -> str:
        given = is_text(value)
        Expression(given)
        return given

    return Kind(read)


OWN_KINDS: Mapping[str, Kind] = {
    "kind": one_of("json"),
    "url": text(longest=2048),  # what it may be depends on allow_private
    "price": _expression(),
    "currency": one_of("usd", "tether", "usd-coin"),
    "time": _expression(),
    "time_unit": one_of("s", "ms", "iso"),
    "change": _expression(),
    "change_unit": one_of("percent", "fraction"),
    "volume": _expression(),
    "rows": _expression(),
    "id": _expression(),
    "title": text(longest=40),
    "role": one_of("aggregator", "venue"),
    "group": matching(r"[a-z0-9]{1,32}", "must be 1 to 32 of a-z and 0-9"),
    "cache": duration(0.0, seconds("7d")),
    "max_body": size(2**10, 64 * MIB),
    "key_header": matching(r"[A-Za-z0-9-]{1,64}", "must be the name of a header, such as X-Api-Key"),
    "credit": text(longest=120),
    "credit_url": checked(web_url),
}
