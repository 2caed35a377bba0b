"""Which quotes may vote by their time, and how long a price lives (trust rules 11, 13, 14; design §8 Time)."""

from decimal import Decimal

import pytest
from rounds import NOW, aggregator, bitcoin, quote, rules, settled, venue, venues

from ticker.consensus import Memory, settle


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        (0.0, "bad_time"),
        (-5.0, "bad_time"),
        (NOW + 86_400, "bad_time"),
        (NOW + 31, "bad_time"),
        (NOW * 1000, "bad_time"),
        (NOW / 1000, "expired"),
        (1.0, "expired"),
        (NOW - 181, "expired"),
    ],
    ids=["zero", "negative", "tomorrow", "31 s ahead", "milliseconds", "seconds / 1000", "1970", "181 s old"],
)
def test_bad_times_do_not_vote(at: float, reason: str) -> None:
    """A time that is missing, of another unit, ahead or old gives no vote, and says why."""
    result = settled([quote("v0", "100", at=at)])

    assert bitcoin(result).agreement == "none"
    assert result.decisions == () or result.decisions[0].refused == {"v0": reason}
    assert result.memory.coins["bitcoin"].refused == {"v0": reason}


@pytest.mark.parametrize("at", [NOW, NOW - 180, NOW + 30])
def test_good_times_vote(at: float) -> None:
    """Up to 30 s ahead, which then counts as now, and as old as a vote may be."""
    assert bitcoin(settled([quote("v0", "100", at=at)])).as_of == min(at, NOW)


def test_provider_time_goes_before_receipt() -> None:
    """An old value in a fresh answer is old."""
    assert bitcoin(settled([quote("v0", "100", at=NOW - 100, received=NOW)])).as_of == NOW - 100


@pytest.mark.parametrize(
    ("voter", "life"),
    [(venue("v"), 180), (venue("v", every=120), 240), (aggregator("a"), 660), (aggregator("a", 600, 600), 1800)],
)
def test_a_vote_lives_by_its_source(voter: object, life: int) -> None:
    """max(180 s, 2 x every + cache)."""
    known = rules({"s": voter})  # type: ignore[dict-item]

    assert bitcoin(settle([quote("s", "1", received=NOW - life)], Memory(), NOW, known)).agreement == "single"
    assert bitcoin(settle([quote("s", "1", received=NOW - life - 1)], Memory(), NOW, known)).agreement == "none"


def test_one_of_four_stops() -> None:
    """Its vote is gone at the limit and the state stays ok (rule 13)."""
    quotes = [quote("v0", "100", received=NOW - 181), *(quote(f"v{i}", "100.1") for i in (1, 2, 3))]

    result = bitcoin(settled(quotes))

    assert (result.agreement, result.used, result.total) == ("ok", 3, 4)


def test_as_of_is_the_median_provider_time() -> None:
    """The middle of the votes' times; between the two middles where they are even in number."""
    quotes = [quote("v0", "100", at=NOW - 50), quote("v1", "100", at=NOW - 10), quote("v2", "100", at=NOW - 30)]

    assert bitcoin(settled(quotes)).as_of == NOW - 30
    assert bitcoin(settled(quotes[:2])).as_of == NOW - 30


@pytest.mark.parametrize(
    ("voters", "live", "delayed", "gone"),
    [
        ({"s": venue("v")}, 120, 300, 3600),
        ({"s": venue("v", every=120)}, 180, 300, 3600),
        ({"s": aggregator("a")}, 540, 900, 3600),
        ({"s": aggregator("a", 600, 600)}, 1800, 3000, 3600),
        ({"s": aggregator("a", 600, 600), "t": venue("v")}, 1800, 3000, 3600),
        ({"s": aggregator("a", 600, 600), "t": venue("v"), "u": venue("w")}, 120, 300, 3600),
    ],
)
def test_ladder_by_the_middle_turn(voters: dict[str, object], live: int, delayed: int, gone: int) -> None:
    """live max(120, 1.5 turn), delayed max(300, 2.5 turn), stale until 60 min."""
    result = bitcoin(settle([quote(name, "1") for name in voters], Memory(), NOW, rules(voters)))  # type: ignore[arg-type]

    assert (NOW + live, NOW + delayed, NOW + gone) == (result.live_until, result.delayed_until, result.gone_at)
    rungs = [result.freshness(NOW + s) for s in (0, live - 1, live, delayed - 1, delayed, gone - 1, gone)]
    assert rungs == ["live", "live", "delayed", "delayed", "stale", "stale", "none"]


