"""The circuit breaker as a value: what each failure leads to, and what it never does (trust rule 19)."""

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticker.errors import Malformed, NotFound, RateLimited, Refused, ServerFailed, SourceError, TimedOut, Unreachable
from ticker.politeness.breaker import FAILURES, LONGEST_REST, Breaker

NOW = 1_800_000_000.0


class Least(Random):
    """No jitter at all."""

    def random(self) -> float:
        return 0.0


def waits(*errors: SourceError, every: float = 60.0, rng: Random | None = None) -> list[float]:
    """What each of these failures in a row says, each met exactly when the one before said."""
    breaker, now, found = Breaker(), NOW, []
    for error in errors:
        breaker, again = breaker.asking(now).failed(error, now, every, rng or Least())
        found.append(again)
        now += again
    return found


def said(error: SourceError, told: float) -> SourceError:
    """The same error, with a Retry-After."""
    return type(error)(error.source, retry_after=told)


@pytest.mark.parametrize(
    ("error", "every", "expected"),
    [
        (TimedOut("a"), 60, [5, 10, 20, 40, 60, 120, 240, 480, 960, 1800, 1800]),
        (Malformed("a"), 12, [5, 10, 12, 12, 60, 120]),
        (Unreachable("a"), 600, [5, 10, 20, 40, 60, 120, 240]),
        (ServerFailed("a", retry_after=30.0), 60, [30, 30, 30, 30, 60, 120]),
        (ServerFailed("a", retry_after=0.0), 60, [5, 5, 5, 5, 60, 120]),
        (RateLimited("a"), 60, [60, 60, 60, 60, 60, 120, 240]),
        (RateLimited("a"), 2, [60, 60, 60, 60, 60, 120]),
        (RateLimited("a"), 300, [300, 300, 300, 300, 300, 300, 300, 480]),
        (RateLimited("a", retry_after=7200.0), 60, [7200] * 7),
        (RateLimited("a", retry_after=1.0), 60, [5, 5, 5, 5, 60, 120]),
        (Refused("a"), 60, [60, 60, 60, 60, 60, 120, 240]),
        (NotFound("a"), 300, [300, 300, 300, 300, 300, 300, 300, 480]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, SourceError) else None,
)
def test_every_failure_in_a_row(error: SourceError, every: float, expected: list[float]) -> None:
    """Sooner at first, never later than the turn; then a rest from 60 s to 30 min; a told time is never shortened."""
    assert waits(*[error] * len(expected), every=every) == expected


def test_it_opens_at_the_fifth_failure_and_lets_one_probe_through() -> None:
    """Before, nothing forbids to ask; then nobody may until the rest is over; then one, until it is back."""
    breaker = Breaker()
    for count in range(1, FAILURES):
        breaker, _ = breaker.failed(TimedOut("a"), NOW, 60, Least())
        assert (breaker.failures, breaker.tripped, breaker.hold(NOW)) == (count, False, 0)
        assert breaker.asking(NOW) == breaker
    breaker, _ = breaker.failed(TimedOut("a"), NOW, 60, Least())
    assert (breaker.tripped, breaker.hold(NOW), breaker.hold(NOW + 59), breaker.hold(NOW + 60)) == (True, 60, 1, 0)

    probed = breaker.asking(NOW + 60)
    assert breaker.hold(NOW + 60) == 0
    assert probed.hold(NOW + 61) == 59
    failed, again = probed.failed(TimedOut("a"), NOW + 62, 60, Least())
    assert (again, failed.hold(NOW + 62)) == (120, 120)


def test_a_rate_limit_without_a_time_forbids_a_minute() -> None:
    """Not only advice: whoever asks earlier is held."""
    breaker, again = Breaker().failed(RateLimited("a"), NOW, 300, Least())
    assert (again, breaker.hold(NOW)) == (300, 60)


def test_jitter_only_lengthens_up_to_a_fifth() -> None:
    """Sources that fell together come back apart, none of them early, none after 30 minutes."""
    rng = Random(1)
    rests = [waits(*[TimedOut("a")] * 5, rng=rng)[-1] for _ in range(200)]
    assert all(60 <= rest <= 72 for rest in rests)
    assert len(set(rests)) > 190
    assert max(waits(*[TimedOut("a")] * 40, rng=rng)) == LONGEST_REST


def test_a_storm_of_429_for_ten_minutes_costs_at_most_8_calls() -> None:
    """Whatever the answer says or the interval is (trust rule 19)."""
    for every in (0.5, 5.0, 30.0, 60.0, 300.0):
        for told in (None, 0.0, 1.0, 5.0, 60.0):
            for error in (RateLimited("a", retry_after=told), ServerFailed("a", retry_after=told)):
                for seed in range(20):
                    times = [0.0]
                    for again in waits(*[error] * 20, every=every, rng=Random(seed)):
                        times.append(times[-1] + again)
                    assert sum(at <= 600 for at in times) <= 8, (every, told, error)


def test_a_breaker_outlives_a_process_and_a_wrong_clock() -> None:
    """It is kept as JSON; where the clock went back meanwhile, no rest is longer than it was."""
    breaker, _ = Breaker(7).failed(TimedOut("a"), NOW, 60, Least())
    kept = msgspec.json.decode(msgspec.json.encode(breaker), type=Breaker)
    assert kept == breaker
    assert kept.resumed(NOW + 10) == breaker
    assert kept.resumed(NOW - 3600).hold(NOW - 3600) == breaker.wait == 480


ERRORS = st.builds(
    lambda kind, told: kind("a", retry_after=told),
    st.sampled_from((TimedOut, RateLimited, ServerFailed, Refused, Malformed)),
    st.none() | st.floats(0, 86_400),
)


@given(st.lists(ERRORS, max_size=30), st.floats(0.1, 3600), st.integers(0, 9))
def test_nobody_asks_before_retry_after(errors: list[SourceError], every: float, seed: int) -> None:
    """However failures follow each other, whoever comes back when told asks inside no Retry-After and in no rest."""
    breaker, now, rng = Breaker(), NOW, Random(seed)
    for error in errors:
        assert breaker.hold(now) <= 1e-3
        breaker, again = breaker.asking(now).failed(error, now, every, rng)
        assert again >= (error.retry_after or 0)
        assert again >= 60 or not breaker.tripped
        assert again >= 60 or not isinstance(error, RateLimited) or error.retry_after is not None
        assert again <= max(LONGEST_REST, every, error.retry_after or 0)
        assert breaker.hold(now + again) <= 1e-3
        now += again
