"""A source made of a spec: three kinds of address, stated units, and answers that do not fit refused."""

from decimal import Decimal
from typing import Any

import pytest

from ticker.errors import Malformed, SourceError
from ticker.model import Quote
from ticker.sources import Request, Source, quotes
from ticker.sources.base import EVERYTHING
from ticker.sources.jsonsource import Spec, make

ONE = Spec(url="https://api.example.org/v1/openvc", price="data.price", currency="usd")
EACH = Spec(url="https://api.example.org/coins/{id}?with={id}&n=1", price="price", currency="tether", id="name")
ROWS = Spec(url="https://api.example.org/all", price="last", currency="usd", rows="data", id="pair")
KEYED = Spec(url="https://api.example.org/all", price="usd", currency="usd", rows="@")


def read(spec: Spec, bodies: list[bytes], *ids: str) -> dict[str, Quote]:
    """The quotes of one poll by the source's own ids."""
    found = quotes(make("mine", spec), bodies, {one: (one,) for one in ids}, received=100.0, poll=1)
    return {quote.coin: quote for quote in found}


def with_(spec: Spec, **more: Any) -> Spec:
    """The spec with other values."""
    return Spec(**{name: getattr(spec, name) for name in spec.__struct_fields__} | more)


def test_facts() -> None:
    """What is not stated has a careful default: an aggregator, a group of its own, no credit, no limits to break."""
    source = make("mine", ONE)
    assert (source.name, source.title, source.kind, source.group, source.own) == (
        "mine",
        "mine",
        "aggregator",
        "mine",
        True,
    )
    assert (source.plans[0].base_url, source.plans[0].key_header, source.terms.forbid) == (
        "https://api.example.org",
        None,
        False,
    )
    assert (source.timed, source.credit, source.max_body, source.cache) == (False, None, 2 * 2**20, 0.0)
    assert "text/html" not in source.content_types
    told = with_(ONE, title="Mine", role="venue", group="kraken", time="t", cache=60.0, max_body=9, key_header="X-Key")
    source = make("mine", with_(told, credit=("Prices by me", "https://example.org")))
    assert (source.title, source.kind, source.group, source.timed, source.cache) == (
        "Mine",
        "venue",
        "kraken",
        True,
        60.0,
    )
    assert (source.max_body, source.plans[0].key_header) == (9, "X-Key")
    assert source.credit == ("Prices by me", "https://example.org")


def test_one_url_for_one_coin() -> None:
    """The answer is that coin's, exact, whatever its id is called."""
    assert make("mine", ONE).requests(["openvc"]) == [Request("/v1/openvc")]
    quote = read(ONE, [b'{"data": {"price": 0.00000012345678901234567}}'], "openvc")["openvc"]
    assert (quote.price, quote.currency, quote.at) == (Decimal("0.00000012345678901234567"), "usd", None)


def test_one_url_for_each_coin() -> None:
    """The id goes into path and query, escaped; each answer speaks for the id it was asked for."""
    assert make("mine", EACH).requests(["a/b", "c"]) == [
        Request("/coins/a%2Fb", (("with", "a/b"), ("n", "1"))),
        Request("/coins/c", (("with", "c"), ("n", "1"))),
    ]
    found = read(EACH, [b'{"name": "a/b", "price": "1.50"}', b'{"name": "c", "price": 2}'], "a/b", "c")
    assert {one: (quote.price, quote.currency) for one, quote in found.items()} == {
        "a/b": (Decimal("1.50"), "tether"),
        "c": (2, "tether"),
    }


def test_an_answer_for_another_coin_is_refused() -> None:
    """Where the answer names its coin, it must be the one asked for (trust rule 10)."""
    with pytest.raises(Malformed, match="asked for 'a', it answers for 'b'"):
        read(EACH, [b'{"name": "b", "price": 1}'], "a")
    with pytest.raises(Malformed, match="answers for None"):
        read(EACH, [b'{"price": 1}'], "a")


def test_rows_with_an_id() -> None:
    """One call has many coins; ids may be texts or whole numbers; rows of others and rows without an id do no harm."""
    body = b'{"data": [{"pair": "A", "last": "1"}, {"pair": 90, "last": 2.5}, {"pair": "B", "last": []}, {"x": 1}, 7]}'
    assert make("mine", ROWS).requests(["A", "90"]) == [Request("/all")]
    assert {one: quote.price for one, quote in read(ROWS, [body], "A", "90", "C").items()} == {
        "A": 1,
        "90": Decimal("2.5"),
    }


def test_rows_by_key() -> None:
    """Without an id expression the keys of the object are the ids."""
    body = b'{"bitcoin": {"usd": 65000}, "nano": {"usd": 0.8}}'
    assert {one: quote.price for one, quote in read(KEYED, [body], "nano", "ark").items()} == {"nano": Decimal("0.8")}


