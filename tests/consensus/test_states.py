"""Which state a coin is in, and what is published in it (design §8 State; trust rules 1-4)."""

from decimal import Decimal

import pytest
from rounds import NOW, aggregator, bitcoin, quote, rules, settled, venue, venues

from ticker.consensus import CoinRule, Memory, Rules, settle


@pytest.mark.parametrize(
    ("prices", "agreement", "price", "used"),
    [
        ([], "none", None, 0),
        (["100"], "single", "100", 1),
        (["100", "100.5"], "degraded", "100.25", 2),
        (["100", "105"], "disputed", None, 0),
        (["100", "100.1", "100.2"], "ok", "100.1", 3),
        (["100", "100.1", "150"], "degraded", "100.05", 2),
        (["100", "110", "120"], "disputed", None, 0),
        (["100", "100.1", "113", "113.1"], "disputed", None, 0),
        (["100", "100.1", "100.2", "113"], "ok", "100.1", 3),
        (["100", "100.1", "113", "113.1", "113.2"], "ok", "113.1", 3),
    ],
)
def test_state_by_agreement(prices: list[str], agreement: str, price: str | None, used: int) -> None:
    """The largest set within tolerance decides, by majority and by three."""
    result = bitcoin(settled(venues(*prices)))

    assert (agreement, price and Decimal(price), used) == (result.agreement, result.price, result.used)


def test_two_to_two_split_keeps_the_last_good_price_with_its_own_time() -> None:
    """A split 13 % apart is disputed: the last good price stays, as of its own time, never a mean."""
    before = settled(venues("100", "100.1", "100.2", "100.1"))
    split = [quote(f"v{i}", p, received=NOW + 60) for i, p in enumerate(("100", "100.1", "87", "87.1"))]
    after = bitcoin(settle(split, before.memory, NOW + 60, rules(["v0", "v1", "v2", "v3"])))

    assert after.agreement == "disputed"
    assert after.price == bitcoin(before).price
    assert after.as_of == bitcoin(before).as_of == NOW


def test_last_good_price_ends_with_its_ladder() -> None:
    """An hour after it was good, a disputed price is gone."""
    before = settled(venues("100", "100.1", "100.2"))
    split = [quote("v0", "100", received=NOW + 3600), quote("v1", "200", received=NOW + 3600)]

    after = bitcoin(settle(split, before.memory, NOW + 3600, rules(["v0", "v1", "v2"])))

    assert (after.agreement, after.price) == ("disputed", None)


def test_disputed_rounds_do_not_renew_the_last_good_price() -> None:
    """What is remembered as good is what was agreed, not what was shown meanwhile."""
    first = settled(venues("100", "100.1", "100.2"))
    second = settle([], first.memory, NOW + 200, rules(["v0", "v1", "v2"]))
    third = settle([], second.memory, NOW + 3599, rules(["v0", "v1", "v2"]))
    fourth = settle([], third.memory, NOW + 3600, rules(["v0", "v1", "v2"]))

    assert bitcoin(third).price == Decimal("100.1")
    assert bitcoin(third).as_of == NOW
    assert bitcoin(fourth).price is None


def test_sources_of_one_group_have_one_vote() -> None:
    """Three names of one operator are one group, with the median of its quotes."""
    voters = {"a1": venue("a"), "a2": venue("a"), "a3": venue("a"), "b": venue("b")}
    quotes = [quote("a1", "100"), quote("a2", "100.2"), quote("a3", "900"), quote("b", "100.3")]

    result = bitcoin(settle(quotes, Memory(), NOW, rules(voters)))

    assert (result.agreement, result.price) == ("degraded", Decimal("100.25"))


def test_aggregators_never_outvote_two_venues() -> None:
    """Three aggregators x 10^6 against two honest venues: the venues' price, not the glitch (rule 1)."""
    voters = {"v0": venue("v0"), "v1": venue("v1"), **{f"a{i}": aggregator(f"a{i}") for i in range(3)}}
    quotes = [quote("v0", "100"), quote("v1", "100.2"), *(quote(f"a{i}", "100000000") for i in range(3))]

    result = bitcoin(settle(quotes, Memory(), NOW, rules(voters)))

    assert result.agreement == "degraded"
    assert abs(result.price / Decimal("100.1") - 1) < Decimal("0.003")


def test_three_aggregators_of_one_group_against_two_venues() -> None:
    """The same with one group behind all three, as rule 1 words it."""
    voters = {"v0": venue("v0"), "v1": venue("v1"), **{f"a{i}": aggregator("a") for i in range(3)}}
    quotes = [quote("v0", "100"), quote("v1", "100.2"), *(quote(f"a{i}", "100000000") for i in range(3))]

    result = bitcoin(settle(quotes, Memory(), NOW, rules(voters)))

    assert abs(result.price / Decimal("100.1") - 1) < Decimal("0.003")


