"""Hysteresis, jump, unit, canary, frozen (trust rules 5-8, 12; design §8), round after round."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from rounds import NOW, aggregator, quote, rules, venue

from ticker.consensus import CoinRule, Memory, Rules, Settlement, settle
from ticker.model import Price


class Market:
    """Rounds a minute apart; memory goes through JSON between them, as it does through the store."""

    def __init__(self, known: Rules) -> None:
        self.rules, self.memory, self.now, self.poll = known, Memory(), NOW, 0
        self.last: Settlement | None = None

    def round(
        self, said: Mapping[str, Any], *, coin: str = "bitcoin", seconds: float = 60.0, times: bool = False
    ) -> Price:
        """Every source named says its price (None: nothing new) of one coin."""
        return self.rounds({coin: said}, seconds=seconds, times=times)[0]

    def rounds(
        self, said: Mapping[str, Mapping[str, Any]], *, seconds: float = 60.0, times: bool = False
    ) -> Sequence[Price]:
        """The same for several coins."""
        self.now += seconds
        self.poll += 1
        quotes = [
            quote(source, str(price), coin=coin, poll=self.poll, received=self.now, at=self.now if times else None)
            for coin, prices in said.items()
            for source, price in prices.items()
            if price is not None
        ]
        self.last = settle(quotes, self.memory, self.now, self.rules)
        self.memory = msgspec.json.decode(msgspec.json.encode(self.last.memory), type=Memory)
        return self.last.prices

    def refused(self, coin: str = "bitcoin") -> Mapping[str, str]:
        """Who has no part in it, and why."""
        assert self.last is not None
        return self.last.rounds[coin].refused


def five(price: object, **others: object) -> dict[str, object]:
    """a to e say the same, but for some."""
    return {**dict.fromkeys("abcde", price), **others}


def market(names: Iterable[str] = "abcde", *coins: str) -> Market:
    """Venues of these names."""
    return Market(rules(list(names), *coins))


# hysteresis ---------------------------------------------------------------------------------------------------------


def test_oscillating_around_the_threshold_changes_once() -> None:
    """A source at 0.9 and 1.1 times the threshold goes out, and stays: at most one change in 100 polls (rule 5)."""
    found, changes, was = market(), 0, False
    for number in range(100):
        off = "1.0055" if number % 2 else "1.0045"
        found.round(five("100", b="100.01", c="99.99", d="100.005", e=Decimal(100) * Decimal(off)))
        is_out = "e" in found.refused()
        changes += is_out is not was
        was = is_out

    assert changes == 1
    assert was


def test_it_returns_after_three_near_polls() -> None:
    """Within half of the threshold three polls in a row; two and a relapse are not enough."""
    found = market()
    states = []
    for e in ("101", "100.2", "100.2", "100.4", "100.2", "100.2", "100.2", "100.2"):
        found.round(five("100", b="100.01", e=e))
        states.append("e" in found.refused())

    assert states == [True, True, True, True, True, True, False, False]


def test_rounds_without_its_answer_do_not_count_for_it() -> None:
    """Three settlements are not three polls: only its own answers bring it back."""
    found = market()
    found.round(five("100", e="101"))
    for _ in range(5):
        found.poll -= 1  # nobody has answered again
        found.round(five("100", e="100"), seconds=5)

    assert found.refused() == {"e": "outlier"}


def test_when_the_market_comes_to_those_who_are_out() -> None:
    """Two of five move first and go out; as soon as a third follows, all three are in, at once."""
    found = market()
    found.round(five("100"))
    found.round(five("100", d="103", e="103"))
    assert found.refused() == {"d": "outlier", "e": "outlier"}
    price = found.round(five("103", a="100", b="100"))

    assert (price.price, price.agreement) == (Decimal(103), "ok")
    assert found.refused() == {"a": "outlier", "b": "outlier"}


def test_those_who_wait_are_not_replaced_by_a_minority() -> None:
    """Three of seven have just come back when three others lie by less than the reach: the honest are still the price."""  # noqa: E501
    found = market("abcdefg")
    honest = dict.fromkeys("abcdefg", "100")
    found.round(honest)
    found.round({**honest, "a": "103", "b": "97", "c": "105"})
    price = found.round({**honest, **dict.fromkeys("def", "100.45")})

    assert (price.price, price.agreement) == (Decimal(100), "ok")


# jumps --------------------------------------------------------------------------------------------------------------


def test_a_glitch_of_one_poll_on_all_is_not_shown() -> None:
    """All aggregators say ten times as much once: the last good price stays, as of its own time (rule 6a)."""
    known = rules({name: aggregator(name, every=60, cache=0) for name in "abc"})
    found = Market(known)
    good = found.round(dict.fromkeys("abc", "100"))
    glitch = found.round(dict.fromkeys("abc", "1000"))
    after = found.round(dict.fromkeys("abc", "100.1"))

    assert (glitch.price, glitch.agreement, glitch.as_of) == (good.price, "disputed", good.as_of)
    assert (after.price, after.agreement) == (Decimal("100.1"), "ok")


def test_a_real_crash_is_shown_within_two_polls_and_without_a_floor() -> None:
    """-99 % over three polls: late by one poll, then all the way down (rule 6b)."""
    found = market()
    shown = [found.round(five(p)).price for p in ("100", "30", "6", "1", "0.2", "0.01", "0.01")]

    assert shown == [Decimal(p) for p in ("100", "100", "6", "1", "0.2", "0.01")] or shown[1:3] == [
        Decimal(100),
        Decimal(6),
    ]
    assert shown[3:] != [Decimal(100)] * 3
    assert shown[-1] in (Decimal("0.01"), Decimal("0.2"))
    assert found.round(five("0.01")).price == Decimal("0.01")


def test_each_group_of_the_majority_must_answer_again() -> None:
    """One of three that has not answered since keeps the jump waiting; the other two cannot stand for it."""
    found = market("abc")
    found.round(dict.fromkeys("abc", "100"))
    found.round(dict.fromkeys("abc", "150"))
    quotes = [quote(n, "150", poll=3 if n != "c" else 2, received=found.now) for n in "abc"]
    waiting = settle(quotes, found.memory, found.now, found.rules)
    quotes[2] = quote("c", "150", poll=3, received=found.now)
    confirmed = settle(quotes, waiting.memory, found.now + 1, found.rules)

    assert (waiting.prices[0].price, waiting.prices[0].agreement) == (Decimal(100), "disputed")
    assert (confirmed.prices[0].price, confirmed.prices[0].agreement) == (Decimal(150), "ok")


def test_a_jump_that_turns_back_must_be_confirmed_anew() -> None:
    """Up, down, up: each turn starts over; nothing of it is shown until it lasts."""
    found = market()
    found.round(five("100"))

    assert [found.round(five(p)).price for p in ("150", "60", "150", "60")] == [Decimal(100)] * 4


@pytest.mark.parametrize("names", ["a", "ab"])
def test_with_one_or_two_groups_each_must_answer_twice_more(names: str) -> None:
    """With newer times; then it is published however large."""
    found = market(names)
    shown = [found.round(dict.fromkeys(names, p), times=True).price for p in ("100", "150", "150", "150")]

    assert shown == [Decimal(100), Decimal(100), Decimal(100), Decimal(150)]


def test_with_one_group_the_same_time_again_confirms_nothing() -> None:
    """An answer that repeats its own time says nothing new."""
    found = market("a")
    found.round({"a": "100"}, times=True)
    found.round({"a": "150"}, times=True)
    at = found.now
    for poll in (3, 4, 5):
        one = settle([quote("a", "150", poll=poll, received=found.now, at=at)], found.memory, found.now, found.rules)
        assert one.prices[0].price == Decimal(100)


def test_an_hour_after_the_last_good_price_there_is_no_guard() -> None:
    """After an outage of more than 60 minutes what all say is published at once."""
    found = market()
    found.round(five("100"))

    assert found.round(five("500"), seconds=3661).price == Decimal(500)


def test_a_restart_in_the_middle_loses_nothing() -> None:
    """Memory is a value: a jump seen before the restart is confirmed after it (the store keeps it as JSON)."""
    first = market()
    first.round(five("100"))
    first.round(five("150"))
    second = Market(first.rules)
    second.memory, second.now, second.poll = first.memory, first.now, first.poll

    assert second.round(five("150")).price == Decimal(150)


def test_a_change_of_20_percent_needs_no_confirmation() -> None:
    """The guard begins beyond it."""
    found = market()
    found.round(five("100"))

    assert found.round(five("120")).price == Decimal(120)
    assert found.round(five("96.1")).price == Decimal("96.1")


# units --------------------------------------------------------------------------------------------------------------


def test_redenomination_on_staggered_days() -> None:
    """BTT 2022, 1:1000, a venue a day: one of the two units, never between, and the new one once most have it."""
    found = market()
    found.round(five("0.0000025"))
    shown, flipped = [], ""
    for venue_of_the_day in "abcde":
        flipped += venue_of_the_day
        for _ in range(4):
            prices = {n: "0.0025" if n in flipped else "0.0000025" for n in "abcde"}
            shown.append(found.round(prices).price)
            if len(flipped) < 3:
                assert dict(found.refused()) == dict.fromkeys(flipped, "unit")

    assert set(shown) == {Decimal("0.0000025"), Decimal("0.0025")}
    assert shown[:9] == [Decimal("0.0000025")] * 9
    assert shown[9:] == [Decimal("0.0025")] * 11


@pytest.mark.parametrize("names", ["a", "ab"])
@pytest.mark.parametrize("factor", ["10", "0.1", "1000", "0.001", "1000000", "11.9", "8"])
def test_a_unit_jump_on_thin_evidence_is_hidden_until_confirmed(names: str, factor: str) -> None:
    """Fewer than three groups: "—", however often they repeat it, until ops say it is right."""
    found = market(names)
    found.round(dict.fromkeys(names, "100"))
    new = Decimal(100) * Decimal(factor)
    for _ in range(70):
        price = found.round(dict.fromkeys(names, new))
        assert (price.price, price.agreement) == (None, "disputed")
    coin = CoinRule("bitcoin", tuple(names), confirmed=found.now)
    found.rules = Rules(found.rules.voters, (coin,))

    assert found.round(dict.fromkeys(names, new)).price == new
    assert found.round(dict.fromkeys(names, new * Decimal("1.01"))).agreement in ("single", "degraded")


def test_a_confirmation_from_before_the_jump_does_not_count() -> None:
    """What was confirmed then was another jump."""
    found = market("a")
    found.rules = Rules(found.rules.voters, (CoinRule("bitcoin", ("a",), confirmed=NOW + 30),))
    found.round({"a": "100"})

    assert found.round({"a": "1000"}).price is None


def test_a_hidden_price_returns_when_the_source_does() -> None:
    """The source corrects itself: shown again without anybody's doing."""
    found = market("a")
    found.round({"a": "100"})
    found.round({"a": "100000"})

    assert found.round({"a": "101"}).price == Decimal(101)


