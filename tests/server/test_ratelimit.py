"""Costly answers are bounded an address: what is ready is free, refusals say when to come back, memory is bounded."""

import asyncio

import aiohttp
import pytest
from fakes import FakeStore
from loopback import loopback
from snapshots import snapshot

from ticker.server import ratelimit
from ticker.server.addresses import Addresses
from ticker.server.app import Serving
from ticker.server.params import RequestError
from ticker.server.ratelimit import RateLimit


class Clock:
    """Seconds that pass when a test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def refused(limit: RateLimit, address: str) -> int | None:
    """The seconds to wait; None where it is taken."""
    try:
        limit.take(address)
    except RequestError as error:
        return error.retry_after if error.code == "rate_limited" else -1
    return None


def test_a_bucket_empties_and_fills() -> None:
    """A minute's worth at once, then one at a time; another address has its own."""
    clock = Clock()
    limit = RateLimit(60, Addresses(()), clock)

    assert [refused(limit, "192.0.2.1") for _ in range(61)] == [None] * 60 + [1]
    assert refused(limit, "192.0.2.2") is None
    clock.now += 0.5
    assert refused(limit, "192.0.2.1") == 1
    clock.now += 0.5
    assert [refused(limit, "192.0.2.1") for _ in range(2)] == [None, 1]
    clock.now += 3600
    assert [refused(limit, "192.0.2.1") for _ in range(61)] == [None] * 60 + [1]


def test_what_it_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many addresses as there are on earth cost as much as the bound."""
    monkeypatch.setattr(ratelimit, "MOST_ADDRESSES", 100)
    limit = RateLimit(60, Addresses(()), Clock())
    for number in range(10_000):
        limit.take(f"2001:db8:{number:x}::/64")

    assert len(limit) == 100


def test_the_log_is_told_once_without_the_address(caplog: pytest.LogCaptureFixture) -> None:
    """Ops learn that it happens, and what to do; not who it was."""
    limit = RateLimit(1, Addresses(()), Clock())
    for _ in range(5):
        refused(limit, "192.0.2.1")

    (line,) = [record.getMessage() for record in caplog.records]
    assert "trusted_proxies" in line
    assert "192.0.2.1" not in line


async def ask(session: aiohttp.ClientSession, path: str, reader: str) -> tuple[int, str | None, str]:
    """Status, Retry-After, body for a reader behind the proxy."""
    async with session.get(path, headers={"X-Forwarded-For": reader}) as response:
        return response.status, response.headers.get("Retry-After"), await response.text()


async def test_over_http() -> None:
    """Behind a trusted proxy each reader has a bucket; ready answers are free; each door refuses in its form."""
    serving = Serving(trusted_proxies=("127.0.0.1",), costly_per_minute=6)
    async with (
        loopback(snapshot(), serving, past=FakeStore(), records=FakeStore()) as origin,  # type: ignore[arg-type]
        aiohttp.ClientSession(origin) as session,
    ):
        seen = [(await ask(session, f"/widget/list?title=n{n}", "192.0.2.1"))[:2] for n in range(7)]
        assert seen[:6] == [(200, None)] * 6
        assert seen[6][0] == 429
        assert 1 <= int(seen[6][1] or 0) <= 10
        assert (await ask(session, "/widget/list?title=n0", "192.0.2.1"))[0] == 200
        assert (await ask(session, "/healthz", "192.0.2.1"))[0] == 200
        for path, form in (
            ("/v1/history/bitcoin", '"code":"rate_limited"'),
            ("/v1/explain/bitcoin", '"code":"rate_limited"'),
            ("/v1/prices?coins=ethereum", '"code":"rate_limited"'),
            ("/api/v3/simple/price?ids=bitcoin&vs_currencies=eur", '"error_code":429'),
            ("/?kind=table", '"code":"rate_limited"'),
            ("/gallery?theme=dark", '"code":"rate_limited"'),
            ("/embed/table?title=x", "mp-error"),
        ):
            status, again, body = await ask(session, path, "192.0.2.1")
            assert (status, again is not None, form in body) == (429, True, True), path
        assert (await ask(session, "/v1/history/bitcoin", "192.0.2.2"))[0] == 200
        assert (await ask(session, "/v1/history/bitcoin", "192.0.2.1, 192.0.2.3"))[0] == 200


@pytest.mark.parametrize(("per_minute", "proxies"), [(0, ("127.0.0.1",)), (1, ())])
async def test_nobody_is_held_back(per_minute: int, proxies: tuple[str, ...]) -> None:
    """With 0 there is no bound; this machine is spared, whatever it says of whom it asks for."""
    serving = Serving(trusted_proxies=proxies, costly_per_minute=per_minute)
    async with loopback(snapshot(), serving) as origin, aiohttp.ClientSession(origin) as session:
        asked = [ask(session, f"/widget/list?title=n{n}", "192.0.2.1") for n in range(20)]
        assert {status for status, *_ in await asyncio.gather(*asked)} == {200}
