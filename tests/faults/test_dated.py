"""The 24 dated failures that a price widget must survive, each replayed with its real figures where it happened.

Price failures go over HTTP through the real poller; failures of stores and pages through the real store and server.
"""

import asyncio
import time
from decimal import Decimal
from pathlib import Path

import pytest
from faults.conftest import Measured
from faults.stage import VENUES, Stage, percent, settled
from pages import Element, read
from publications import publication
from redis_server import RedisServer
from service import write_config

from ticker.config import check
from ticker.consensus import METHOD
from ticker.errors import Malformed, RateLimited, Refused, ServerFailed, StoreCorrupt, StoreError
from ticker.server.views import iso
from ticker.simulate.market import Market
from ticker.store import open_store

FIVE = VENUES[:5]


async def test_2021_12_14_coinmarketcap(measured: Measured) -> None:
    """Two hours of BTC at $850,867,136,053 and USDT at $69.9 m on one aggregator: nothing of it is shown."""
    real = {"bitcoin": "48300", "ethereum": "3850", "tether": "1", "shiba_inu": "0.000034"}
    glitch = {
        "bitcoin": "850867136053",
        "ethereum": "179600000000",
        "tether": "69900000",
        "shiba_inu": "22026",
    }
    coins = [coin.replace("_", "-") for coin in real]
    async with Stage(("kraken", "coinbase", "bitfinex", "coingecko", "coinmarketcap"), coins) as stage:
        stage.all_say(**real)
        stage.true(**real)
        await stage.turn(2)
        stage.say("coinmarketcap", **glitch)
        out = await stage.turns_until(
            lambda: {stage.refused(coin).get("coinmarketcap") for coin in coins} == {"canary"}
        )
        await stage.turn(120)
        shown = [await stage.number(coin) for coin in coins]
        stage.say("coinmarketcap", **real)
        await stage.turn()
        back = stage.refused("ethereum")

    assert out == 1
    assert shown == [Decimal(value) for value in real.values()]
    assert set(stage.agreements) == {"ok"}
    assert (stage.error, back) == ("error 0.00 %, 0 s wrong", {})
    measured(
        "2021-12-14 CoinMarketCap: BTC $850,867,136,053, USDT $69.9 m, for 2 h",
        "error ≤ 0.3 %, 0 s shown, the whole source out",
        f"{stage.error}; source out after {out} poll; 4 of 4 coins `ok`",
    )


async def test_2021_09_20_pyth(measured: Measured) -> None:
    """Two of 11 publishers near zero while BTC is $43,500: Pyth showed $5,402; here they are out and the spread is told."""  # noqa: E501
    honest = ["43500", "43512", "43488", "43520", "43495", "43505", "43480", "43510", "43498"]
    sources = (*VENUES, "binance", "mexc", "coingecko", "coinlore")
    dollars = dict.fromkeys((*VENUES, "coingecko", "coinlore"), ("bitcoin", "tether"))
    async with Stage(
        sources, ("tether", "bitcoin"), listed={**dollars, "binance": ("bitcoin",), "mexc": ("bitcoin",)}
    ) as stage:
        stage.all_say(tether="1", bitcoin="43500")
        for source, price in zip(sources, honest, strict=False):
            stage.say(source, bitcoin=price)
        stage.true(bitcoin="43500")
        await stage.turn(2)
        stage.say("gateio", bitcoin="0.000435")  # the exponent 10^0 read instead of 10^-8, the other way round
        stage.say("kucoin", bitcoin="0.4")  # a float cast to an integer, almost 0
        out = await stage.turns_until(lambda: {"gateio", "kucoin"} <= stage.refused("bitcoin").keys())
        await stage.turn(5)
        price = await stage.price("bitcoin")

    assert out == 1
    assert stage.worst["bitcoin"] <= Decimal("0.003")
    assert price["agreement"] == "ok"
    assert price["sources"]["used"] == 9
    assert Decimal(price["confidence"]) < Decimal("0.001")
    measured(
        "2021-09-20 Pyth: 2 of 11 publishers near zero, BTC $5,402 shown for $43,500",
        "error ≤ 0.3 %, the two out",
        f"{stage.error}; both out after {out} poll; confidence ± {percent(Decimal(price['confidence']))}",
    )


