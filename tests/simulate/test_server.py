"""The stand-in over real HTTP: every source, every fault, the controls."""

import gzip
import time
from decimal import Decimal

import aiohttp
import msgspec
import pytest
from simulate.stand import COINS, NOW, Clock, Stand

from ticker.simulate.faults import FaultError
from ticker.simulate.page import settings
from ticker.simulate.sending import BOMB_BYTES
from ticker.simulate.server import base_urls, start, stream_urls
from ticker.sources import REGISTRY, quotes

every_source = pytest.mark.parametrize("source", sorted(COINS))


@every_source
async def test_every_source_answers_its_adapter(stand: Stand, source: str) -> None:
    """One poll over HTTP gives a quote of every coin, of the source's content type, close to the true price."""
    answer = await stand.ask(source)
    ids = {coin: [market] for market, coin in COINS[source].items()}
    read = quotes(REGISTRY[source], [answer.body], ids, received=NOW, poll=1)

    assert answer.status == 200
    assert answer.headers["Content-Type"].partition(";")[0] in REGISTRY[source].content_types
    assert {quote.coin for quote in read} == ids.keys()
    daily = source in ("ecb", "frankfurter", "openerapi")
    for quote in read:
        moment = quote.at if daily and quote.at else NOW
        true = stand.simulation.market.price(quote.coin, moment, currency=quote.currency)
        assert abs(quote.price / true - 1) < Decimal("0.003")
        if quote.at is not None:
            assert NOW - (REGISTRY[source].cache if daily else 61) <= quote.at <= NOW + 0.001


async def test_prices_move_with_the_clock(stand: Stand) -> None:
    """A minute later another price; the same moment, the same bytes."""
    first = await stand.ask("kraken")
    assert (await stand.ask("kraken")).body == first.body
    stand.clock.now += 60
    assert (await stand.ask("kraken")).body != first.body


async def test_aggregators_keep_an_answer(stand: Stand) -> None:
    """Within its minute CoinGecko repeats itself, time included, as its cache does."""
    first = await stand.ask("coingecko")
    stand.clock.now += 5
    assert (await stand.ask("coingecko")).body == first.body
    stand.clock.now += 60
    assert (await stand.ask("coingecko")).body != first.body


async def test_gzip_when_asked(stand: Stand) -> None:
    """The body is packed for a client that says so, and only then."""
    url = stand.simulation.base_urls["kraken"] + "/0/public/Ticker"
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        async with session.get(url, headers={"Accept-Encoding": "gzip"}) as packed:
            assert packed.headers["Content-Encoding"] == "gzip"
            packed_body = await packed.read()
        async with session.get(url, headers={"Accept-Encoding": "identity"}) as plain:
            assert "Content-Encoding" not in plain.headers
            assert gzip.decompress(packed_body) == await plain.read()


async def test_calls_are_counted(stand: Stand) -> None:
    """GET /calls says how often each source was asked, wrong paths and failures included."""
    await stand.ask("kraken")
    stand.simulation.set_fault("kraken", "status:500")
    await stand.ask("kraken")
    async with stand.session.get(stand.simulation.base_urls["okx"] + "/nowhere") as answer:
        assert answer.status == 404
    async with stand.session.get(stand.simulation.origin + "/calls") as answer:
        calls = await answer.json()
    assert calls == dict.fromkeys(COINS, 0) | {"kraken": 2, "okx": 1}


async def test_an_unknown_source_is_not_found(stand: Stand) -> None:
    """A path under no source's name is 404."""
    async with stand.session.get(stand.simulation.origin + "/nosuch/path") as answer:
        assert answer.status == 404


async def test_status(stand: Stand) -> None:
    """The status asked for, with Retry-After where it was asked for, and Location for a redirect."""
    stand.simulation.set_fault("kraken", "status:503")
    answer = await stand.ask("kraken")
    assert (answer.status, answer.headers.get("Retry-After")) == (503, None)
    stand.simulation.set_fault("kraken", "status:429;retry_after=30")
    answer = await stand.ask("kraken")
    assert (answer.status, answer.headers.get("Retry-After")) == (429, "30")
    stand.simulation.set_fault("kraken", "status:302")
    answer = await stand.ask("kraken")
    assert (answer.status, answer.headers["Location"]) == (302, "https://moved.invalid/")


