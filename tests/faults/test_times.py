"""Times that lie and values that stand still: what is old, from the future, frozen or halted has no vote."""

from decimal import Decimal

import pytest
from faults.conftest import Measured
from faults.stage import VENUES, Stage, settled

TIMED = ("okx", "kucoin", "coingecko", "bitstamp")  # sources that tell their own time

LIES = {
    "0": 0.0,
    "1970 (seconds read as milliseconds)": 1_800_000.0,
    "milliseconds read as seconds": 1_800_000_000_000.0,
    "tomorrow": 1_800_086_400.0,
    "a year ago": 1_768_464_000.0,
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_time_that_cannot_be(measured: Measured, lie: str) -> None:
    """0, 1970, milliseconds for seconds, a day ahead: such a quote never counts as fresh, nor at all (rule 11)."""
    async with settled("65000", sources=TIMED) as stage:
        stage.said["okx"].at = LIES[lie]
        await stage.turn()
        price, why = await stage.price(), stage.refused()

    assert set(why) == {"okx"}
    assert why["okx"] in ("bad_time", "expired")
    assert (price["agreement"], price["sources"]["used"], price["freshness"]) == ("ok", 3, "live")
    measured(
        f"a source's own time is {lie}",
        "no vote from the first poll",
        f"out after 1 poll as {why['okx']}; the others `ok`",
    )


async def test_times_are_missing(measured: Measured) -> None:
    """A source that always gave its time and now gives none is not fresh because it has just arrived (rule 11)."""
    async with settled("65000", sources=TIMED) as stage:
        stage.bends("coingecko", lambda body: body.replace(b'"last_updated"', b'"updated"'))
        await stage.turn()
        why = stage.refused()

    assert why == {"coingecko": "bad_time"}
    measured("a timed source gives no time any more", "no vote", f"out after 1 poll as {why['coingecko']}")


async def test_all_times_lie(measured: Measured) -> None:
    """Every source says 1970: the last good price grows old honestly, none is made up."""
    async with settled("65000", sources=TIMED) as stage:
        for source in TIMED:
            stage.said[source].at = 1.0
        await stage.turn(4)
        price = await stage.price()

    assert (price["price"], price["agreement"], price["freshness"]) == ("65000", "none", "delayed")
    measured("every source says 1970", "the last good price, ageing", f"`{price['agreement']}`, {price['freshness']}")


@pytest.mark.parametrize(("ahead", "counts"), [(20.0, True), (40.0, False)])
async def test_a_clock_that_is_ahead(measured: Measured, ahead: float, counts: bool) -> None:
    """A provider's clock may be 30 s ahead of ours, and not more (rule 11)."""
    async with settled("65000", sources=TIMED) as stage:
        stage.said["okx"].lag = ahead
        await stage.poll("okx")
        why = stage.refused()

    assert (why == {}) is counts
    measured(
        f"a provider's clock {ahead:.0f} s ahead", "30 s are allowed", "counts" if counts else f"out as {why['okx']}"
    )


@pytest.mark.parametrize(("behind", "counts"), [(150.0, True), (200.0, False)])
async def test_a_clock_that_is_behind(measured: Measured, behind: float, counts: bool) -> None:
    """A vote lives 180 s from its own time, not from ours (rule 13)."""
    async with settled("65000", sources=TIMED) as stage:
        stage.said["okx"].lag = -behind
        await stage.poll("okx")
        why = stage.refused()

    assert (why == {}) is counts
    measured(
        f"a source's prices are {behind:.0f} s old", "180 s are allowed", "counts" if counts else f"out as {why['okx']}"
    )


async def test_a_frozen_source(measured: Measured) -> None:
    """HTTP 200 with the old value, no time of its own, while all others move slowly: out within five polls (rule 12)."""  # noqa: E501
    async with settled("65000") as stage:
        out = 0
        while "kraken" not in stage.refused():
            out += 1
            stage.all_say(Decimal(65000) * (1 + Decimal("0.0014") * out), but=["kraken"])
            await stage.turn()
            assert out < 10
        why = stage.refused()["kraken"]

    assert out <= 5
    assert why == "frozen"
    measured("frozen with HTTP 200, others move 0.14 % a poll", "out within 5 polls", f"out after {out} polls as {why}")


async def test_a_frozen_source_with_frozen_time(measured: Measured) -> None:
    """Value and time stand still together: out as too old or as frozen, whichever is first."""
    async with settled("65000", sources=TIMED) as stage:
        stage.said["okx"].at = stage.clock.now
        out = 0
        while "okx" not in stage.refused():
            out += 1
            stage.all_say(Decimal(65000) * (1 + Decimal("0.0014") * out), but=["okx"])
            await stage.turn()
            assert out < 10
        why = stage.refused()["okx"]

    assert out <= 5
    measured("value and provider time frozen", "out within 5 polls", f"out after {out} polls as {why}")


async def test_a_frozen_value_with_a_running_time(measured: Measured) -> None:
    """It says it has looked; as soon as it is too far off it is an outlier, and the price never was its own."""
    async with settled("65000", sources=TIMED) as stage:
        for minute in range(1, 31):
            stage.all_say(Decimal(65000) * (1 + Decimal("0.0014") * minute), but=["okx"])
            stage.true(Decimal(65000) * (1 + Decimal("0.0014") * minute))
            await stage.turn()
        price, why = await stage.price(), stage.refused()

    assert why == {"okx": "outlier"}
    assert (price["agreement"], stage.wrong_seconds) == ("ok", 0)
    measured("value frozen, provider time runs on, 30 min", "error ≤ 0.3 %", f"{stage.error}; out as {why['okx']}")


async def test_a_halted_venue(measured: Measured) -> None:
    """No volume at all, a running time, an old price: halted, no vote (rule 12; Poloniex)."""
    async with settled("65000", sources=TIMED) as stage:
        stage.said["bitstamp"].volume = Decimal(0)
        out = 0
        while "bitstamp" not in stage.refused():
            out += 1
            stage.all_say(Decimal(65000) * (1 + Decimal("0.0014") * out), but=["bitstamp"])
            await stage.turn()
            assert out < 10
        first = stage.refused()["bitstamp"]
        for minute in range(out + 1, 9):
            stage.all_say(Decimal(65000) * (1 + Decimal("0.0014") * minute), but=["bitstamp"])
            await stage.turn()
        why = stage.refused()["bitstamp"]

    assert (out <= 5, why) == (True, "frozen")
    measured(
        "halted venue: volume 0, time runs on",
        "no vote within 5 polls",
        f"out after {out} polls as {first}, then {why}",
    )


async def test_a_frozen_source_thaws(measured: Measured) -> None:
    """New values are life: it votes again, after the polls that any outlier needs."""
    async with settled("65000") as stage:
        for minute in range(1, 9):
            stage.all_say(Decimal(65000) * (1 + Decimal("0.0014") * minute), but=["kraken"])
            await stage.turn()
        frozen = stage.refused()
        stage.all_say("65800")
        back = await stage.turns_until(lambda: not stage.refused())

    assert frozen == {"kraken": "frozen"}
    assert back <= 3
    measured("a frozen source moves again", "votes again within 3 polls", f"back after {back} poll(s)")


async def test_a_quiet_market(measured: Measured) -> None:
    """Nothing moves anywhere for an hour: nobody is called frozen."""
    async with settled("0.9999", coins=("usd-coin",)) as stage:
        await stage.turn(60)
        price, why = await stage.price(), stage.refused()

    assert (price["agreement"], price["freshness"], why) == ("ok", "live", {})
    measured(
        "no price moves for an hour",
        "nobody frozen, price live",
        f"`{price['agreement']}`, {price['freshness']}, {len(why)} refused",
    )


async def test_two_runaways_do_not_silence_three_quiet_ones(measured: Measured) -> None:
    """Two of five run away while three stand still: the quiet ones are not frozen, they are right."""
    async with settled("65000") as stage:
        for minute in range(1, 13):
            for source in VENUES[:2]:
                stage.say(source, Decimal(65000) * (1 + Decimal("0.02") * minute))
            await stage.turn()
        price, why = await stage.price(), stage.refused()

    assert (price["price"], price["agreement"], stage.wrong_seconds) == ("65000", "ok", 0)
    assert set(why.values()) == {"outlier"}
    measured("2 of 5 run away 2 % a poll, 3 stand still", "error ≤ 0.3 %", f"{stage.error}; the runaways out")


async def test_one_of_four_stalls(measured: Measured) -> None:
    """It answers no more: its vote goes at its limit, and the state stays "ok" (rule 13)."""
    async with settled("65000", sources=VENUES[:4]) as stage:
        stage.breaks("kraken", "status:503")
        gone = 0
        while (await stage.price())["sources"]["used"] == 4:
            await stage.turn()
            gone += 1
            assert gone < 6
        price = await stage.price()

    assert gone <= 4
    assert price["agreement"] == "ok"
    measured(
        "1 of 4 sources stalls",
        "its vote gone at 180 s, state stays `ok`",
        f"gone in minute {gone}, `{price['agreement']}` of 3",
    )


async def test_all_stall(measured: Measured) -> None:
    """Nobody answers any more: live, delayed, stale, none, at the seconds that were promised (rule 14)."""
    async with settled("65000", sources=("kraken", "coinbase", "bitfinex")) as stage:
        for source in stage.sources:
            stage.breaks(source, "status:503")
        rungs: dict[str, float] = {}
        started = stage.clock.now
        while (await stage.price())["freshness"] != "none":
            await stage.pass_seconds(5)
            rungs.setdefault((await stage.price())["freshness"], stage.clock.now - started)
            assert stage.clock.now - started < 4000

    assert list(rungs) == ["live", "delayed", "stale", "none"]
    assert rungs["delayed"] <= 120
    assert rungs["stale"] <= 300
    assert rungs["none"] <= 3600
    measured(
        "all sources stall",
        "delayed ≤ 120 s, stale ≤ 300 s, none ≤ 3600 s after the last answer",
        ", ".join(f"{rung} from {seconds:.0f} s" for rung, seconds in rungs.items() if rung != "live"),
    )


@pytest.mark.parametrize("hours", [1, -1])
async def test_our_clock_jumps_an_hour(measured: Measured, hours: int) -> None:
    """The machine's clock is set by an hour: no price is younger than it is, and it heals with the next polls."""
    async with settled("65000", sources=("kraken", "okx", "coingecko", "bitstamp")) as stage:
        stage.clock.now += 3600 * hours
        stage._due = {name: due + 3600 * hours for name, due in stage._due.items()}
        first = await stage.price()
        for source in ("okx", "coingecko", "bitstamp"):  # they go by the true time
            stage.said[source].lag = -3600 * hours
        stage.ahead = 3600.0 * hours
        await stage.turn(2)
        during = await stage.price()
        stage.clock.now -= 3600 * hours
        stage.ahead = 0.0
        stage._due = {name: due - 3600 * hours for name, due in stage._due.items()}
        for source in ("okx", "coingecko", "bitstamp"):
            stage.said[source].lag = 0
        await stage.turn(4)
        after = await stage.price()

    if hours > 0:
        assert first["freshness"] in ("stale", "none")
        assert during["agreement"] == "single"  # only the source without times can be believed
    assert during["price"] in (None, "65000")
    assert during["clock_suspect"]
    assert during["freshness"] != "live"  # the sources' own clocks say that ours is not to be believed
    assert (after["price"], after["agreement"], after["freshness"]) == ("65000", "ok", "live")
    assert not after["clock_suspect"]
    assert stage.wrong_seconds == 0
    measured(
        f"our clock is set {hours:+d} h and back",
        "no false `live`, no wrong price, heals",
        f"then `{during['agreement']}` {during['freshness']}; afterwards `{after['agreement']}` {after['freshness']}; {stage.error}",  # noqa: E501
    )


@pytest.mark.parametrize("seconds", [20, -20, 40, -40, 86_400, -86_400])
async def test_our_clock_is_wrong_from_the_start(measured: Measured, seconds: int) -> None:
    """Up to 30 s nothing is marked; beyond, every price is, and none is called live however new it looks."""
    async with Stage(("kraken", "okx", "coingecko", "bitstamp")) as stage:
        stage.all_say("65000")
        stage.ahead = float(seconds)
        for source in ("okx", "coingecko", "bitstamp"):
            stage.said[source].lag = seconds
        await stage.turn(2)
        found = await stage.price()

    assert found["clock_suspect"] == (abs(seconds) > 30)
    assert (found["freshness"] == "live") == (abs(seconds) <= 30)
    assert found["price"] == "65000"
    measured(
        f"our clock is {seconds:+,d} s wrong from the start",
        "beyond 30 s marked and never `live`",
        f"{'marked' if found['clock_suspect'] else 'not marked'}, `{found['agreement']}` {found['freshness']}",
    )


async def test_a_price_is_as_of_its_votes(measured: Measured) -> None:
    """As-of is the time of the quotes, never that of our arithmetic: publishing again makes nothing younger (rule 4)."""  # noqa: E501
    async with Stage(TIMED) as stage:
        stage.all_say("65000")
        at = stage.clock.now
        for source in TIMED:
            stage.said[source].at = at
        await stage.turn(2)
        price = await stage.price()
        last = stage.store.last

    assert last is not None
    assert last.prices[0].as_of == at
    assert last.built_at > at + 60
    measured(
        "sources repeat an answer of a minute ago",
        "as-of is theirs, not ours",
        f"as of {last.built_at - at:.0f} s before it was published; {price['freshness']}",
    )