def test_a_hidden_price_is_settled_by_a_quorum() -> None:
    """Three groups that agree need no operator."""
    found = market("abc")
    found.round({"a": "100"})
    assert found.round({"a": "1000"}).price is None
    found.round(dict.fromkeys("abc", "1000"))

    assert found.round(dict.fromkeys("abc", "1000")).price == Decimal(1000)


# canary -------------------------------------------------------------------------------------------------------------


def test_coinmarketcap_2021_is_suspended_as_a_whole() -> None:
    """USDT at 69.9 million on one source: nothing of that poll counts, not even what looks right (rule 8)."""
    found = Market(rules(["cmc", "b", "c", "d"], "tether", "bitcoin", "litecoin"))
    honest = {"tether": "1", "bitcoin": "48000", "litecoin": "150"}
    found.rounds({coin: dict.fromkeys(("cmc", "b", "c", "d"), price) for coin, price in honest.items()})
    glitch = {"tether": "69900000", "bitcoin": "850867136053", "litecoin": "150"}
    prices = found.rounds({coin: {"cmc": glitch[coin], **dict.fromkeys("bcd", honest[coin])} for coin in honest})

    assert [price.price for price in prices] == [Decimal(p) for p in honest.values()]
    for coin in honest:
        assert found.refused(coin) == {"cmc": "canary"}
    found.rounds({coin: dict.fromkeys(("cmc", "b", "c", "d"), price) for coin, price in honest.items()})
    assert found.refused("litecoin") == {}


