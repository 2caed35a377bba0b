"""The running stand-in that the tests here share."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from simulate.stand import COINS, Clock, Stand

from ticker.simulate.server import start


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    clock = Clock()
    simulation = await start(COINS, seed=7, clock=clock)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield Stand(simulation, clock, session)
    await simulation.stop()
