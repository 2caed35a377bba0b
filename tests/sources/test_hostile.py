"""Answers that no source documents: every source refuses them, or reads nothing from them, and never breaks."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from source_tables import DIALECTS, IDS, changed, payload, price_of

from ticker.errors import Malformed, SourceError
from ticker.sources import REGISTRY, Source
from ticker.sources.values import dollars_each

every_source = pytest.mark.parametrize("source", REGISTRY.values(), ids=REGISTRY)
timed_sources = [source for source in REGISTRY.values() if source.timed]


BROKEN = {
    "empty": b"",
    "null": b"null",
    "number": b"1",
    "string": b'"ok"',
    "list": b"[]",
    "object": b"{}",
    "list of nulls": b"[null]",
    "list of lists": b"[[]]",
    "message": b'{"message": "this service is gone"}',
    "error": b'{"error": "gone", "message": "this service is gone"}',
    "page": b"<!doctype html><title>Just a moment...</title>",
    "deep list": b"[" * 100_000,
    "deep object": b'{"data":' * 100_000,
    "deep cell": b'[{"symbol": "BTCUSDT", "lastPrice": ' + b"[" * 100_000,
    "not a number": b"[NaN]",
    "not a number within": b'{"data": [{"price": NaN}], "code": "0", "status": "ok", "error": []}',
    "infinity within": b'{"error": [], "result": {"BTC/USD": Infinity}, "code": "200000", "data": -Infinity}',
    "latin-1": b'[{"id": "\xe9", "symbol": "\xe9"}, ["t\xe9"]]',
    "latin-1 message": b'{"error": "\xe9", "message": "\xe9", "label": "\xe9", "reason": "\xe9", "status": "\xe9"}',
    "byte order mark": b"\xef\xbb\xbf[]",
    "zeros": b"\x00" * 64,
}


def given_up(source: Source, body: bytes, quoted: Any) -> dict[str, Any]:
    """The quotes of a body, none where it is refused; every other exception escapes."""
    try:
        found: dict[str, Any] = quoted(source.name, body, *IDS[source.name].values())
    except SourceError:
        return {}
    return found


@every_source
@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_broken_bodies(source: Source, body: bytes, quoted: Any) -> None:
    """What is no answer of the source is one of our errors or gives no quote."""
    assert given_up(source, body, quoted) == {}


@every_source
def test_truncation(source: Source, quoted: Any) -> None:
    """An answer cut anywhere is refused whole: half a list is no list."""
    whole = payload(source.name).rstrip()
    for end in range(0, len(whole), 17):
        with pytest.raises(Malformed):
            quoted(source.name, whole[:end], source.id_example)


@every_source
@pytest.mark.parametrize(
    "cell", ["abc", "NaN", "Infinity", "1_000", "١٢٣", "0x10", "1e400", "1" * 65, "1,5", True, [], {}, [1]], ids=repr
)
def test_bad_price(source: Source, cell: object, quoted: Any) -> None:
    """A price that is no number makes the answer malformed, whatever a lenient parser would read into it."""
    with pytest.raises(Malformed):
        quoted(source.name, changed(source.name, (DIALECTS[source.name].price,), cell), source.id_example)


@every_source
@pytest.mark.parametrize("cell", [None, "", 0, "0.00000000", -1, "-5", 1e16, "1e-30"], ids=repr)
def test_no_price(source: Source, cell: object, quoted: Any) -> None:
    """No price, zero, and what is beyond all prices is no quote, and no error."""
    body = changed(source.name, (DIALECTS[source.name].price,), cell)
    assert quoted(source.name, body, source.id_example) == {}


@every_source
@pytest.mark.parametrize("cell", [None, "", "n/a", "NaN", True, {}], ids=repr)
def test_bad_rest(source: Source, cell: object, quoted: Any) -> None:
    """Whatever stands beside the price never costs it: no change, no volume, the same price."""
    quote = quoted(source.name, changed(source.name, DIALECTS[source.name].rest, cell), source.id_example)[
        source.id_example
    ]
    assert quote.price == Decimal(price_of(source.name, source.id_example))
    extras = ("change_1h", "change_24h", "change_7d", "high_24h", "low_24h", "volume_24h", "market_cap")
    assert [getattr(quote, extra) for extra in extras] == [None] * 7


@pytest.mark.parametrize("source", timed_sources, ids=[source.name for source in timed_sources])
@pytest.mark.parametrize("cell", [None, "", "yesterday", True, {}], ids=repr)
def test_bad_time(source: Source, cell: object, quoted: Any) -> None:
    """A source that gives times and once gives none is not fresh: 1970, never the time of arrival."""
    time = DIALECTS[source.name].time
    assert time is not None
    assert quoted(source.name, changed(source.name, (time,), cell), source.id_example)[source.id_example].at == 0.0


NUMBER = re.compile(rb"[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")
TOKENS = [b"null", b"1e99", b'"', b"[", b"}", b"-"]


def prices_in(body: bytes, source: Source) -> set[Decimal]:
    """Every price that a body can honestly give: the numbers that stand in it, or the quotient of two, for rates."""
    numbers = {Decimal(text.decode()) for text in NUMBER.findall(body)}
    if source.of == "coins":
        return numbers
    return {rate for one in numbers for other in numbers if (rate := dollars_each(one, other)) is not None}


@pytest.mark.parametrize("name", REGISTRY)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_bodies(name: str, data: st.DataObject, quoted: Any) -> None:
    """Bytes changed or lost: one of our errors, or prices that stand in the body; one damage moves one coin at most."""
    source, body = REGISTRY[name], bytearray(payload(name))
    damages = data.draw(st.integers(1, 4))
    for _ in range(damages):
        start = data.draw(st.integers(0, len(body) - 1))
        stop = data.draw(st.integers(start, min(start + 8, len(body))))
        body[start:stop] = data.draw(st.binary(max_size=8) | st.sampled_from(TOKENS))
    found = {one: quote.price for one, quote in given_up(source, bytes(body), quoted).items()}
    told = {one: Decimal(price_of(name, one)) for one in found}
    moved = {one: price for one, price in found.items() if price != told[one]}
    assert not moved or set(moved.values()) <= prices_in(bytes(body), source)
    if source.of == "coins":  # every rate hangs on the dollar's
        assert len(moved) <= damages


@every_source
def test_foreign_answers(source: Source, quoted: Any, recordings: Path) -> None:
    """Fed every recorded answer of every API, a source reads only those of its own dialect, and never breaks."""
    alike = {"binance": {"binance", "mexc"}, "mexc": {"binance", "mexc"}, "coingeckorates": {"coingecko"}}
    like = alike.get(source.name, {source.name})
    for path in sorted(recordings.rglob("*.*")):
        if given_up(source, path.read_bytes(), quoted):
            assert path.parent.name in like