async def test_delay(stand: Stand) -> None:
    """The answer comes whole, later."""
    true = (await stand.ask("kraken")).body
    stand.simulation.set_fault("kraken", "delay:300ms")
    started = time.monotonic()
    assert (await stand.ask("kraken")).body == true
    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_truncate(stand: Stand, encoding: str) -> None:
    """The connection closes half way through the body that was promised."""
    stand.simulation.set_fault("kraken", "truncate")
    with pytest.raises(aiohttp.ClientPayloadError):
        await stand.ask("kraken", **{"Accept-Encoding": encoding})


async def test_garbage(stand: Stand) -> None:
    """Status and type are right, the bytes are no JSON and no text."""
    stand.simulation.set_fault("kraken", "garbage")
    answer = await stand.ask("kraken")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    with pytest.raises(UnicodeDecodeError):
        answer.body.decode()


async def test_broken_xml_keeps_its_type(stand: Stand) -> None:
    """What a fault does to the ECB's document comes as XML too, so that the parser meets it."""
    for fault in ("garbage", "empty"):
        stand.simulation.set_fault("ecb", fault)
        answer = await stand.ask("ecb")
        assert (answer.status, answer.headers["Content-Type"].partition(";")[0]) == (200, "text/xml")


async def test_html(stand: Stand) -> None:
    """The page of a bot guard, with status 200."""
    stand.simulation.set_fault("kraken", "html")
    answer = await stand.ask("kraken")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert b"Just a moment..." in answer.body


async def test_empty(stand: Stand) -> None:
    """Status and type are right, and there is no body."""
    stand.simulation.set_fault("kraken", "empty")
    answer = await stand.ask("kraken")
    assert (answer.status, answer.body) == (200, b"")


async def test_reset(stand: Stand) -> None:
    """The connection is reset before any answer."""
    stand.simulation.set_fault("kraken", "reset")
    with pytest.raises(aiohttp.ClientConnectionError):
        await stand.ask("kraken")
    stand.simulation.set_fault("kraken", None)
    assert (await stand.ask("kraken")).status == 200


async def test_drip(stand: Stand) -> None:
    """One byte at a time, so slowly that the whole answer would take hours; the server lets go when the client does."""
    stand.simulation.set_fault("kraken", "drip:20ms")
    url = stand.simulation.base_urls["kraken"] + "/0/public/Ticker"
    started = time.monotonic()
    async with stand.session.get(url, headers={"Accept-Encoding": "identity"}) as answer:
        got = [await answer.content.readany() for _ in range(10)]
        assert answer.content_length is not None
        assert answer.content_length > 500
    assert time.monotonic() - started >= 0.15
    assert 10 <= len(b"".join(got)) < 30
    await stand.simulation.stop()
    assert time.monotonic() - started < 3


async def test_bomb(stand: Stand) -> None:
    """A small gzip body that unpacks to far more than any answer, whether or not gzip was asked for."""
    stand.simulation.set_fault("kraken", "bomb")
    url = stand.simulation.base_urls["kraken"] + "/0/public/Ticker"
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.get(url, headers={"Accept-Encoding": "identity"}) as answer,
    ):
        assert answer.headers["Content-Encoding"] == "gzip"
        body = await answer.read()
    assert len(body) < 200_000
    assert max(source.max_body for source in REGISTRY.values()) < BOMB_BYTES
    assert len(gzip.decompress(body)) == BOMB_BYTES + 1


async def test_frozen(stand: Stand) -> None:
    """Prices and provider times stand still while the clock goes on, and go on when the fault is taken off."""
    stand.simulation.set_fault("okx", "frozen")
    first = (await stand.ask("okx")).body
    stand.clock.now += 3600
    assert (await stand.ask("okx")).body == first
    stand.simulation.set_fault("okx", None)
    assert (await stand.ask("okx")).body != first