async def test_2021_10_21_binance_us(measured: Measured) -> None:
    """One venue's BTC falls from $65,760 to $8,200 in a minute; the market fell 2.3 %."""
    sources = ("kraken", "coinbase", "bitstamp", "bitfinex", "binance")
    listed = {"binance": ("bitcoin",)}
    async with Stage(sources, ("bitcoin", "tether"), listed=listed) as stage:
        stage.all_say(bitcoin="65760", tether="1")
        stage.true("65760")
        await stage.turn(2)
        fallen = Decimal(65760) * Decimal("0.977")
        stage.all_say(fallen, but=["binance", "bitstamp"])
        stage.say("bitstamp", "64150")
        stage.say("binance", "8200")
        await stage.turn()
        stage.true(fallen)
        await stage.turn()
        price = await stage.price()
        why = stage.refused()["binance"]

    assert stage.worst["bitcoin"] <= Decimal("0.023") + Decimal("0.003")  # late by a part of a minute, never further
    assert abs(Decimal(price["price"]) / fallen - 1) <= Decimal("0.003")
    assert price["agreement"] == "ok"
    assert why == "outlier"
    measured(
        "2021-10-21 Binance.US: BTC $65,760 to $8,200 within a minute, others -2.3 %",
        "error ≤ 0.3 %, $8,200 never shown",
        f"error {percent(abs(Decimal(price['price']) / fallen - 1))}; lowest shown ${price['price']}; out as {why}",
    )


async def test_2017_06_21_gdax(measured: Measured) -> None:
    """ETH $317.81 to $0.10 on one venue: out at once, whatever its last trade was."""
    async with settled("317.81", sources=("coinbase", "kraken", "bitfinex", "bitstamp"), coins=("ethereum",)) as stage:
        for price in ("224.48", "13", "0.10"):
            stage.say("coinbase", price)
            await stage.turn()
        shown = await stage.price()
        why = stage.refused()

    assert shown["price"] == "317.81"
    assert shown["agreement"] == "ok"
    assert set(why) == {"coinbase"}
    assert stage.wrong_seconds == 0
    measured(
        "2017-06-21 GDAX: ETH $317.81 to $0.10", "error ≤ 0.3 %, 0 s shown", f"{stage.error}; out in its first poll"
    )


async def test_2019_05_17_bitstamp(measured: Measured) -> None:
    """Bitstamp -20 % in 11 minutes. An index of two followed; ours says "disputed", and with four does not move."""
    steps = [Decimal(7800) * (1 - Decimal("0.2") * minute / 11) for minute in range(1, 12)]
    async with settled("7800", sources=("bitstamp", "coinbase", "kraken", "bitfinex")) as four:
        for price in steps:
            four.say("bitstamp", price)
            await four.turn()
        of_four = await four.price()
    async with settled("7800", sources=("bitstamp", "coinbase")) as two:
        disputed = None
        for minute, price in enumerate(steps, 1):
            two.say("bitstamp", price)
            await two.turn()
            shown = await two.price()
            if shown["agreement"] == "disputed" and disputed is None:
                disputed = (minute, abs(Decimal(shown["price"]) / 7800 - 1))

    assert (of_four["price"], of_four["agreement"]) == ("7800", "ok")
    assert four.error == "error 0.00 %, 0 s wrong"
    assert shown["agreement"] == "disputed"
    assert disputed is not None
    assert disputed[0] <= 2
    assert two.worst["bitcoin"] <= Decimal("0.01")
    measured(
        "2019-05-17 Bitstamp: -20 % in 11 min, a two-venue index followed",
        "4 sources: error ≤ 0.3 %; 2 sources: `disputed`",
        f"4 sources: {four.error}; 2 sources: disputed in minute {disputed[0]}, at most {percent(two.worst['bitcoin'])} off before",  # noqa: E501
    )


async def test_2026_02_06_bithumb(measured: Measured) -> None:
    """One regional venue -10 to -17 % after it credited 620,000 BTC by mistake."""
    async with settled("67000") as stage:
        for off in ("0.90", "0.83", "0.83", "0.87"):
            stage.say("okx", Decimal(67000) * Decimal(off))
            await stage.turn()
        price, why = await stage.price(), stage.refused()

    assert (price["price"], price["agreement"], why) == ("67000", "ok", {"okx": "outlier"})
    assert stage.wrong_seconds == 0
    measured(
        "2026-02-06 Bithumb: -10 to -17 % on one regional venue", "error ≤ 0.3 %", f"{stage.error}; out as outlier"
    )


