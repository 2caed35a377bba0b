"""All streams of a process, in virtual time: bounds, the pulse, the ladder, and who is told first (trust rule 29)."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from server.viewers import FakeTransport, frames
from snapshots import COINS, NOW, price, snapshot
from virtual import START, Clocks, virtually

from ticker.model import Snapshot
from ticker.server import pen
from ticker.server.frames import PING
from ticker.server.params import Ask, RequestError
from ticker.server.stream import IDLE, LIFE, MOST_STREAMS, Limits, Stream

OTHERS = snapshot().prices[1:]
assert START == NOW, "the virtual clock begins when the snapshots do"


class Stage:
    """The streams of a process in virtual time."""

    def __init__(self, clocks: Clocks, limits: Limits, held: Snapshot | None) -> None:
        self.clocks, self.stream = clocks, Stream(clocks.wall, limits)
        if held is not None:
            self.stream.update(held)

    def enter(self, ask: Ask | None = None, address: str | None = None, event: str | None = None) -> FakeTransport:
        ask, transport = ask or Ask(), FakeTransport()
        hub = self.stream.hub(ask, address)
        transport.viewer = self.stream.seat(hub, transport, address)
        transport.viewer.greet(b"", event)
        return transport


Play = Callable[[Stage], Coroutine[Any, Any, None]]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs a play to its end; nothing may be left over."""

    def run(what: Play, limits: Limits | None = None, held: Snapshot | None = None) -> None:
        async def main(clocks: Clocks) -> None:
            stage = Stage(clocks, limits or Limits(), held or snapshot())
            await what(stage)
            stage.stream.close()
            assert stage.stream.viewers == 0
            assert not stage.stream._addresses
            assert asyncio.all_tasks() == {asyncio.current_task()}

        virtually(monkeypatch, main)

    return run


def refusal(enter: Callable[[], object]) -> tuple[str, str]:
    """The code and the sentence of a refusal."""
    with pytest.raises(RequestError) as caught:
        enter()
    return caught.value.code, caught.value.message


def moved(seq: int, value: str, **more: object) -> Snapshot:
    """A snapshot with another price of bitcoin."""
    return snapshot(seq, prices=(price("bitcoin", value), *OTHERS), **more)


