"""Turning rows into quotes, and the facts of a source, apart from any real source."""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal

import pytest
from msgspec import ValidationError

from ticker.errors import Malformed, RateLimited
from ticker.model import Quote
from ticker.sources import Plan, Request, Row, Source, Terms, quotes
from ticker.sources.values import in_dollars


def source_of(*rows: Row, timed: bool = False, batch: int | None = None, error: Exception | None = None) -> Source:
    """A source whose every answer has these rows, and then this error."""

    def parse(body: bytes, wanted: AbstractSet[str]) -> Iterator[Row]:
        yield from rows
        if error is not None:
            raise error

    return Source(
        name="fake",
        title="Fake",
        kind="venue",
        group="fake",
        docs="https://docs.example",
        plans=(Plan("public", "https://api.example"),),
        terms=Terms.unread("https://terms.example"),
        id_pattern=re.compile(".+"),
        request=lambda ids: Request("/", query=(("ids", ",".join(ids)),)),
        parse=parse,
        currency_of=in_dollars,
        timed=timed,
        batch=batch,
    )


def read(source: Source, ids: Mapping[str, Sequence[str]], bodies: int = 1) -> list[Quote]:
    """The quotes of one poll."""
    return quotes(source, [b""] * bodies, ids, received=100.0, poll=3)


def test_the_first_id_with_a_price_wins() -> None:
    """Of a coin's ids the first present wins, and one with a price of zero is not present."""
    source = source_of(Row("new", Decimal(2)), Row("old", Decimal(0)), Row("third", Decimal(5)))
    (quote,) = read(source, {"nano": ("old", "new", "third")})
    assert (quote.coin, quote.price) == ("nano", 2)


def test_no_quote_without_a_price_or_a_currency() -> None:
    """No price, a price beyond all prices, and a currency we have no name for are no quote."""
    prices = (None, Decimal(0), Decimal(-1), Decimal("1e16"), Decimal("1e-30"))
    rows = [Row(str(place), price) for place, price in enumerate(prices)]
    source = source_of(*rows, Row("eur", Decimal(1), currency=None))
    assert read(source, {one: (one,) for one in ("0", "1", "2", "3", "4", "eur")}) == []


def test_every_field_of_a_row_is_in_its_quote() -> None:
    """A quote says all that the row says, with the source, the poll and the time of arrival."""
    numbers = [Decimal(n) for n in (1, 2, 3, 4, 6, 5, 7, 8)]
    row = Row("btc", numbers[0], "tether", 90.0, *numbers[1:], name="Bitcoin", symbol="BTC")
    assert read(source_of(row), {"bitcoin": ["btc"]}) == [
        Quote("fake", "bitcoin", numbers[0], "tether", 100.0, 3, 90.0, *numbers[1:], name="Bitcoin", symbol="BTC")
    ]


def test_a_missing_time_of_a_timed_source_is_1970() -> None:
    """Only a source that never gives times is stamped by arrival; one that forgets is not fresh."""
    row = Row("btc", Decimal(1))
    assert read(source_of(row, timed=True), {"bitcoin": ("btc",)})[0].at == 0.0
    assert read(source_of(row), {"bitcoin": ("btc",)})[0].at is None


def test_all_bodies_of_a_poll_are_read() -> None:
    """The answers to several batches are one answer."""
    rows = iter([Row("a", Decimal(1)), Row("b", Decimal(2)), Row("c", Decimal(3))])
    source = source_of()
    object.__setattr__(source, "parse", lambda body, wanted: iter([next(rows)]))
    found = read(source, {"c": ("c",), "b": ("b",), "a": ("a",)}, bodies=3)
    assert [(quote.coin, quote.price) for quote in found] == [("c", 3), ("b", 2), ("a", 1)]


def test_an_id_at_two_prices_has_none() -> None:
    """Rows that contradict each other are no quote of that id, in whatever order; its coin's next id still counts."""
    one, other = Row("a", Decimal(1)), Row("a", Decimal(2))
    for rows in ((one, other), (other, one), (one, other, one)):
        assert read(source_of(*rows), {"a": ("a",)}) == []
        (quote,) = read(source_of(*rows, Row("b", Decimal(3))), {"a": ("a", "b")})
        assert quote.price == 3


