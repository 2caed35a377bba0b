"""What a widget's HTML says, in every state, to eyes, screen readers and scripts."""

from dataclasses import replace
from decimal import Decimal

import boards
import pytest
from pages import Element, read

from widgets.board import Board, Options
from widgets.render import KINDS, error, page, render

KEPT = ("mp", "mp-list", "mp-row", "mp-mark", "mp-name", "mp-price", "mp-symbol", "mp-change", "mp-asof", "mp-credit")


def drawn(board: Board, kind: str = "list", **options: object) -> Element:
    """The tree of `board` drawn as `kind`."""
    return read(render(kind, board, Options(**options)))


def line(board: Board, coin: str) -> Element:
    """The row of one coin."""
    (found,) = [row for row in drawn(board).find("mp-row") if row.attributes["data-coin"] == coin]
    return found


def test_reference_sidebar() -> None:
    """The eleven coins stand in their order, each with mark, name, price, symbol and change."""
    tree = drawn(boards.reference())
    assert tree.one("mp-title").text == "Latest Market Prices"
    rows = tree.one("mp-list").find("mp-row")
    assert [row.one("mp-symbol").text for row in rows] == (
        ["BTC", "ETH", "NEO", "WAVES", "XMR", "NANO", "ARK", "ARRR", "DOGE", "LTC", "ADA"]
    )
    first = rows[0]
    assert first.one("mp-name").text == "Bitcoin"
    assert first.one("mp-price").text == "$64,250.12"
    assert first.one("mp-price").attributes["title"] == "5 of 7 sources"
    assert first.one("mp-mark").text == "BTC"
    assert first.one("mp-note").text == ""
    assert tree.one("mp-asof").text == "as of Nov 22, 2026, 21:03 UTC"
    assert [credit.text for credit in tree.find("mp-credit")] == ["CoinGecko", "Kraken", "CoinPaprika"]
    assert tree.find("mp-credit")[0].attributes["href"] == "https://www.coingecko.com/"


def test_hooks() -> None:
    """Class names and data attributes that scripts and styles of others rely on are all there."""
    tree = drawn(boards.reference())
    for name in KEPT:
        assert tree.find(name), name
    assert line(boards.reference(), "bitcoin").attributes == {
        "class": "mp-row",
        "data-coin": "bitcoin",
        "data-freshness": "live",
        "data-agreement": "ok",
        "data-as-of": "2026-11-22T21:04:07Z",
        "data-live-until": "2026-11-22T21:06:07Z",
        "data-delayed-until": "2026-11-22T21:09:07Z",
        "data-gone-at": "2026-11-22T22:04:07Z",
    }
    assert tree.one("mp").attributes["data-as-of"] == "2026-11-22T21:03:45Z"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("locale", ["en", "de", "fa", "ur"])
@pytest.mark.parametrize("css", ["inline", "link", "none"])
@pytest.mark.parametrize("draw", [render, page])
def test_structure(kind: str, locale: str, css: str, draw: object) -> None:
    """No style, id or event attribute, no script, no request elsewhere, no duplicate, and never the word "live"."""
    tree = read(draw(kind, boards.mixed(), Options(locale=locale, css=css)))
    for element in tree.all():
        assert element.tag not in ("script", "iframe", "object", "form", "input", "base")
        assert not {name for name in element.attributes if name in ("style", "id", "src") or name.startswith("on")}
        said = [element.attributes.get(name, "") for name in ("title", "alt", "aria-label")]
        assert "live" not in " ".join([element.text, *said]).lower()
    assert len([element for element in tree.all() if element.tag == "style"]) == (css == "inline")
    links = [element for element in tree.all() if element.tag == "link"]
    assert [link.attributes["href"] for link in links] == (["/embed.css"] if css == "link" else [])


@pytest.mark.parametrize(
    ("coin", "freshness", "agreement", "price", "note"),
    [
        ("bitcoin", "live", "ok", "$64,250.12", ""),
        ("neo", "live", "degraded", "$9.871", "two sources"),
        ("waves", "delayed", "ok", "$1.083", "delayed · 21:00 UTC"),
        ("nano", "stale", "ok", "$0.9342", "as of 20:31 UTC"),
        ("ark", "stale", "disputed", "$0.4082", "20:58 UTC · disputed"),
        ("pirate-chain", "live", "single", "$0.2173", "single source"),
        ("dogecoin", "delayed", "single", "$0.1241", "delayed · single source · 21:00 UTC"),
        ("house-token", "live", "fixed", "$1.00", "fixed"),
        ("openvoicecoin", "none", "none", "—", "no price"),
    ],
)
def test_states(coin: str, freshness: str, agreement: str, price: str, note: str) -> None:
    """Every state of a price is told in words, not by colour alone."""
    row = line(boards.mixed(), coin)
    assert (row.attributes["data-freshness"], row.attributes["data-agreement"]) == (freshness, agreement)
    assert row.one("mp-price").text == price
    assert row.one("mp-note").text == note