def test_before_the_first_snapshot_there_is_nothing_to_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not ready, and ready a moment later."""

    async def main(clocks: Clocks) -> None:
        stage = Stage(clocks, Limits(), None)
        assert refusal(stage.enter)[0] == "not_ready"
        stage.stream.update(snapshot())
        assert frames(stage.enter().sent)[0].full
        stage.stream.close()

    virtually(monkeypatch, main)


def test_a_new_snapshot_reaches_every_stream(play: Callable[..., None]) -> None:
    """Each in its currency and language; equal asks share one stream."""

    async def main(stage: Stage) -> None:
        asks = [Ask(), Ask(), Ask(currency="btc"), Ask(locale="de", texts=True), Ask(coins=("ethereum",))]
        transports = [stage.enter(ask) for ask in asks]
        stage.stream.update(moved(2, "65000"))
        await asyncio.sleep(0.01)

        assert stage.stream.streams == 4
        changed = [set(frames(transport.sent)[-1].prices) for transport in transports]
        assert changed == [{"bitcoin"}] * 2 + [{"ethereum", "pirate-chain"}] + [{"bitcoin"}] + [{"ethereum"}]
        assert [frames(one.sent)[-1].id for one in transports] == ["7-2"] * 4 + ["7-1"]
        assert frames(transports[3].sent)[-1].prices["bitcoin"]["text"]["price"] == "65.000,00\u00a0$"

    play(main)


def test_the_ladder_is_told_at_its_deadlines(play: Callable[..., None]) -> None:
    """All sources silent: viewers hear of delayed, stale and none in the second they happen."""

    async def main(stage: Stage) -> None:
        transport = stage.enter(Ask(coins=("bitcoin",)))
        seen = []
        for until in (119.9, 120.1, 299.9, 300.1, 3599.9):
            await asyncio.sleep(until - stage.clocks.steady())
            last = frames(transport.sent)[-1]
            seen.append((len(frames(transport.sent)), last.full, last.prices["bitcoin"]["freshness"]))

        assert seen == [
            (1, True, "live"),
            (2, False, "delayed"),
            (2, False, "delayed"),
            (3, False, "stale"),
            (3, False, "stale"),
        ]

    play(main)


def test_a_late_timer_tells_no_lie(play: Callable[..., None]) -> None:
    """The loop did something else past a deadline: who comes first then is told the truth."""

    async def main(stage: Stage) -> None:
        stage.clocks.step = 130  # the wall clock was set; the timer does not know
        assert frames(stage.enter().sent)[0].prices["bitcoin"]["freshness"] == "delayed"

    play(main)


def test_there_is_room_for_so_many_and_no_more(play: Callable[..., None]) -> None:
    """In all and from one address, and again when one has left; this machine and proxies are spared the second."""

    async def main(stage: Stage) -> None:
        first = stage.enter(address="192.0.2.1")
        stage.enter(address="192.0.2.1")
        code, message = refusal(lambda: stage.enter(address="192.0.2.1"))
        assert (code, "from your address" in message) == ("busy", True)
        first.close()
        stage.enter(address="192.0.2.1")
        stage.enter(address="192.0.2.2")
        for _ in range(2):
            stage.enter()
        code, message = refusal(lambda: stage.enter(address="192.0.2.3"))
        assert (code, "/v1/prices" in message) == ("busy", True)
        assert stage.stream.viewers == 5

    play(main, Limits(viewers=5, per_address=2))


def test_streams_are_bounded(play: Callable[..., None]) -> None:
    """So many different ones; those nobody watches make room, and no refused coin leaves one behind."""

    async def main(stage: Stage) -> None:
        titles = [Ask(coins=("bitcoin",), title=str(number)) for number in range(MOST_STREAMS)]
        transports = [stage.enter(ask) for ask in titles]
        assert refusal(lambda: stage.enter(Ask()))[0] == "busy"
        stage.enter(titles[5])
        transports[0].close()
        stage.enter(Ask())
        assert stage.stream.streams == MOST_STREAMS
        assert refusal(lambda: stage.enter(Ask(coins=("dogecoin",))))[0] in ("busy", "unknown_coin")
        assert stage.stream.streams <= MOST_STREAMS

    play(main)


def test_a_refused_coin_leaves_no_stream(play: Callable[..., None]) -> None:
    """404, and nothing kept."""

    async def main(stage: Stage) -> None:
        assert refusal(lambda: stage.enter(Ask(coins=("dogecoin",))))[0] == "unknown_coin"
        assert stage.stream.streams == stage.stream.viewers == 0

    play(main)


def test_who_comes_back_soon_is_told_what_changed(play: Callable[..., None]) -> None:
    """The stream of a single viewer is kept for a minute after it has left, though nobody hears of it."""

    async def main(stage: Stage) -> None:
        stage.enter().close()
        stage.stream.update(moved(2, "65000"))
        await asyncio.sleep(IDLE - 5)
        back = stage.enter(event="7-1")
        assert [(one.id, one.full, set(one.prices)) for one in frames(back.sent)] == [("7-2", False, {"bitcoin"})]
        back.close()
        await asyncio.sleep(IDLE + 2)
        assert stage.stream.streams == 0
        assert frames(stage.enter(event="7-1").sent)[0].full

    play(main)


def test_the_pulse_pings_every_fifteen_seconds(play: Callable[..., None]) -> None:
    """Each viewer, one time in fifteen seconds; not all in the same second."""

    async def main(stage: Stage) -> None:
        transports = [stage.enter() for _ in range(60)]
        await asyncio.sleep(15.5)
        assert {transport.sent.count(PING) for transport in transports} == {1}
        first = [transport.sent.count(PING) for transport in transports]
        await asyncio.sleep(1)
        assert 0 < sum(transport.sent.count(PING) for transport in transports) - sum(first) < 30
        await asyncio.sleep(44)
        assert {transport.sent.count(PING) for transport in transports} == {4}

    play(main)


def test_the_stalled_are_gone_within_fifteen_seconds(play: Callable[..., None]) -> None:
    """They are cut; those who read a byte now and then, and all others, stay."""

    async def main(stage: Stage) -> None:
        transports = [stage.enter() for _ in range(50)]
        for transport in transports[:12]:
            transport.blocked = True
        stage.stream.update(moved(2, "65000"))
        for _ in range(14):
            await asyncio.sleep(1)
            for transport in transports[10:12]:
                transport.take(1)

        assert [transport.aborted for transport in transports] == [True] * 10 + [False] * 40
        assert stage.stream.viewers == 40

    play(main)


def test_nobody_stays_for_ever(play: Callable[..., None]) -> None:
    """Each is sent away after 30 to 60 minutes, with a retry, at times of its own."""

    async def main(stage: Stage) -> None:
        transports = [stage.enter() for _ in range(40)]
        await asyncio.sleep(LIFE[0] - 5)
        assert not any(transport.closed for transport in transports)
        await asyncio.sleep((LIFE[1] - LIFE[0]) / 2)
        assert 0 < sum(transport.closed for transport in transports) < 40
        await asyncio.sleep((LIFE[1] - LIFE[0]) / 2 + 10)
        assert all(transport.closed and not transport.aborted for transport in transports)
        assert all(b"retry: " in transport.sent.splitlines()[-2] for transport in transports)
        assert stage.stream.viewers == 0

    play(main)


def test_a_removed_coin_ends_its_streams_alone(play: Callable[..., None]) -> None:
    """Its viewers are sent away, and told when they come back; the others hear of the change."""

    async def main(stage: Stage) -> None:
        ask = Ask(coins=("bitcoin",))
        gone, stays = stage.enter(ask), stage.enter(Ask(coins=("ethereum",)))
        stage.stream.update(
            snapshot(2, coins=COINS[1:], shown=("ethereum",), prices=(price("ethereum", "1"), *OTHERS[1:]))
        )
        await asyncio.sleep(0.01)
        assert (gone.closed, stays.closed) == (True, False)
        assert frames(stays.sent)[-1].id == "7-2"
        assert refusal(lambda: stage.enter(ask))[0] == "unknown_coin"
        assert stage.stream.streams == 1

    play(main)


def test_our_own_fault_in_one_stream_stops_no_other(
    play: Callable[..., None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, its viewers are sent away, the others are told."""
    original = pen.price_json

    def broken(coin: Any, price: Any, currency: str, *more: Any) -> Any:
        if currency == "eth":
            raise ZeroDivisionError
        return original(coin, price, currency, *more)

    async def main(stage: Stage) -> None:
        hit, well = stage.enter(Ask(currency="eth")), stage.enter()
        monkeypatch.setattr(pen, "price_json", broken)
        stage.stream.update(moved(2, "65000"))
        await asyncio.sleep(0.01)
        assert (hit.closed, well.closed) == (True, False)
        assert frames(well.sent)[-1].id == "7-2"

    play(main)
    assert "cannot write the stream" in caplog.text


