"""Viewers without a network: a slot for the latest, no queue, no waiting (trust rule 29)."""

from server.viewers import FakeTransport, frames
from snapshots import NOW, price, snapshot

from ticker.model import Snapshot
from ticker.server.frames import PING, Frames
from ticker.server.hub import STALLED, Crowd, Hub, Viewer
from ticker.server.params import Ask
from ticker.server.pen import Pen, moment

OTHERS = snapshot().prices[1:]


class Stage:
    """A hub at its first snapshot, and viewers that have been greeted."""

    def __init__(self) -> None:
        self.left: list[Viewer] = []
        self.hub = Hub(Ask(), Frames(Ask(), Pen("usd", None)), Crowd(self.left.append))
        self.hub.take(moment(snapshot(), NOW))
        self.seq = 1

    def viewer(self, event: str | None = None, *, paused: bool = False) -> tuple[Viewer, FakeTransport]:
        transport = FakeTransport()
        viewer = transport.viewer = Viewer(transport, self.hub, paused=paused)
        viewer.greet(b"retry: 700\n\n", event)
        return viewer, transport

    def move(self, value: str) -> Snapshot:
        """Bitcoin has another price, and everyone is told."""
        self.seq += 1
        found = snapshot(self.seq, prices=(price("bitcoin", value), *OTHERS))
        self.hub.take(moment(found, NOW))
        while self.hub.deliver(2):
            pass
        return found


def test_first_everything_then_what_changed() -> None:
    """Five viewers, two a turn: each hears of each change once."""
    stage = Stage()
    seated = [stage.viewer() for _ in range(5)]
    stage.move("65000")
    stage.move("65001")

    for _, transport in seated:
        assert [(one.id, one.full, len(one.prices)) for one in frames(transport.sent)] == [
            ("7-1", True, 3),
            ("7-2", False, 1),
            ("7-3", False, 1),
        ]


def test_one_frame_is_made_for_all() -> None:
    """The very same bytes object goes to every transport."""
    stage = Stage()
    given: list[bytes] = []
    for _ in range(3):
        _, transport = stage.viewer()
        transport.write = given.append  # type: ignore[method-assign]
    stage.move("65000")

    assert len(given) == 3
    assert len({id(data) for data in given}) == 1


def test_a_slow_viewer_gets_one_full_frame_and_no_backlog() -> None:
    """While its bytes wait nothing is queued; when they are gone it gets the latest, whole, once."""
    stage = Stage()
    _, slow = stage.viewer()
    _, quick = stage.viewer()
    slow.blocked = True
    stage.move("65000")  # the frame that fills it
    waiting = len(slow.waiting)
    for value in range(65_001, 65_100):
        stage.move(str(value))

    assert len(slow.waiting) == waiting
    assert len(frames(quick.sent)) == 101
    slow.take()
    assert [(one.id, one.full) for one in frames(slow.sent)] == [("7-1", True), ("7-2", False), ("7-101", True)]
    assert frames(slow.sent)[-1].prices["bitcoin"]["price"] == "65099"
    stage.move("1")
    assert [one.full for one in frames(slow.sent)][-1] is False


def test_a_slow_viewer_that_missed_nothing_is_told_nothing_twice() -> None:
    """Its bytes go late, and nothing was new meanwhile."""
    stage = Stage()
    _, slow = stage.viewer()
    slow.blocked = True
    stage.move("65000")
    slow.take()

    assert [one.id for one in frames(slow.sent)] == ["7-1", "7-2"]


def test_a_viewer_whose_connection_is_full_at_once_waits_for_its_first_frame() -> None:
    """Bytes of an earlier answer still wait: everything comes when they are gone."""
    stage = Stage()
    viewer, transport = stage.viewer(paused=True)
    assert frames(transport.sent) == []
    viewer.resume_writing()

    assert [one.full for one in frames(transport.sent)] == [True]


def test_pings_do_not_pile_up() -> None:
    """A ping shows that the connection lives; into one that is full it is not written."""
    stage = Stage()
    viewer, transport = stage.viewer()
    viewer.ping()
    assert transport.sent.endswith(PING)
    transport.blocked = True
    stage.move("65000")
    waiting = len(transport.waiting)
    viewer.ping()
    assert len(transport.waiting) == waiting


def test_stalled_is_who_takes_nothing_not_who_is_slow() -> None:
    """Not one byte in ten seconds; a byte now and then is a slow line."""
    stage = Stage()
    viewer, transport = stage.viewer()
    assert not viewer.stalled(0)
    transport.blocked = True
    stage.move("65000")
    assert not viewer.stalled(100)
    assert not viewer.stalled(100 + STALLED - 1)
    transport.take(1)
    assert not viewer.stalled(100 + STALLED)
    assert not viewer.stalled(100 + 2 * STALLED - 1)
    assert viewer.stalled(100 + 2 * STALLED)


def test_farewell_is_clean_where_it_can_be() -> None:
    """A retry and a close; a viewer whose bytes wait is cut, for it would not read it."""
    stage = Stage()
    viewer, transport = stage.viewer()
    _, full = stage.viewer()
    full.blocked = True
    stage.move("65000")
    viewer.farewell(1.5)
    assert full.viewer is not None
    full.viewer.farewell(1.5)

    assert transport.sent.endswith(b"retry: 1500\n\n")
    assert (transport.closed, transport.aborted) == (True, False)
    assert full.aborted
    assert stage.left == [viewer, full.viewer]
    assert not stage.hub.viewers
    stage.move("65001")
    assert transport.sent.endswith(b"retry: 1500\n\n")


def test_who_leaves_while_others_are_told_is_skipped() -> None:
    """Told two a turn, the last of four leaves after the first two."""
    stage = Stage()
    seated = [stage.viewer() for _ in range(4)]
    stage.hub.take(moment(snapshot(2, prices=(price("bitcoin", "1"), *OTHERS)), NOW))
    assert stage.hub.deliver(2)
    for viewer, transport in seated:
        if len(frames(transport.sent)) == 1:
            viewer.connection_lost(None)
    assert not stage.hub.deliver(2)
    assert sorted(len(frames(transport.sent)) for _, transport in seated) == [1, 1, 2, 2]


def test_who_comes_while_others_are_told_is_told_once() -> None:
    """It has the newest already."""
    stage = Stage()
    stage.viewer()
    stage.hub.take(moment(snapshot(2, prices=(price("bitcoin", "1"), *OTHERS)), NOW))
    _, late = stage.viewer()
    while stage.hub.deliver(1):
        pass

    assert [(one.id, one.full) for one in frames(late.sent)] == [("7-2", True)]


def test_what_a_viewer_says_is_not_kept() -> None:
    """It has nothing to say."""
    stage = Stage()
    viewer, transport = stage.viewer()
    before = transport.sent
    viewer.data_received(b"GET / HTTP/1.1\r\n\r\n" * 1000)

    assert transport.sent == before
