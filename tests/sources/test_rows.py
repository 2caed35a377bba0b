"""Odd rows: one that nobody asked for costs nothing; one that somebody asked for, or too many, cost the answer."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from source_tables import DIALECTS, IDS, payload, price_of

from ticker.errors import Malformed
from ticker.sources import REGISTRY, Source
from ticker.sources.rows import MOST_ROWS, Answers

NEW = {str: "new", int: 999_999}  # in the cells of a row that is a copy of another
KEYS = {"data", "ticker", "result"}  # what rows lie under
of_coins = [source for source in REGISTRY.values() if source.of == "coins"]
every_source = pytest.mark.parametrize("source", of_coins, ids=lambda source: source.name)
every_aggregator = pytest.mark.parametrize(
    "source", [source for source in of_coins if source.kind == "aggregator"], ids=lambda source: source.name
)
odd_rows = pytest.mark.parametrize("odd", [None, "odd", 7, True, [], {}, [[]], {"odd": {}}, "no price"], ids=repr)


def rewritten(name: str, change: Callable[[Any], None]) -> bytes:
    """Our payload after a change to its rows, which are a list or an object by name."""
    document = json.loads(payload(name))
    rows = document
    while isinstance(rows, dict) and (key := next(iter(KEYS & rows.keys()), None)):
        rows = rows[key]
    change(rows)
    return json.dumps(document).encode()


def place_of(rows: Any, one: str) -> Any:
    """Where among the rows the one of this id is: its name in an object, or its place in a list."""
    if isinstance(rows, dict):
        return one

    def says(row: Any) -> bool:
        cells = row if isinstance(row, list) else row.values()
        return any(not isinstance(cell, list | dict) and str(cell) == one for cell in cells)

    return next(place for place, row in enumerate(rows) if says(row))


def priceless(name: str, row: Any) -> Any:
    """A row without the cell of its price."""
    if isinstance(row, list):
        return row[: DIALECTS[name].price]
    cells = {key: priceless(name, cell) if isinstance(cell, dict) else cell for key, cell in row.items()}
    cells.pop(DIALECTS[name].price, None)
    return cells


def prices(found: dict[str, Any]) -> dict[str, Decimal]:
    """The prices in some quotes."""
    return {one: quote.price for one, quote in found.items()}


@every_source
@odd_rows
@pytest.mark.parametrize("first", [True, False])
def test_an_odd_row_that_nobody_wants(source: Source, odd: Any, first: bool, quoted: Any) -> None:
    """A new market without a price, or of whatever shape, wherever it stands, leaves every other quote as it was."""

    def change(rows: Any) -> None:
        row = odd
        if odd == "no price":
            row = priceless(source.name, rows[place_of(rows, source.id_example)])
            if isinstance(row, list):
                row[0] = "tNEWUSD"
            row = {key: NEW.get(type(cell), cell) for key, cell in row.items()} if isinstance(row, dict) else row
        if isinstance(rows, list):
            rows.insert(0 if first else len(rows), row)
            return
        others = dict(rows)
        rows.clear()
        rows.update({"NEW/NEW": row} | others if first else others | {"NEW/NEW": row})

    ids = IDS[source.name].values()
    found = quoted(source.name, rewritten(source.name, change), *ids)
    assert found == quoted(source.name, payload(source.name), *ids)


@every_source
def test_an_odd_row_that_somebody_wants(source: Source, quoted: Any) -> None:
    """A wanted row without the cell of its price is no documented answer, though all others are as they should be."""

    def change(rows: Any) -> None:
        place = place_of(rows, source.id_example)
        rows[place] = priceless(source.name, rows[place])

    body = rewritten(source.name, change)
    with pytest.raises(Malformed, match=rf"^{source.name}: "):
        quoted(source.name, body, source.id_example)
    (other, *_) = (one for one in IDS[source.name].values() if one != source.id_example)
    assert prices(quoted(source.name, body, other)) == {other: Decimal(price_of(source.name, other))}


@pytest.mark.parametrize(
    # Kraken's rows are read one at a time, and only those that are wanted.
    "source",
    [source for source in of_coins if source.name != "kraken"],
    ids=lambda source: source.name,
)
def test_more_odd_rows_than_others(source: Source, quoted: Any) -> None:
    """With as many odd rows as others the answer is still read; with one more it is another dialect."""

    def odd(more: int) -> bytes:
        def change(rows: Any) -> None:
            if isinstance(rows, dict):
                rows.update({f"NEW-{number}": {} for number in range(len(rows) + more)})
            else:
                rows.extend([{}] * (len(rows) + more))

        return rewritten(source.name, change)

    ids = IDS[source.name].values()
    assert quoted(source.name, odd(0), *ids) == quoted(source.name, payload(source.name), *ids)
    with pytest.raises(Malformed):
        quoted(source.name, odd(1), *ids)


@every_aggregator
def test_a_row_under_another_id(source: Source, quoted: Any) -> None:
    """A row that does not say the id we asked for is of another coin, whatever its place, its name and its symbol."""

    def change(rows: Any) -> None:
        row = rows[place_of(rows, source.id_example)]
        row["id"] = type(row["id"])(999_999)

    body = rewritten(source.name, change)
    assert quoted(source.name, body, source.id_example) == {}
    assert set(quoted(source.name, body, *IDS[source.name].values())) == {
        one for one in IDS[source.name].values() if one != source.id_example
    }


def test_an_answer_by_number_is_known_by_its_rows(quoted: Any) -> None:
    """CoinMarketCap's rows by number say their own: the name they stand under is no proof."""

    def under(key: str, number: int) -> bytes:
        row = {"id": number, "quote": {"USD": {"price": 5, "last_updated": "2026-09-21T14:13:20Z"}}}
        return json.dumps({"status": {"error_code": 0}, "data": {key: row}}).encode()

    assert quoted("coinmarketcap", under("1", 1027), "1") == {}
    assert set(quoted("coinmarketcap", under("1", 1), "1")) == {"1"}
    odd = b'{"status": {"error_code": 0}, "data": {"1": [], "2": {"id": 2, "quote": {"USD": {"price": 5}}}}}'
    assert set(quoted("coinmarketcap", odd, "2")) == {"2"}
    with pytest.raises(Malformed):
        quoted("coinmarketcap", odd, "1", "2")


