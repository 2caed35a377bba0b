"""Sources of one's own through the real service: a small HTTP server prices coins that no API lists."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from one_command import run
from service import ticker, write_config

from ticker.sources import REGISTRY

OFF = {f"TICKER_SOURCES_{name.upper()}_ENABLED": "false" for name in REGISTRY}
COINS = {
    "openvoicecoin": {"name": "OpenVoiceCoin", "symbol": "OPENVC", "ids": {"openvc": "openvc"}},
    "alpha": {"ids": {"mine": "token/alpha"}},
    "beta": {"ids": {"mine": "0xBETA"}},
    "gamma": {"ids": {"board": "GAMMA"}},
    "delta": {"ids": {"board": "7"}},
    "missing": {"ids": {"board": "NOT-THERE"}},
}
FIXED = '\n[coins.gold]\nname = "House Gold"\nsymbol = "HG"\nfixed = "0.25"\n'
SETTINGS = """\
[sources.openvc]
kind = "json"
url = "{origin}/openvc?with=price"
price = "data.price"
currency = "usd"
change = "data.day"
change_unit = "fraction"
credit = "Prices by OpenVoice"
credit_url = "https://example.org/openvoice"
every = "500ms"
allow_private = true

[sources.mine]
kind = "json"
url = "{origin}/coins/{{id}}"
price = "usd"
id = "of"
currency = "usd"
key_header = "X-Api-Key"
every = "500ms"
allow_private = true

[sources.board]
kind = "json"
url = "{origin}/board"
rows = "markets"
id = "pair"
price = "last"
time = "at"
time_unit = "ms"
currency = "usd"
every = "500ms"
allow_private = true
"""


@dataclass
class Api:
    """What the server answers and was asked; `openvc` may be spoiled."""

    openvc: tuple[str, str] = ('{"data": {"price": 0.00000012345678901, "day": "-0.0173"}}', "application/json")
    calls: Counter[str] = field(default_factory=Counter)
    keys: set[str | None] = field(default_factory=set)
    origin: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        """One of three addresses."""
        self.calls[request.path] += 1
        if request.path == "/openvc" and request.query_string == "with=price":
            body, content_type = self.openvc
            return web.Response(text=body, content_type=content_type)
        if request.path.startswith("/coins/"):
            self.keys.add(request.headers.get("X-Api-Key"))
            one = request.path.removeprefix("/coins/")
            return web.json_response({"of": one, "usd": {"token/alpha": 2, "0xBETA": "3.50"}.get(one)})
        if request.path == "/board":
            at = round(time.time() * 1000)
            rows = [{"pair": "GAMMA", "last": "5", "at": at}, {"pair": 7, "last": 6.25, "at": at}, {"pair": "X"}]
            return web.Response(text=json.dumps({"markets": rows}), content_type="text/plain")
        raise web.HTTPNotFound


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    """The server."""
    told = Api()
    app = web.Application()
    app.router.add_get("/{path:.*}", told.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    told.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield told
    await runner.cleanup()


def config(folder: Path, api: Api) -> Path:
    """Three sources of one's own, the coins that they price, and one of a fixed price."""
    written = write_config(folder / "config", COINS)
    with (written / "coins.toml").open("a") as file:
        file.write(FIXED)
    (written / "ticker.toml").write_text(SETTINGS.replace("{origin}", api.origin).replace("{{id}}", "{id}"))
    return written


async def test_coins_that_no_api_lists(api: Api, tmp_path: Path) -> None:
    """One URL for one coin, one for each, one for many: each price is exact and single; a fixed one is fixed."""
    environ = {**OFF, "TICKER_SOURCES_MINE_KEY": "planted-secret"}
    wanted = {"openvoicecoin": "0.00000012345678901", "alpha": "2", "beta": "3.5", "gamma": "5", "delta": "6.25"}
    async with ticker("run", config=config(tmp_path, api), environ=environ) as service:
        found = await service.prices_when(
            lambda prices: all(prices.get(coin, {}).get("price") for coin in wanted), within=30
        )
        status, _, page = await service.get("/v1/prices?coins=openvoicecoin,gold,missing")
        log = service.log

    assert {coin: found[coin]["price"] for coin in wanted} == wanted
    assert {found[coin]["agreement"] for coin in wanted} == {"single"}
    assert (found["gold"]["price"], found["gold"]["agreement"]) == ("0.25", "fixed")
    assert (found["missing"]["price"], found["missing"]["agreement"]) == (None, "none")
    assert (status, found["openvoicecoin"]["change_24h"]) == (200, "-1.73")
    assert json.loads(page)["credits"] == [
        {"source": "openvc", "text": "Prices by OpenVoice", "url": "https://example.org/openvoice"}
    ]
    assert api.keys == {"planted-secret"}
    assert "planted-secret" not in log


@pytest.mark.parametrize(
    "spoiled",
    [
        ("<html>Just a moment...</html>", "text/html"),
        ('{"data": {"price": "NaN"}}', "application/json"),
        ('{"data": {"price": 0}}', "application/json"),
        ('{"data": {}}', "application/json"),
        ('{"data": {"price": 1, "price": 2}}', "application/json"),
        ("[" * 5000, "application/json"),
    ],
    ids=["a page", "NaN", "zero", "absent", "twice", "deep"],
)
async def test_a_spoiled_answer_is_no_price(spoiled: tuple[str, str], api: Api, tmp_path: Path) -> None:
    """What is not the stated answer never reaches a page: the last price stays, and the log names the source."""
    async with ticker("run", config=config(tmp_path, api), environ=OFF) as service:
        await service.prices_when(lambda prices: prices.get("openvoicecoin", {}).get("price") is not None, within=30)
        api.openvc = spoiled
        await service.says("openvc: ")
        await asyncio.sleep(1.2)
        found = await service.prices()
    assert found["openvoicecoin"]["price"] == "0.00000012345678901"


async def test_the_check_names_them(api: Api, tmp_path: Path) -> None:
    """`ticker check` lists them among the others, and `--online` asks them, too."""
    folder = config(tmp_path, api)
    ended = await run("check", "--online", "--config", str(folder), environ=OFF)
    assert "openvc         every 0.5 s, 1 coins" in ended.out
    assert 'mine           off: plan "own" needs a key: set TICKER_SOURCES_MINE_KEY' in ended.out
    rows = [line.split() for line in ended.out.splitlines()]
    assert ["openvoicecoin", "openvc", "openvc", "0.00000012345678901"] in rows
    assert ["gold", "(fixed)", "House", "Gold", "HG", "0.25"] in rows
    assert (ended.code, "error    missing board: has no NOT-THERE" in ended.out) == (1, True)
    assert "error" not in "".join(line for line in ended.out.splitlines() if "openvoicecoin" in line)


async def test_a_demo_asks_nobody(api: Api, tmp_path: Path) -> None:
    """A source of one's own has no stand-in: in the demo it is off, and its server is never called."""
    async with ticker("run", "--demo", config=config(tmp_path, api)) as service:
        await service.until("/readyz")
        found = await service.prices()
    assert found["openvoicecoin"]["price"] is None
    assert api.calls == {}
