"""Exchange rates over weekends and holidays: real adapters and rules on simulated sources, in accelerated time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ticker import currencies
from ticker.commands import assembly
from ticker.config import load
from ticker.consensus import Memory, settle
from ticker.conversion import convert, rate_of
from ticker.model import Price, Quote, Snapshot, SourceName
from ticker.poller import Assignment
from ticker.server import views
from ticker.server.params import Ask as Asked
from ticker.simulate.dialects.wire import Ask
from ticker.simulate.server import Simulation
from ticker.sources import REGISTRY, quotes

COINS = """show = []
[coins.tether]
name = "Tether"
symbol = "USDT"
[coins.usd-coin]
name = "USDC"
symbol = "USDC"
"""
EVERY_HALF_HOUR = timedelta(minutes=30)
GOOD_FRIDAY = datetime(2026, 4, 3, tzinfo=UTC)
WEDNESDAY_AFTER = datetime(2026, 4, 8, tzinfo=UTC)


class Clock:
    """Seconds since 1970 that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class World:
    """Sources of currencies polled at their own intervals, and settled after every turn of half an hour."""

    def __init__(self, folder: Path, *names: SourceName) -> None:
        folder.mkdir()
        (folder / "ticker.toml").write_text("")
        (folder / "coins.toml").write_text(COINS)
        config = load(folder, {"TICKER_SOURCES_OPENERAPI_ACCEPT_TERMS": "true"})
        self.polled: list[Assignment] = [one for one in assembly.assignments(config) if one.source.name in names]
        self.rules = assembly.rate_rules(self.polled)
        self.clock = Clock()
        money = {one: code for code, (one,) in currencies.ids().items()}
        self.simulation = Simulation(dict.fromkeys(names, money), seed=5, clock=self.clock)
        self.silent: set[SourceName] = set()
        self._quotes: dict[SourceName, list[Quote]] = {}
        self._due = dict.fromkeys(names, 0.0)
        self._memory = Memory()

    def turns(self, start: datetime, stop: datetime) -> Iterator[tuple[datetime, dict[str, Price]]]:
        """The rates at every half hour between two moments."""
        moment = start
        while moment < stop:
            self.clock.now = moment.timestamp()
            for one in self.polled:
                if self.clock.now >= self._due[one.source.name] and one.source.name not in self.silent:
                    self._poll(one)
            ours = [quote for found in self._quotes.values() for quote in found]
            settled = settle(ours, self._memory, self.clock.now, self.rules)
            self._memory = settled.memory
            yield moment, {price.coin: price for price in settled.prices}
            moment += EVERY_HALF_HOUR

    def _poll(self, one: Assignment) -> None:
        name = one.source.name
        body = self.simulation.answer(name, Ask({"base": "EUR"})).body
        self._quotes[name] = quotes(one.source, [body], one.ids, received=self.clock.now, poll=1)
        self._due[name] = self.clock.now + one.every


@pytest.mark.parametrize(
    ("names", "agreement"),
    [
        (("ecb",), "single"),
        (("ecb", "frankfurter"), "single"),
        (("ecb", "frankfurter", "coingeckorates"), "degraded"),
        (("ecb", "frankfurter", "openerapi"), "degraded"),
        (("ecb", "frankfurter", "openerapi", "coingeckorates"), "ok"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else value,
)
def test_easter(tmp_path: Path, names: tuple[SourceName, ...], agreement: str) -> None:
    """From Maundy Thursday to the Wednesday after Easter the euro is live and agreed, at every half hour."""
    world = World(tmp_path / "config", *names)
    for moment, rates in world.turns(GOOD_FRIDAY - timedelta(days=1), WEDNESDAY_AFTER):
        euro = rates["eur"]
        assert (euro.agreement, euro.freshness(moment.timestamp())) == (agreement, "live"), moment
        true = world.simulation.market.price("eur", moment.timestamp())
        assert euro.price is not None
        assert abs(euro.price / true - 1) < Decimal("0.02")


def test_rates_carry_their_day(tmp_path: Path) -> None:
    """From Friday to Tuesday a page says that its euros are of Thursday, and on Tuesday evening that they are not."""
    world = World(tmp_path / "config", "ecb")
    said: dict[str, set[str]] = {}
    for moment, rates in world.turns(GOOD_FRIDAY, WEDNESDAY_AFTER):
        found = Snapshot(1, 1, moment.timestamp(), (), (), (), tuple(rates.values()))
        rate = rate_of(found, "eur")
        assert rate is not None
        said.setdefault(f"{moment:%A}", set()).add(str(views.iso(rate.as_of)))
        assert views.board(found, Asked(currency="eur"), moment.timestamp()).rate_as_of is not None

    thursday, tuesday = "2026-04-02T00:00:00.000Z", "2026-04-07T00:00:00.000Z"
    assert said == {
        "Friday": {thursday},
        "Saturday": {thursday},
        "Sunday": {thursday},
        "Monday": {thursday},
        "Tuesday": {thursday, tuesday},
    }


def test_a_weekend_without_the_quick_source(tmp_path: Path) -> None:
    """CoinGecko falls silent on Saturday: the euro goes on with the bank alone, and says so; gold goes."""
    world = World(tmp_path / "config", "ecb", "coingeckorates")
    friday = datetime(2026, 11, 20, 18, tzinfo=UTC)
    euro: list[str] = []
    gold: list[str] = []
    for moment, rates in world.turns(friday, friday + timedelta(days=4)):
        if moment >= friday + timedelta(hours=12):
            world.silent = {"coingeckorates"}
        assert rates["eur"].freshness(moment.timestamp()) == "live"
        euro.append(rates["eur"].agreement)
        gold.append(rates["xau"].freshness(moment.timestamp()))

    assert list(dict.fromkeys(euro)) == ["degraded", "single"]
    assert list(dict.fromkeys(gold)) == ["live", "delayed", "none"]


def test_a_bank_that_publishes_no_more(tmp_path: Path) -> None:
    """A host that repeats the same day for ever loses its vote, and in the end its rate: no price, not an old one."""
    world = World(tmp_path / "config", "ecb")
    start = datetime(2026, 11, 20, 18, tzinfo=UTC)
    list(world.turns(start, start + timedelta(hours=1)))
    world.simulation.set_fault("ecb", "frozen")
    rungs: list[str] = []
    for moment, rates in world.turns(start + timedelta(hours=1), start + timedelta(days=20)):
        found = Snapshot(1, 1, moment.timestamp(), (), (), (), tuple(rates.values()))
        coin = Price("bitcoin", Decimal(64000), "ok")
        rungs.append(convert(coin, rate_of(found, "eur")).freshness(moment.timestamp()))
        if rungs[-1] == "none":
            break

    assert list(dict.fromkeys(rungs)) == ["live", "delayed", "none"]
    assert len(rungs) < 48 * 16


def test_sources_need_no_more_than_their_intervals(tmp_path: Path) -> None:
    """A month of polls of all four is a few hundred calls, CoinGecko's within what its coins leave."""
    calls = {name: 30 * 86_400 / source.every for name, source in REGISTRY.items() if source.of == "currencies"}
    assert calls == {"ecb": 180, "frankfurter": 180, "openerapi": 120, "coingeckorates": 180}
