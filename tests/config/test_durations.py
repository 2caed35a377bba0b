"""Durations and percentages as people write them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticker.config import duration_text, fraction, percent_text, seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [("500ms", 0.5), ("2s", 2.0), ("5m", 300.0), ("1h", 3600.0), ("7d", 604_800.0), ("1.5h", 5400.0), ("0s", 0.0)],
)
def test_seconds_reads_every_unit(text, expected):
    """Milliseconds, seconds, minutes, hours and days, with a point where wanted."""
    assert seconds(text) == expected


@pytest.mark.parametrize(
    "text", ["", "5", "5 m", "m", "-1s", "1e3s", "1w", "５s", "1h30m", "1_0s", " 1s", "nan s", "1S"]
)
def test_seconds_refuses_everything_else(text):
    """What is not a number directly followed by a unit is refused, with an example of what is."""
    with pytest.raises(ValueError, match='must be a duration such as "30s", "5m" or "1h"'):
        seconds(text)


@pytest.mark.parametrize(("text", "expected"), [("1%", "0.01"), ("0.5%", "0.005"), ("3 %", "0.03"), ("100%", "1")])
def test_fraction_is_exact(text, expected):
    """A percentage becomes the exact decimal fraction."""
    assert fraction(text) == Decimal(expected)


@pytest.mark.parametrize("text", ["", "1", "%", "-1%", "1%%", "one%", "1e1%", "NaN%", "１%", "1000%"])
def test_fraction_refuses_everything_else(text):
    """What is not a plain percentage is refused."""
    with pytest.raises(ValueError, match="must be a percentage"):
        fraction(text)


@given(st.integers(min_value=1, max_value=10**9))
def test_durations_survive_the_way_to_text_and_back(milliseconds):
    """What duration_text writes, seconds reads as the same time."""
    assert seconds(duration_text(milliseconds / 1000)) == milliseconds / 1000


@given(st.decimals(min_value="0.0001", max_value="1", places=6))
def test_percentages_survive_the_way_to_text_and_back(value):
    """What percent_text writes, fraction reads as the same fraction."""
    assert fraction(percent_text(value)) == value


@pytest.mark.parametrize(
    ("value", "text"), [(60.0, "1m"), (300.0, "5m"), (90.0, "90s"), (0.5, "500ms"), (86_400.0, "1d")]
)
def test_duration_text_takes_the_largest_whole_unit(value, text):
    """A time is written the shortest way that needs no point."""
    assert duration_text(value) == text
