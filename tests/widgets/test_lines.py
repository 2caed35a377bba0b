"""Lines and charts: what is known is drawn, what is not is a gap, and the figures beside it are the true ones."""

import re
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import boards
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import Element, read

from widgets import render
from widgets.board import Options
from widgets.plot import plot, scale
from widgets.spark import path, rise, spark

D = Decimal
PRICES = st.one_of(st.none(), st.decimals(D("1e-12"), D("1e9"), allow_nan=False, places=12))


def drawn(chart: object, period: str = "24h", locale: str = "en") -> Element:
    """The tree of a chart's picture."""
    found = plot(chart, period, "Bitcoin", locale)  # type: ignore[arg-type]
    assert found is not None
    return read(str(found.svg))


def test_a_path_goes_from_point_to_point() -> None:
    """From the first to the last, the highest at the top."""
    assert path([D(1), D(3), D(2)], D(1), D(3), 10, 100) == "M0 100l5 -100l5 50"


def test_a_gap_is_a_gap() -> None:
    """What is not known is never drawn, not even as a straight line; a price alone is a dot."""
    assert path([D(1), D(1), None, None, D(3), None], D(1), D(3), 10, 100) == "M0 100l2 0M8 0h0"


@pytest.mark.parametrize("prices", [(), (None,), (D(1),), (None, D(1), None), (D(0), D(-1), D("NaN"))])
def test_no_line_of_nothing(prices: tuple[Decimal | None, ...]) -> None:
    """Of fewer than two prices there is no line, and of what is no price neither."""
    assert spark(prices) is None
    assert plot(replace(boards.chart(1, D(1)), prices=prices), "24h", "x", "en") is None


def test_a_price_that_stands_still() -> None:
    """A stablecoin is a flat line in the middle, and its chart has an axis all the same."""
    assert 'd="M0 14l46 0l46 0"' in str(spark((D(1), D(1), D(1))))
    assert 'd="M0 15l46 -2l46 2"' in str(spark((D("1.0000"), D("1.0002"), D("1.0000"))))  # its noise stays small
    found = plot(replace(boards.chart(1, D(1)), prices=(D(1),) * 97), "24h", "USDC", "en")
    assert found is not None
    assert len(found.scale) >= 2


def test_the_colour_of_a_line() -> None:
    """Its own direction, unless the change beside it says more."""
    assert [rise(one) for one in ([D(1), D(2)], [D(2), None, D(1)], [D(1), D(2), D(1)], [None, D(1)])] == (
        ["up", "down", "flat", "flat"]
    )
    assert 'data-direction="down"' in str(spark((D(1), D(2)), "down"))
    assert 'aria-hidden="true"' in str(spark((D(1), D(2))))


@given(st.lists(PRICES, min_size=2, max_size=60))
def test_any_line_stays_in_its_box(prices: list[Decimal | None]) -> None:
    """Whatever the prices."""
    found = spark(tuple(prices))
    if found is None:
        return
    (box,) = re.findall(r'd="([^"]*)"', str(found))
    for run in box.split("M")[1:]:
        start, *steps = run.replace("h0", "").split("l")
        x, y = map(int, start.split())
        for step in steps:
            dx, dy = map(int, step.split())
            x, y = x + dx, y + dy
            assert -1 <= y <= 29
        assert 0 <= x <= 93


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [
        ("60123", "64980", ["60000", "62000", "64000", "66000"]),
        ("0.00000921", "0.0000098", ["0.0000092", "0.0000094", "0.0000096", "0.0000098"]),
        ("0.9991", "1.0002", ["0.9990", "0.9995", "1.0000", "1.0005"]),
        ("3", "3", ["2.96", "2.98", "3", "3.02", "3.04"]),
    ],
)
def test_round_marks(low: str, high: str, marks: list[str]) -> None:
    """An axis has two to five marks at round prices, and all prices between them."""
    assert scale(D(low), D(high)) == tuple(map(D, marks))


@given(st.decimals(D("1e-12"), D("1e9"), places=14), st.decimals(D("1e-12"), D("1e9"), places=14))
def test_any_axis(one: Decimal, other: Decimal) -> None:
    """Whatever the prices: evenly spaced, few, and around them."""
    marks = scale(min(one, other), max(one, other))
    assert 2 <= len(marks) <= 5
    assert marks[0] <= min(one, other) <= max(one, other) <= marks[-1]
    assert len({b - a for a, b in pairwise(marks)}) == 1


