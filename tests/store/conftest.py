"""Stores to test, of both kinds."""

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from redis_server import RedisServer, Watched, least_user

from ticker.store import open_store
from ticker.store.base import Store

SILENCE = 0.5  # seconds, instead of 10, so that tests are fast

KINDS, OTHERS = ("embedded", "redis"), ("guarded", "sentinel")

Reopen = Callable[[], Store]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Stores of both back ends for every test; of the contract, the quick ones also on the other kinds of Redis."""
    if "address" not in metafunc.fixturenames:
        return
    quick = not metafunc.function.__name__.startswith(("test_any_", "test_kill_9_"))
    kinds = (*KINDS, *OTHERS) if quick and metafunc.module.__name__.endswith("test_contract") else KINDS
    marks = [pytest.param(kind, marks=[] if kind == "embedded" else pytest.mark.redis) for kind in kinds]
    metafunc.parametrize("address", marks, indirect=True)


@pytest.fixture
def address(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """URL and prefix of an empty store, once of each kind: "guarded" is TLS and the least privileged user."""
    prefix = f"test-{uuid.uuid4().hex[:12]}"
    if request.param == "embedded":
        return f"embedded:{tmp_path}/state/store.db", prefix
    if request.param == "sentinel":
        watched: Watched = request.getfixturevalue("shared_watched")
        return watched.url, prefix
    if request.param == "guarded":
        guarded, url = request.getfixturevalue("guarded_redis")
        with guarded.client() as client:
            client.execute_command(*least_user(prefix, "secret", prefix))
        return url.replace("://", f"://{prefix}:secret@"), prefix
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
