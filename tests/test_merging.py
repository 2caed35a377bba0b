"""What is streamed, put into what was polled: which is newer, what is kept, what counts as an answer."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticker.merging import AHEAD, CACHED, FIGURES, Told, latest, merged
from ticker.model import Quote
from ticker.sources import Row

ASKED = 1_000_000.0
POLLED = ASKED + 0.5
IDS = {"bitcoin": ("BTC-USD",), "nano": ("XNO-USD", "NANO-USD"), "ark": ("ARK-USDT",)}


def polled(coin: str = "bitcoin", price: str = "100", **more: object) -> Quote:
    """A quote of the last poll."""
    given: dict[str, object] = {"currency": "usd", "received": POLLED, "poll": 7, **more}
    return Quote("venue", coin, Decimal(price), **given)  # type: ignore[arg-type]


def row(price: str = "101", at: float | None = None, one: str = "BTC-USD", **more: object) -> Row:
    """A row of the stream."""
    return Row(one, Decimal(price), at=at, **more)  # type: ignore[arg-type]


def after(quotes: list[Quote], *rows: Row, received: float = POLLED + 10, **more: object) -> list[Quote]:
    """The quotes once these rows have been streamed."""
    given: dict[str, object] = {"asked": ASKED, **more}
    return merged(quotes, latest({}, rows, received), IDS, "venue", **given)  # type: ignore[arg-type]


def test_a_newer_row_replaces_price_and_times() -> None:
    """Price, time and arrival are the stream's; it is one new answer."""
    (quote,) = after([polled()], row(at=POLLED + 9))
    assert quote == polled(price="101", at=POLLED + 9, received=POLLED + 10, poll=8)


def test_figures_that_the_stream_has_replace_and_the_others_stay() -> None:
    """Change and volume of the row; name, cap and low of the poll."""
    old = polled(change_24h=Decimal(1), low_24h=Decimal(90), market_cap=Decimal(9), name="Bitcoin")
    (quote,) = after([old], row(at=POLLED + 9, change_24h=Decimal(2), volume_24h=Decimal(5)))
    assert (quote.change_24h, quote.volume_24h) == (2, 5)
    assert (quote.low_24h, quote.market_cap, quote.name) == (90, 9, "Bitcoin")


@pytest.mark.parametrize(
    ("quoted", "told", "wins"),
    [
        (50.0, 49.0, False),
        (50.0, 50.0, True),
        (50.0, 51.0, True),
        (None, POLLED + 9, True),
        (None, ASKED - CACHED + 1, True),
        (None, ASKED - CACHED - 1, False),
        (None, 0.0, False),
        (POLLED + 11, None, False),
        (POLLED + 9, None, True),
    ],
)
def test_an_older_time_never_replaces_a_newer_one(quoted: float | None, told: float | None, wins: bool) -> None:
    """The provider's times decide; a poll without one is as old as its answer may have been kept."""
    (quote,) = after([polled(at=quoted)], row(at=told))
    assert quote.price == (101 if wins else 100)
    assert quote.poll == (8 if wins else 7)


def test_the_same_again_is_no_answer() -> None:
    """Equal time and price change nothing, and give back the very same quote."""
    quotes = [polled(at=50.0)]
    assert after(quotes, row("100", at=50.0))[0] is quotes[0]


def test_however_much_is_streamed_is_one_answer() -> None:
    """A thousand rows between two publications are the last of them, counted once."""
    rows = [row(str(100 + number), at=POLLED + number / 1000) for number in range(1000)]
    (quote,) = after([polled()], *rows)
    assert (quote.price, quote.poll) == (1099, 8)


def test_coins_without_news_are_untouched() -> None:
    """Only the coin that was told of is a new answer."""
    quotes = [polled(), polled("ark", "1", currency="tether")]
    first, second = after(quotes, row(at=POLLED + 9))
    assert first.poll == 8
    assert second is quotes[1]


def test_a_coin_that_was_never_polled_is_added() -> None:
    """It has a price though no poll had one; in the currency of its market."""
    (quote,) = after([], row("0.3", at=POLLED, one="ARK-USDT", currency="tether", change_24h=Decimal(4)))
    assert quote == Quote("venue", "ark", Decimal("0.3"), "tether", POLLED + 10, 1, POLLED, change_24h=Decimal(4))