def test_all_silent_goes_down_the_ladder() -> None:
    """With no vote left the last price stays with its own deadlines, then there is none."""
    known = rules(["v0", "v1", "v2"])
    memory = settle(venues("1", "1", "1"), Memory(), NOW, known).memory
    later = settle(venues("1", "1", "1"), memory, NOW + 200, known)

    assert bitcoin(later).agreement == "none"
    assert bitcoin(later).freshness(NOW + 200) == "delayed"
    assert bitcoin(later).live_until == NOW + 120


def test_silence_never_takes_a_page_back_in_time() -> None:
    """Quick sources fall silent; a slow one, out before and 9 % off, still votes: delayed, stale, gone, never "live".

    Found by an attack on the first version, which showed the slow one's price as live eleven minutes later.
    """
    voters = {**{f"v{i}": venue(f"v{i}") for i in range(4)}, "slow": aggregator("slow", 600, 600)}
    known, memory = rules(voters), Memory()
    quotes = [quote(f"v{i}", "64000") for i in range(4)] + [quote("slow", "58000", at=NOW - 100)]
    shown = []
    for after in range(0, 4000, 60):
        settlement = settle(quotes, memory, NOW + after, known)
        memory = settlement.memory
        price = bitcoin(settlement)
        freshness = price.freshness(NOW + after)
        shown.append((freshness, None if freshness == "none" else price.price))

    assert {price for _, price in shown} == {64000, None}
    assert [rung for i, (rung, _) in enumerate(shown) if i == 0 or rung != shown[i - 1][0]] == [
        "live", "delayed", "stale", "none",
    ]  # fmt: skip


def test_an_old_rate_makes_an_old_vote() -> None:
    """A fresh USDT quote through a rate of 150 s ago is 150 s old."""
    known = rules(["v0", "v1"], "bitcoin", "tether")
    quotes = [quote("v0", "65000", currency="tether"), quote("v1", "1", coin="tether", at=NOW - 150)]

    assert bitcoin(settle(quotes, Memory(), NOW, known)).as_of == NOW - 150


def test_every_source_on_time_is_live() -> None:
    """One quick source and three slow ones, each at its interval: never "delayed" while all are on time."""
    voters = {"v": venue("v"), "a": aggregator("a"), "b": aggregator("b"), "c": aggregator("c", 600, 600)}
    known, memory, worst = rules(voters), Memory(), set()
    for second in range(0, 7200, 20):
        now = NOW + second
        quotes = []
        for name, voter in voters.items():
            asked = now - (second % voter.every)
            poll = int(second // voter.every) + 1
            quotes.append(quote(name, "100", received=asked, at=asked - voter.cache, poll=poll))
        settlement = settle(quotes, memory, now, known)
        memory = settlement.memory
        worst.add(bitcoin(settlement).freshness(now))

    assert worst == {"live"}


@pytest.mark.parametrize("agree", [True, False])
def test_a_price_from_the_future_is_no_last_good_price(agree: bool) -> None:
    """Our clock was an hour ahead and is set right: what was good then neither bars what is true now, nor is shown."""
    names, ahead = list("abc"), NOW + 3600
    known = rules(names)
    wrong = settle([quote(name, "100", received=ahead, at=ahead) for name in names], Memory(), ahead, known)
    now = [quote(name, str(101 if agree else 100 + 10 * n), poll=2, at=NOW) for n, name in enumerate(names)]
    price = settle(now, wrong.memory, NOW, known).prices[0]

    assert (price.price, price.agreement) == ((Decimal(101), "ok") if agree else (None, "disputed"))
    assert price.as_of == (NOW if agree else None)