@pytest.mark.parametrize(("wild", "suspended"), [(2, False), (3, True)])
def test_three_wild_coins_are_a_broken_source(wild: int, suspended: bool) -> None:
    """Two may be bad luck."""
    coins = [f"c{i}" for i in range(6)]
    found = Market(rules("abcd", *coins))
    found.rounds({coin: dict.fromkeys("abcd", "5") for coin in coins})
    found.rounds({coin: {**dict.fromkeys("abc", "5"), "d": "51" if i < wild else "5"} for i, coin in enumerate(coins)})

    assert (found.refused("c5") == {"d": "canary"}) is suspended


def test_a_crash_that_all_sources_see_is_no_canary() -> None:
    """Three coins at a twentieth everywhere: the sources are right, and the jump guard confirms it."""
    coins = [f"c{i}" for i in range(3)]
    found = Market(rules("abcd", *coins))
    found.rounds({coin: dict.fromkeys("abcd", "100") for coin in coins})
    found.rounds({coin: dict.fromkeys("abcd", "5") for coin in coins})

    assert [p.price for p in found.rounds({c: dict.fromkeys("abcd", "5") for c in coins})] == [Decimal(5)] * 3


def test_an_even_split_does_not_silence_the_honest() -> None:
    """Three of six are wild on a stablecoin: halfway between the two halves is nowhere, so the last good price judges."""  # noqa: E501
    found = Market(rules("abcdef", "tether", "bitcoin"))
    honest = {"tether": "1", "bitcoin": "64000"}
    found.rounds({coin: dict.fromkeys("abcdef", price) for coin, price in honest.items()})
    wild = {
        coin: {**dict.fromkeys("abc", price), **dict.fromkeys("def", f"{price}e8")} for coin, price in honest.items()
    }
    prices = found.rounds(wild)

    assert [(price.price, price.agreement) for price in prices] == [(Decimal(p), "ok") for p in honest.values()]
    assert found.refused("bitcoin") == dict.fromkeys("def", "canary")


