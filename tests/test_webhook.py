"""Alerts on their way out: in the background, tried again, bounded, and without a word of where to."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from receiver import receiving
from snapshots import NOW

from ticker.alerts import Message
from ticker.webhook import LONGEST_WAIT, MOST_WAITING, Webhook

SECRET = "planted-webhook-secret"


def message(text: str = "okx has been down for 3 h") -> Message:
    """One to send."""
    return Message("source_down", "begins", ("okx",), NOW - 10_800, NOW, text)


class Pauses:
    """Takes the place of sleeping, and keeps for how long."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


@asynccontextmanager
async def sending(hook: Webhook) -> AsyncIterator[None]:
    """The sender in the background."""
    task = asyncio.create_task(hook.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_shape_that_receivers_take() -> None:
    """`text` for people, fields for programs."""
    async with receiving() as receiver:
        hook = Webhook(receiver.url, allow_private=True, instance="vm:1")
        async with sending(hook):
            hook.offer(message())
            await receiver.until(lambda one: hook.sent)
        assert receiver.posts == [
            {
                "text": "ticker: okx has been down for 3 h",
                "kind": "source_down",
                "state": "begins",
                "subjects": ["okx"],
                "since": "2027-01-15T05:00:00Z",
                "at": "2027-01-15T08:00:00Z",
                "instance": "vm:1",
            }
        ]


async def test_it_is_tried_again_politely() -> None:
    """A fault and a rate limit are waited for, as long as is asked within a bound; then it is sent once."""
    async with receiving() as receiver:
        receiver.answers = [503, (429, {"Retry-After": "77"}), (429, {"Retry-After": "80000"})]
        pauses = Pauses()
        hook = Webhook(receiver.url, allow_private=True, sleep=pauses, chance=lambda: 0.0)
        async with sending(hook):
            hook.offer(message())
            await receiver.until(lambda _: hook.sent)
    assert pauses.seconds == [5.0, 77.0, LONGEST_WAIT]
    assert len(receiver.posts) == 4


@pytest.mark.parametrize(("answer", "tries"), [(404, 1), (403, 1), ((302, {"Location": "/elsewhere"}), 1), (500, 5)])
async def test_what_cannot_be_sent_is_said_and_left(answer: int, tries: int, caplog: pytest.LogCaptureFixture) -> None:
    """No redirect is followed, no refusal is asked again; the log has the alert and never the address."""
    async with receiving() as receiver:
        receiver.answers = [answer] * tries
        hook = Webhook(receiver.url, allow_private=True, sleep=Pauses())
        with caplog.at_level(logging.DEBUG, "ticker"):
            async with sending(hook):
                hook.offer(message("first"))
                hook.offer(message("second"))
                await receiver.until(lambda _: hook.sent)
        assert [one["text"] for one in receiver.posts] == ["ticker: first"] * tries + ["ticker: second"]
        assert set(receiver.paths) == {f"/hooks/{SECRET}"}
    assert hook.failed == 1
    assert "could not be sent" in caplog.text
    assert "first" in caplog.text
    assert SECRET not in caplog.text
    assert SECRET not in repr(hook)


async def test_nobody_there(caplog: pytest.LogCaptureFixture) -> None:
    """A receiver that cannot be reached is given up, and is not named."""
    async with receiving() as receiver:
        url = receiver.url
    hook = Webhook(url, allow_private=True, sleep=Pauses())
    with caplog.at_level(logging.DEBUG, "ticker"):
        async with sending(hook), asyncio.timeout(20):
            hook.offer(message())
            while not hook.failed:  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.01)
    assert SECRET not in caplog.text


async def test_a_private_address_needs_a_word() -> None:
    """The guard of every other road out holds here too."""
    async with receiving() as receiver:
        hook = Webhook(receiver.url, sleep=Pauses())
        async with sending(hook), asyncio.timeout(20):
            hook.offer(message())
            while not hook.failed:  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.01)
        assert receiver.posts == []


async def test_what_waits_is_bounded() -> None:
    """A receiver that hangs costs the oldest, never memory, and nobody waits to offer."""
    hook = Webhook("https://hooks.example/x")
    for number in range(MOST_WAITING + 7):
        hook.offer(message(str(number)))
    assert hook.dropped == 7


async def test_a_fault_of_ours_costs_one_alert(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It counts as failed and is not tried again; the next is posted, and no trace tells the address."""
    post, fallen = Webhook._post, asyncio.Event()

    async def fails_once(hook: Webhook, *arguments: Any) -> None:
        if not fallen.is_set():
            fallen.set()
            raise RuntimeError(SECRET)
        await post(hook, *arguments)

    monkeypatch.setattr(Webhook, "_post", fails_once)
    async with receiving() as receiver:
        hook = Webhook(f"{receiver.url}/{SECRET}", allow_private=True)
        async with sending(hook):
            hook.offer(message("the first"))
            hook.offer(message("the second"))
            await receiver.until(lambda one: hook.sent)
            assert hook.waiting() == ()
    assert [one["text"] for one in receiver.posts] == ["ticker: the second"]
    assert (hook.sent, hook.failed) == (1, 1)
    assert "by a fault of ours: RuntimeError" in caplog.text
    assert SECRET not in caplog.text
