"""`ticker publish` as ops run it: from cron, beside a service, on Redis, and behind a real web server."""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import typer
from one_command import run
from redis_server import RedisServer
from service import free_port, stand_ins, ticker, write_config
from snapshots import NOW, snapshot

from ticker.commands import publish as command
from ticker.publishing import files
from ticker.server.app import Serving
from ticker.server.pictures import Pictures
from ticker.simulate import server as simulator
from ticker.static_folder import StaticFolder
from ticker.store import open_store
from ticker.store.base import Publication

VENUES = {"kraken": "BTC/USD", "bitfinex": "tBTCUSD", "coinbase": "BTC-USD", "bitstamp": "BTC/USD"}
COINS = {"bitcoin": {"name": "Bitcoin", "symbol": "BTC", "ids": VENUES}}


@asynccontextmanager
async def market() -> AsyncIterator[simulator.Simulation]:
    """A simulated market of bitcoin on four dollar venues."""
    simulation = await simulator.start({name: {one: "bitcoin"} for name, one in VENUES.items()})
    try:
        yield simulation
    finally:
        await simulation.stop()


def environ(simulation: simulator.Simulation, store: str, every: str) -> dict[str, str]:
    """Poll the simulated venues so often into this store."""
    urls = {name: simulation.base_urls[name] for name in VENUES}
    return {**stand_ins(urls, every), "TICKER_STORE_URL": store}


def bitcoin(site: Path) -> dict[str, Any]:
    """The published price."""
    (found,) = json.loads((site / "v1/prices/bitcoin.json").read_bytes())["prices"]
    return dict(found)


def whole(site: Path) -> bool:
    """Whether there is a manifest, and all that it lists."""
    with contextlib.suppress(FileNotFoundError):
        listed = json.loads((site / "manifest.json").read_bytes())["files"]
        return bool(listed) and all((site / path).is_file() for path in listed)
    return False


async def test_from_cron(tmp_path: Path) -> None:
    """With nothing running it polls, settles and writes; a source whose turn it is not is not asked again; when nobody
    answers, the earlier prices stay and the exit code is 4; without any price nothing is written.
    """
    config, site = write_config(tmp_path / "config", COINS), tmp_path / "site"
    words = ("publish", str(site), "--once", "--config", str(config))
    async with market() as simulation:
        hourly = environ(simulation, f"embedded:{tmp_path}/store.sqlite3", "1h")
        first = await run(*words, environ=hourly)
        assert (first.code, first.err) == (0, "")
        assert "written, 0 unchanged, 0 removed" in first.out
        assert bitcoin(site)["agreement"] == "ok"
        assert whole(site)
        assert 'data-coin="bitcoin"' in (site / "widget/label/bitcoin.html").read_text()
        calls = dict(simulation.calls)
        second = await run(*words, environ=hourly)
        assert (second.code, "0 written" in second.out, dict(simulation.calls)) == (0, True, calls)
        often = environ(simulation, f"embedded:{tmp_path}/store.sqlite3", "1s")
        await asyncio.sleep(1.1)  # until it is everybody's turn again
        assert (await run(*words, environ=often)).code == 0
        assert dict(simulation.calls) != calls
    await asyncio.sleep(1.1)
    alone = await run(*words, environ=often)
    assert (alone.code, "earlier prices" in alone.err) == (4, True), alone
    assert bitcoin(site)["price"] is not None
    nothing = tmp_path / "nothing"
    new = {**often, "TICKER_STORE_URL": f"embedded:{tmp_path}/new.sqlite3"}
    never = await run("publish", str(nothing), "--once", "--config", str(config), environ=new)
    assert (never.code, "Nothing was written" in never.err, "Traceback" in never.err) == (4, True, False)
    assert list(nothing.iterdir()) == []


async def test_beside_a_service(tmp_path: Path) -> None:
    """Where a running service has the embedded store, what that one settles is published, and nobody is asked twice."""
    config, site = write_config(tmp_path / "config", COINS), tmp_path / "site"
    async with market() as simulation:
        given = environ(simulation, f"embedded:{tmp_path}/store.sqlite3", "1h")
        async with ticker("run", config=config, environ=given) as service:
            settled = await service.prices_when(lambda found: found["bitcoin"]["agreement"] == "ok")
            calls = dict(simulation.calls)
            done = await run("publish", str(site), "--once", "--config", str(config), environ=given)
            assert (done.code, done.err) == (0, "")
            assert bitcoin(site)["price"] == settled["bitcoin"]["price"]
            assert dict(simulation.calls) == calls
            assert await service.end() == 0