async def test_2025_10_10_binance_usde(measured: Measured) -> None:
    """USDe at $0.65 and wBETH -88.7 % on one venue for 90 minutes, and pairs at 0.00: no zero is ever shown."""
    coins = ("ethena-usde", "wrapped-beacon-eth", "cosmos", "tether")
    real = {"ethena_usde": "0.999", "wrapped_beacon_eth": "4100", "cosmos": "3.1", "tether": "1"}
    async with Stage(
        ("kraken", "coinbase", "bitfinex", "coingecko", "binance"), coins, listed={"binance": coins[:3]}
    ) as stage:
        stage.all_say(**real)
        stage.true(**real)
        await stage.turn(2)
        stage.say("binance", ethena_usde="0.65", wrapped_beacon_eth=Decimal(4100) * Decimal("0.113"), cosmos="0.00000")
        await stage.turn(90)
        shown = {coin: await stage.price(coin) for coin in coins}
        page = read((await stage.get("/widget/list?coins=ethena-usde,wrapped-beacon-eth,cosmos&css=none"))[1])

    assert [price["price"] for price in shown.values()] == list(real.values())
    assert {price["agreement"] for price in shown.values()} == {"ok"}
    assert shown["cosmos"]["sources"]["used"] == 4  # zero is no price: no vote, and no canary either
    assert [element.text for element in page.find("mp-price")] == ["$0.9990", "$4,100.00", "$3.10"]
    assert stage.error == "error 0.00 %, 0 s wrong"
    measured(
        "2025-10-10 Binance: USDe $0.65, wBETH -88.7 %, pairs at 0.00, for 90 min",
        "error ≤ 0.3 %, no zero shown",
        f"{stage.error}; 0 zeros shown",
    )


async def test_2023_03_11_usdc(measured: Measured) -> None:
    """USDC at $0.877: books in USDC are converted by its real price, and Coinbase's premium is an outlier."""
    rate = Decimal("0.877")
    sources = ("kraken", "bitstamp", "bitfinex", "coinbase", "okx")
    usdc = {("okx", "bitcoin"): "BTC-USDC"}
    listed = {"coinbase": ("bitcoin",), "okx": ("bitcoin",)}
    async with Stage(sources, ("bitcoin", "usd-coin"), ids=usdc, listed=listed) as stage:
        stage.all_say(bitcoin="20200", usd_coin="1")
        stage.true(bitcoin="20200", usd_coin="1")
        await stage.turn(2)
        stage.all_say(usd_coin=rate)
        stage.true(bitcoin="20200", usd_coin=rate)
        for source in ("coinbase", "okx"):
            stage.say(source, Decimal(20200) / rate)
        await stage.turn(2)
        stage.worst.clear()
        stage.wrong_seconds = 0.0
        await stage.turn(10)
        bitcoin, peg, why = await stage.price(), await stage.price("usd-coin"), stage.refused()
    async with Stage((*sources[:3], "binance"), ("usd-coin", "tether"), listed={"binance": ("usd-coin",)}) as later:
        later.all_say(usd_coin="1", tether="1")
        later.true(usd_coin="1")
        await later.turn(2)
        later.say("binance", usd_coin="0.74")  # 2024-01-03, for minutes, on one venue
        await later.turn(5)

    assert (bitcoin["price"], bitcoin["agreement"], why) == ("20200", "ok", {"coinbase": "outlier"})
    assert bitcoin["sources"]["used"] == 4
    assert peg["price"] == "0.877"
    assert stage.wrong_seconds == later.wrong_seconds == 0
    measured(
        "2023-03-11 USDC $0.877, premium on Coinbase's book; 2024-01-03 USDC $0.74 on one venue",
        "BTC error < 0.3 %; the peg is shown as it is",
        f"BTC {stage.error}; USDC shown at ${peg['price']}; 2024: {later.error}",
    )


async def test_2022_05_luna(measured: Measured) -> None:
    """A real crash to $0.01 and below is shown within two polls, without a floor; a reused ticker is not shown at all."""  # noqa: E501
    async with settled("1.10", coins=("terra-luna",)) as stage:
        late = []
        for price in ("0.107", "0.01", "0.0001", "0.000001"):
            stage.all_say(price)
            polls = 0
            while await stage.number() != Decimal(price):
                await stage.turn()
                polls += 1
                assert polls <= 5
            late.append(polls)
        lowest = await stage.price()
        stage.all_say("0.00005")
        await stage.turn(3)
        stage.say("okx", Decimal("0.00005") * Decimal(177400))  # LUNA is another coin there now: +17,739,900 %
        await stage.turn(5)
        after, why = await stage.price(), stage.refused()

    assert max(late) <= 2
    assert lowest["price"] == "0.000001"
    assert (after["price"], after["agreement"], set(why)) == ("0.00005", "ok", {"okx"})
    assert Decimal(after["change_24h"]) < 1000
    measured(
        "2022-05 LUNA: floor at $0.107 while the market was at $0.01; ticker reused (+17,739,900 %)",
        "a real crash shown within 2 polls, no floor; the other coin never",
        f"shown after {max(late)} polls at most, down to ${lowest['price']}; the reused ticker 0 s",
    )