def test_note_says_why() -> None:
    """A mark beside a price explains itself, with the day of the price."""
    assert line(boards.mixed(), "ark").one("mp-note").attributes["title"] == (
        "Sources disagree now; this is the last price they agreed on. as of Nov 22, 2026, 20:58 UTC"
    )


def test_change_is_more_than_colour() -> None:
    """A change has sign, arrow and spoken words; where there is none, there is nothing to mistake for zero."""
    up = line(boards.mixed(), "ethereum").one("mp-change")
    assert up.attributes["data-direction"] == "up"
    assert up.text == "▲ +2.31% up 2.31 percent"
    assert [child.attributes.get("aria-hidden") for child in up.children if isinstance(child, Element)] == [
        "true",
        None,
    ]
    assert line(boards.mixed(), "bitcoin").one("mp-change").text == "▼ -1.87% down 1.87 percent"
    assert line(boards.mixed(), "litecoin").one("mp-change").text == "• 0.00% unchanged"
    assert line(boards.mixed(), "cardano").one("mp-change").text == ""
    assert line(boards.mixed(), "openvoicecoin").one("mp-change").text == ""


@pytest.mark.parametrize("price", [None, Decimal(0), Decimal("NaN"), Decimal(-1)])
def test_no_price_is_no_number(price: Decimal | None) -> None:
    """A row without a usable price shows a dash and no change, whatever else the board claims."""
    odd = replace(boards.reference().rows[0], price=price)
    row = line(Board((odd,)), "bitcoin")
    assert row.attributes["data-freshness"] == "none"
    assert row.one("mp-price").text == "—"
    assert row.one("mp-change").text == ""


def test_gone_price_is_not_shown() -> None:
    """A price past its last deadline is not printed even if the board still holds it."""
    row = line(Board((replace(boards.reference().rows[0], freshness="none"),)), "bitcoin")
    assert row.one("mp-price").text == "—"
    assert "64" not in row.text


def test_disputed_without_price() -> None:
    """A dispute with no earlier price to fall back on is still called one."""
    row = line(Board((replace(boards.OPENVC, agreement="disputed"),)), "openvoicecoin")
    assert row.attributes["data-agreement"] == "disputed"
    assert row.one("mp-note").text == "no price · disputed"


def test_columns_in_order() -> None:
    """The columns asked for stand in the order asked for, each once; what is no column is left out."""
    row = replace(boards.reference().rows[0], cap=Decimal("1.22e12"), volume=Decimal(19920000000))
    tree = drawn(Board((row,)), show=("symbol", "cats", "price", "volume", "cap", "price"))
    cells = [child for child in tree.one("mp-row").children if isinstance(child, Element)]
    assert [cell.classes[0] for cell in cells] == ["mp-symbol", "mp-price", "mp-volume", "mp-cap", "mp-note"]
    assert tree.one("mp-cap").text == "Cap $1.22T"
    assert tree.one("mp-volume").text == "Vol $19.92B"
    assert tree.one("mp").attributes["data-show"] == "symbol price volume cap"


def test_copied_text() -> None:
    """Copied as text a row reads as words, not as one long string."""
    assert " ".join(line(boards.reference(), "bitcoin").text.split()) == (
        "BTC Bitcoin $64,250.12 BTC ▼ -1.87% down 1.87 percent"
    )


def test_links() -> None:
    """A coin's name links where its link is a web address, and is text otherwise."""
    row = boards.reference().rows[0]
    good, bad = replace(row, link="https://news.example/bitcoin"), replace(row, link="javascript:alert(1)")
    assert drawn(Board((good,))).one("mp-name").attributes == {
        "class": "mp-name",
        "href": "https://news.example/bitcoin",
    }
    assert drawn(Board((bad,))).one("mp-name").tag == "span"