def test_aggregators_alone_are_groups_like_others() -> None:
    """Without venues, three agreeing aggregators are "ok", within their own 3 %."""
    voters = {f"a{i}": aggregator(f"a{i}") for i in range(3)}
    quotes = [quote("a0", "100"), quote("a1", "102"), quote("a2", "101")]

    result = bitcoin(settle(quotes, Memory(), NOW, rules(voters)))

    assert (result.agreement, result.price) == ("ok", Decimal(101))


def test_tolerance_of_a_coin_is_its_own() -> None:
    """`tolerance` in coins.toml goes before the general one."""
    quotes = venues("100", "104")
    wide = Rules({"v0": venue("v0"), "v1": venue("v1")}, (CoinRule("bitcoin", ("v0", "v1"), Decimal("0.05")),))

    assert bitcoin(settled(quotes)).agreement == "disputed"
    assert bitcoin(settle(quotes, Memory(), NOW, wide)).agreement == "degraded"


def test_a_fixed_price_is_labelled_and_does_not_age() -> None:
    """Ops' own price needs no vote and says so."""
    fixed = Rules({}, (CoinRule("mine", fixed=Decimal("0.01")),))

    result = bitcoin(settle([], Memory(), NOW, fixed))

    assert (result.agreement, result.price, result.freshness(NOW + 10**6)) == ("fixed", Decimal("0.01"), "live")


def test_confidence_is_null_below_three_groups() -> None:
    """Two sources say nothing about a distribution."""
    assert bitcoin(settled(venues("100", "100.1"))).confidence is None
    assert bitcoin(settled(venues("100", "100.1", "100.4"))).confidence == Decimal("0.001499")


def test_decisions_tell_changes_only() -> None:
    """A round like the one before decides nothing new."""
    first = settled(venues("100", "100.1", "150"))
    second = settled(venues("100", "100.1", "150"), first.memory)

    assert [(d.agreement, d.refused) for d in first.decisions] == [("degraded", {"v2": "outlier"})]
    assert second.decisions == ()


def test_used_and_total_count_sources() -> None:
    """Used are those whose votes made the price; total those that list the coin."""
    result = bitcoin(settled(venues("100", "100.1", "100.2", "150")))

    assert (result.used, result.total, result.sources) == (3, 4, ("v0", "v1", "v2"))


def test_aggregators_that_contradict_each_other_have_no_vote() -> None:
    """Two venues that disagree, and two aggregators far apart: no mean of 98 and 110 decides between them."""
    voters = {"v0": venue("v0"), "v1": venue("v1"), "a0": aggregator("a0"), "a1": aggregator("a1")}
    quotes = [quote("v0", "100"), quote("v1", "104"), quote("a0", "98"), quote("a1", "110")]
    settlement = settle(quotes, Memory(), NOW, rules(voters))

    assert (bitcoin(settlement).agreement, bitcoin(settlement).price) == ("disputed", None)
    assert settlement.rounds["bitcoin"].refused == {"a0": "split", "a1": "split"}


def test_the_odd_one_among_aggregators_does_not_speak_for_them() -> None:
    """Two of three agree: their median is the vote, and the third has none."""
    voters = {"v0": venue("v0"), "v1": venue("v1"), **{f"a{i}": aggregator(f"a{i}") for i in range(3)}}
    quotes = [quote("v0", "100"), quote("v1", "100.2"), quote("a0", "100"), quote("a1", "100.2"), quote("a2", "9000")]
    settlement = settle(quotes, Memory(), NOW, rules(voters))

    assert (bitcoin(settlement).agreement, bitcoin(settlement).used) == ("ok", 4)
    assert settlement.rounds["bitcoin"].refused == {"a2": "split"}


def test_a_source_that_is_not_asked_for_a_coin_has_no_vote_for_it() -> None:
    """Ops took a wrong id away: what the source said under it is nobody's price, nor is what was good by it."""
    known = rules(["v0"])
    memory = settle([quote("v0", "777")], Memory(), NOW, known).memory
    now_listed = Rules(known.voters, (CoinRule("bitcoin", (), listing="changed"),))
    settlement = settle([quote("v0", "777")], memory, NOW + 10, now_listed)

    assert (bitcoin(settlement).price, bitcoin(settlement).agreement) == (None, "none")
    assert settlement.rounds["bitcoin"].refused == {"v0": "unknown_source"}