async def test_2022_01_btt(measured: Measured) -> None:
    """BTT 1:1000, a venue a day: always one of the two units, never a mixture, never a thousandfold of either."""
    old, new = Decimal("0.0000025"), Decimal("0.0025")
    async with settled(str(old), coins=("bittorrent",)) as stage:
        shown, reasons = [], set()
        for source in stage.sources:
            stage.say(source, new)
            for _ in range(6):
                await stage.turn()
                shown.append(await stage.number())
                reasons |= set(stage.refused().values())

    assert set(shown) == {old, new}
    assert shown.index(new) > 2 * 6 - 1
    assert set(shown[shown.index(new) :]) == {new}
    assert reasons == {"unit"}
    measured(
        "2022-01 BTT redenominated 1:1000, venues switched on different days",
        "one unit or the other, the new one once most have it",
        f"{len(shown)} turns: {shown.count(old)} in the old unit, then {shown.count(new)} in the new, 0 between",
    )


async def test_2018_01_08_coinmarketcap(measured: Measured) -> None:
    """Three venues with a premium are dropped overnight: by an aggregator unannounced, or by ops. Our price stays."""
    honest, premium = ("kraken", "coinbase", "bitfinex", "bitstamp", "binance"), ("okx", "kucoin", "gateio")
    listed = {"binance": ("ripple",), "coinmarketcap": ("ripple",)}
    async with Stage((*honest, *premium, "coinmarketcap"), ("ripple", "tether"), listed=listed) as stage:
        stage.all_say(ripple="2.80", tether="1")
        for source in premium:
            stage.say(source, "3.70")
        stage.say("coinmarketcap", "3.15")  # it mixes them all
        stage.true("2.80")
        await stage.turn(3)
        before = await stage.price()
        stage.say("coinmarketcap", "2.30")  # -27 % from one moment to the next
        await stage.turn(3)
        after = await stage.price()
        await stage.restart((*honest, "coinmarketcap"))
        await stage.turn(2)
        fewer = await stage.price()

    assert [(price["price"], price["agreement"]) for price in (before, after, fewer)] == [("2.8", "ok")] * 3
    assert stage.wrong_seconds == 0
    measured(
        "2018-01-08 CoinMarketCap drops 3 venues overnight: XRP -25 to -30 %",
        "error ≤ 0.3 %, whoever is dropped",
        f"{stage.error}; the method's version ({METHOD}) is told with every explanation",
    )


async def test_2025_02_coindesk(measured: Measured) -> None:
    """BPI stuck at $97,376.5 with HTTP 200, then without DNS; CoinCap answers a `message`: out, and no harm done."""
    start = Decimal("97376.5")
    async with settled(str(start)) as stage:
        stage.truth["bitcoin"] = lambda now: _rising(start, now - stage.started)
        out, reasons = None, []

        async def minutes(number: int) -> None:
            for _ in range(number):
                stage.all_say(_rising(start, stage.clock.now + 30 - stage.started), but=["coinbase"])
                await stage.turn()
                reasons.append(stage.refused().get("coinbase"))

        await minutes(30)
        out, why = next((turn, why) for turn, why in enumerate(reasons, 1) if why)
        last_why = reasons[-1]
        stage.answers("coinbase", b'{"message":"We are deprecating this version of the CoinCap API on March 31, 2025"}')
        await minutes(2)
        message = stage.poller.health["coinbase"].error
        stage.answers("coinbase", None)
        stage.breaks("coinbase", "reset")
        await minutes(5)
        price = await stage.price()

    assert out <= 5
    assert last_why == "frozen"
    assert isinstance(message, Malformed)
    assert (price["agreement"], price["sources"]["used"]) == ("ok", 4)
    assert stage.wrong_seconds == 0
    measured(
        "2025-02 CoinDesk BPI stuck at $97,376.5 with HTTP 200, then gone; CoinCap v2 says only `message`",
        "out within 5 polls, error ≤ 0.3 %",
        f"out after {out} polls as {why}; {stage.error}",
    )


def _rising(start: Decimal, seconds: float) -> Decimal:
    """A market that rises by 0.14 % a minute: slowly enough that a frozen source is no outlier for some polls."""
    return start * (1 + Decimal("0.0014") * Decimal(seconds / 60))


