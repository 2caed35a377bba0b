"""The running service towards its sources: terms, credits, rate limits, and viewers that cost them nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from service import Process, stand_ins, ticker, write_config

from ticker.simulate import server as simulator
from ticker.simulate.server import Simulation

IDS = {"coingecko": "bitcoin", "kraken": "BTC/USD", "coinmarketcap": "1"}
CREDIT = '<a class="mp-credit" href="https://www.coingecko.com"'


@asynccontextmanager
async def serving(
    tmp_path: Path, *sources: str, every: str = "1s", **environ: str
) -> AsyncIterator[tuple[Process, Simulation]]:
    """The service on stand-ins of these sources, and the stand-ins."""
    simulation = await simulator.start({name: {IDS[name]: "bitcoin"} for name in IDS})
    try:
        urls = {name: simulation.base_urls[name] for name in sources}
        coins = {"bitcoin": {"symbol": "BTC", "ids": {name: IDS[name] for name in sources}}}
        config = write_config(tmp_path / "config", coins)
        async with ticker("run", config=config, environ={**stand_ins(urls, every), **environ}) as process:
            await process.prices_when(lambda found: found["bitcoin"]["price"] is not None)
            yield process, simulation
    finally:
        await simulation.stop()


async def test_terms_that_seem_to_forbid_are_a_gate(tmp_path: Path) -> None:
    """With a key and an address, a source whose terms seem to forbid our use is not asked once until ops say so."""
    no = {"TICKER_SOURCES_COINMARKETCAP_ACCEPT_TERMS": "false"}
    async with serving(tmp_path / "no", "kraken", "coinmarketcap", **no) as (process, simulation):
        await asyncio.sleep(2)
        prices = await process.prices()
        assert simulation.calls["coinmarketcap"] == 0
        assert simulation.calls["kraken"] > 0
        assert prices["bitcoin"]["sources"]["total"] == 1
    async with serving(tmp_path / "yes", "kraken", "coinmarketcap") as (process, simulation):
        await process.prices_when(lambda found: found["bitcoin"]["sources"]["used"] == 2)
        assert simulation.calls["coinmarketcap"] > 0


async def test_a_required_credit_is_linked_text_near_every_price(tmp_path: Path) -> None:
    """In each widget, page and JSON answer that CoinGecko had a part in, and in none that it had not."""
    pages = ("/widget/list", "/widget/label/bitcoin", "/embed/list", "/embed/label/bitcoin")
    async with serving(tmp_path / "with", "coingecko", "kraken") as (process, _):
        await process.prices_when(lambda found: found["bitcoin"]["sources"]["used"] == 2)
        for page in pages:
            _, _, html = await process.get(page)
            assert CREDIT in html
            assert ">Data provided by CoinGecko</a>" in html
        _, _, body = await process.get("/v1/prices")
        assert '"text":"Data provided by CoinGecko","url":"https://www.coingecko.com"' in body.replace('": "', '":"')
    async with serving(tmp_path / "without", "kraken") as (process, _):
        for page in pages:
            _, _, html = await process.get(page)
            assert "CoinGecko" not in html


async def test_who_says_too_often_is_left_alone(tmp_path: Path) -> None:
    """One 429 and a source that was polled every second is not asked again for at least a minute; others go on."""
    async with serving(tmp_path, "coingecko", "kraken") as (process, simulation):
        simulation.set_fault("kraken", "status:429")
        await process.says("kraken: It says we ask too often")
        told = dict(simulation.calls)
        await asyncio.sleep(4)
        assert simulation.calls["kraken"] == told["kraken"]
        assert simulation.calls["coingecko"] >= told["coingecko"] + 2


async def test_a_restart_does_not_wake_who_asked_for_rest(tmp_path: Path) -> None:
    """A process that is ended and started again remembers a 429, from the store."""
    environ = {"TICKER_STORE_URL": f"embedded:{tmp_path}/store.sqlite3"}
    async with serving(tmp_path / "first", "coingecko", "kraken", **environ) as (process, simulation):
        simulation.set_fault("kraken", "status:429")
        await process.says("kraken: It says we ask too often")
        await asyncio.sleep(2)
        assert await process.end() == 0
    async with serving(tmp_path / "second", "coingecko", "kraken", **environ) as (process, simulation):
        await process.says("kraken is put off for")
        await asyncio.sleep(2)
        assert simulation.calls["kraken"] == 0
        assert simulation.calls["coingecko"] > 0
        assert process.log.count("put off") == 1


async def test_a_thousand_viewers_cost_the_sources_nothing(tmp_path: Path) -> None:
    """With 1,000 readers as without, each source is asked once a turn, which is a second here."""
    async with serving(tmp_path, "kraken", "coingecko") as (process, simulation):

        async def turns(readers: int) -> float:
            began, before = asyncio.get_running_loop().time(), sum(simulation.calls.values())
            ends, answers = began + 5, 0

            async def reader(session: aiohttp.ClientSession) -> None:
                nonlocal answers
                while asyncio.get_running_loop().time() < ends:
                    async with session.get(f"{process.origin}/widget/list") as response:
                        assert response.status == 200
                        answers += 1
                    await asyncio.sleep(0.5)

            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=200)) as session:
                await asyncio.gather(asyncio.sleep(5), *(reader(session) for _ in range(readers)))
            assert answers >= readers
            return (sum(simulation.calls.values()) - before - 2) / (asyncio.get_running_loop().time() - began)

        alone, crowded = await turns(0), await turns(1000)
        assert 0.5 <= alone <= 2
        assert 0.5 <= crowded <= 2
