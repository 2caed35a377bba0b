"""The log: its two forms, the name of a request in every line of it, and no secret in any."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from fakes import Clock
from snapshots import snapshot

from ticker.commands import assembly, logs
from ticker.config import load, shipped_folder
from ticker.request_id import CURRENT, well_formed
from ticker.server.app import Serving, make_app

PLANTED = {
    "TICKER_SOURCES_COINGECKO_KEY": 'planted"key/1',
    "TICKER_SOURCES_COINMARKETCAP_KEY": "planted-key-2",
    "TICKER_ALERTS_WEBHOOK": "https://hooks.example.org/services/planted/webhook",
    "TICKER_STORE_URL": "redis://user:planted%40password@localhost:6379/0",
}


@pytest.fixture(params=["text", "json"])
def lines(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is logged in each form; logging is as it was afterwards."""
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    out = io.StringIO()
    monkeypatch.setattr("sys.stderr", out)
    logs.start(request.param)
    yield out
    root.handlers[:] = kept
    root.setLevel(level)


def test_no_line_has_a_secret(lines: io.StringIO) -> None:
    """Not as given, not escaped, not in a trace, not in an address: a key, a password, a webhook."""
    config = load(shipped_folder(), PLANTED)
    logs.hide(assembly.secrets(config))
    log = logging.getLogger("ticker.test")
    for value in (*PLANTED.values(), "planted@password", "services/planted/webhook", "https://me:mine@example.org/x"):
        log.warning("it said %s", value)
        log.warning("it said %r", value)
        log.error("that failed", exc_info=ValueError(value))
    written = lines.getvalue()
    assert "planted" not in written
    assert "me:mine" not in written
    assert "https://***@example.org/x" in written
    assert "example.org" in written
    assert repr(config).count("planted") == 0


def test_other_words_stay(lines: io.StringIO) -> None:
    """Nothing is blotted out but what is secret; a very short secret is not looked for."""
    logs.hide(["ab", ""])
    logging.getLogger("ticker.test").info("about a cab: 12:30 at http://x.example/a:b and me@example.org")
    assert "about a cab: 12:30 at http://x.example/a:b and me@example.org" in lines.getvalue()


def test_the_forms(lines: io.StringIO) -> None:
    """A line a record; in JSON it is an object with the request's name where there is one."""
    log = logging.getLogger("ticker.test")
    log.info("outside\nof one")
    token = CURRENT.set(lambda: "abcdef0123456789")
    log.info("inside of one")
    CURRENT.reset(token)
    written = lines.getvalue()
    if written.startswith("{"):
        outside, inside = map(json.loads, written.splitlines())
        assert "request" not in outside
        assert inside["request"] == "abcdef0123456789"
        assert inside["message"] == "inside of one"
    else:
        assert written.endswith("inside of one [abcdef0123456789]\n")
        assert "outside\nof one\n" in written


@pytest.mark.parametrize(
    ("name", "fine"),
    [("0123456789abcdef", True), ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", True), ("short", False), ("x" * 65, False),
     ("with space in it", False), ("new\nline-new-line", False), ("<script>alert", False), ("", False), (None, False)],
)  # fmt: skip
def test_names_from_outside(name: str | None, fine: bool) -> None:
    """What could forge a line, or fill one, is no name."""
    assert well_formed(name) is fine


@pytest.mark.parametrize(("trusted", "given", "kept"), [
    (("127.0.0.0/8",), "proxy-named-this", True),
    ((), "proxy-named-this", False),
    (("127.0.0.0/8",), "bad name!", False),
])  # fmt: skip
async def test_a_request_keeps_its_name(
    lines: io.StringIO, trusted: tuple[str, ...], given: str, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the error's header and in every line it caused: a trusted proxy's name, else one of ours. No address."""
    feed = type("Feed", (), {"snapshot": snapshot(), "trouble": None, "subscribe": lambda *_: lambda: None})()
    app = make_app(feed, Serving(trusted_proxies=trusted), Clock())

    def broken(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("ticker.server.views.coins_json", broken)
    server = TestServer(app)
    await server.start_server(access_log=None)
    async with TestClient(server) as client:  # type: ignore[var-annotated]
        async with client.get("/v1/coins", headers={"X-Request-ID": given}) as response:
            assert response.status == 500
            name = response.headers["X-Request-ID"]
        async with client.get("/v1/prices") as response:
            assert response.status == 200
            assert "X-Request-ID" not in response.headers
    assert (name == given) is kept
    assert well_formed(name)
    written = lines.getvalue()
    assert name in next(line for line in written.splitlines() if "cannot answer /v1/coins" in line)
    assert "127.0.0.1" not in written


async def test_the_log_of_requests(lines: io.StringIO, tmp_path: Path) -> None:
    """Only where it is asked for: what was asked and answered, under the request's name; never by whom."""
    from aiohttp import ClientSession, web

    from ticker.server.access import LONGEST, AccessLog

    feed = type("Feed", (), {"snapshot": snapshot(), "trouble": None, "subscribe": lambda *_: lambda: None})()
    app = make_app(feed, Serving(), Clock())
    runner = web.AppRunner(app, access_log=logging.getLogger("ticker.access"), access_log_class=AccessLog)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with ClientSession(headers={"User-Agent": "planted-agent", "Referer": "http://planted.example"}) as session:
        async with session.get(origin + "/v1/prices?coins=bitcoin") as response:
            assert response.status == 200
        async with session.get(origin + "/nowhere?" + "x" * 1500) as response:
            name = response.headers["X-Request-ID"]
    await runner.cleanup()
    written = [line for line in lines.getvalue().splitlines() if "GET" in line]
    assert len(written) == 2
    assert "GET /v1/prices?coins=bitcoin 200 " in written[0]
    assert name in written[1]
    assert len(written[1]) < LONGEST + 200
    assert not any(word in lines.getvalue() for word in ("planted", "127.0.0.1"))