async def test_2015_05_bitcoinaverage(measured: Measured) -> None:
    """An aggregator frozen at $237.34 for two days, its own time with it: its vote ends with its age."""
    market, scale = Market(seed=3), Decimal("237.34") / Decimal("64250.12")
    sources = ("coinmarketcap", "kraken", "coinbase", "bitstamp")
    async with Stage(sources, every=1200.0) as stage:
        stage.truth["bitcoin"] = lambda now: market.price("bitcoin", now) * scale
        stage.all_say(market.price("bitcoin", stage.clock.now) * scale)
        await stage.turn()
        stage.said["coinmarketcap"].at = stage.clock.now
        stage.worst.clear()
        stage.wrong_seconds, out = 0.0, None
        for turn in range(1, 145):
            for source in sources[1:]:
                stage.say(source, market.price("bitcoin", stage.clock.now + 600, source=source) * scale)
            await stage.turn()
            if out is None and "coinmarketcap" in stage.refused():
                out = turn, stage.refused()["coinmarketcap"]
        price, why = await stage.price(), stage.refused()

    assert out is not None
    assert out[0] <= 5
    assert why == {"coinmarketcap": "expired"}
    assert (price["agreement"], price["sources"]["used"]) == ("ok", 3)
    assert stage.worst["bitcoin"] <= Decimal("0.02")  # polled every twenty minutes: late, never frozen
    measured(
        "2015-05 bitcoinaverage.com frozen at $237.34 for 2 days",
        "out within 5 polls",
        f"out after {out[0]} polls as {out[1]}, still out 2 days later; the other three `ok`",
    )


async def test_2019_2022_2023_bisq(measured: Measured) -> None:
    """A delisted coin, a halted venue, a single source at half the price, a venue -10 %: what Bisq showed."""
    async with settled("0.32", coins=("bitmark",), sources=("coingecko", "coinpaprika", "coinlore")) as delisted:
        delisted.said["coingecko"].at = delisted.clock.now  # delisted there: the last price for ever
        delisted.say("coinpaprika", "0.11")
        delisted.say("coinlore", "0.11")
        year_old = await delisted.turns_until(lambda: delisted.refused().get("coingecko") == "expired")
    async with settled("8.00", coins=("poloniex-coin",)) as halted:
        halted.said["okx"].volume = Decimal(0)  # its time moves on, and nobody trades
        for minute in range(1, 9):
            halted.all_say(Decimal(8) * (1 + Decimal("0.0014") * minute), but=["okx"])
            await halted.turn()
        why = halted.refused()["okx"]
    async with settled("250000", sources=("coingecko",)) as lone:
        lone.said["coingecko"].lag = 0
        lone.say("coingecko", "125000")
        await lone.turn()
        first = await lone.price()
        note = read(await lone.html()).one("mp-note").text
        await lone.turn(3)
        at_last = await lone.price()
    async with settled("160", sources=("kraken", "bitfinex", "coinbase", "bitstamp"), coins=("monero",)) as monero:
        monero.say("bitfinex", "144")
        await monero.turn(3)
        shown = await monero.price()

    assert year_old <= 5
    assert why == "frozen"
    assert (first["price"], first["agreement"]) == ("250000", "disputed")
    assert note
    assert (at_last["price"], at_last["agreement"]) == ("125000", "single")
    assert (shown["price"], monero.wrong_seconds) == ("160", 0)
    measured(
        "2019/2022/2023 Bisq: delisted coin tracked, halted venue averaged, BTC/AED 50 % low, HitBTC XMR -10 %",
        "old or halted: no vote in ≤ 5 polls; one source: labelled, delayed; -10 %: error ≤ 0.3 %",
        f"delisted out after {year_old} polls; halted out as {why}; -50 % on one source `disputed`, later `single`; "
        f"XMR {monero.error}",
    )


async def test_always_same_symbol(measured: Measured, tmp_path: Path) -> None:
    """BTG is Bitcoin Gold at $459 and Bitgem at $7.05: a symbol is no id, and each id gets its own coin's price."""
    btg = {"name": "Bitcoin Gold", "symbol": "BTG", "ids": {"coingecko": "btg", "coinpaprika": "BTG"}}
    errors = [str(error) for error in check(write_config(tmp_path / "config", {"bitcoin-gold": btg}), {})]
    coins = ("bitcoin-gold", "bitgem")
    names = {"bitcoin-gold": ("Bitcoin Gold", "BTG"), "bitgem": ("Bitgem", "BTG")}
    async with Stage(("coingecko", "coinpaprika", "coinlore"), coins, names=names) as stage:
        stage.all_say(bitcoin_gold="459", bitgem="7.05")
        await stage.turn()
        both = [await stage.number(coin) for coin in coins]
        for source in stage.sources:
            stage.bends(source, lambda body: body.replace(b"bitcoin-gold", b"bitgold-old").replace(b'"90000"', b'"9"'))
        await stage.turn(20)
        other = [await stage.price(coin) for coin in coins]

    assert len(errors) == 2
    assert all("is a ticker symbol, which several coins may share" in error for error in errors)
    assert both == [Decimal(459), Decimal("7.05")]
    assert (other[0]["agreement"], other[1]["price"]) == ("none", "7.05")
    measured(
        "same symbol: BTG is Bitcoin Gold $459 and Bitgem $7.05",
        "a symbol is refused as an id; no coin gets the other's price",
        f"{len(errors)} of 2 refused by `ticker check`; shown $459 and $7.05; id gone: no price, never $7.05",
    )