def test_each_coin_in_rows() -> None:
    """An address for each coin may answer with rows, too; then only the asked one counts."""
    spec = with_(KEYED, url="https://api.example.org/prices/{id}", rows="coins")
    found = read(spec, [b'{"coins": {"a": {"usd": 1}, "b": {"usd": 9}}}', b'{"coins": {}}'], "a", "b")
    assert {one: quote.price for one, quote in found.items()} == {"a": 1}


def test_a_coin_twice_is_no_price() -> None:
    """Two rows for one id are ambiguous, and which is right is not ours to guess."""
    with pytest.raises(Malformed, match="two rows for 'A'"):
        read(ROWS, [b'{"data": [{"pair": "A", "last": 1}, {"pair": "A", "last": 2}]}'], "A")


def test_everything_it_lists() -> None:
    """Rows can be looked through for others; an address that prices what it is asked for has no list."""
    body = b'{"data": [{"pair": "A", "last": 1}, {"pair": "B", "last": 2}]}'
    assert [row.id for row in make("mine", ROWS).parse(body, EVERYTHING)] == ["A", "B"]
    assert make("mine", ROWS).catalogue() is not None
    assert make("mine", ONE).catalogue() is make("mine", EACH).catalogue() is None


@pytest.mark.parametrize(
    ("unit", "cell", "at"),
    [
        ("s", b"1790000000", 1_790_000_000.0),
        ("s", b'"1790000000.5"', 1_790_000_000.5),
        ("ms", b"1790000000123", 1_790_000_000.123),
        ("iso", b'"2026-09-21T14:13:20Z"', 1_790_000_000.0),
        ("iso", b'"2026-09-21T14:13:20"', 0.0),
        ("iso", b"1790000000", 0.0),
        ("s", b'"yesterday"', 0.0),
        ("s", b"null", 0.0),
        ("s", b"{}", 0.0),
    ],
)
def test_times(unit: Any, cell: bytes, at: float) -> None:
    """Read in the unit that was stated; a source that states a time and gives none is not fresh (1970)."""
    spec = with_(ONE, time="t", time_unit=unit)
    assert read(spec, [b'{"data": {"price": 1}, "t": ' + cell + b"}"], "x")["x"].at == at


def test_change_and_volume() -> None:
    """A change comes out in percent, from either unit; what is no number costs only itself."""
    body = b'{"data": {"price": 1}, "c": "-0.0173", "v": 12.5}'
    quote = read(with_(ONE, change="c", change_unit="fraction", volume="v"), [body], "x")["x"]
    assert (quote.change_24h, quote.volume_24h) == (Decimal("-1.73"), Decimal("12.5"))
    quote = read(with_(ONE, change="c", volume="data"), [body], "x")["x"]
    assert (quote.change_24h, quote.volume_24h) == (Decimal("-0.0173"), None)


@pytest.mark.parametrize("cell", [b"null", b'""', b"0", b"-1", b"1e-30", b"1e16"])
def test_no_price(cell: bytes) -> None:
    """Nothing, zero and what is beyond all prices is no quote, and no error."""
    assert read(ONE, [b'{"data": {"price": ' + cell + b"}}"], "x") == {}
    assert read(ONE, [b"{}"], "x") == {}


@pytest.mark.parametrize("cell", [b"true", b"[1]", b"{}", b'"1,5"', b'"NaN"', b'"1_0"', b"1e400", b"1" * 70])
def test_what_is_no_number(cell: bytes) -> None:
    """A price that is found and is no number makes the answer malformed."""
    with pytest.raises(Malformed):
        read(ONE, [b'{"data": {"price": ' + cell + b"}}"], "x")


@pytest.mark.parametrize(
    ("spec", "body"),
    [
        (ONE, b"<html>"),
        (ONE, b"[" * 100_000),
        (ONE, b"\xff"),
        (ROWS, b"{}"),
        (ROWS, b'{"data": {}}'),
        (KEYED, b"[]"),
        (with_(ONE, price="abs(data)"), b'{"data": "x"}'),
        (with_(ONE, price="length(data)"), b'{"data": 1}'),
    ],
)
def test_answers_that_do_not_fit(spec: Spec, body: bytes) -> None:
    """What is not of the stated shape is one of our errors."""
    with pytest.raises(SourceError):
        read(spec, [body], "x")


def test_a_whole_number_of_an_expression() -> None:
    """What an expression counts is a number like any other."""
    assert read(with_(ONE, price="length(data)"), [b'{"data": [1, 2]}'], "x")["x"].price == 2


def test_wrong_expressions_make_no_source() -> None:
    """The configuration refuses them before; so does the maker."""
    with pytest.raises(ValueError):
        make("mine", with_(ONE, price="a["))


def test_no_request_for_no_ids() -> None:
    """A source that nobody needs is not asked."""
    source: Source = make("mine", ROWS)
    assert source.requests([]) == []