@odd_rows
def test_an_odd_rate(odd: Any, quoted: Any) -> None:
    """Of CoinGecko's exchange rates an odd one costs nothing; the dollar's, or a wanted one, costs them all."""
    document = json.loads(payload("coingeckorates"))

    def body(code: str) -> bytes:
        return json.dumps(document | {"rates": document["rates"] | {code: odd}}).encode()

    whole = quoted("coingeckorates", payload("coingeckorates"), "EUR", "GBP")
    assert quoted("coingeckorates", body("new"), "EUR", "GBP") == whole
    if isinstance(odd, dict):  # of the documented shape, without a value
        assert set(quoted("coingeckorates", body("eur"), "EUR", "GBP")) == {"GBP"}
        assert quoted("coingeckorates", body("usd"), "EUR", "GBP") == {}
        return
    for code in ("eur", "usd"):
        with pytest.raises(Malformed):
            quoted("coingeckorates", body(code), "EUR", "GBP")


class Thing(msgspec.Struct):
    """A row."""

    name: str
    size: int


class Things(msgspec.Struct):
    """An answer."""

    state: str
    things: list[Thing]


THINGS = Answers(msgspec.json.Decoder(Things), Thing, "name", "things")


def test_what_is_odd_is_left_out_and_nothing_else() -> None:
    """The rest of the answer is what it was, digit for digit; a wanted row is known through its escapes."""
    body = b'{"state": "ok", "things": [{"name": "a", "size": 1}, {"name": "\\u0062"}]}'
    assert THINGS.decode(body, {"a"}) == Things("ok", [Thing("a", 1)])
    with pytest.raises(msgspec.ValidationError, match="size"):
        THINGS.decode(body, {"b"})


@pytest.mark.parametrize(
    "body",
    [
        b'{"state": 1, "things": [{"name": "a", "size": 1}]}',
        b'{"state": "ok"}',
        b'{"state": "ok", "things": null}',
        b'{"state": "ok", "things": {"a": {"name": "a", "size": 1}}}',
        b'{"state": "ok", "things": [{"name": 1}]}',
        b"[]",
    ],
)
def test_faults_beside_the_rows_stay_faults(body: bytes) -> None:
    """Where it is not a row that is odd, nothing is forgiven."""
    with pytest.raises(msgspec.ValidationError):
        THINGS.decode(body, {"a"})


def test_an_endless_list_is_not_read_row_by_row() -> None:
    """A list longer than any source's is refused without a look at its rows."""
    rows = [b'{"name": "a", "size": 1}'] * MOST_ROWS + [b"0"]
    with pytest.raises(msgspec.ValidationError, match="got `int`"):
        THINGS.decode(b'{"state": "ok", "things": [' + b",".join(rows) + b"]}", set())