async def test_always_tiny_prices(measured: Measured) -> None:
    """SHIB as `6.44e-06` and PEPE as `0.00000` elsewhere: here digits, in JSON and on the widget."""
    coins = {"shiba-inu": "0.00000644", "pepe": "0.00000921", "tiny": "0.000000000000012345"}
    async with Stage(("kraken", "coinbase", "coinmarketcap"), tuple(coins)) as stage:
        for coin, price in coins.items():
            stage.all_say(**{coin: price})
        await stage.turn()
        found = {coin: (await stage.price(coin))["price"] for coin in coins}
        labels = {coin: read(await stage.html(coin)).one("mp-price").text for coin in coins}

    assert found == coins
    assert labels == {"shiba-inu": "$0.00000644", "pepe": "$0.00000921", "tiny": labels["tiny"]}
    assert "e" not in labels["tiny"].lower()
    assert any(digit in labels["tiny"] for digit in "123456789₀₁₂")
    measured(
        "tiny prices: SHIB `$6.44e-06`, PEPE `0.00000` in at least 6 tickers",
        "all digits that count, never scientific, never 0.00",
        f"JSON {found['shiba-inu']}, {found['pepe']}; widget {labels['shiba-inu']}, {labels['pepe']}, {labels['tiny']}",
    )


CHALLENGE = b"""<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title></head><body>
<h1>Checking if the site connection is secure</h1><script>window._cf_chl_opt={}</script></body></html>"""


async def test_2022_02_cryptonator(measured: Measured) -> None:
    """A challenge page in place of JSON, as 200, 403 and 503, typed as HTML and as JSON: no clock stands still."""
    async with settled("44000") as stage:
        kinds = []
        for status, kind in (
            (200, "text/html"),
            (403, "text/html; charset=UTF-8"),
            (503, "text/html"),
            (200, "application/json"),
        ):
            for source in stage.sources:
                stage.answers(source, CHALLENGE, status, Content_Type=kind)
            kinds.append((await stage.failure("kraken")).slug)
        answered = iso(stage.clock.now)
        rungs = []
        for _ in range(70):
            await stage.turn()
            price = await stage.price()
            rungs.append(price["freshness"])
            assert (price["as_of"] or answered) <= answered
        status, page = await stage.get("/widget/list")
        for source in stage.sources:
            stage.answers(source, None)
        await stage.pass_seconds(1800)
        back = await stage.price()

    assert kinds == ["malformed", "refused", "server_failed", "malformed"]
    assert [rungs[0], rungs[-1]] == ["live", "none"]
    assert list(dict.fromkeys(rungs)) == ["live", "delayed", "stale", "none"]
    assert status == 200
    assert "Just a moment" not in page
    assert back["agreement"] == "ok"
    measured(
        "2022-02 Cryptonator: a bot challenge page in place of JSON froze clocks and plugins",
        'refused before it is parsed; the last price grows old honestly, then "—"',
        f"told as {', '.join(dict.fromkeys(kinds))}; live → delayed → stale → none as of its own time; back by itself",
    )


async def test_2020_2023_coingecko(measured: Measured) -> None:
    """429 with and without Retry-After, in a 200, and 403 by user agent: no zero, no hammering, no lie."""
    limited = b'{"status":{"error_code":429,"error_message":"You have exceeded the Rate Limit."}}'
    async with settled("42000", sources=("coingecko", "kraken", "coinbase", "bitstamp"), every=300.0) as stage:
        kinds = []
        for body, status, headers in (
            (limited, 429, {}),
            (limited, 200, {}),
            (b"Forbidden", 403, {}),
            (limited, 429, {"Retry_After": "600"}),
        ):
            stage.answers("coingecko", body, status, **headers)
            kinds.append(type(await stage.failure("coingecko")))
        before = stage.calls["coingecko"]
        await stage.pass_seconds(600)
        storm = stage.calls["coingecko"] - before
        price = await stage.price()
    async with settled("42000", sources=("coingecko",), every=300.0) as lone:
        lone.answers("coingecko", limited, 429, Retry_After="60")
        await lone.pass_seconds(7200)
        after = await lone.price()
        text = read(await lone.html()).one("mp-price").text

    assert kinds == [RateLimited, RateLimited, Refused, RateLimited]
    assert storm <= 8
    assert (price["price"], price["agreement"], price["sources"]["used"]) == ("42000", "ok", 3)
    assert (after["price"], after["freshness"], text) == (None, "none", "—")
    measured(
        "2020-23 CoinGecko: limits cut to 10-30 a minute, 403 by User-Agent; apps showed `0`",
        "≤ 8 calls in a 10-minute storm; never 0",
        f'{storm} calls in 10 minutes of 429; the others `ok`; where it is alone: "—"',
    )


