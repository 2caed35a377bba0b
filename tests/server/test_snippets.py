"""The line a site owner pastes (design §7 `/snippet`): true for each door, canonical, closed against every value."""

import json
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

import pytest
from snapshots import COINS, NOW, price, snapshot

from ticker.server import places, snippets, views
from ticker.server.params import DEFAULTS, Defaults, RequestError
from ticker.server.snippets import DOORS, Spot
from widgets import render
from widgets.board import Board

ORIGIN = "https://prices.example/ticker"
NASTY = [
    '"><script>alert(1)</script>',
    "' onload='alert(1)",
    "--><script>",
    "<?php system('id'); ?>",
    "\\'); system('id'); //",
    "{alert(1)}",
    "${jndi}",
    "](javascript:alert(1))",
    "a&b=c;d%22",
    "é “quoted” 价格",
    "`x`",
]


def spot(kind: str = "list", coin: str | None = None, origin: str = ORIGIN, **query: str) -> Spot:
    """What a line is made of, for a query."""
    place = places.asked(kind, coin, list(query.items()), DEFAULTS)
    board = views.board(snapshot(), place.ask, NOW)
    return Spot(place, board, origin, place.ask.title or DEFAULTS.title)


def line(door: str, *given: str | None, **query: str) -> str:
    """A line."""
    return snippets.line(door, spot(*given, **query))  # type: ignore[arg-type]