async def test_one_coin_frozen(stand: Stand) -> None:
    """One coin stands still with its own time; the others move."""
    stand.simulation.set_fault("okx", "frozen;coin=bitcoin")
    before = {row.id: row for row in REGISTRY["okx"].parse((await stand.ask("okx")).body, set(COINS["okx"]))}
    stand.clock.now += 600
    after = {row.id: row for row in REGISTRY["okx"].parse((await stand.ask("okx")).body, set(COINS["okx"]))}
    assert after["BTC-USDT"] == before["BTC-USDT"]
    assert after["SHIB-USDT"].price != before["SHIB-USDT"].price
    assert after["SHIB-USDT"].at == pytest.approx(NOW + 600)


@pytest.mark.parametrize(("fault", "factor"), [("scale:10", 10), ("scale:0.1", Decimal("0.1")), ("negative", -1)])
async def test_wrong_scale_and_sign(stand: Stand, fault: str, factor: Decimal) -> None:
    """The price is wrong by the factor, and of the named coin only if one is named."""
    true = await stand.price("kraken", "BTC/USD")
    other = await stand.price("kraken", "USDT/USD")
    assert isinstance(true, Decimal)
    stand.simulation.set_fault("kraken", f"{fault};coin=bitcoin")
    assert await stand.price("kraken", "BTC/USD") == true * factor
    assert await stand.price("kraken", "USDT/USD") == other
    stand.simulation.set_fault("kraken", fault)
    assert await stand.price("kraken", "USDT/USD") != other


async def test_wrong_price_and_zero(stand: Stand) -> None:
    """One coin at the price asked for; all coins at zero."""
    stand.simulation.set_fault("kraken", "price:bitcoin=1")
    assert await stand.price("kraken", "BTC/USD") == 1
    stand.simulation.set_fault("kraken", "zero")
    assert await stand.price("kraken", "USDT/USD") == 0


async def test_nan(stand: Stand) -> None:
    """NaN where a number is due: bare in CoinGecko's JSON, quoted in Kraken's."""
    stand.simulation.set_fault("*", "nan")
    assert b'"current_price":NaN' in (await stand.ask("coingecko")).body
    assert b'"c":["NaN"' in (await stand.ask("kraken")).body


async def test_a_fault_ends_by_itself(stand: Stand) -> None:
    """`for=` counts on the stand-in's clock: in force until then, gone after."""
    stand.simulation.set_fault("kraken", "status:503;for=60s")
    stand.clock.now += 59.9
    assert (await stand.ask("kraken")).status == 503
    stand.clock.now += 0.1
    assert (await stand.ask("kraken")).status == 200
    assert stand.simulation.faults == {}


async def test_faults_are_set_and_taken_off_over_http(stand: Stand) -> None:
    """PUT takes text or JSON, GET lists, DELETE takes off; `*` means all."""
    faults = stand.simulation.origin + "/faults"
    async with stand.session.put(f"{faults}/kraken", data="status:503;for=60s") as answer:
        assert (answer.status, await answer.json()) == (200, {"kraken": "status:503;for=60s"})
    async with stand.session.put(f"{faults}/okx", json={"fault": "zero"}) as answer:
        assert answer.status == 200
    async with stand.session.get(faults) as answer:
        assert await answer.json() == {"kraken": "status:503;for=60s", "okx": "zero"}
    assert (await stand.ask("kraken")).status == 503
    async with stand.session.delete(f"{faults}/kraken") as answer:
        assert await answer.json() == {"okx": "zero"}
    assert (await stand.ask("kraken")).status == 200
    async with stand.session.put(f"{faults}/*", data="empty") as answer:
        assert set(await answer.json()) == set(COINS)
    async with stand.session.delete(f"{faults}/*") as answer:
        assert await answer.json() == {}


@pytest.mark.parametrize(
    ("method", "source", "body", "status", "error"),
    [
        ("PUT", "nosuch", {"data": "zero"}, 404, "no source 'nosuch'"),
        ("DELETE", "nosuch", {}, 404, "no source 'nosuch'"),
        ("PUT", "kraken", {"data": "slow"}, 400, "'slow': slow needs a time"),
        ("PUT", "kraken", {"json": {"fault": "slow"}}, 400, "'slow': slow needs a time"),
        ("PUT", "kraken", {"json": {"kind": "zero"}}, 400, "unknown field `kind`"),
        ("PUT", "kraken", {"data": b"\xff"}, 400, "'utf-8' codec can't decode"),
    ],
)
async def test_wrong_controls_are_refused(
    stand: Stand, method: str, source: str, body: dict[str, object], status: int, error: str
) -> None:
    """An unknown source is 404, a wrong fault 400 with the reason; what was in force stays."""
    stand.simulation.set_fault("kraken", "zero")
    url = f"{stand.simulation.origin}/faults/{source}"
    async with stand.session.request(method, url, **body) as answer:  # type: ignore[arg-type]
        assert answer.status == status
        assert error in (await answer.json())["error"]
    assert {name: str(fault) for name, fault in stand.simulation.faults.items()} == {"kraken": "zero"}