async def test_2025_11_18_cloudflare(measured: Measured) -> None:
    """Coinbase, Kraken and another behind one CDN answer 500 from 11:20 to 14:30: two others carry on, and say so."""
    gone, there = ("coinbase", "kraken", "coingecko"), ("bitstamp", "bitfinex")
    async with settled("91500", sources=(*gone, *there)) as stage:
        for source in gone:
            stage.breaks(source, "status:500")
        await stage.turn(190)
        during = await stage.price()
        kinds = {type(stage.poller.health[source].error) for source in gone}
        calls = max(stage.calls[source] for source in gone)
        for source in gone:
            stage.breaks(source, None)
        await stage.pass_seconds(1900)
        after = await stage.price()
        live = stage.agreements

    assert kinds == {ServerFailed}
    assert (during["price"], during["agreement"], during["freshness"]) == ("91500", "degraded", "live")
    assert (after["agreement"], after["sources"]["used"]) == ("ok", 5)
    assert set(live) == {"ok", "degraded"}
    assert calls <= 190 + 30
    measured(
        "2025-11-18 Cloudflare down 11:20-14:30: Coinbase, Kraken and others 500 at once",
        "price live from those elsewhere, labelled; all back by themselves",
        f"{during['agreement']} and live for 190 min, {stage.error}; `ok` of 5 again afterwards",
    )


HOSTILE = "<script src=https://evil.example/drainer.js></script><img src=x onerror=alert(1)>"


async def test_2025_06_20_doodle(measured: Measured) -> None:
    """A "doodle" field and coin names that carry script come with the prices: none of it reaches the widget."""
    doodle = b'"doodle":{"lottie":"%s","js":"document.body.innerHTML=1"},"status":' % HOSTILE.encode()

    def bend(body: bytes) -> bytes:
        return body.replace(b'"status":', doodle, 1).replace(b'"Bitcoin"', b'"%s"' % HOSTILE.encode())

    async with settled("104000", sources=("coinmarketcap", "coingecko", "kraken")) as stage:
        for source in stage.sources:
            stage.bends(source, bend)
        await stage.turn(2)
        price = await stage.price()
        trees = [read((await stage.get(path))[1]) for path in ("/widget/list", "/widget/label/bitcoin", "/embed/list")]

    elements = [element for tree in trees for element in tree.all()]
    assert (price["price"], price["agreement"]) == ("104000", "ok")
    assert all("evil.example" not in _whole(tree) for tree in trees)
    ours = ("/embed.js", "http://127.0.0.1:8080/oembed?")  # what a page for an iframe names, whatever sources say
    named = [one for one in elements if one.tag in ("script", "img", "iframe", "object", "link")]
    scripts = [
        one for one in named if not (one.attributes.get("src") or one.attributes.get("href", "")).startswith(ours)
    ]
    handlers = [name for one in elements for name in one.attributes if name.startswith("on")]
    assert (scripts, handlers) == ([], [])
    measured(
        "2025-06-20 CoinMarketCap: a doodle's JSON carried a wallet drainer's script",
        "0 scripts, 0 foreign elements on any widget; the price stands",
        f"{len(scripts)} scripts, {len(handlers)} handlers in {len(elements)} elements; BTC {price['agreement']}",
    )


def _whole(tree: Element) -> str:
    return tree.text + " ".join(value for element in tree.all() for value in element.attributes.values())