class Tags(HTMLParser):
    """The elements in some HTML, as a browser reads it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))


def test_the_script_line() -> None:
    """Style, script and element; the room for its rows is said, so nothing moves when it comes."""
    assert line("script", coins="bitcoin,ethereum", locale="de") == (
        '<link rel="stylesheet" href="https://prices.example/ticker/embed.css">'
        '<script src="https://prices.example/ticker/embed.js" async></script>'
        '<market-prices kind="list" rows="2" coins="bitcoin,ethereum" locale="de"></market-prices>\n'
    )
    assert 'kind="label" coin="bitcoin">' in line("script", "label", "bitcoin")


def test_the_iframe_line() -> None:
    """Titled, lazy, as high as three rows, and the script that fits it exactly."""
    assert line("iframe", currency="eur", theme="dark") == (
        '<iframe src="https://prices.example/ticker/embed/list?currency=eur&amp;theme=dark" '
        'title="Latest Market Prices" width="300" height="251" frameborder="0" loading="lazy"></iframe>'
        '<script src="https://prices.example/ticker/embed.js" async></script>\n'
    )


def test_the_included_lines() -> None:
    """SSI and ESI name the path, which the server or cache in front of us sends to us; PHP the address."""
    assert line("ssi", coins="bitcoin") == '<!--#include virtual="/ticker/widget/list?coins=bitcoin" -->\n'
    assert line("esi", "label", "bitcoin", theme="dark", css="none") == (
        '<esi:include src="/ticker/widget/label/bitcoin?theme=dark&amp;css=none" onerror="continue"/>\n'
    )
    assert line("php") == (
        "<?= @file_get_contents('https://prices.example/ticker/widget/list', false, "
        "stream_context_create(['http' => ['timeout' => 2]])) ?>\n"
    )


def test_the_line_for_wordpress_is_a_block() -> None:
    """As the block editor writes it."""
    assert line("wordpress") == f"<!-- wp:html -->\n{line('script')}<!-- /wp:html -->\n"


def test_the_line_for_react_is_one_element() -> None:
    """JSX: closed, with numbers as numbers."""
    assert line("react") == (
        '<iframe src="https://prices.example/ticker/embed/list" title="Latest Market Prices" width={300} height={251} '
        'frameBorder="0" loading="lazy" />\n'
    )


@pytest.mark.parametrize("kind", ["tape", "table", "chart"])
def test_what_is_wider_than_a_phone_is_as_wide_as_its_place(kind: str) -> None:
    """So no page scrolls sideways for a frame; and without a style, which a strict policy would refuse."""
    assert ' width="100%" height="' in line("iframe", kind)
    assert ' width="100%" height={' in line("react", kind)


def test_the_line_for_markdown_is_badges() -> None:
    """One a coin, linked to the widget."""
    page = "(https://prices.example/ticker/embed/list?coins=bitcoin,pirate-chain&theme=dark&css=link)"
    assert line("markdown", coins="bitcoin,pirate-chain", theme="dark", css="link") == (
        f"[![Bitcoin](https://prices.example/ticker/badge/bitcoin.svg?theme=dark)]{page} "
        f"[![Pirate Chain](https://prices.example/ticker/badge/pirate-chain.svg?theme=dark)]{page}\n"
    )


def test_markdown_says_what_operators_name_a_coin_plainly() -> None:
    """A name is text, whatever it looks like."""
    found = spot(coins="bitcoin")
    row = replace(found.board.rows[0], name="![x](javascript:1) <b>*a*</b>")
    told = replace(found, board=replace(found.board, rows=(row,)))
    assert snippets.line("markdown", told).startswith("[![!\\[x\\](javascript:1) \\<b\\>\\*a\\*\\</b\\>](https://")


@pytest.mark.parametrize("kind", render.KINDS)
@pytest.mark.parametrize("door", DOORS)
def test_every_door_has_a_line_for_every_kind(door: str, kind: str) -> None:
    """One line (a block for WordPress), and our address or path in it."""
    text = line(door, kind)
    assert "/ticker/" in text
    assert text.endswith("\n")
    assert text.count("\n") == (3 if door == "wordpress" else 1)
    assert not re.search(r"\sstyle=|\sid=|\son\w+=(?!\"continue\")", text)


def test_doors_and_kinds_that_are_not_there() -> None:
    """Are named with those that are."""
    for refused in (lambda: line("telepathy"), lambda: line("script", "cat")):
        with pytest.raises(RequestError) as caught:
            refused()
        assert caught.value.code == "unknown_kind"
        assert "script" in caught.value.message or "list" in caught.value.message


@pytest.mark.parametrize(
    ("query", "written"),
    [
        ({}, []),
        ({"unknown": "1"}, []),
        ({"locale": "DE", "coins": "bitcoin,bitcoin,ethereum"}, [("coins", "bitcoin,ethereum"), ("locale", "de")]),
        ({"theme": "auto"}, [("theme", "auto")]),  # asked for by name, so it stays when the operator's default changes
        ({"limit": "02", "show": "name,name,price"}, [("limit", "2"), ("show", "name,price")]),
        ({"title": ""}, [("title", "")]),
        (
            {"css": "link", "title": "A & B", "currency": "btc"},
            [("currency", "btc"), ("title", "A & B"), ("css", "link")],
        ),
    ],
)
def test_addresses_are_canonical(query: dict[str, str], written: list[tuple[str, str]]) -> None:
    """In one order and one form, whatever order and form they were given in."""
    place = places.asked("list", None, list(reversed(query.items())), DEFAULTS)
    assert list(place.query) == written
    again = parse_qsl(urlsplit(place.path("embed")).query, keep_blank_values=True)
    assert places.asked("list", None, again, DEFAULTS) == place


def test_a_page_knows_its_own_address() -> None:
    """From what it shows, without what is the default anyway."""
    defaults = Defaults(locale="de", theme="dark")
    place = places.asked("label", "bitcoin", [("locale", "de"), ("theme", "light")], defaults)
    assert places.of_ask("label", "bitcoin", place.ask, defaults).path("embed") == "/embed/label/bitcoin?theme=light"


@pytest.mark.parametrize("nasty", NASTY)
@pytest.mark.parametrize("door", ["script", "iframe", "wordpress"])
def test_no_title_ends_an_attribute(door: str, nasty: str) -> None:
    """The very title comes out where HTML is read, and there is no element more."""
    plain = [tag for tag, _ in Tags(line(door, title="x")).found]
    elements = Tags(line(door, title=nasty)).found
    assert [tag for tag, _ in elements] == plain
    titled = next(given for tag, given in elements if tag in ("iframe", "market-prices"))
    assert titled["title"] == nasty
    if door == "iframe":
        assert dict(parse_qsl(urlsplit(titled["src"] or "").query))["title"] == nasty


@pytest.mark.parametrize("nasty", NASTY)
def test_no_title_ends_a_directive_or_a_string(nasty: str) -> None:
    """In SSI, ESI, PHP, JSX and Markdown only percent-encoded or escaped letters arrive."""
    ssi, esi, php, react, markdown = (line(door, title=nasty) for door in ("ssi", "esi", "php", "react", "markdown"))
    address = re.fullmatch(r'<!--#include virtual="([!-~]*)" -->\n', ssi)
    assert address
    assert not set(address[1]) & set("\"'<>$`\\{}")
    assert dict(parse_qsl(urlsplit(address[1]).query))["title"] == nasty
    assert (ssi.count("-->"), esi.count("<"), php.count("'"), php.count("?>")) == (1, 1, 6, 1)
    assert re.fullmatch(r'<iframe src="[^"{}<>]*" title="[^"<>]*" width=\{300\} height=\{\d+\} [^{}<>]*/>\n', react)
    assert unescape(re.findall(r'title="([^"]*)"', react)[0]) == nasty
    assert markdown.count("](") == 6
    assert "javascript:" not in markdown.replace("javascript%3A", "")


def test_an_origin_is_escaped_too() -> None:
    """A public address may hold what is printable."""
    origin = "https://prices.example/a'b\"c$d"
    for door in DOORS:
        text = snippets.line(door, spot(origin=origin))
        assert "a%27b%22c%24d" in text, door


def test_every_line_is_json_safe() -> None:
    """Text and nothing else: it can be carried in any answer."""
    for door in DOORS:
        assert json.loads(json.dumps(line(door))) == line(door)


def test_a_frame_grows_with_what_is_in_it() -> None:
    """With rows, credits, the rate and the disclaimer; never with nothing."""
    few, more = spot(coins="bitcoin").board, spot(coins="bitcoin,ethereum").board
    assert places.size("list", more)[1] - places.size("list", few)[1] == 50
    assert places.size("list", Board(()))[1] > 100
    told = views.board(snapshot(), spot().place.ask, NOW, "Not investment advice. " * 10)
    assert places.size("list", told)[1] > places.size("list", spot().board)[1] + 50
    assert places.size("list", more, 200)[0] == 200
    assert places.size("list", more, 5000)[0] == 600


def test_a_coin_that_nobody_quotes_has_a_line() -> None:
    """A price may come."""
    assert COINS[3].id in line("iframe", "label", "openvoicecoin")
    assert price("openvoicecoin", None).price is None
