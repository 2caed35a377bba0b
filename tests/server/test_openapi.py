"""`/v1/openapi.json` describes what there is, and what there is keeps to it."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jsonschema_rs
import pytest
from described import described, held
from exam.schemathesis_run import run
from loopback import loopback
from server.test_app import start
from snapshots import snapshot

from ticker.server.app import Serving
from ticker.server.openapi import document

WITHOUT_JSON = re.compile(
    r"/|/status|/widget/.*|/embed.*|/snippet/.*|/gallery|/icons/.*|/builder\.js|/mark\.svg|/badge/\{coin\}\.svg"
    r"|/api/v3/coins/\{coin\}/image\.svg"
)


@pytest.fixture
async def origin() -> AsyncIterator[str]:
    """A server with something at every door."""
    async with described() as found:
        yield found


def validator(schema: Any, description: dict[str, Any]) -> Any:
    """Of a schema that may point to others of the description; formats count."""
    whole = {**schema, "components": description["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


async def test_it_is_served_like_the_rest() -> None:
    """Cached, shared, with an ETag; before the first snapshot too; at the configured origin, whatever the Host says."""
    site = await start(None, Serving(origin="https://prices.example/ticker"))
    status, headers, text = await site.get("/v1/openapi.json", Host="evil.example")
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert headers["Cache-Control"].startswith("public, max-age=5")
    assert json.loads(text)["servers"] == [{"url": "https://prices.example/ticker"}]
    assert (await site.get("/v1/openapi.json", If_None_Match=headers["ETag"]))[0] == 304
    await site.client.close()


@pytest.mark.parametrize("dialect", [True, False])
async def test_it_describes_every_door_with_json(dialect: bool) -> None:
    """Each route is described or has no JSON, and nothing is described that is not there."""
    from fakes import Clock, FakeStore
    from loopback import HeldFeed

    from ticker.server.app import make_app

    store = FakeStore()
    app = make_app(HeldFeed(snapshot()), Serving(dialect=dialect), Clock(), store, store)  # type: ignore[arg-type]
    routes = {route.resource.canonical for route in app.router.routes() if route.resource is not None}
    told = set(document("", dialect=dialect)["paths"])

    assert {path for path in routes if not WITHOUT_JSON.fullmatch(path)} == told


def test_every_schema_is_a_schema() -> None:
    """Of JSON Schema 2020-12, and every pointer leads somewhere."""
    description = document("", dialect=True)
    for name, schema in description["components"]["schemas"].items():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
        assert validator(schema, description), name
    for pointer in re.findall(r'"#/components/(\w+)/(\w+)"', json.dumps(description)):
        assert pointer[1] in description["components"][pointer[0]]


ASKED = [
    ("/v1/prices", "/v1/prices", 200),
    ("/v1/prices", "/v1/prices?coins=all&currency=eur&limit=3", 200),
    ("/v1/prices", "/v1/prices?coins=openvoicecoin&currency=gbp", 200),
    ("/v1/prices", "/v1/prices?coins=nope", 404),
    ("/v1/prices", "/v1/prices?limit=0", 400),
    ("/v1/prices", "/v1/prices?coins=" + "y" * 3000, 414),
    ("/v1/prices/{coin}", "/v1/prices/bitcoin?currency=jpy", 200),
    ("/v1/prices/{coin}", "/v1/prices/nope", 404),
    ("/v1/coins", "/v1/coins", 200),
    ("/v1/history/{coin}", "/v1/history/bitcoin", 200),
    ("/v1/history/{coin}", "/v1/history/bitcoin?step=1m&from=2026-11-22", 400),
    ("/v1/explain/{coin}", "/v1/explain/bitcoin", 200),
    ("/v1/explain/{coin}", "/v1/explain/nope", 404),
    ("/v1/status", "/v1/status", 200),
    ("/v1/openapi.json", "/v1/openapi.json", 200),
    ("/badge/{coin}.json", "/badge/bitcoin.json", 200),
    ("/badge/{coin}.json", "/badge/nope.json?theme=x", 200),
    ("/api/v3/ping", "/api/v3/ping", 200),
    (
        "/api/v3/simple/price",
        "/api/v3/simple/price?ids=bitcoin,openvoicecoin&vs_currencies=usd,eur,gbp&include_market_cap=true"
        "&include_24hr_vol=true&include_24hr_change=true&include_last_updated_at=true",
        200,
    ),
    ("/api/v3/simple/price", "/api/v3/simple/price", 422),
    ("/api/v3/simple/supported_vs_currencies", "/api/v3/simple/supported_vs_currencies", 200),
    ("/api/v3/coins/list", "/api/v3/coins/list?include_platform=true", 200),
    (
        "/api/v3/coins/markets",
        "/api/v3/coins/markets?vs_currency=usd&sparkline=true&price_change_percentage=1h,24h,7d,14d,30d,200d,1y",
        200,
    ),
    ("/api/v3/coins/markets", "/api/v3/coins/markets?vs_currency=zzz", 400),
]


@pytest.mark.parametrize(("path", "asked", "status"), ASKED)
async def test_every_answer_keeps_to_its_schema(origin: str, path: str, asked: str, status: int) -> None:
    """Bodies and refusals, key by key: nothing is missing, nothing is there that is not described."""
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{origin}/v1/openapi.json") as response:
            description = await response.json()
        async with session.get(origin + asked) as response:
            body, found = await response.json(), response.status
    told = description["paths"][path]["get"]["responses"][str(status)]
    if "$ref" in told:
        told = description["components"]["responses"][told["$ref"].rsplit("/", 1)[1]]

    assert found == status
    validator(told["content"]["application/json"]["schema"], description).validate(body)


async def test_what_is_not_ready_is_described_too() -> None:
    """503 keeps to the schemas of the refusals."""
    description = document("", dialect=True)
    async with loopback(None) as origin, aiohttp.ClientSession() as session:
        for path, schema in (("/v1/prices", "Error"), ("/readyz", "Error"), ("/api/v3/ping", "DialectError")):
            async with session.get(origin + path) as response:
                assert response.status == 503
                validator(description["components"]["schemas"][schema], description).validate(await response.json())


async def test_numbers_stay_exact() -> None:
    """The description's decimals are strings of digits: an exponent does not pass."""
    description = document("", dialect=True)
    decimal = validator({"$ref": "#/components/schemas/Decimal"}, description)
    assert [text for text in ("1", "-1.50", "0.00000644", "6.44E-6", "", "1.", "NaN") if decimal.is_valid(text)] == [
        "1",
        "-1.50",
        "0.00000644",
    ]
    assert held().prices[0].price is not None


@pytest.mark.timeout(150)
async def test_schemathesis_finds_nothing() -> None:
    """A short run against a real server: no server error, no answer beside its schema, nothing wrong accepted."""
    code, report = await run(examples=15)

    assert code == 0, report
    assert "15 passed" in report, report
