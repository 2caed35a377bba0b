"""Wrong units and pegs: powers of ten, redenominations, stablecoins off their dollar, whole sources gone wild."""

from decimal import Decimal

import pytest
from faults.conftest import Measured
from faults.stage import TETHERED, VENUES, Stage, settled

FACTORS = {"cents for dollars": "100", "thousands": "0.001", "satoshis": "0.00000001", "a million": "1000000"}


@pytest.mark.parametrize("unit", FACTORS)
async def test_one_source_changes_its_unit(measured: Measured, unit: str) -> None:
    """It is out as what it is, a change of unit, until it agrees again (rule 7)."""
    async with settled("65000", sources=VENUES[:4]) as stage:
        stage.say("kraken", Decimal(65000) * Decimal(FACTORS[unit]))
        await stage.turn(3)
        price, why = await stage.price(), stage.refused()
        stage.say("kraken", "65000")
        back = await stage.turns_until(lambda: not stage.refused())

    assert (price["price"], price["agreement"], why) == ("65000", "ok", {"kraken": "unit"})
    assert back == 3
    measured(
        f"1 of 4 sources in another unit: {unit}",
        "out as `unit`, error ≤ 0.3 %",
        f"out as {why['kraken']}; {stage.error}",
    )


@pytest.mark.parametrize("sources", [1, 2])
async def test_a_unit_jump_on_thin_evidence(measured: Measured, sources: int) -> None:
    """One or two sources x1000: "—", for as long as they say so, until ops confirm it (rule 7)."""
    async with settled("0.0025", sources=("coingecko", "coinpaprika")[:sources], coins=("bittorrent",)) as stage:
        stage.all_say("2.5")
        await stage.turn(3)
        hidden = await stage.price()
        await stage.turn(80)
        still = await stage.price()
        wrong = stage.wrong_seconds
        stage.confirm("bittorrent")
        await stage.restart()
        await stage.turn(3)
        confirmed = await stage.price()

    assert (hidden["price"], still["price"], confirmed["price"]) == (None, None, "2.5")
    assert hidden["agreement"] == "disputed"
    assert wrong == 0
    measured(
        f"{sources} source(s) only, x1000",
        "hidden until confirmed",
        f'"—" for 83 minutes, shown after `ticker coins confirm` as {confirmed["agreement"]}',
    )


async def test_a_unit_jump_takes_itself_back(measured: Measured) -> None:
    """The source corrects its decimals: its price returns without anybody's doing."""
    async with settled("0.0025", sources=("coingecko",), coins=("bittorrent",)) as stage:
        stage.all_say("2500")
        await stage.turn(3)
        hidden = await stage.number()
        stage.all_say("0.00251")
        await stage.turn()
        back = await stage.number()

    assert (hidden, back) == (None, Decimal("0.00251"))
    measured("1 source x10^6 for 3 polls, then right again", "hidden, then shown", '"—", then its price, after 1 poll')


async def test_a_redenomination_of_all_at_once(measured: Measured) -> None:
    """Four sources switch 1:1000 in the same minute: confirmed by their next answers, as any real jump."""
    async with settled("0.0000025", sources=VENUES[:4], coins=("bittorrent",)) as stage:
        stage.all_say("0.0025")
        late = 0
        while await stage.number() != Decimal("0.0025"):
            await stage.turn()
            late += 1
            assert late <= 3

    assert late <= 2
    measured("4 sources redenominate 1:1000 at once", "shown within 2 polls", f"shown after {late} polls")


async def test_a_wild_stablecoin_silences_its_source(measured: Measured) -> None:
    """USDT at 69.9 million on one source: nothing of that poll counts, not even what looks right (rule 8)."""
    async with Stage(VENUES[:4], ("bitcoin", "tether")) as stage:
        stage.all_say(bitcoin="65000", tether="1")
        await stage.turn(2)
        stage.say("kraken", tether="69900000", bitcoin="65010")
        await stage.turn()
        why = stage.refused()
        stage.say("kraken", tether="1")
        await stage.turn()
        after = stage.refused()

    assert (why, after) == ({"kraken": "canary"}, {})
    measured(
        "USDT at $69.9 m on one source",
        "the whole source out for that poll",
        f"BTC there out as {why['kraken']}; back after 1 good poll",
    )


async def test_half_of_all_go_wild(measured: Measured) -> None:
    """Three of six put USDT and BTC at 10^8 times: the last good price tells the two halves apart (rule 8)."""
    async with Stage(VENUES[:6], ("bitcoin", "tether")) as stage:
        stage.all_say(bitcoin="65000", tether="1")
        stage.true(bitcoin="65000", tether="1")
        await stage.turn(2)
        for source in VENUES[:3]:
            stage.say(source, bitcoin="6500000000000", tether="100000000")
        await stage.turn(20)
        price, why = await stage.price(), stage.refused()

    assert (price["price"], price["agreement"]) == ("65000", "ok")
    assert why == dict.fromkeys(VENUES[:3], "canary")
    assert stage.wrong_seconds == 0
    measured(
        "3 of 6 sources x10^8 on BTC and USDT", "the wild half silenced, error ≤ 0.3 %", f"{stage.error}; `ok` of 3"
    )