def test_an_id_twice_at_one_price_has_it() -> None:
    """A row that says the same once more, in other digits too, and a row that says no price, contradict nothing."""
    rows = (Row("a", Decimal("1.50")), Row("a", Decimal("1.5")), Row("a", None), Row("a", Decimal(0)))
    (quote,) = read(source_of(*rows), {"a": ("a",)})
    assert quote.price == Decimal("1.5")


@pytest.mark.parametrize(
    ("field", "kept", "dropped"),
    [
        *((f"change_{period}", ("1e7", "-1e7", "0"), ("1.1e7", "-1.1e7", "1e27")) for period in ("1h", "24h", "7d")),
        *((f"{end}_24h", ("1e24", "1e-24"), ("1.1e24", "0", "-1")) for end in ("high", "low")),
        ("volume_24h", ("1e24", "0"), ("1.1e24", "-1")),
        ("market_cap", ("1e24", "1"), ("1.1e24", "0", "-1")),
    ],
)
def test_absurd_figures_are_none(field: str, kept: tuple[str, ...], dropped: tuple[str, ...]) -> None:
    """What no coin's figure can be is not told, at the cost of nothing else; a volume of zero is told."""

    def told(value: str) -> Decimal | None:
        (quote,) = read(source_of(Row("a", Decimal(5), **{field: Decimal(value)})), {"a": ("a",)})
        found: Decimal | None = getattr(quote, field)
        assert quote.price == 5
        return found

    assert [told(value) for value in kept] == [Decimal(value) for value in kept]
    assert [told(value) for value in (*dropped, "NaN", "Infinity", "-Infinity")] == [None] * (len(dropped) + 3)


def test_a_high_below_the_low() -> None:
    """Of two ends that cannot both be true neither is told; equal ends are."""
    (crossed,) = read(source_of(Row("a", Decimal(5), high_24h=Decimal(4), low_24h=Decimal(6))), {"a": ("a",)})
    assert (crossed.price, crossed.high_24h, crossed.low_24h) == (5, None, None)
    (equal,) = read(source_of(Row("a", Decimal(5), high_24h=Decimal(5), low_24h=Decimal(5))), {"a": ("a",)})
    assert (equal.high_24h, equal.low_24h) == (5, 5)


@pytest.mark.parametrize(
    "error", [ValidationError("no"), RecursionError(), UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "no")], ids=repr
)
def test_faults_of_shape_are_malformed(error: Exception) -> None:
    """What decoding raises is the source's fault, under its name, with the cause kept; nothing is half read."""
    with pytest.raises(Malformed) as caught:
        read(source_of(Row("btc", Decimal(1)), error=error), {"bitcoin": ("btc",)})
    assert caught.value.source == "fake"
    assert caught.value.__cause__ is error


def test_errors_of_the_source_pass_through() -> None:
    """What an adapter raises on purpose keeps its class."""
    with pytest.raises(RateLimited):
        read(source_of(error=RateLimited("fake")), {"bitcoin": ("btc",)})


def test_batches() -> None:
    """Ids are cut into batches in their order; a source without batches is asked once; no ids ask nothing."""
    batched = source_of(batch=2).requests(["a", "b", "c"])
    assert [request.query for request in batched] == [(("ids", "a,b"),), (("ids", "c"),)]
    assert len(source_of().requests(["a", "b", "c"])) == 1
    assert source_of(batch=2).requests([]) == source_of().requests([]) == []


@pytest.mark.parametrize("verdicts", [(False, True, True), (None, False, None), (True, None, False)])
def test_one_no_forbids(verdicts: tuple[bool | None, bool | None, bool | None]) -> None:
    """Terms that deny any one of display, deriving and redistribution seem to forbid our use."""
    assert Terms("https://terms.example", "2026-01-01", *verdicts).forbid


def test_unread_terms_forbid_nothing() -> None:
    """What nobody has read is said to be unread, and is no verdict."""
    terms = Terms.unread("https://terms.example")
    assert (terms.read, terms.note, terms.forbid) == ("", "not read", False)
    assert not Terms("https://terms.example", "2026-01-01", display=True, derive=True, redistribute=None).forbid
