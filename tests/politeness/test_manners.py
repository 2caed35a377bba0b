"""Breakers and budgets of all sources together: what they share, what holds a poll off, what outlives a process."""

from random import Random

import msgspec

from ticker.errors import RateLimited, SourceError, TimedOut, Unreachable
from ticker.politeness import Customer, Kept, Manners
from ticker.sources.base import MINUTE, Limit

NOW = 1_800_000_000.0
LIMITS = (Limit(4, MINUTE),)


def manners(**customers: Customer) -> Manners:
    """Of these customers, without jitter worth naming."""
    return Manners(customers, Random(1))


def test_sources_of_one_quota_share_one_budget() -> None:
    """What one takes is gone for the other; the dearer request decides how the share is cut."""
    both = manners(a=Customer(60, 1, LIMITS, "q"), b=Customer(60, 2, LIMITS, "q"), c=Customer(60, 1, LIMITS))
    assert both.budget("a") is both.budget("b")
    assert (both.take("b", NOW), both.budget("a").windows[0].left(NOW)) == (0, 0)
    assert both.take("a", NOW) > 59
    assert both.take("c", NOW) == 0


def test_what_holds_a_poll_off() -> None:
    """First the breaker, then the budget; neither, and it may begin."""
    one = manners(a=Customer(60, 1, LIMITS))
    assert one.begin("a", NOW, 1) is None
    one.take("a", NOW)
    hold = one.begin("a", NOW, 2)
    assert hold is not None
    assert hold.why == "budget"
    one.failed("a", RateLimited("a"), NOW)
    hold = one.begin("a", NOW, 2)
    assert hold == (60, "breaker")


def test_one_probe() -> None:
    """While a tripped source is asked once, everyone else is held; its answer closes the breaker."""
    one = manners(a=Customer(60))
    for _ in range(5):
        again = one.failed("a", TimedOut("a"), NOW)
    back = NOW + again + 0.001
    assert one.begin("a", back - 1, 1) is not None
    assert one.begin("a", back, 1) is None
    assert one.begin("a", back, 1) is not None
    one.answered("a")
    assert one.begin("a", back, 1) is None


def test_a_successor_goes_on() -> None:
    """Open breakers and spent budgets are taken over, those of sources that are gone are not."""
    first = manners(a=Customer(60, 1, LIMITS), gone=Customer(60, 1, LIMITS))
    first.take("a", NOW)
    for name in ("a", "gone"):
        first.failed(name, RateLimited(name, retry_after=500), NOW)
    kept = msgspec.json.decode(msgspec.json.encode(first.kept()), type=Kept)
    second = manners(a=Customer(60, 1, LIMITS), new=Customer(60))
    second.resume(kept, NOW + 100)

    assert second.begin("a", NOW + 100, 1) == (400, "breaker")
    assert second.budget("a").windows[0].left(NOW + 30) == 1
    assert second.begin("new", NOW + 100, 1) is None


def test_what_was_seen_since_is_stronger_than_what_is_taken_over() -> None:
    """A source that has answered before the store did is not left alone for what it said to the last poller."""
    first = manners(a=Customer(60, 1, LIMITS))
    first.failed("a", RateLimited("a", retry_after=500), NOW)
    second = manners(a=Customer(60, 1, LIMITS))
    assert second.begin("a", NOW, 1) is None
    second.answered("a")
    second.resume(first.kept(), NOW)

    assert second.begin("a", NOW, 1) is None


def test_nothing_to_keep_is_kept_as_nothing() -> None:
    """Sources that are well and without limits cost no bytes."""
    assert manners(a=Customer(60)).kept() == Kept()


def offline(one: Manners, error: SourceError, hours: float = 1) -> list[float]:
    """How long until each source is asked again after so many hours in which all fail with one error."""
    due = dict.fromkeys("abc", NOW)
    while min(due.values()) < NOW + hours * 3600:
        name = min(due, key=lambda one: due[one])
        assert one.begin(name, due[name], 1) is None or error.retry_after
        due[name] += one.failed(name, error, due[name]) + 0.001
    return [at - NOW - hours * 3600 for at in due.values()]


def test_an_hour_offline_is_nobody_s_fault() -> None:
    """Where nobody at all can be reached, no breaker opens: when our network is back, all are asked within 40 s."""
    for error in (Unreachable("a"), TimedOut("a")):
        assert max(offline(manners(a=Customer(60), b=Customer(300), c=Customer(60)), error)) <= 41


def test_who_answers_with_an_error_is_reached() -> None:
    """An hour of rate limits from everyone is theirs, and so is one source alone that cannot be reached."""
    assert max(offline(manners(a=Customer(60), b=Customer(60), c=Customer(60)), RateLimited("a"))) > 60
    one = manners(a=Customer(60), b=Customer(60), c=Customer(60))
    one.failed("b", TimedOut("b"), NOW)
    for _ in range(5):
        one.failed("a", Unreachable("a"), NOW)
    assert one.breaker("a").tripped
