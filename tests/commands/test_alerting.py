"""Alerts go on being posted, whatever happens to one of them."""

import asyncio
import time
from pathlib import Path

import pytest
from receiver import receiving
from service import write_config

from ticker.alerts import Message
from ticker.commands import alerting
from ticker.config import load
from ticker.webhook import Webhook


async def test_a_fault_of_ours_costs_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Posting begins again without a change of the configuration, and says what happened."""
    monkeypatch.setattr(alerting, "RESTART", 0.01)
    run, fallen = Webhook.run, asyncio.Event()

    async def fails_once(hook: Webhook) -> None:
        if not fallen.is_set():
            fallen.set()
            raise AssertionError("a fault of ours")
        await run(hook)

    monkeypatch.setattr(Webhook, "run", fails_once)
    async with receiving() as receiver:
        environ = {"TICKER_ALERTS_WEBHOOK": receiver.url, "TICKER_ALERTS_ALLOW_PRIVATE": "true"}
        told = alerting.Alerting(load(write_config(tmp_path, {}), environ))
        task = asyncio.create_task(told.run())
        await fallen.wait()
        told.offer(Message("no_source", "begins", (), time.time(), time.time(), "no source answers"))
        await receiver.until(lambda one: one.posts)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert "posting alerts failed in a way that should not be" in caplog.text
    assert receiver.posts[0]["kind"] == "no_source"
