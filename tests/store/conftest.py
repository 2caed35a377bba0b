"""Stores to test, of both kinds."""

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from redis_server import RedisServer

from ticker.store import open_store
from ticker.store.base import Store

SILENCE = 0.5  # seconds, instead of 10, so that tests are fast

Reopen = Callable[[], Store]


@pytest.fixture(params=["embedded", pytest.param("redis", marks=pytest.mark.redis)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """URL and prefix of an empty store, once of each kind."""
    prefix = f"test-{uuid.uuid4().hex[:12]}"
    if request.param == "embedded":
        return f"embedded:{tmp_path}/state/store.db", prefix
    server: RedisServer = request.getfixturevalue("shared_redis")
    return server.url, prefix


@pytest.fixture
async def store(address: tuple[str, str]) -> AsyncIterator[Store]:
    """An empty store of each kind, opened."""
    async with AsyncExitStack() as stack:
        store = open_store(*address, silence=SILENCE)
        stack.push_async_callback(store.close)
        await store.open()
        yield store