def test_icon() -> None:
    """An icon of our own is shown from our own address; a foreign one is replaced by the lettered mark."""
    row = boards.reference().rows[0]
    own = drawn(Board((replace(row, icon="/icons/btc.svg"),)), origin="https://p.example/ticker/").one("mp-mark")
    assert own.children[0].attributes["src"] == "https://p.example/ticker/icons/btc.svg"
    assert own.children[0].attributes["alt"] == ""
    foreign = drawn(Board((replace(row, icon="https://evil.example/btc.svg"),))).one("mp-mark")
    assert foreign.children[0].tag == "svg"


def test_notes_under_the_board() -> None:
    """Simulated prices say so, the disclaimer is printed, and an empty board is honest."""
    tree = drawn(boards.mixed())
    assert tree.one("mp-simulated").text == "simulated prices"
    assert tree.one("mp-disclaimer").text == "Prices are for information only and are no advice."
    empty = drawn(Board((boards.OPENVC, boards.OPENVC)))
    assert empty.one("mp-asof").text == "no prices at the moment"
    assert not empty.find("mp-simulated") + empty.find("mp-credit") + empty.find("mp-disclaimer")
    assert "data-as-of" not in empty.one("mp").attributes


def test_label() -> None:
    """The label is one coin with its as-of and credits; without a price it says so."""
    tree = drawn(boards.label(), "label")
    assert tree.one("mp").attributes["data-kind"] == "label"
    assert tree.one("mp-line").one("mp-price").text == "$64,250.12"
    assert tree.one("mp-asof").text == "as of Nov 22, 2026, 21:04 UTC"
    assert tree.one("mp-credit").text == "CoinGecko"
    none = drawn(boards.label(boards.OPENVC), "label")
    assert none.one("mp-price").text == "—"
    assert none.one("mp-asof").text == "no price"


def test_language_and_direction() -> None:
    """The widget says which language it speaks and in which direction, whatever page it stands in."""
    assert (attributes := drawn(boards.mixed(), locale="fa-IR").one("mp").attributes)["lang"] == "fa-IR"
    assert attributes["dir"] == "rtl"
    assert drawn(boards.mixed(), locale="pt-BR").one("mp-simulated").text == "preços simulados"
    assert drawn(boards.mixed(), locale="ur").one("mp").attributes["lang"] == "en"


@pytest.mark.parametrize(("theme", "scheme"), [("auto", "light dark"), ("light", "light"), ("dark", "dark")])
def test_page(theme: str, scheme: str) -> None:
    """The page for an iframe has language, direction, colour scheme, title and one style; its links open outside."""
    row = replace(boards.reference().rows[0], link="https://news.example/")
    html = page("list", replace(boards.reference(), rows=(row,)), Options(theme=theme, locale="he"))
    assert html.startswith("<!doctype html><html ")
    tree = read(html)
    root, head = tree.children[0], tree.children[0].children[0]
    assert root.attributes == {"lang": "he", "dir": "rtl"}
    assert {"name": "color-scheme", "content": scheme} in [element.attributes for element in head.all()]
    assert [element.text for element in head.all() if element.tag == "title"] == ["Latest Market Prices"]
    assert [element.tag for element in tree.all()].count("style") == 1
    for link in [element for element in tree.all() if element.tag == "a"]:
        assert (link.attributes["target"], link.attributes["rel"]) == ("_blank", "noopener")


def test_untitled() -> None:
    """Without a title the widget still has a name for screen readers and pages."""
    tree = drawn(boards.reference(), title="")
    assert tree.one("mp").attributes["aria-label"] == "Prices"
    assert "role" not in tree.one("mp-title").attributes


def test_error() -> None:
    """An error is one escaped paragraph."""
    assert error("No coin <b>x</b>\n\u202e") == '<p class="mp mp-error">No coin &lt;b&gt;x&lt;/b&gt;</p>'


@pytest.mark.parametrize("draw", [render, page])
def test_unknown_kind(draw: object) -> None:
    """A kind that does not exist is refused by name."""
    with pytest.raises(KeyError, match=r"no widget of kind '\.\./shared'"):
        draw("../shared", boards.reference(), Options())


def test_zeros_counted_for_eyes_only() -> None:
    """`zeros="count"` shows eyes the short form and says the whole number; a price of ordinary size stays one text."""
    rows = (boards.row("pepe", "Pepe", "PEPE", "0.00000644", None), boards.row("neo", "NEO", "NEO", "9.871", None))
    html = render("list", Board(rows), Options(zeros="count"))
    assert '<span aria-hidden="true">$0.0₅644</span> <span class="mp-spoken">$0.00000644</span>' in html
    assert ">$9.871</span>" in html
    assert "₅" not in render("list", Board(rows), Options())