@pytest.mark.redis
async def test_2023_03_20_redis_py(measured: Measured, own_redis: RedisServer) -> None:
    """Cancelled commands left a reply for the next reader: 300 cancellations, two tickers on one Redis, 0 mixed up."""
    first, second = open_store(own_redis.url, "one"), open_store(own_redis.url, "two")
    await first.open()
    await second.open()
    foreign = looked = 0
    try:
        await first.publish(publication(1, 1))
        await second.publish(publication(2, 2))
        for number in range(300):
            doomed = [asyncio.create_task(one.latest()) for one in (first, second)]
            await asyncio.sleep(0.0001 * (number % 7))
            for task in doomed:
                task.cancel()
            found = await asyncio.gather(first.latest(), second.latest())
            looked += 2
            foreign += [one.order for one in found if one is not None] != [(1, 1), (2, 2)]
            await asyncio.gather(*doomed, return_exceptions=True)
        with own_redis.client() as client:  # what a poisoned connection would hand us: another value of ours
            client.set("{one}:snapshot", client.get("{one}:quotes"))
        with pytest.raises(StoreCorrupt) as caught:
            await first.latest()
    finally:
        await first.close()
        await second.close()

    assert foreign == 0
    assert "quotes" in str(caught.value)
    measured(
        "2023-03-20 redis-py: a cancelled command left a poisoned connection, others' data were served",
        "every value proves what it is; a foreign one is refused",
        f"{foreign} foreign of {looked} answers amid 600 cancellations; a planted one refused",
    )


@pytest.mark.redis
async def test_2023_10_19_openai_redis(measured: Measured, own_redis: RedisServer) -> None:
    """Redis hangs, refuses writes, is gone: every request is answered from memory, and it heals by itself."""
    async with settled("28500", sources=("kraken", "coinbase", "bitstamp"), store=own_redis.url) as stage:
        await stage.price()
        failed, slowest, asked = 0, 0.0, 0
        for hurt, heal in ((own_redis.pause, own_redis.resume), (own_redis.kill, own_redis.start)):
            hurt()
            for _ in range(100):
                started = time.perf_counter()
                async with stage.client.get("/widget/list") as response:
                    failed += response.status != 200 or "28,500" not in await response.text()
                slowest, asked = max(slowest, time.perf_counter() - started), asked + 1
            heal()
        with own_redis.client() as client:
            client.replicaof("127.0.0.1", 1)
            with pytest.raises(StoreError):
                await stage.store.publish(publication(9_999_999_999_999, 1))
            client.replicaof("no", "one")
        stage.all_say("28600")
        for source in stage.sources:
            stage.clock.now += 20
            await stage.poller.poll(source)
        async with asyncio.timeout(15):
            while stage.store.last is None or stage.store.last.prices[0].price != Decimal(28600):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        healed = await stage.number()

    assert failed == 0
    assert healed == 28600
    assert slowest < 0.5
    measured(
        "2023-10-19 OpenAI: Redis shards failing, 60-70 % errors for 4.5 h; Twilio 2013: primary restarted read-only",
        "100 % of requests answered, 0 wait for Redis, heals by itself",
        f"{failed} of {asked} requests failed while Redis hung or was gone; price of then after it was back",
    )


async def test_2014_07_bbc(measured: Measured) -> None:
    """The database throttles everyone: answers come from memory, the store is not asked once."""
    async with settled("620") as stage:
        await stage.price()
        await stage.stop_poller()
        stage.store.down = True
        before = stage.store.asked
        failed = 0
        for number in range(300):
            path = ("/widget/list", "/v1/prices", "/embed/label/bitcoin")[number % 3]
            failed += (await stage.get(path))[0] != 200
        calls = stage.store.asked - before

    assert (failed, calls) == (0, 0)
    measured(
        "2014-07 BBC Online: services without a local cache timed out when the database throttled",
        "0 failed, 0 calls to the store",
        f"{failed} of 300 requests failed, {calls} calls to the store",
    )


async def test_2016_12_31_leap_second(measured: Measured) -> None:
    """Time goes back by a second between two polls, again and again: no negative age, no crash, no false "live"."""
    new_year = 1_483_228_800.0  # 2017-01-01 00:00:00 UTC
    async with Stage(("kraken", "okx", "coingecko", "bitstamp"), start=new_year - 300) as stage:
        stage.all_say("963")
        stage.true("963")
        await stage.turn(4)
        ages, rungs = [], []
        for _ in range(60):
            stage.clock.now -= 1  # 23:59:60
            for source in stage.sources:
                await stage.poll(source)
            price = await stage.price()
            ages.append(stage.clock.now - stage.store.last.prices[0].as_of)  # type: ignore[union-attr,operator]
            rungs.append(price["freshness"])
            stage.clock.now += 1.5
        for source in stage.sources:
            stage.breaks(source, "status:500")
        stage.clock.now += 121
        after = await stage.price()

    assert min(ages) >= -1
    assert set(rungs) == {"live"}
    assert after["freshness"] == "delayed"
    assert set(stage.agreements) == {"ok"}
    measured(
        "2016-12-31 Cloudflare: a leap second, time went backwards, the resolver panicked",
        "no crash, no price older or younger than it is",
        f"60 seconds repeated: `ok` throughout, {stage.error}; two minutes without polls: {after['freshness']}",
    )