async def test_for_as_long_as_it_runs(tmp_path: Path) -> None:
    """Without --once it polls and writes on; SIGTERM ends it with a whole folder and exit code 0."""
    config, site = write_config(tmp_path / "config", COINS), tmp_path / "site"
    async with market() as simulation:
        given = environ(simulation, f"embedded:{tmp_path}/store.sqlite3", "1s")
        async with ticker("publish", str(site), config=config, environ=given) as publisher:
            await publisher.says("the first round has written", within=30)
            assert whole(site)
            first = json.loads((site / "manifest.json").read_bytes())["id"]
            async with asyncio.timeout(30):
                while json.loads((site / "manifest.json").read_bytes())["id"] == first:  # noqa: ASYNC110 - a file
                    await asyncio.sleep(0.05)
            assert await publisher.end() == 0
            assert "Traceback" not in publisher.log
    assert whole(site)
    assert not list(site.rglob(".*"))


@pytest.mark.redis
def test_with_redis_it_only_reads(tmp_path: Path, own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """It asks no source: without a snapshot exit code 4, with one it is written, as old as it is; without Redis 3."""
    config = write_config(tmp_path / "config", COINS)
    monkeypatch.setattr(command, "WAIT", 0.3)

    def publish() -> int:
        given = {"store.url": own_redis.url}
        try:
            command.publish(tmp_path / "site", config, {}, given, "text", once=True, compress=False)
        except typer.Exit as ended:
            return ended.exit_code
        return 0

    async def fill() -> None:
        store = open_store(own_redis.url)
        await store.open()
        await store.publish(Publication(snapshot()))
        await store.close()

    assert publish() == 4
    assert list((tmp_path / "site").iterdir()) == []
    asyncio.run(fill())
    assert publish() == 0
    assert whole(tmp_path / "site")
    assert (tmp_path / "site" / "widget/label/pirate-chain.html").is_file()


async def test_without_its_store(tmp_path: Path) -> None:
    """A Redis that does not answer is exit code 3, with a sentence."""
    config = write_config(tmp_path / "config", COINS)
    words = ("publish", str(tmp_path / "site"), "--once", "--config", str(config), "--store", "redis://127.0.0.1:9/0")
    done = await run(*words)
    assert (done.code, "Traceback" in done.err) == (3, False), done


NGINX = """
{user} daemon off; pid {root}/nginx.pid; error_log {root}/error.log; worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log off; client_body_temp_path {root}/t1; proxy_temp_path {root}/t2; fastcgi_temp_path {root}/t3;
    uwsgi_temp_path {root}/t4; scgi_temp_path {root}/t5;
    {served}
}}
"""


@contextmanager
def nginx(root: Path, port: int, site: Path) -> Iterator[None]:
    """nginx with the server block of docs/ops.md over `site`."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("no nginx here")
    text = (Path(__file__).resolve().parents[2] / "docs/ops.md").read_text(encoding="utf-8")
    served = text.split("```nginx\n", 1)[1].split("```", 1)[0]
    served = served.replace("listen 80;", f"listen 127.0.0.1:{port};").replace("/srv/prices", str(site))
    user = "user root;" if os.geteuid() == 0 else ""  # else its workers may not enter pytest's folder
    (root / "nginx.conf").write_text(NGINX.format(root=root, served=served, user=user))
    running = subprocess.Popen([program, "-e", str(root / "error.log"), "-c", str(root / "nginx.conf")])
    try:
        yield
    finally:
        running.terminate()
        running.wait()


async def test_behind_nginx(tmp_path: Path) -> None:
    """With the lines of docs/ops.md the files answer at the service's own URLs, typed, compressed, revalidated."""
    site, port = tmp_path / "site", free_port()
    folder = StaticFolder(site)
    folder.open()
    made = files(snapshot(), Serving(), Pictures(Serving().origin), NOW, compressed=True)
    folder.write(made, "7-1", NOW)
    folder.close()
    with nginx(tmp_path, port, site):
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            async with asyncio.timeout(20):
                while True:
                    with contextlib.suppress(aiohttp.ClientConnectionError):
                        async with session.get("/manifest.json") as answer:
                            assert answer.status == 200
                            break
                    await asyncio.sleep(0.05)
            for path, kind in (
                ("/widget/list", "text/html"),
                ("/embed/label/bitcoin", "text/html"),
                ("/v1/prices", "application/json"),
                ("/v1/prices/bitcoin", "application/json"),
                ("/embed.css", "text/css"),
            ):
                async with session.get(path, headers={"Accept-Encoding": "gzip"}) as answer:
                    body = await answer.read()
                    assert (answer.status, answer.content_type, path) == (200, kind, path)
                    assert answer.headers["Access-Control-Allow-Origin"] == "*"
                    (file,) = [made[name] for end in ("", ".html", ".json") if (name := path[1:] + end) in made]
                    assert body == file.body
                    assert answer.headers["Content-Encoding"] == "gzip"
                    etag = answer.headers["ETag"]
                async with session.get(path, headers={"If-None-Match": etag, "Accept-Encoding": "gzip"}) as answer:
                    assert answer.status == 304
            async with session.get("/v1/prices/nothing") as answer:
                assert answer.status == 404
