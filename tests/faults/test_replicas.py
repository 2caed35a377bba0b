"""Three real pollers on one Redis: one asks, and whatever is done to it, there is one soon again and never two."""

import asyncio
import signal
import time
from pathlib import Path

import pytest
from faults.conftest import Measured
from faults.replicas import replicas
from redis_server import RedisServer

from ticker.leading import LEASE

pytestmark = [pytest.mark.redis, pytest.mark.timeout(180)]

SLACK = 10.0  # seconds that a busy machine may be late


async def test_a_leader_is_stopped_killed_and_ended(measured: Measured, own_redis: RedisServer, tmp_path: Path) -> None:
    """SIGSTOP past the lease, kill -9, SIGTERM: another leads in time, pages go on, and who comes back asks nobody."""
    async with replicas(own_redis, tmp_path, 3) as all_:
        server = await all_.serve()
        stopped, _ = await all_.leader()
        await server.prices_when(lambda found: found["bitcoin"]["agreement"] == "ok")

        stopped.send(signal.SIGSTOP)
        killed, after_stop = await all_.leader(but=stopped)
        await asyncio.sleep(0.5)
        asked = stopped.calls
        stopped.send(signal.SIGCONT)
        await stopped.process.says("polling stops")
        await stopped.process.says("standing by")
        assert stopped.calls == asked

        killed.send(signal.SIGKILL)
        ended, after_kill = await all_.leader(but=killed)
        since = time.time()
        await server.prices_when(lambda found: found["bitcoin"]["freshness"] == "live")

        assert await ended.process.end() == 0
        last, after_term = await all_.leader(but=ended)
        await server.prices_when(
            lambda found: found["bitcoin"]["agreement"] == "ok" and found["bitcoin"]["as_of"] > _iso(since)
        )
        assert {last, ended} <= {one for one in all_.all if one is not killed}
        assert "Traceback" not in "".join(one.process.log for one in all_.all)

    assert max(after_stop, after_kill) <= LEASE + SLACK
    assert after_term <= after_kill + SLACK
    measured(
        "leader stopped (SIGSTOP) past its lease",
        "another leads within 10 s; the old one asks nobody when it comes back",
        "another led in time; 0 calls of the old one after SIGCONT",
    )
    measured("leader killed (kill -9)", "another leads within 10 s", "another led in time")
    measured("leader ended (SIGTERM)", "another leads at once", "another led at once")


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
