"""`/metrics`: what is measured, what of it is documented, and what it must never hold or cost."""

import asyncio
import logging
import re
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from bulletins import bulletin, resting
from fakes import Clock
from prometheus_client.parser import text_string_to_metric_families
from service import free_port
from snapshots import NOW, snapshot

from ticker.bulletin import ConfigStanding, Refusal
from ticker.metrics.door import metrics_door
from ticker.metrics.figures import Figures, Polling, Serving
from ticker.metrics.table import METRICS
from ticker.server import app as application
from ticker.server.seeing import FIGURES
from ticker.server.seen import DOORS, SEEN, door_of

ROOT = Path(__file__).resolve().parents[2]

SERVING = Serving({("widget", 200): 7, ("prices", 304): 2}, 3, 2, 5, 40, snapshot(), True)
POLLING = Polling(bulletin(), True, True, snapshot(), {"sent": 1, "failed": 0, "dropped": 0})
WHOLE = Figures(NOW, "0.1.0", ConfigStanding("c1", NOW - 60, Refusal(NOW, "x"), 2), SERVING, POLLING)


LABELS = {"version", "door", "status", "freshness", "agreement", "half", "source", "outcome", "quota", "window", "kind"}


async def scraped(figures: Figures) -> dict[str, dict[tuple[str, ...], float]]:
    """What Prometheus would read: name to values, by their labels' values."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/metrics"
    async with metrics_door("127.0.0.1", port, lambda: figures), aiohttp.ClientSession() as session:
        async with asyncio.timeout(20):
            while True:
                try:
                    async with session.get(url) as response:
                        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
                        text = await response.text()
                        break
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.01)
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


async def test_every_metric_is_there() -> None:
    """In a process that polls and serves, each metric has a value, and each value a metric."""
    found = await scraped(WHOLE)
    ours = {name for name in found if name.startswith("ticker_")}
    assert ours == {one.name for one in METRICS}
    assert found["ticker_requests_total"] == {("prices", "304"): 2.0, ("widget", "200"): 7.0}
    assert found["ticker_prices"] == {("none", "none"): 1.0, ("ok", "live"): 2.0, ("single", "live"): 1.0}
    assert found["ticker_source_up"] == {("kraken",): 1.0, ("coingecko",): 1.0, ("okx",): 0.0, ("ecb",): 1.0}
    assert found["ticker_source_age_seconds"][("kraken",)] == 12.0
    assert found["ticker_polls_total"][("timeout", "kraken")] == 2.0
    assert found["ticker_quota_left_ratio"][("coingecko/public", "2592000s")] == pytest.approx(610 / 9000)
    assert found["ticker_alerts"] == {("source_down",): 1.0}
    assert found["ticker_config_refused"] == {(): 1.0}
    assert found["process_resident_memory_bytes"][()] > 0


async def test_a_feed_that_rests_is_not_down() -> None:
    """There is no word of its connection, unless it was broken before it rested; rows stay counted."""
    found = await scraped(replace(WHOLE, polling=replace(POLLING, bulletin=resting())))
    assert found["ticker_stream_up"] == {("okx",): 0.0}
    assert found["ticker_stream_rows_total"] == {("kraken",): 18_211.0, ("okx",): 0.0}


async def test_a_process_tells_what_it_knows() -> None:
    """One that only serves knows no source; a poller that stands by leaves them to the one that leads."""
    served = await scraped(Figures(NOW, "0.1.0", ConfigStanding(), SERVING))
    assert not any(name.startswith(("ticker_source", "ticker_leader", "ticker_polls")) for name in served)
    waiting = Polling(bulletin(), False, False, None, {})
    polled = await scraped(Figures(NOW, "0.1.0", ConfigStanding(), None, waiting))
    assert polled["ticker_leader"] == {(): 0.0}
    assert polled["ticker_store_up"] == {("polling",): 0.0}
    assert not any(name.startswith(("ticker_source", "ticker_requests")) for name in polled)


def test_names_are_prometheus_own() -> None:
    """Counters end in _total and nothing else does; labels have few values, never a coin or an address."""
    for one in METRICS:
        assert re.fullmatch(r"ticker_[a-z_]+", one.name)
        assert one.name.endswith("_total") == (one.kind == "counter")
        assert one.about.endswith(".")
        assert set(one.labels) <= LABELS


def test_they_are_documented() -> None:
    """The table in docs/ops.md has every metric, with its labels and its words, in order."""
    text = (ROOT / "docs" / "ops.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(ticker_\w+)` \| (.*?) \| (.*?) \|$", text, re.MULTILINE)
    expected = [(one.name, ", ".join(f"`{label}`" for label in one.labels) or "—", one.about) for one in METRICS]
    assert rows == expected, "\n" + "\n".join(f"| `{a}` | {b} | {c} |" for a, b, c in expected)


async def test_answers_are_counted_by_door() -> None:
    """Every door has a name, whatever is asked of it; what is no door of ours is one name."""
    feed = type("Feed", (), {"snapshot": snapshot(), "trouble": None, "subscribe": lambda *_: lambda: None})()
    app = application.make_app(feed, application.Serving(), Clock())
    async with TestClient(TestServer(app)) as client:  # type: ignore[var-annotated]
        for path in ("/widget/list", "/widget/nope", "/v1/prices?coins=nope", "/x/y/z", "/x/y/w", "/api/v3/ping", "/"):
            await client.get(path)
    assert dict(app[SEEN].requests) == {
        ("widget", 200): 1, ("widget", 404): 1, ("prices", 404): 1,
        ("other", 404): 2, ("dialect", 200): 1, ("page", 200): 1,
    }  # fmt: skip
    assert app[FIGURES]().requests == app[SEEN].requests
    app[SEEN].others.append(lambda: {("/widget/{kind}", 200): 1000, ("", 404): 3})
    assert app[SEEN].requests["widget", 200] == 1001
    assert app[SEEN].requests["other", 404] == 5
    routes = {one.resource.canonical for one in app.router.routes() if one.resource is not None}
    assert {door_of(route) for route in routes} <= set(DOORS) - {"other"}


async def test_a_port_that_is_taken_is_said_once_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """Prices are served all the same; when the other has gone, metrics are there."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/metrics"
    other = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port)
    with caplog.at_level(logging.INFO, "ticker.metrics"):
        async with metrics_door("127.0.0.1", port, lambda: WHOLE, retry=0.02), aiohttp.ClientSession() as session:
            await asyncio.sleep(0.2)
            assert caplog.text.count("cannot serve metrics") == 1
            assert f"127.0.0.1:{port}" in caplog.text
            other.close()
            await other.wait_closed()
            async with asyncio.timeout(20):
                while "metrics are on" not in caplog.text:  # noqa: ASYNC110 - a log has no event
                    await asyncio.sleep(0.01)
            async with session.get(url) as response:
                assert response.status == 200
            async with session.get(url.replace("/metrics", "/v1/prices")) as response:
                assert response.status == 404


async def test_no_port_no_metrics(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Port 0 listens nowhere, not even on a port of the system's choice."""
    caplog.set_level("INFO")
    monkeypatch.setattr(web.TCPSite, "start", lambda _: pytest.fail("it listens"))
    async with metrics_door("127.0.0.1", 0, lambda: WHOLE):
        await asyncio.sleep(0.05)
        assert "metrics" not in caplog.text