def test_a_chart_says_what_it_shows() -> None:
    """Its name has first, last, lowest and highest price; the last two are marked with their figures."""
    prices = (D("61000"), D("60123.45"), None, D("64980.99"), D("64250.12"))
    tree = drawn(replace(boards.chart(1, D(1)), prices=prices))
    (picture,) = tree.find("mp-plot")
    assert picture.attributes["role"] == "img"
    assert picture.attributes["aria-label"] == (
        "Bitcoin: from $61,000.00 to $64,250.12; low $60,123.45, high $64,980.99"
    )
    low, high = tree.one("mp-low"), tree.one("mp-high")
    assert (low.text, low.attributes["x"], high.text, high.attributes["x"]) == (
        "$60,123.45", "25%", "$64,980.99", "75%"
    )  # fmt: skip
    assert float(low.attributes["y"][:-1]) > float(high.attributes["y"][:-1])


def test_a_chart_has_its_gaps() -> None:
    """The line and the area below it are broken where nothing is known."""
    tree = drawn(replace(boards.chart(1, D(1)), prices=(D(1), D(2), None, D(2), D(3))))
    shapes = [one.attributes["d"] for one in tree.all() if one.tag == "path" and "class" not in one.attributes]
    assert [shape.count("M") for shape in shapes] == [2, 2]
    assert [shape.count("z") for shape in shapes] == [0, 2]


def test_what_one_source_said_is_dotted_and_has_no_figures() -> None:
    """It leads to the first settled price; lowest, highest, words and colour are of settled prices alone."""
    prices = (D(9), D(1), None, D(5), D(4), D(6))
    tree = drawn(replace(boards.chart(1, D(1)), prices=prices, filled=3))
    (picture,) = tree.find("mp-plot")
    assert picture.attributes["aria-label"] == "Bitcoin: from $5.00 to $6.00; low $4.00, high $6.00"
    assert picture.attributes["data-direction"] == "up"
    assert (tree.one("mp-low").text, tree.one("mp-high").text) == ("$4.00", "$6.00")
    (told,) = tree.find("mp-told")
    assert told.attributes["stroke-dasharray"]
    assert told.attributes["d"].count("M") == 2
    line, _ = (one for one in tree.all() if one.tag == "path" and "class" not in one.attributes)
    assert line.attributes["d"].startswith("M600 ")


def test_a_chart_with_one_settled_price_names_only_the_coin() -> None:
    """A new install's: there is nothing settled yet that a sentence could be about."""
    tree = drawn(replace(boards.chart(1, D(1)), prices=(D(9), D(1), D(5)), filled=2))
    (picture,) = tree.find("mp-plot")
    assert (picture.attributes["aria-label"], picture.attributes["data-direction"]) == ("Bitcoin", "flat")
    assert tree.find("mp-low") == tree.find("mp-high") == []


def test_a_line_has_no_colour_across_two_sources() -> None:
    """Where its change is unknown, the colour is that of the settled prices in it."""
    row = replace(boards.row("bitcoin", "Bitcoin", "BTC", "5", None), spark=(D(9), D(8), D(4), D(5)))
    board = boards.Board(rows=(row,))
    for filled, direction in ((0, "down"), (2, "up"), (3, "flat")):
        one = replace(board, rows=(replace(row, filled=filled),))
        text = render.render("list", one, Options(show=("name", "spark")))
        assert f'data-direction="{direction}"' in text


@pytest.mark.parametrize(
    ("period", "locale", "times"),
    [
        ("24h", "en", ("21:04", "03:04", "09:04", "15:04", "21:04")),
        ("24h", "fa", ("۲۱:۰۴", "۰۳:۰۴", "۰۹:۰۴", "۱۵:۰۴", "۲۱:۰۴")),
        ("7d", "en", ("Nov 21", "Nov 22", "Nov 22")),
        ("30d", "de", ("21. Nov.", "22. Nov.", "22. Nov.")),
    ],
)
def test_axis_of_time(period: str, locale: str, times: tuple[str, ...]) -> None:
    """Hours for a day, days for more, as the locale writes them."""
    found = plot(boards.chart(1, D(64000)), period, "Bitcoin", locale)
    assert found is not None
    assert found.times == times


def test_a_chart_carries_no_style_and_no_id() -> None:
    """A strict policy draws it as it is."""
    for one in drawn(boards.chart(1, D(64000))).all():
        assert not {"style", "id"} & one.attributes.keys()
