"""Ready answers on their shelf: made once, rebuilt one a turn in the codings that are asked for, bounded in bytes."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fakes import Clock
from snapshots import NOW, price, snapshot

from ticker.model import Snapshot
from ticker.server import ready as ready_module
from ticker.server import shelf as shelf_module
from ticker.server.ready import Ready, Wire
from ticker.server.shelf import Shelf

PATIENCE = 20.0
ENDLESS = snapshot(prices=tuple(price(coin.id, None) for coin in snapshot().coins))  # no ladder, no timer


@pytest.fixture
async def clock() -> Clock:
    """Seconds that pass when a test says so."""
    return Clock()


@pytest.fixture
async def shelf(clock: Clock) -> AsyncIterator[Shelf]:
    """A shelf with a snapshot."""
    found = Shelf(clock)
    found.update(ENDLESS)
    yield found
    found.close()


def text(held: Snapshot, _: float) -> bytes:
    """An answer that says which snapshot it is of."""
    return b"%d " % held.seq * 400


def give(found: Ready, coding: str, at: float) -> Wire:
    """An answer of it in a coding, given away at a moment."""
    name, body = found.coded((coding,))
    wire = found.wire((name,)) or found.keep((name,), Wire(200, (), body, found.edition, name))
    wire.at(at)
    return wire


async def rebuilt(shelf: Shelf) -> None:
    """Wait until nothing is left to rebuild."""
    async with asyncio.timeout(PATIENCE):
        while shelf._rebuilding is not None:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.001)


async def test_only_codings_that_are_asked_for_are_made_ahead(
    shelf: Shelf, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was given in the last minute is ready in the same codings after a new snapshot; what was not is not made."""
    made: list[str] = []
    compress = ready_module.compress

    def noted(coding: str, body: bytes, *, lasting: bool) -> bytes:
        made.append(coding)
        return compress(coding, body, lasting=lasting)

    monkeypatch.setattr(ready_module, "compress", noted)
    shelf.get("a", text)
    found = shelf.get("a", text)
    give(found, "gzip", NOW)
    clock.now = NOW + 50
    give(found, "br", clock.now)
    assert made == ["gzip", "br"]
    clock.now = NOW + 65
    shelf.get("a", text)
    shelf.update(snapshot(2, prices=ENDLESS.prices))
    await rebuilt(shelf)

    assert made == ["gzip", "br", "br"]
    assert shelf.get("a", text).body.startswith(b"2 ")
    give(shelf.get("a", text), "br", clock.now)
    assert made == ["gzip", "br", "br"]


async def test_one_thing_a_turn(shelf: Shelf) -> None:
    """A body, or one coding of it, between two turns of the loop: whatever else is to do gets its turn."""
    built: list[str] = []
    for name in "abc":
        for _ in range(2):
            found = shelf.get(name, lambda held, at, name=name: built.append(name) or text(held, at))
        give(found, "gzip", NOW)
    built.clear()
    shelf.update(snapshot(2, prices=ENDLESS.prices))
    most, before, turns = 0, 0, 0
    async with asyncio.timeout(PATIENCE):
        while shelf._rebuilding is not None:
            await asyncio.sleep(0)
            most, before, turns = max(most, len(built) - before), len(built), turns + 1

    assert built == ["c", "b", "a"]  # the last asked for first
    assert most == 1
    assert turns >= 6


async def test_what_the_lane_gave_counts_as_asked_for(shelf: Shelf, clock: Clock) -> None:
    """An answer that only the fast lane handed out is rebuilt like one that was asked for here."""
    for _ in range(2):
        found = shelf.get("a", text)
    wire = give(found, "br", NOW)
    clock.now = NOW + 300
    wire.at(NOW + 290)
    shelf.update(snapshot(2, prices=ENDLESS.prices))
    await rebuilt(shelf)

    assert shelf._variants["a"].ready.body.startswith(b"2 ")
    clock.now = NOW + 1000
    shelf.update(snapshot(3, prices=ENDLESS.prices))
    assert "a" not in shelf._variants


async def test_variants_are_bounded_in_bytes(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked for longest ago goes, also where an answer has grown by its codings."""
    monkeypatch.setattr(shelf_module, "MOST_BYTES", 100_000)
    for number in range(300):
        found = shelf.get(number, lambda *_: b"x" * 5000)
        give(found, "gzip", NOW)
        shelf.get(number, lambda *_: b"x" * 5000)
        assert shelf.weight <= 100_000 + found.weight
    assert 5 < len(shelf._variants) < 20
    assert shelf.weight == sum(one.weight for one in shelf._variants.values())
    shelf.get("huge", lambda *_: b"x" * 1_000_000)

    assert list(shelf._variants) == ["huge"]
    shelf.forget()
    assert (shelf.weight, dict(shelf._variants)) == (0, {})


async def test_an_edition_is_over_with_its_snapshot(shelf: Shelf, clock: Clock) -> None:
    """Whoever remembers an answer can see that it is no longer right: at once, and at the next deadline of a price."""
    found = shelf.get("a", text)
    assert found.edition.valid(NOW + 10**9)
    shelf.update(snapshot(2))
    assert not found.edition.valid(NOW)
    found = shelf.get("a", text)
    assert found.edition.valid(NOW + 119)
    assert not found.edition.valid(NOW + 120)
    shelf.refresh()
    assert not found.edition.valid(NOW)
    assert not shelf.once(text).edition.valid(NOW)
