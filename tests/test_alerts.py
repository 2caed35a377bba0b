"""What is told, and when: once as it begins, once as it ends, with patience, and not too often."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bulletins import agreed, bulletin, down, single, source
from msgspec.structs import replace
from snapshots import NOW

from ticker.alerts import HOUR, MOST_AN_HOUR, PATIENCE, Message, decide, span
from ticker.bulletin import Alert, Bulletin, ConfigStanding, Refusal
from ticker.model import Price


@dataclass
class Watchman:
    """Decides again and again, and keeps what was told."""

    alerts: tuple[Alert, ...] = ()
    told: tuple[float, ...] = ()
    messages: list[Message] = field(default_factory=list)

    def at(self, now: float, found: Bulletin, prices: Sequence[Price] = ()) -> list[str]:
        """What is told at this moment."""
        self.alerts, self.told, messages = decide(self.alerts, self.told, found, prices, now)
        self.messages += messages
        return [one.text for one in messages]


WELL = bulletin(alerts=(), sources=(source("kraken"), source("okx"), source("ecb", prices="currencies")))


def fallen(*names: str, since: float = NOW) -> Bulletin:
    """The same with these down since then."""
    others = tuple(one for one in WELL.sources if one.name not in names)
    return replace(WELL, sources=(*others, *(down(name, since) for name in names)))


def test_a_source_that_is_down_for_three_hours() -> None:
    """Told once, with who serves meanwhile; and once when it has answered again for five minutes."""
    man = Watchman()
    assert man.at(NOW + 3 * HOUR - 1, fallen("okx")) == []
    assert man.at(NOW + 3 * HOUR, fallen("okx")) == ["okx has been down for 3 h; prices come from kraken"]
    assert man.at(NOW + 4 * HOUR, fallen("okx")) == []
    back = NOW + 5 * HOUR
    assert man.at(back, WELL) == []
    assert man.at(back + 299, WELL) == []
    assert man.at(back + 300, WELL) == ["okx answers again, after 5 h"]
    assert man.at(back + 999, WELL) == []
    assert [one.phase for one in man.messages] == ["begins", "ends"]
    assert man.alerts == ()


def test_a_source_that_was_not_asked_yet_has_not_answered() -> None:
    """To the next leader, who has asked nobody yet, what was down is down, and nothing is told."""
    man = Watchman()
    man.at(NOW + 3 * HOUR, fallen("okx", "kraken"))
    told = len(man.messages)
    waiting = tuple(replace(one, condition="waiting") for one in WELL.sources)
    for minute in range(0, 60, 10):
        assert man.at(NOW + 4 * HOUR + 60 * minute, replace(WELL, sources=waiting)) == []
    assert man.at(NOW + 5 * HOUR, fallen("okx", "kraken")) == []
    assert len(man.messages) == told > 0


def test_one_that_flaps_is_told_once() -> None:
    """Up for a moment does not end it, and it does not begin anew."""
    man = Watchman()
    man.at(NOW + 3 * HOUR, fallen("okx"))
    for minute in range(0, 120, 4):
        assert man.at(NOW + 3 * HOUR + 60 * minute, WELL) == []
        assert man.at(NOW + 3 * HOUR + 60 * (minute + 2), fallen("okx", since=NOW + 3 * HOUR + 60 * minute)) == []


def test_a_short_one_is_never_told() -> None:
    """Neither its beginning nor its end."""
    man = Watchman()
    man.at(NOW + 60, fallen("okx"))
    assert man.at(NOW + 120, WELL) == []
    assert (man.alerts, man.messages) == ((), [])


def test_one_source_left() -> None:
    """Told after ten minutes, with its name; not of a coin that only ever had one."""
    man = Watchman()
    lone = replace(single("mine"), total=1)
    prices = [single("neo"), lone, agreed("bitcoin")]
    assert man.at(NOW, WELL, prices) == []
    assert man.at(NOW + 600, WELL, prices) == ["neo has one source left: kraken"]
    assert man.at(NOW + 700, WELL, [agreed("neo")]) == []
    assert man.at(NOW + 1300, WELL, [agreed("neo")]) == ["neo has more than one source again, or none"]


def test_no_source_answers() -> None:
    """Sources of currencies do not count; told after two minutes."""
    man = Watchman()
    assert man.at(NOW + 119, fallen("okx", "kraken")) == []
    assert man.at(NOW + 120, fallen("okx", "kraken")) == [
        "no source answers; pages keep the last prices with their age, and then show none"
    ]
    assert man.at(NOW + 200, WELL) == []
    assert man.at(NOW + 260, WELL) == ["sources answer again, after 4 min"]


def test_a_refused_configuration() -> None:
    """Told at once, with the reason on one line, and when it is good again."""
    man = Watchman()
    refused = replace(WELL, config=ConfigStanding("v", NOW, Refusal(NOW, "coins.toml:3: show\n= 1: wrong"), 1))
    assert man.at(NOW + 1, refused) == [
        "the configuration was refused, the last good one stays: coins.toml:3: show = 1: wrong"
    ]
    assert man.at(NOW + 2, WELL) == ["the configuration is good again"]


def test_those_of_one_kind_share_a_message() -> None:
    """Fifty coins are one message that names ten."""
    man = Watchman()
    prices = [single(f"coin-{number}") for number in range(50)]
    man.at(NOW, WELL, prices)
    (text,) = man.at(NOW + 600, WELL, prices)
    assert text.startswith("coin-0, coin-1")
    assert "and 40 more have one source left: kraken" in text
    assert len(man.messages[0].subjects) == 50


def test_no_more_than_so_many_an_hour() -> None:
    """Beyond the bound messages wait; nothing is forgotten, and nothing is told twice."""
    man = Watchman()
    for number in range(40):  # one coin more every minute
        man.at(NOW + 60 * number, WELL, [single(f"coin-{one}") for one in range(number)])
    assert len(man.messages) == MOST_AN_HOUR
    prices = [single(f"coin-{one}") for one in range(40)]
    for minute in range(40, 140):
        man.at(NOW + 60 * minute, WELL, prices)
    told = [subject for one in man.messages for subject in one.subjects]
    assert sorted(told) == sorted(set(told))
    assert len(told) == 40
    assert all(
        sum(1 for at in (m.at for m in man.messages) if start <= at < start + HOUR) <= MOST_AN_HOUR
        for start in (m.at for m in man.messages)
    )


def test_a_clock_that_was_set_back_ends_nothing() -> None:
    """What was told in the future is not told again, and no time is negative."""
    man = Watchman()
    man.at(NOW + 3 * HOUR, fallen("okx"))
    assert man.at(NOW - 5 * HOUR, fallen("okx")) == []
    assert man.at(NOW - 5 * HOUR + 1, WELL) == []
    assert man.at(NOW - 5 * HOUR + 301, WELL) == ["okx answers again, after 301 s"] or man.messages[-1].phase == "ends"


def test_every_kind_has_its_patience() -> None:
    """There is no alert without one."""
    assert set(PATIENCE) == {"source_down", "one_source", "no_source", "config_refused"}


def test_spans() -> None:
    """As people say them."""
    assert [span(s) for s in (0, 89, 90, 5399, 5400, 47 * HOUR, 48 * HOUR)] == [
        "0 s", "89 s", "2 min", "90 min", "2 h", "47 h", "2 days",
    ]  # fmt: skip
