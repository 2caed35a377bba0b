"""What the tape, the card, the table, the converter and the chart say, complete without script."""

from dataclasses import replace
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import boards
import pytest
from pages import Element, read

from widgets.board import Board, Options
from widgets.render import KINDS, LOOKS, page, render

ADDRESS = "https://p.example/ticker/embed/"


def drawn(kind: str, board: Board, **options: object) -> Element:
    """The tree of `board` drawn as `kind`, on somebody else's page."""
    return read(render(kind, board, Options(address=ADDRESS + kind, **options)))  # type: ignore[arg-type]


def tags(tree: Element, tag: str) -> list[Element]:
    """All elements of one tag."""
    return [one for one in tree.all() if one.tag == tag]


def ways(tree: Element) -> list[Element]:
    """The links to others of a kind: groups, since of landmarks a page with two widgets would have two alike."""
    return [
        one
        for one in tree.all()
        if one.attributes.get("class") in ("mp-pages", "mp-ranges") and one.attributes["role"] == "group"
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_the_reader_chooses_the_look(kind: str) -> None:
    """Look and density are attributes of the root that styles and hosts can rely on; the usual ones are not written."""
    root = drawn(kind, boards.rich_one(), look="news", density="compact", up="red").one("mp").attributes
    assert (root["data-look"], root["data-density"], root["data-up"]) == ("news", "compact", "red")
    assert not {"data-look", "data-density"} & drawn(kind, boards.rich_one()).one("mp").attributes.keys()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("locale", ["en", "ar"])
def test_every_kind_has_its_rows_and_its_foot(kind: str, look: str, locale: str) -> None:
    """Whatever the look: each coin with its hooks and its price, the credits and the as-of below."""
    tree = drawn(kind, boards.rich_one(), look=look, locale=locale)
    assert {row.attributes["data-coin"] for row in tree.find("mp-row")} == {"bitcoin"}
    assert tree.find("mp-price")
    assert tree.one("mp-asof").text
    assert tree.one("mp-credit").text == "CoinGecko"


@pytest.mark.parametrize("kind", KINDS)
def test_no_price_is_a_dash_everywhere(kind: str) -> None:
    """No line, no chart, no change, no high, no amount of a coin that has no price, whatever the board claims."""
    row = replace(boards.enriched(boards.reference().rows[0], 1), price=None, chart=None)
    tree = drawn(kind, Board((row,)), show=("name", "price", "change", "spark"))
    assert tree.find("mp-price")[0].text == "—"
    assert not [one for one in tree.all() if one.tag in ("polyline", "dd") or "mp-amounts" in one.classes]
    assert "%" not in "".join(one.text for one in tree.find("mp-change"))
    assert not [one for one in tags(tree, "svg") if "data-direction" in one.attributes]


@pytest.mark.parametrize("kind", ["list", "card", "table"])
def test_lines(kind: str) -> None:
    """Where asked for, every coin has its line; one without a past has an empty place and no empty picture."""
    board = boards.rich()
    rows = (board.rows[0], replace(board.rows[1], spark=()))
    places = drawn(kind, Board(rows), show=("name", "price", "spark")).find("mp-spark")
    assert [len(tags(place, "svg")) for place in places] == [1, 0]
    assert not drawn(kind, Board(rows), show=("name", "price")).find("mp-spark")


def test_no_empty_columns_in_another_currency() -> None:
    """Where neither changes nor lines are known at all in a currency, there is no column for them."""
    rows = tuple(replace(row, change=None) for row in boards.reference().rows)
    board = replace(boards.reference(), rows=rows, currency="btc", rate=Decimal(64000))
    root = drawn("table", board, show=("name", "price", "change", "spark")).one("mp")
    assert root.attributes["data-show"] == "name price"


def test_tape() -> None:
    """Every coin once for readers; the copy that makes the round endless is for the eye alone, out of reach."""
    tree = drawn("tape", boards.rich(), show=("logo", "symbol", "price", "change"))
    first, copy = tree.find("mp-tape")
    assert len(first.find("mp-row")) == len(copy.find("mp-row")) == 11
    assert (copy.attributes["aria-hidden"], "inert" in copy.attributes) == ("true", True)
    assert first.attributes == {"class": "mp-tape", "role": "list"}


@pytest.mark.parametrize(("locale", "words"), [("en", ["Pause", "Play"]), ("de", ["Anhalten", "Weiter laufen"])])
def test_tape_can_be_stopped_without_script(locale: str, words: list[str]) -> None:
    """Its button is a `summary`, which every browser opens by itself, and has a name in both states."""
    (button,) = tags(drawn("tape", boards.rich(), locale=locale), "summary")
    assert [one.text for one in button.find("mp-spoken")] == words


def test_card() -> None:
    """One coin with its price, its change and the period, its day's low and high."""
    tree = drawn(
        "card", boards.rich_one(), show=("logo", "name", "symbol", "price", "change", "spark", "cap", "volume")
    )
    assert tree.one("mp-price").text == "$64,250.12"
    assert tree.one("mp-period").text == "24h"
    facts = {one.text: two.text for one, two in zip(tags(tree, "dt"), tags(tree, "dd"), strict=True)}
    assert facts == {"Low 24h": "$62,579.62", "High 24h": "$65,599.37", "Vol": "$192.75B", "Cap": "$1.22T"}
    board = boards.rich_one()
    half = drawn("card", replace(board, rows=(replace(board.rows[0], high=None),)))
    facts = {one.text: two.text for one, two in zip(tags(half, "dt"), tags(half, "dd"), strict=True)}
    assert facts == {"Low 24h": "$62,579.62", "High 24h": "—"}, "a figure that is missing keeps its room"


SHOW = ("logo", "name", "symbol", "price", "change", "cap", "volume", "spark")


def test_table() -> None:
    """A real table: a caption, a head for each column and each row, no rank, and the three changes."""
    tree = drawn("table", boards.rich(), show=SHOW)
    (table,) = tags(tree, "table")
    assert tags(table, "caption")[0].text.strip() == "Latest Market Prices"
    heads = [one for one in tags(table, "th") if one.attributes["scope"] == "col"]
    assert [one.text.strip() for one in heads] == ["Name", "Price", "1h", "24h", "7d", "Cap", "Vol", "7d"]
    rows = table.find("mp-row")
    assert len(rows) == 11
    assert [one.attributes["scope"] for one in tags(rows[0], "th")] == ["row"]
    cells = {one.attributes["data-column"]: one for one in tags(rows[0], "td")}
    assert [cells[period].one("mp-change").attributes["data-direction"] for period in ("1h", "24h", "7d")] == (
        ["down", "down", "down"]
    )
    assert (cells["cap"].text, cells["volume"].text) == ("$1.22T", "$192.75B")


def test_a_table_without_a_title_still_has_a_caption() -> None:
    """For whoever hears it."""
    (caption,) = tags(drawn("table", boards.rich(), title=""), "caption")
    assert (caption.classes, caption.text.strip()) == (["mp-spoken"], "Prices")


@pytest.mark.parametrize(
    ("sort", "column", "how", "next_sort"),
    [
        ("", "Price", None, "-price"),
        ("-price", "Price", "descending", "price"),
        ("price", "Price", "ascending", "-price"),
        ("", "Name", None, "name"),
        ("name", "Name", "ascending", "-name"),
        ("-24h", "24h", "descending", "24h"),
        ("-24h", "Cap", None, "-cap"),
    ],
)
def test_sorting_by_links(sort: str, column: str, how: str | None, next_sort: str) -> None:
    """A click sorts numbers from the largest and names from A, a second click the other way round; pages begin anew."""
    tree = drawn("table", boards.rich(), show=SHOW, sort=sort, query=(("locale", "en-GB"), ("title", "a & b")))
    (head,) = [one for one in tags(tree, "th") if one.text.strip(" ▲▼") == column and one.attributes["scope"] == "col"]
    assert head.attributes.get("aria-sort") == how
    (link,) = tags(head, "a")
    parts = urlsplit(link.attributes["href"])
    assert parts.geturl().startswith("https://p.example/ticker/embed/table?")
    assert parse_qs(parts.query) == {"locale": ["en-GB"], "title": ["a & b"], "sort": [next_sort]}
    assert link.attributes["rel"] == "nofollow"


def test_the_line_of_a_table_sorts_nothing() -> None:
    """There is nothing to sort by."""
    (head,) = [
        one
        for one in tags(drawn("table", boards.rich(), show=SHOW), "th")
        if one.attributes.get("data-column") == "spark"
    ]
    assert tags(head, "a") == []


@pytest.mark.parametrize(("at", "links"), [(1, ["Next 2"]), (2, ["Previous ", "Next 3"]), (3, ["Previous 2"])])
def test_pages_by_links(at: int, links: list[str]) -> None:
    """There is a way to the page before and after, where there is one; the first page has no number in its address."""
    board = replace(boards.rich(), page=at, pages=3)
    (way,) = ways(drawn("table", board, sort="-cap"))
    assert f"Page {at} of 3" in way.text
    found = []
    for link in tags(way, "a"):
        query = parse_qs(urlsplit(link.attributes["href"]).query)
        assert query["sort"] == ["-cap"]
        found.append(f"{link.text} {query.get('page', [''])[0]}")
    assert found == links


def test_one_page_needs_no_way() -> None:
    """Nothing to choose, nothing shown."""
    assert ways(drawn("table", boards.rich())) == []


@pytest.mark.parametrize("kind", ["table", "chart"])
def test_links_stay_in_the_frame(kind: str) -> None:
    """In an iframe they are paths of our own, so that they work behind any host name; on other pages they are whole."""
    options = Options(address=ADDRESS + kind)
    (first, *_) = [
        one.attributes["href"]
        for one in tags(read(page(kind, boards.rich_one(), options)), "a")
        if one.attributes.get("rel") == "nofollow"
    ]
    assert first.startswith(f"/ticker/embed/{kind}")
    (first, *_) = [
        one.attributes["href"]
        for one in tags(read(render(kind, boards.rich_one(), options)), "a")
        if one.attributes.get("rel") == "nofollow"
    ]
    assert first.startswith(ADDRESS + kind)


def test_converter() -> None:
    """Round amounts both ways, each row with its head."""
    tree = drawn("converter", boards.rich_one(), show=("name", "price"))
    worth, buys = ([row.text for row in tags(table, "tr")] for table in tags(tree, "table"))
    assert worth == ["1\xa0BTC$64,250.12", "10\xa0BTC$642,501.20", "100\xa0BTC$6,425,012", "1,000\xa0BTC$64,250,120"]
    assert buys == ["$10.00001556\xa0BTC", "$100.0001556\xa0BTC", "$1000.001556\xa0BTC", "$1,0000.01556\xa0BTC"]
    assert [one.text for one in tags(tree, "caption")] == ["BTC → USD", "USD → BTC"]


def test_converter_in_other_currencies() -> None:
    """Money without cents and parts of a bitcoin are written as they are."""
    row = replace(boards.reference().rows[0], price=Decimal(10_000_000))
    yen = drawn("converter", Board((row,), currency="jpy"), locale="ja")
    assert "￥1,000" in yen.text
    sats = drawn("converter", Board((row,), currency="sats"))
    assert "100\xa0sats" in sats.text


def test_chart() -> None:
    """The ranges to choose from, the price of now, the axes in words, and the picture."""
    tree = drawn("chart", boards.rich_one(), range="24h")
    ranges = tags(ways(tree)[0], "a")
    assert [(one.text, one.attributes.get("aria-current")) for one in ranges] == [
        ("24h", "true"),
        ("7d", None),
        ("30d", None),
    ]
    assert ranges[1].attributes["href"] == "https://p.example/ticker/embed/chart?range=7d"
    assert tree.one("mp-price").text == "$64,250.12"
    assert tree.one("mp-plot").attributes["aria-label"].startswith("Bitcoin: from $")
    assert [one.text for one in tags(tree.one("mp-times"), "bdi")][:2] == ["21:04", "03:04"]


def test_chart_of_no_past() -> None:
    """A new installation says so, and keeps the place."""
    row = replace(boards.rich_one().rows[0], chart=None)
    tree = drawn("chart", Board((row,)))
    assert tree.one("mp-unknown").text == "no past prices yet"


def test_a_chart_is_in_the_currency_of_its_past() -> None:
    """Beside a price in euros its axis says dollars, and nobody reads one for the other."""
    board = replace(boards.rich_one(), currency="eur", rate=Decimal("1.16"))
    tree = drawn("chart", board)
    assert tree.one("mp-price").text == "€64,250.12"
    assert all("$" in one.text for one in tags(tree.one("mp-scale"), "bdi"))
