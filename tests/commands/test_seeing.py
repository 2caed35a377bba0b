"""The eyes of a running process, put together: metrics ports of workers, the webhook, what is off and why."""

import asyncio
import time
from pathlib import Path

import pytest
from fakes import FakeFetcher, FakeStore, assignment
from receiver import receiving
from service import write_config
from test_reporting import until

from ticker import reporting
from ticker.alerts import Message
from ticker.bulletin import ConfigStanding, Refusal, unpack
from ticker.commands.seeing import Seeing, worker_number
from ticker.config import load, shipped_folder
from ticker.consensus import CoinRule, Rules, Voter
from ticker.model import Coin
from ticker.poller import Listing, Poller
from ticker.scheduler import Scheduler
from ticker.streams import Streams


async def test_from_the_poller_to_the_receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused configuration reaches the webhook of the configuration, and the figures of this process; another
    webhook in the configuration is told from then on.
    """
    monkeypatch.setattr(reporting, "LOOK", 0.01)
    async with receiving() as receiver:
        environ = {"TICKER_ALERTS_WEBHOOK": receiver.url, "TICKER_ALERTS_ALLOW_PRIVATE": "true"}
        seeing = Seeing(load(write_config(tmp_path, {}), environ))
        store, sources = FakeStore(), [assignment("a")]
        rules = Rules({"a": Voter("venue", "a", 60.0)}, (CoinRule("bitcoin", ("a",)),))
        listing = Listing((Coin("bitcoin", "Bitcoin", "BTC"),), ("bitcoin",))
        fetcher = FakeFetcher(a="100")
        poller = Poller(sources, rules, listing, store, fetcher, clock=time.time)  # type: ignore[arg-type]
        scheduler, streamer = Scheduler({"a": 60.0}, poller.poll), Streams([], poller.stream)
        run = asyncio.create_task(poller.run())
        see = asyncio.create_task(seeing.polling(poller, scheduler, streamer, store, time.time))  # type: ignore[arg-type]
        await until(lambda: store.bulletin)
        assert receiver.posts == []
        seeing.config = ConfigStanding("v1", time.time(), Refusal(time.time(), "coins.toml:3: wrong"), 1)
        await receiver.until(lambda one: one.posts)
        await until(lambda: seeing.figures().polling.webhook["sent"])  # type: ignore[union-attr]
        async with receiving() as another:
            other = load(write_config(tmp_path / "other", {}), {**environ, "TICKER_ALERTS_WEBHOOK": another.url})
            await seeing.take(other)
            seeing._alerting.offer(Message("no_source", "begins", (), time.time(), time.time(), "no source answers"))  # type: ignore[union-attr]
            await another.until(lambda one: one.posts)
            await until(lambda: seeing.figures().polling.webhook["sent"] == 2)  # type: ignore[union-attr]
            await seeing.take(load(write_config(tmp_path / "none", {}), {}))
            assert seeing.figures().polling.webhook["sent"] == 2  # type: ignore[union-attr]
            assert len(receiver.posts) == 1
        figures = seeing.figures()
        for task in (run, see):
            task.cancel()
        await asyncio.gather(run, see, return_exceptions=True)
    assert "coins.toml:3: wrong" in receiver.posts[0]["text"]
    assert figures.serving is None
    assert figures.config.refusals == 1
    found = unpack(store.bulletin or b"")
    assert found is not None
    assert "accept_terms" in found.off["coinmarketcap"]


@pytest.mark.parametrize(
    ("environ", "number"),
    [({}, 0), ({"TICKER_WORKER": "3"}, 3), ({"TICKER_WORKER": "x"}, 0), ({"TICKER_WORKER": "-1"}, 0)],
)
def test_the_number_of_a_worker(environ: dict[str, str], number: int) -> None:
    """From the environment that who starts it gives it; else it is the only one."""
    assert worker_number(environ) == number


async def test_a_port_for_each_worker(caplog: pytest.LogCaptureFixture) -> None:
    """The third has the third; where there is none left it says so; 0 is for none of them."""
    for port, worker, said in (("65534", 2, "no metrics of worker 2"), ("0", 2, "")):
        config = load(shipped_folder(), {"TICKER_SERVER_METRICS_PORT": port})
        async with Seeing(config, worker=worker).door():
            assert said in caplog.text
        caplog.clear()