@pytest.mark.parametrize(("wild", "out"), [(2, False), (3, True)])
async def test_wild_coins_silence_their_source(measured: Measured, wild: int, out: bool) -> None:
    """Three coins off by more than ten times are a broken source, two may be bad luck (rule 8)."""
    coins = ("bitcoin", "ethereum", "litecoin", "monero")
    async with Stage(VENUES[:4], coins) as stage:
        stage.all_say(bitcoin="65000", ethereum="1900", litecoin="66", monero="350")
        await stage.turn(2)
        for coin in coins[1 : 1 + wild]:
            stage.say("kraken", **{coin: "1000000"})
        await stage.turn()
        refused = stage.refused("bitcoin")

    assert (refused == {"kraken": "canary"}) is out
    measured(
        f"{wild} coins of one source off by > 10x",
        "3 silence it, 2 do not",
        "silenced" if out else "only those two are out",
    )


async def test_a_lone_source_goes_wild(measured: Measured) -> None:
    """Nobody else to compare with: measured by what it said before, on three coins at once (rule 8)."""
    coins = ("bitcoin", "ethereum", "shiba-inu")
    async with Stage(("coinmarketcap",), coins) as stage:
        stage.all_say(bitcoin="48000", ethereum="3850", shiba_inu="0.000034")
        stage.true(bitcoin="48000", ethereum="3850", shiba_inu="0.000034")
        await stage.turn(2)
        stage.all_say(bitcoin="850867136053", ethereum="179600000000", shiba_inu="22026")
        await stage.turn(50)
        shown = [await stage.number(coin) for coin in coins]

    assert shown == [Decimal(48000), Decimal(3850), Decimal("0.000034")]
    assert stage.wrong_seconds == 0
    measured(
        "the only source goes wild on 3 coins, 50 min",
        "the last good prices grow old",
        f"{stage.error}; the glitch 0 s",
    )


async def test_usdt_loses_its_peg(measured: Measured) -> None:
    """USDT at $0.93: books in USDT are converted by its real price; the widget shows the peg as it is (rule 9)."""
    sources = (*VENUES[:3], *TETHERED)
    async with Stage(sources, ("bitcoin", "tether"), listed=dict.fromkeys(TETHERED, ("bitcoin",))) as stage:
        stage.all_say(bitcoin="65000", tether="1")
        stage.true(bitcoin="65000")
        await stage.turn(2)
        stage.all_say(tether="0.93")
        for source in TETHERED:
            stage.say(source, bitcoin=Decimal(65000) / Decimal("0.93"))
        await stage.turn(5)
        price, peg, why = await stage.price(), await stage.price("tether"), stage.refused()

    assert (price["agreement"], price["sources"]["used"], why) == ("ok", 6, {})
    assert peg["price"] == "0.93"
    assert stage.worst["bitcoin"] <= Decimal("0.003")
    measured(
        "USDT at $0.93 everywhere, 3 of 6 sources quote in it",
        "BTC error ≤ 0.3 %, USDT shown as it is",
        f"BTC {stage.error}; USDT ${peg['price']}",
    )


async def test_usdt_off_its_peg_on_one_venue(measured: Measured) -> None:
    """USDT at $0.90 where only one says so is not the price of USDT."""
    sources = (*VENUES[:4], "binance")
    async with Stage(sources, ("bitcoin", "tether"), listed={"binance": ("bitcoin",)}) as stage:
        stage.all_say(bitcoin="65000", tether="1")
        stage.true(bitcoin="65000", tether="1")
        await stage.turn(2)
        stage.say("kraken", tether="0.90")
        await stage.turn(5)
        price = await stage.price()

    assert (price["price"], price["sources"]["used"], stage.wrong_seconds) == ("65000", 5, 0)
    measured("USDT at $0.90 on one venue of 4", "BTC and USDT error ≤ 0.3 %", stage.error)


async def test_no_price_of_usdt_no_vote_in_usdt(measured: Measured) -> None:
    """Without a settled USDT its books do not vote: it is never taken for a dollar (rule 9)."""
    async with Stage(
        ("kraken", "coinbase", *TETHERED),
        ("bitcoin", "tether"),
        listed={**dict.fromkeys(TETHERED, ("bitcoin",)), **dict.fromkeys(("kraken", "coinbase"), ("bitcoin",))},
    ) as stage:
        stage.all_say(bitcoin="65000")
        await stage.turn(2)
        price, why = await stage.price(), stage.refused()

    assert (price["agreement"], price["sources"]["used"]) == ("degraded", 2)
    assert why == dict.fromkeys(TETHERED, "no_rate")
    measured(
        "nobody prices USDT; 3 of 5 sources quote in it",
        "those votes are dropped",
        f"{len(why)} votes out as no_rate; `{price['agreement']}` of 2",
    )


async def test_a_peg_that_few_vouch_for(measured: Measured) -> None:
    """USDT at $0.95 by two sources: shown, but it converts nothing, since only a quorum may move that far (rule 9)."""
    listed = {"kraken": ("bitcoin", "tether"), "coinbase": ("bitcoin", "tether"), "binance": ("bitcoin",)}
    async with Stage(tuple(listed), ("bitcoin", "tether"), listed=listed) as stage:
        stage.all_say(bitcoin="65000", tether="0.95")
        await stage.turn(2)
        price, peg, why = await stage.price(), await stage.price("tether"), stage.refused()

    assert peg["price"] == "0.95"
    assert why == {"binance": "no_rate"}
    assert price["price"] == "65000"
    measured(
        "USDT at $0.95, vouched for by 2",
        "shown, converts nothing",
        f"USDT ${peg['price']} `{peg['agreement']}`; 1 vote out as no_rate",
    )