def test_a_coin_that_a_poll_has_dropped_stays_dropped() -> None:
    """What was streamed before the poll does not bring it back; what is streamed after it does."""
    assert after([], row(at=ASKED - 60), received=ASKED - 60) == []
    assert len(after([], row(at=ASKED + 60), received=ASKED + 60)) == 1


def test_another_currency_is_another_market() -> None:
    """A row in USDT never becomes a price in dollars, or the other way round."""
    quotes = [polled()]
    assert after(quotes, row(at=POLLED + 9, currency="tether"))[0] is quotes[0]


def test_the_first_id_that_was_told_of_speaks() -> None:
    """As for polls: of a coin's ids the first that is there wins, whichever came last."""
    both = (row("2", at=POLLED + 8, one="XNO-USD"), row("3", at=POLLED + 9, one="NANO-USD"))
    assert [quote.price for quote in after([polled("nano")], *both)] == [2]
    assert [quote.price for quote in after([polled("nano")], both[1])] == [3]


def test_a_row_from_the_future_is_ignored() -> None:
    """A wrong clock cannot make a price that outlives all others."""
    assert latest({}, [row(at=POLLED + AHEAD + 1)], POLLED) == {}
    assert latest({}, [row(at=POLLED + AHEAD - 1)], POLLED) != {}


def test_the_last_word_is_by_the_provider_s_time() -> None:
    """Rows that arrive in the wrong order leave the newer one."""
    told = latest({}, [row("1", at=50.0), row("2", at=49.0)], POLLED)
    assert told["BTC-USD"].row.price == 1
    told = latest(told, [row("3", at=50.0)], POLLED + 1)
    assert told["BTC-USD"] == Told(row("3", at=50.0), POLLED + 1)


def test_a_poll_that_was_cached_does_not_turn_back_the_price() -> None:
    """A poll without times whose answer may be older than the last trade keeps the trade, and is one answer itself."""
    (quote,) = after([polled()], row(at=ASKED - 2), received=ASKED - 2, step=0)
    assert (quote.price, quote.poll, quote.at) == (101, 7, ASKED - 2)


def test_a_poll_replaces_what_was_streamed_long_before() -> None:
    """A stream that has died does not hold its last price against the polls."""
    quotes = [polled()]
    assert after(quotes, row(at=ASKED - 60), received=ASKED - 60, step=0)[0] is quotes[0]


def test_figures_that_polls_do_not_give_stay_for_a_while() -> None:
    """The change of a market that is quiet does not flicker with every poll, and ends with the stream."""
    told = row(at=ASKED - 60, change_24h=Decimal(2), high_24h=Decimal(9))
    (quote,) = after([polled(high_24h=Decimal(8))], told, received=ASKED - 60, step=0)
    assert (quote.price, quote.change_24h, quote.high_24h, quote.poll) == (100, 2, 8, 7)
    (late,) = after([polled()], told, received=POLLED - FIGURES - 1, step=0)
    assert late.change_24h is None


TIMES = st.none() | st.integers(0, 40).map(lambda seconds: ASKED - 20 + seconds)
ROWS = st.builds(row, st.sampled_from(["1", "2"]), TIMES, change_24h=st.sampled_from([None, Decimal(1)]))


@given(
    quotes=st.lists(st.builds(polled, at=TIMES), max_size=1),
    rows=st.lists(ROWS, max_size=4),
    step=st.sampled_from([0, 1]),
)
def test_merging_again_changes_nothing(quotes: list[Quote], rows: list[Row], step: int) -> None:
    """Whatever was polled and streamed, the second time every quote is the very same object: no news, no answer."""
    told: dict[str, Told] = {}
    for seconds, one in enumerate(rows):
        told = latest(told, [one], ASKED + seconds)
    once = merged(quotes, told, IDS, "venue", asked=ASKED, step=step)
    again = merged(once, told, IDS, "venue", asked=ASKED, step=step)
    assert [id(quote) for quote in again] == [id(quote) for quote in once]
    for before, now in zip(quotes, once, strict=False):
        assert now.poll - before.poll in (0, step)
        if before.at is not None and now.at is not None:
            assert now.at >= before.at
