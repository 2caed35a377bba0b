"""What a script is told of a row is what the row's HTML says."""

from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser

import boards
import pytest

from widgets.board import Board, Options, Period, Row
from widgets.live import texts
from widgets.render import render

PERIODS: tuple[Period, ...] = ("1h", "24h", "7d")


class Said(HTMLParser):
    """The text and the titles of some classes in a fragment."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: dict[str, str] = {}
        self.titles: dict[str, str] = {}
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in ("circle", "img"):
            return
        given = dict(attributes)
        name = given.get("class") or ""
        self._open.append(name)
        if given.get("title"):
            self.titles[name] = given["title"] or ""

    def handle_endtag(self, tag: str) -> None:
        if tag != "circle":
            self._open.pop()

    def handle_data(self, data: str) -> None:
        for name in set(self._open):
            self.texts[name] = self.texts.get(name, "") + data


ROWS = [
    boards.reference().rows[0],
    boards.OPENVC,
    *boards.mixed().rows,
    replace(boards.reference().rows[0], price=Decimal("0.00000644"), change=Decimal("12.5")),
    replace(boards.reference().rows[0], price=Decimal(0)),
    replace(boards.reference().rows[0], agreement="fixed", used=0, total=0),
]


@pytest.mark.parametrize("locale", ["en", "de", "ar", "hi", "pt-BR"])
@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.coin}-{row.freshness}-{row.agreement}")
def test_a_script_is_told_what_the_page_says(row: Row, period: Period, locale: str) -> None:
    """Price, change, spoken change, notes, why and sources: letter by letter."""
    changes: dict[Period, Decimal | None] = dict.fromkeys(PERIODS, row.change)
    told = texts(row, changes, "usd", locale)
    said = Said(render("list", Board((row,)), Options(locale=locale, change=period, css="none")))

    change = told.changes[period]
    assert said.texts["mp-price"] == told.price
    assert said.texts.get("mp-spoken", "") == ("" if change is None else change.spoken)
    assert (change.text if change else "") in said.texts.get("mp-change", "")
    assert said.texts.get("mp-note", "") == " ".join(
        note if place == 0 else f"· {note}" for place, note in enumerate(told.notes)
    )
    assert said.titles.get("mp-note", "") == told.why
    assert said.titles.get("mp-price") == told.sources


def test_what_is_gone_has_no_number() -> None:
    """Not even of a change."""
    row = replace(boards.reference().rows[0], price=None, change=None, freshness="none")

    told = texts(row, {"24h": Decimal(5)}, "usd", "en")

    assert (told.price, told.changes, told.notes, told.sources) == ("—", {"24h": None}, ("no price",), None)