def test_the_many_are_told_first(play: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a hundred odd streams and a popular one, the popular one; then every odd one gets its turn."""
    turns: list[FakeTransport] = []

    async def main(stage: Stage) -> None:
        odd = [stage.enter(Ask(coins=("bitcoin",), title=str(number))) for number in range(100)]
        many = [stage.enter() for _ in range(3)]
        for transport in (*odd, *many):
            transport.write = lambda _, who=transport: turns.append(who)  # type: ignore[method-assign,misc]
        stage.stream.update(moved(2, "65000"))
        stage.stream.update(moved(3, "65001"))
        await asyncio.sleep(0.5)
        told = [who for who in turns if who in many]
        assert turns[:3] == told
        assert len(turns) == 103

    play(main)


def test_a_flood_of_streams_leaves_time_for_requests(
    play: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where writing all streams takes long, half of the time stays for everything else."""
    from ticker.server import stream as module

    async def main(stage: Stage) -> None:
        transports = [stage.enter(Ask(coins=("bitcoin",), title=str(number))) for number in range(50)]
        original = Stream._write

        def slow(self: Stream, ask: Ask, at: Any) -> None:
            stage.clocks.block(0.02)
            original(self, ask, at)

        monkeypatch.setattr(Stream, "_write", slow)
        monkeypatch.setattr(module.time, "monotonic", stage.clocks.steady)
        began = stage.clocks.steady()
        stage.stream.update(moved(2, "65000"))
        while any(len(frames(transport.sent)) == 1 for transport in transports):  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.001)
        assert stage.clocks.steady() - began > 1.8  # 1 s of work

    play(main)


def test_an_idle_process_has_no_pulse(play: Callable[..., None]) -> None:
    """Nobody watches: no timers but the ladder's, and no streams written."""

    async def main(stage: Stage) -> None:
        stage.enter().close()
        await asyncio.sleep(IDLE + 3)
        assert stage.stream._pulse_handle is None
        stage.stream.update(moved(2, "65000"))
        assert stage.stream._work_handle is None

    play(main)


def test_closing_sends_everyone_away_and_lets_nobody_in(play: Callable[..., None]) -> None:
    """A retry that differs, a clean close, and no more."""

    async def main(stage: Stage) -> None:
        transports = [stage.enter() for _ in range(20)]
        stage.stream.close()
        assert all(transport.closed for transport in transports)
        assert len({transport.sent.splitlines()[-2] for transport in transports}) > 5
        assert refusal(stage.enter)[0] == "busy"
        stage.stream.update(moved(2, "65000"))

    play(main)
