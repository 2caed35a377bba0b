"""Hours that come without times: when they were is found from what the source says beside them, or not believed."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ticker.identity.weeks import Wanted, behind, chosen
from ticker.sources import REGISTRY
from ticker.sources.base import Week

HOUR = 3600.0
NOW = 1_800_000_000.0
D = Decimal


def week(late: int = 0, *, name: str = "bitcoin", count: int = 168, scale: str = "1") -> Week:
    """A line that wanders, ending `late` hours before a price whose change of 24 hours is true."""
    true = [D(1000 + 17 * (place * place % 23) + 5 * (place % 7)) * D(scale) for place in range(count + late)]
    change = (true[-1] / true[max(-25, -len(true))] - 1) * 100
    return Week(name, NOW, true[-1], round(change, 5), tuple(true[:count]))


@pytest.mark.parametrize("late", range(9))
def test_the_end_is_found(late: int) -> None:
    """However many hours, up to eight, the line is behind the price beside it."""
    assert behind([week(late), week(late, name="nano", scale="0.001")]) == late


def test_the_recorded_line_ended_at_noon(recordings: Path) -> None:
    """CoinGecko's line of an answer of 15:56 UTC: 168 hours, of which the last was four hours before."""
    archive = REGISTRY["coingecko"].archive
    assert archive is not None
    body = (recordings / "coingecko/coins_markets_sparkline_one_row_2026-02-17.json").read_bytes()
    (line,) = archive.parse(body, {"bitcoin"})
    assert (len(line.prices), line.price) == (168, D(67291))
    hours = behind([line])
    assert hours == 4
    now = datetime(2026, 2, 17, 16, tzinfo=UTC).timestamp()
    points, refused = chosen([Wanted("bitcoin", ("bitcoin",))], {"bitcoin": line}, hours, now)
    assert refused == {}
    assert points["bitcoin"][-1].at == datetime(2026, 2, 17, 12, tzinfo=UTC).timestamp()
    assert points["bitcoin"][-1].price == D("67833.14545257023")
    assert len(points["bitcoin"]) == 168


def test_one_wild_coin_does_not_move_the_end() -> None:
    """The hour is that at which most lines fit."""
    odd = week(0, name="odd")
    odd.change_24h = D(900)
    assert behind([week(3), week(3, name="nano"), week(3, name="ark"), odd]) == 3


def test_what_contradicts_itself_has_no_end() -> None:
    """A line on which the price of 24 hours ago is nowhere, or that has no such price, is not believed."""
    for change in (D(900), D(-100), D("-250"), None):
        odd = week()
        odd.change_24h = change
        assert behind([odd]) is None
    assert behind([]) is None
    assert behind([week(count=12 + 13)]) is None  # too short
    assert behind([week(count=300)]) is None  # it cannot be an hour a point


def test_points_are_on_whole_hours_and_what_is_no_price_is_a_gap() -> None:
    """Null, zero, negative and broken values are left out, and the others keep their places."""
    one = week()
    prices = list(one.prices)
    prices[3:8] = [None, D(0), D(-5), D("NaN"), D("Infinity")]
    one.prices = tuple(prices)
    points, _ = chosen([Wanted("bitcoin", ("bitcoin",))], {"bitcoin": one}, 0, NOW)
    assert [point.at for point in points["bitcoin"]] == [
        NOW - (167 - place) * HOUR for place in range(168) if not 3 <= place < 8
    ]
    assert NOW % HOUR == 0


@pytest.mark.parametrize(("price", "taken"), [("100", True), ("85", True), ("80", False), ("126", False), ("1", False)])
def test_another_coin_or_unit_is_refused(price: str, taken: bool) -> None:
    """A line whose last price is more than 20 % from our settled one, with both prices in the reason."""
    one = week()
    one.prices = (*one.prices[:-1], D(100))
    points, refused = chosen([Wanted("bitcoin", ("bitcoin",), D(price))], {"bitcoin": one}, 0, NOW)
    assert ("bitcoin" in points, "bitcoin" in refused) == (taken, not taken)
    if not taken:
        assert f"100, is more than 20 % away from ours, {price}" in refused["bitcoin"]


def test_nothing_from_before_a_change_of_unit_and_nothing_ahead() -> None:
    """Points up to the moment ops confirmed are left out, and so is what our clock has not reached."""
    wanted = [Wanted("bitcoin", ("gone", "bitcoin"), since=NOW - 10 * HOUR)]
    points, _ = chosen(wanted, {"bitcoin": week()}, 0, NOW - HOUR)
    assert [point.at for point in points["bitcoin"]] == [NOW - back * HOUR for back in range(9, 0, -1)]


def test_a_coin_without_hours_is_told() -> None:
    """Unknown there, null, or too young."""
    wanted = [Wanted("bitcoin", ("bitcoin",)), Wanted("young", ("young",))]
    points, refused = chosen(wanted, {"young": week(name="young", count=20)}, 0, NOW)
    assert (points, set(refused)) == ({}, {"bitcoin", "young"})
