"""The custom elements' script as it is sent, its weight, the style they need, and what widgets tell them."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import boards
import brotli
import pytest
from pages import read

import widgets
from widgets.board import Options
from widgets.element.script import minified, script
from widgets.render import KINDS, MOST_ROWS, page, price, render, style_hash, stylesheet
from widgets.then import Then
from widgets.words import words

SOURCE = (Path(widgets.__file__).parent / "element" / "embed.js").read_text(encoding="utf-8")


def test_weight() -> None:
    """What every page that embeds us loads: script at most 4 KB, style at most 2 KB, as they travel."""
    assert len(brotli.compress(script().encode())) <= 4096
    assert len(brotli.compress(stylesheet().encode())) <= 2048


def test_only_what_says_nothing_is_left_out() -> None:
    """Comments, indentation and spaces beside punctuation go, names get short; what is quoted stays as it is."""
    source = """/* Head
  of two lines */
class Some {
  // a comment, with 'quotes
  #name = 'a  =  b'
  get(x) { return `${x} { } ` + this.#name - -x }
}
const more = /\\d/g
"""
    expected = "class c{#a='a  =  b'\nget(x){return `${x} { } ` + this.#a - -x}}\nlet e=/\\d/g\n"
    assert minified(source) == expected


@pytest.mark.parametrize(
    ("source", "sent"),
    [
        ("const wanted = 1\nuse(wanted, ...wanted)", "let a=1\nuse(a,...a)\n"),
        ("const wanted = one => one + 1", "let a=b=>b + 1\n"),
        ("const wanted = 1\nuse(it.wanted)", "let wanted=1\nuse(it.wanted)\n"),
        ("const wanted = 1\nuse({wanted, other: 1})", "let wanted=1\nuse({wanted,other:1})\n"),
        ("const wanted = 1\nuse({\n  other,\n  wanted\n})", "let wanted=1\nuse({other,wanted})\n"),
        ("const {wanted} = it\nuse(wanted)", "let{wanted}=it\nuse(wanted)\n"),
        ("const wanted = 1\nuse(`${wanted}`)", "let wanted=1\nuse(`${wanted}`)\n"),
        ("const wanted = 1\nuse('wanted')", "let wanted=1\nuse('wanted')\n"),
        ("class Some {\n  wanted = 1\n}\nconst wanted = 2", "class a{wanted=1}\nlet wanted=2\n"),
        ("class Some {\n  wanted(x) {}\n}\nconst wanted = 2", "class a{wanted(x){}}\nlet wanted=2\n"),
        ("const wanted = a + b", "let c=a + b\n"),
    ],
)
def test_names_are_short_where_they_are_ours_alone(source: str, sent: str) -> None:
    """A name that might be a property's, a key's, a field's or a method's is left as it is."""
    assert minified(source) == sent


def test_source_keeps_its_promises() -> None:
    """What leaving out relies on: quotes close on their line, comments stand alone, expressions are plain."""
    code = [line.strip() for line in SOURCE.split("*/", 1)[1].splitlines() if not line.strip().startswith("//")]
    for line in code:
        bare = re.sub(r"'[^'\n]*'|`[^`\n]*`", "''", line)
        assert bare.count("'") % 2 == 0, line
        assert not re.search(r'[`"]|/\*|//', bare), line
    assert re.findall(r"(?<=[(\s])/\S*[^/\s]/g?(?=[,.)])", "\n".join(code)) == [
        "/\\d/g",
        "/\\.\\d+/",
        "/card|chart|conv|table|cap|vol|spark/",
    ]
    assert not re.search(
        r"innerHTML|insertAdjacentHTML|document\.write|\beval\b|Intl|toLocale|toFixed|\.style\b", SOURCE
    )


def test_quoted_words_are_sent_as_they_are() -> None:
    """Every quoted piece of the source is in what is sent."""
    code = re.sub(r"^\s*//.*$|/\*.*?\*/", "", SOURCE, flags=re.MULTILINE | re.DOTALL)
    for piece in re.findall(r"'[^'\n]*'", code):
        assert piece in script(), piece


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("locale", ["en", "de", "fa", "mr"])
def test_words_for_an_ageing_price(kind: str, locale: str) -> None:
    """The root says in which language and over which period it is, and how an aged row is called there."""
    html = render(kind, boards.label(), Options(locale=locale, change="7d"))
    (root,) = [one for one in read(html).all() if "data-kind" in one.attributes]
    say = words(locale)
    assert root.attributes["data-locale"] == locale
    assert root.attributes["data-change"] == "7d"
    assert [root.attributes[f"data-say-{name}"] for name in ("delayed", "none", "empty", "as-of")] == [
        say[name] for name in ("delayed", "none", "empty", "as_of")
    ]
    assert root.attributes.get("data-digits") == {"fa": "۰۱۲۳۴۵۶۷۸۹", "mr": "०१२३४५६७८९"}.get(locale)


def test_page_keeps_itself_true() -> None:
    """A page of its own loads the script where it is told where that is, and else nothing."""
    html = page("list", boards.reference(), Options(script="/ticker/embed.js"))
    assert "<market-prices framed><section" in html
    assert '<script src="/ticker/embed.js" defer></script>' in html
    assert "market-prices" not in page("list", boards.reference(), Options()).split("</style>")[1]


def test_rows_keep_room() -> None:
    """There is a rule for every number of rows that a widget can have."""
    for rows in range(1, MOST_ROWS + 1):
        assert f'market-prices[rows="{rows}"]{{--_rows:{rows}}}' in stylesheet()


def test_price_in_a_sentence() -> None:
    """Then and now: both prices, the day, the change since; credits stay with it."""
    html = price(boards.label(), Options(), Then(date(2026, 7, 27), Decimal("128500.24")))
    found = read(html)
    assert found.one("mp-was").text == "$128,500.24"
    assert found.one("mp-on").text == "(Jul 27, 2026)"
    assert found.one("mp-on").attributes["datetime"] == "2026-07-27"
    assert found.one("mp-price").text == "$64,250.12"
    assert found.one("mp-change").attributes["data-direction"] == "down"
    assert found.one("mp-spoken").text == "down 50.00 percent"
    assert found.one("mp-credits").text == "(CoinGecko)"
    assert "→" in found.text
    assert html.count("data-coin=") == 1
    assert style_hash("price").startswith("sha256-")
    block = {"section", "div", "p", "ul"}
    assert not [one for one in found.all() if one.tag in block or "style" in one.attributes or "id" in one.attributes]


def test_price_in_persian() -> None:
    """Its digits, its direction, and an arrow that points on."""
    found = read(price(boards.label(), Options(locale="fa", css="none"), Then(date(2026, 7, 27), Decimal(64250))))
    (root,) = [one for one in found.all() if "data-kind" in one.attributes]
    assert root.attributes["dir"] == "rtl"
    assert "←" in found.text
    assert "۶۴" in found.one("mp-was").text


@pytest.mark.parametrize("then", [None, Then(date(2026, 7, 27), None)])
def test_price_alone(then: Then | None) -> None:
    """Without a price of that day there is "—" and no change; without a day there is the price alone."""
    found = read(price(boards.label(), Options(css="none"), then))
    assert [one.text for one in found.find("mp-was")] == ([] if then is None else ["—"])
    assert found.find("mp-change") == []
    gone = read(price(boards.label(boards.OPENVC), Options(css="none"), Then(date(2026, 7, 27), Decimal(1))))
    assert gone.one("mp-price").text == "—"
    assert gone.one("mp-note").text == "no price"
    assert gone.find("mp-change") == []


def test_price_tells_its_state() -> None:
    """A delayed price from one source says both."""
    line = replace(boards.reference().rows[0], freshness="delayed", agreement="single", used=1)
    assert read(price(boards.label(line), Options(), None)).one("mp-note").text == "delayed · single source · 21:04 UTC"