def test_an_even_split_without_a_past_is_disputed() -> None:
    """Nothing to judge by: nobody is silenced, and nobody believed."""
    found = Market(rules("abcd", "tether"))
    price = found.rounds({"tether": {"a": "1", "b": "1", "c": "69900000", "d": "69900000"}})[0]

    assert (price.price, price.agreement) == (None, "disputed")
    assert found.refused("tether") == {}


def test_a_lone_source_is_measured_by_what_was_good() -> None:
    """Where nobody else quotes them, its own last good prices are the measure."""
    coins = [f"c{i}" for i in range(3)]
    found = Market(rules("a", *coins))
    found.rounds({coin: {"a": "100"} for coin in coins})
    prices = found.rounds({coin: {"a": "100000000"} for coin in coins})

    assert [price.price for price in prices] == [Decimal(100)] * 3
    assert {price.agreement for price in prices} == {"none"}


# frozen -------------------------------------------------------------------------------------------------------------


def moving(number: int) -> Decimal:
    """A price that moves 0.3 % a minute."""
    return (Decimal(100) * (1 + Decimal("0.003") * number)).quantize(Decimal("0.0001"))


def test_a_frozen_source_is_out_within_five_polls() -> None:
    """HTTP 200 with an old value, no time of its own: five polls, and it has no vote (rule 12; CoinDesk 2025)."""
    found = market()
    found.round(five("100"))
    out_at = None
    for number in range(1, 10):
        found.round({**dict.fromkeys("abcd", moving(number)), "e": "100"})
        if found.refused().get("e") == "frozen" and out_at is None:
            out_at = number + 1  # polls that brought the same value

    assert out_at == 5


def test_a_thawed_source_votes_again() -> None:
    """A new value is life; then it returns as any outlier does."""
    found = market()
    found.round(five("100"))
    for number in range(1, 8):
        found.round({**dict.fromkeys("abcd", moving(number)), "e": "100"})
    for number in range(8, 12):
        found.round(five(moving(number)))

    assert found.refused() == {}


def test_a_quiet_market_is_not_frozen() -> None:
    """The same value for an hour while the others do not move either."""
    found = market()
    for _ in range(60):
        found.round(five("100"))

    assert found.refused() == {}


def test_an_old_value_with_a_new_time_is_not_frozen() -> None:
    """The provider says it has looked; if it is wrong, it is an outlier and named so."""
    found = market()
    for number in range(10):
        found.round({**dict.fromkeys("abcd", moving(number)), "e": "100"}, times=True)

    assert found.refused() == {"e": "outlier"}


def test_one_other_group_that_moves_proves_nothing() -> None:
    """Two must have moved."""
    found = Market(rules({"a": venue("a"), "b": venue("b"), "c": venue("c")}))
    for number in range(10):
        found.round({"a": moving(number), "b": "100", "c": "100"})

    assert "frozen" not in found.refused().values()


def test_two_that_glitch_cannot_silence_three_that_are_quiet() -> None:
    """Quiet venues without times repeat themselves; two of five that run away do not make them frozen."""
    found = market()
    for number in range(12):
        off = 1 + Decimal("0.02") * number
        price = found.round(five("100", d=Decimal(100) * off, e=Decimal(100) * off))

    assert (price.price, price.agreement) == (Decimal(100), "ok")
    assert found.refused() == {"d": "outlier", "e": "outlier"}


def test_no_volume_is_no_life() -> None:
    """A halted venue renews its time and trades nothing: frozen (Bisq 2022, Poloniex)."""
    known = rules("abcde")
    memory = Memory()
    for number in range(8):
        now = NOW + 60 * number
        quotes = [quote(n, moving(number), poll=number + 1, received=now, at=now) for n in "abcd"]
        quotes.append(quote("e", "100", poll=number + 1, received=now, at=now, volume_24h=Decimal(0)))
        last = settle(quotes, memory, now, known)
        memory = last.memory

    assert last.rounds["bitcoin"].refused == {"e": "frozen"}
