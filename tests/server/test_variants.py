"""What is asked for never fills the memory, and what a header says is never part of an answer (trust rule 31)."""

import asyncio

import aiohttp
import pytest
from exam.queries import HOSTILE, run
from loopback import loopback
from server.test_currencies import with_rates

PATHS = [
    "/",
    "/widget/list",
    "/embed/label/bitcoin",
    "/v1/prices?coins=all",
    "/v1/coins",
    "/v1/openapi.json",
    "/badge/bitcoin.svg",
    "/badge/nope.svg",
    "/badge/bitcoin.json",
    "/api/v3/ping",
    "/api/v3/simple/price?ids=bitcoin&vs_currencies=usd,eur",
    "/api/v3/coins/markets?vs_currency=usd",
    "/api/v3/coins/list",
    "/api/v3/nothing",
]


async def test_ten_thousand_random_queries_keep_only_what_is_valid() -> None:
    """Every variant in memory is a valid one, and most of those were met; nothing broke on the way."""
    in_memory, valid, statuses = await run(10_000)

    assert in_memory - valid == set()
    assert len(in_memory) > 0.8 * len(valid)
    assert set(statuses) == {200, 400, 404, 422}


@pytest.mark.parametrize("path", PATHS)
async def test_no_header_changes_a_body(path: str) -> None:
    """Each of them alone and all at once: the same bytes, status and ETag, and nothing is echoed."""
    async with loopback(with_rates()) as origin, aiohttp.ClientSession() as session:

        async def ask(headers: dict[str, str]) -> tuple[int, str | None, bytes]:
            async with session.get(origin + path, headers={"Accept-Encoding": "identity", **headers}) as answer:
                assert "Set-Cookie" not in answer.headers
                assert not any("evil" in value for value in answer.headers.values())
                return answer.status, answer.headers.get("ETag"), await answer.read()

        plain = await ask({})
        given = [{name: value} for name, value in HOSTILE.items()] + [{"Host": "evil.example"}, dict(HOSTILE)]
        assert set(await asyncio.gather(*map(ask, given))) == {plain}
