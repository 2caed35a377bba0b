"""Time that passes only when everyone waits: days of the real scheduler and poller in seconds, the same every run."""

import asyncio
import datetime as real
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

START = 1_800_000_000.0


class _Skipping(selectors.DefaultSelector):
    """Waits for nobody: what would be a pause moves the clock instead."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        if not found:
            if timeout is None:
                raise RuntimeError("everything waits for something that never comes")
            self.now += max(timeout, 0.0)
        return found


class Clocks:
    """The clocks of a virtual machine: `steady` only goes on, `wall` can be set by `step` seconds."""

    def __init__(self) -> None:
        self._selector = _Skipping()
        self.loop = asyncio.SelectorEventLoop(self._selector)
        self.loop.time = self.steady  # type: ignore[method-assign]
        self.loop.run_in_executor = self._at_once  # type: ignore[assignment]
        self.step = 0.0

    def _at_once(self, _: object, work: Callable[..., Any], *given: Any) -> "asyncio.Future[Any]":
        """What a thread would do takes no virtual time."""
        done = self.loop.create_future()
        try:
            done.set_result(work(*given))
        except Exception as error:
            done.set_exception(error)
        return done

    def steady(self) -> float:
        return self._selector.now

    def wall(self) -> float:
        return START + self._selector.now + self.step

    def block(self, seconds: float) -> None:
        """The loop does something else for so long."""
        self._selector.now += seconds


def virtually(monkeypatch: pytest.MonkeyPatch, main: Callable[[Clocks], Coroutine[Any, Any, Any]]) -> Any:
    """Run `main` in virtual time; APScheduler sees the virtual wall clock."""
    clocks = Clocks()

    class Now(real.datetime):
        @classmethod
        def now(cls, tz: real.tzinfo | None = None) -> real.datetime:  # type: ignore[override]
            return real.datetime.fromtimestamp(clocks.wall(), tz)

    monkeypatch.setattr("apscheduler.schedulers.base.datetime", Now)
    with asyncio.Runner(loop_factory=lambda: clocks.loop) as runner:
        return runner.run(main(clocks))