async def test_the_front_page_gives_the_settings(stand: Stand) -> None:
    """The page lists every source with its fault, and the very lines that point the service here."""
    stand.simulation.set_fault("kraken", "zero")
    async with stand.session.get(stand.simulation.origin) as answer:
        text = await answer.text()
    lines = text.replace("<pre>", "\n").replace("</pre>", "\n").splitlines()
    for source in COINS:
        assert f"TICKER_SOURCES_{source.upper()}_BASE_URL={stand.simulation.origin}/{source}" in lines
        assert f"TICKER_SOURCES_{source.upper()}_ALLOW_PRIVATE=true" in lines
    assert "<td>zero</td>" in text
    assert "Nothing here is a real price" in text


def test_settings_give_a_key_where_one_is_needed() -> None:
    """The lines name each source once, with a key for the one that wants one."""
    origin = "http://127.0.0.1:9000/"
    lines = settings(base_urls(origin), stream_urls(origin))
    assert "TICKER_SOURCES_KRAKEN_BASE_URL=http://127.0.0.1:9000/kraken" in lines
    assert [line for line in lines if "_KEY=" in line] == ["TICKER_SOURCES_COINMARKETCAP_KEY=simulated"]
    assert [line for line in lines if "_STREAM_URL=" in line] == [
        "TICKER_SOURCES_KRAKEN_STREAM_URL=ws://127.0.0.1:9000/kraken/v2",
        "TICKER_SOURCES_COINBASE_STREAM_URL=ws://127.0.0.1:9000/coinbase/feed",
        "TICKER_SOURCES_OKX_STREAM_URL=ws://127.0.0.1:9000/okx/ws/v5/public",
    ]
    assert len(lines) == 2 * len(REGISTRY) + 3 + 1


async def test_the_coins_can_change_while_it_runs(stand: Stand) -> None:
    """After `set_coins` the new ids are quoted and the old ones are not."""
    stand.simulation.set_coins({"kraken": {"ARK/USD": "ark"}})
    answer = msgspec.json.decode((await stand.ask("kraken")).body)
    assert list(answer["result"]) == ["ARK/USD"]
    assert msgspec.json.decode((await stand.ask("okx")).body)["data"] == []


async def test_it_begins_with_its_faults_and_listens_on_this_machine_only() -> None:
    """Faults given at the start are in force from the first call; the address is a loopback one with a free port."""
    simulation = await start({"kraken": {"BTC/USD": "bitcoin"}}, faults={"*": "status:500"}, clock=Clock())
    try:
        assert simulation.port > 0
        assert simulation.origin == f"http://127.0.0.1:{simulation.port}"
        assert set(simulation.faults) == set(COINS)
    finally:
        await simulation.stop()
        await simulation.stop()


async def test_a_taken_port_is_an_error(stand: Stand) -> None:
    """A second stand-in on the same port fails plainly and leaves nothing behind; the first goes on."""
    with pytest.raises(OSError, match="address already in use"):
        await start(COINS, port=stand.simulation.port)
    assert (await stand.ask("kraken")).status == 200


async def test_what_cannot_be_simulated_is_refused_at_the_start() -> None:
    """An unknown source, a market of an unknown currency and a wrong fault are errors, not silence."""
    with pytest.raises(ValueError, match="no dialect for source 'nosuch'"):
        await start({"nosuch": {}})
    with pytest.raises(ValueError, match="cannot tell the currency of market 'BTC/EUR'"):
        await start({"kraken": {"BTC/EUR": "bitcoin"}})
    with pytest.raises(FaultError):
        await start({}, faults={"kraken": "slow"})
    with pytest.raises(KeyError):
        await start({}, faults={"nosuch": "zero"})
