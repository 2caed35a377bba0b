"""Currencies end to end: the real process on simulated sources, and on the recorded answers of the real ones."""

import json
from decimal import Decimal
from pathlib import Path

from replay import Replay, load
from service import stand_ins, ticker, write_config

from ticker.commands.simulate import market_of
from ticker.config import load as load_config
from ticker.currencies import CURRENCIES, RATED
from ticker.simulate import server as simulator
from ticker.sources import REGISTRY

SHIPPED = Path(__file__).resolve().parents[2] / "config"
FIAT = [name for name, source in REGISTRY.items() if source.of == "currencies"]


def shipped(folder: Path) -> Path:
    """A copy of the shipped configuration."""
    folder.mkdir(parents=True)
    for name in ("ticker.toml", "coins.toml"):
        (folder / name).write_bytes((SHIPPED / name).read_bytes())
    return folder


async def test_every_currency_is_served_from_the_real_process(tmp_path: Path) -> None:
    """Poll, settle, store, serve: bitcoin in every currency is what the simulated market says, widgets included."""
    config = shipped(tmp_path / "config")
    simulation = await simulator.start(market_of(load_config(config, {})), seed=11)
    try:
        environ = {**stand_ins(simulation.base_urls, "2s"), "TICKER_DISPLAY_CURRENCY": "eur"}
        async with ticker("run", config=config, environ=environ) as service:
            await service.prices_when(
                lambda found: found["bitcoin"]["agreement"] == "ok" and found["bitcoin"]["confidence"] is not None,
                "/v1/prices/bitcoin?currency=eur",
            )
            found = {
                code: json.loads((await service.get(f"/v1/prices/bitcoin?currency={code}"))[2]) for code in CURRENCIES
            }
            widgets = {code: (await service.get(f"/widget/label/bitcoin?currency={code}"))[2] for code in CURRENCIES}
            _, _, home = await service.get("/")
            log = service.log
        market, moment = simulation.market, found["eur"]["prices"][0]
    finally:
        await simulation.stop()

    prices = {code: body["prices"][0]["price"] for code, body in found.items()}
    served = [code for code, price in prices.items() if price is not None]
    assert len(served) == 73 >= 55
    assert set(CURRENCIES) - set(served) == {"eos", "yfi"}  # no such coin in the shipped list
    dollars = Decimal(prices["usd"])
    at = simulation._clock()
    for code in RATED:
        true = dollars / market.price(code, at)
        assert abs(Decimal(prices[code]) / true - 1) < Decimal("0.03"), code
    assert Decimal(prices["sats"]) == 100_000_000
    assert Decimal(prices["btc"]) == 1
    for code in served:
        assert found[code]["prices"][0]["currency"] == code
        assert (found[code]["prices"][0]["currency_as_of"] is None) == (code == "usd")
        assert "—" not in widgets[code].partition("<style>")[0], code
    assert moment["agreement"] == "ok"
    assert "https://www.exchangerate-api.com" in json.dumps(found["eur"]["credits"])
    assert "https://www.exchangerate-api.com" not in json.dumps(found["usd"]["credits"])
    assert "ECB reference rates" in home
    assert "€" in home
    assert "Traceback" not in log


async def test_recorded_rates_convert_as_worked_out_by_hand(recordings: Path, tmp_path: Path) -> None:
    """Kraken's recorded dollars at the ECB's recorded rates of one day: exact, single, as of today's midnight."""
    coins = {"bitcoin": {"name": "Bitcoin", "symbol": "BTC", "ids": {"kraken": "BTC/USD"}}}
    async with Replay() as replay:
        replay.serve("kraken", load(recordings, "kraken/Ticker_all_assetVersion1_2026-07-23.json"))
        replay.serve("ecb", load(recordings, "ecb/eurofxref-daily_2018-09-12.xml"))
        urls = {name: replay.base_urls[name] for name in ("kraken", "ecb")}
        config = write_config(tmp_path / "config", coins)
        async with ticker("run", config=config, environ=stand_ins(urls)) as service:
            euros = await service.prices_when(
                lambda found: found["bitcoin"]["price"] is not None, "/v1/prices?currency=eur"
            )
            yen = await service.prices("/v1/prices?currency=jpy")
            peso = await service.prices("/v1/prices?currency=ars")
            _, _, html = await service.get("/widget/list?currency=eur&coins=bitcoin&locale=de")

    bitcoin = euros["bitcoin"]
    assert bitcoin["price"] == "56685.6279671989642"  # 65670.3 / 1.1585
    assert (bitcoin["agreement"], bitcoin["freshness"], bitcoin["change_24h"]) == ("single", "live", None)
    assert bitcoin["currency_as_of"].endswith("T00:00:00.000Z")
    assert f"{Decimal(yen['bitcoin']['price']):.17g}" == "7319815.1394044022"  # 65670.3 / 1.1585 x 129.13
    assert peso["bitcoin"]["price"] is None  # the bank does not list it
    assert "56.685,63\u00a0€" in html
    assert "ECB reference rates" in html


async def test_a_rate_that_two_sources_dispute(tmp_path: Path) -> None:
    """One source ten times off, against one other: no euros rather than wrong ones, and the dollars stay."""
    coins = {"bitcoin": {"name": "Bitcoin", "symbol": "BTC", "ids": {"kraken": "BTC/USD"}}}
    config = write_config(tmp_path / "config", coins)
    simulation = await simulator.start(market_of(load_config(config, {})), faults={"coingeckorates": "scale:10"})
    try:
        urls = {name: simulation.base_urls[name] for name in ("kraken", "ecb", "coingeckorates")}
        async with ticker("run", config=config, environ=stand_ins(urls)) as service:
            dollars = await service.prices_when(lambda found: found["bitcoin"]["price"] is not None, "/v1/prices")
            euros = await service.prices("/v1/prices?currency=eur")
            simulation.set_fault("coingeckorates", None)
            mended = await service.prices_when(
                lambda found: found["bitcoin"]["price"] is not None, "/v1/prices?currency=eur"
            )
    finally:
        await simulation.stop()

    assert dollars["bitcoin"]["agreement"] == "single"
    assert (euros["bitcoin"]["price"], euros["bitcoin"]["agreement"]) == (None, "disputed")
    assert mended["bitcoin"]["agreement"] == "single"
