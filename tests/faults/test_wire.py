"""The wire that the soak hurts does what it is told, and nothing where it is told nothing."""

import asyncio
import random
import time
from collections.abc import AsyncIterator

import pytest
from faults.wire import FINE, KINDS, Trouble, Wire

BODY = bytes(range(256)) * 40


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """A wire before a server that answers whatever it is asked with BODY and hangs up."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(BODY)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    found = Wire(server.sockets[0].getsockname()[1])
    await found.start()
    yield found
    await found.stop()
    server.close()


async def asked(wire: Wire) -> bytes:
    """What arrives of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    try:
        writer.write(b"?")
        return await reader.read(-1)
    finally:
        writer.close()


async def test_a_sound_wire_passes_everything_on(wire: Wire) -> None:
    """Byte for byte, to many at a time."""
    assert await asyncio.gather(*(asked(wire) for _ in range(20))) == [BODY] * 20
    assert wire.connections == 20


@pytest.mark.parametrize(
    "trouble",
    [Trouble(latency=0.2), Trouble(rate=50_000.0), Trouble(lingers=0.2), Trouble(piece=2_000, gap=0.05)],
    ids=["latency", "bandwidth", "slow_close", "slicer"],
)
async def test_a_slow_wire_takes_its_time_and_loses_nothing(wire: Wire, trouble: Trouble) -> None:
    """All of it, later."""
    wire.trouble = trouble
    began = time.monotonic()
    assert await asked(wire) == BODY
    assert time.monotonic() - began > 0.15


@pytest.mark.parametrize("size", [0, 1, 700])
async def test_a_limit_ends_the_answer_there(wire: Wire, size: int) -> None:
    """So many bytes and the end, as if that were all."""
    wire.trouble = Trouble(limit=size)
    assert await asked(wire) == BODY[:size]


@pytest.mark.parametrize("trouble", [Trouble(down=True), Trouble(reset=0.0)], ids=["down", "reset_peer"])
async def test_a_broken_wire_resets(wire: Wire, trouble: Trouble) -> None:
    """The peer is gone, and is back when the wire is mended."""
    wire.trouble = trouble
    with pytest.raises(ConnectionResetError):
        await asked(wire)
    wire.trouble = FINE
    assert await asked(wire) == BODY


async def test_a_hole_swallows_until_it_is_cut(wire: Wire) -> None:
    """Nothing arrives and nothing ends; cutting ends it."""
    wire.trouble = Trouble(hole=True)
    asking = asyncio.create_task(asked(wire))
    done, _ = await asyncio.wait([asking], timeout=0.3)
    assert not done
    wire.cut()
    assert await asking == b""


def test_every_kind_is_some_trouble() -> None:
    """Each as strong as the dice say, the same for the same seed."""
    for kind, make in KINDS.items():
        assert make(random.Random(kind)) == make(random.Random(kind)) != FINE
