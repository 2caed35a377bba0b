"""Keeping history over a real store and a clock that a test moves: what is written when, and what it is used for."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path

import pytest
from fakes import FakeStore
from redis_server import RedisServer

from ticker.historian import LOADED, Historian
from ticker.history import COVERED
from ticker.model import Point, Price
from ticker.store import open_store
from ticker.store.base import Store

HOUR, DAY = 3600.0, 86_400.0
START = 20_000 * DAY + 12 * HOUR + 7 * 60  # 12:07:00 UTC
THEIRS = Decimal(-77)


@pytest.fixture(params=["embedded", pytest.param("redis", marks=pytest.mark.redis)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store of each kind, opened."""
    if request.param == "embedded":
        url = f"embedded:{tmp_path}/store.db"
    else:
        server: RedisServer = request.getfixturevalue("own_redis")
        url = server.url
    async with AsyncExitStack() as stack:
        store = open_store(url)
        stack.push_async_callback(store.close)
        await store.open()
        yield store


def price(value: Decimal | str, coin: str = "bitcoin", agreement: str = "ok") -> Price:
    """A settled price whose every figure is of its sources."""
    figures = dict.fromkeys(("change_1h", "change_24h", "change_7d", "high_24h", "low_24h"), THEIRS)
    return Price(coin, Decimal(value), agreement, **figures)  # type: ignore[arg-type]


async def publish(historian: Historian, now: float, *prices: Price) -> tuple[Price, ...]:
    """What a poller does with each publication."""
    await historian.refresh([one.coin for one in prices], now)
    done = historian.completed(prices, now)
    await historian.keep(done, now)
    return done


def walk(minute: int) -> Decimal:
    """A price that rises and falls, different in every minute of 25 hours."""
    return Decimal(10_000) + (minute * 7919) % 1501 - Decimal(minute) / 8


@pytest.mark.timeout(120)
async def test_twenty_five_hours(store: Store) -> None:
    """Two publications a minute, a restart after 12 h: figures are the sources' until history reaches, then exact."""
    historian = Historian(store)
    for minute in range(25 * 60 + 1):
        if minute == 12 * 60:
            historian = Historian(store)
        now = START + 60 * minute
        [found] = await publish(historian, now, price(walk(minute)))
        # what comes later in the same minute changes no point
        await publish(historian, now + 30, price(walk(minute) * 3 if minute % 2 else "1"))
        if minute < 57:
            assert found.change_1h == THEIRS
        if minute >= 60:
            assert found.change_1h == pytest.approx((walk(minute) / walk(minute - 60) - 1) * 100, abs=Decimal("1e-12"))
        if minute < 24 * 60 - 10:
            assert found.change_24h == THEIRS
        if minute >= 24 * 60:
            exact = (walk(minute) / walk(minute - 24 * 60) - 1) * 100
            assert found.change_24h is not None
            assert abs(found.change_24h - exact) < Decimal("1e-12")
        assert found.change_7d == THEIRS
        if minute < COVERED:
            assert (found.high_24h, found.low_24h) == (THEIRS, THEIRS)
        elif minute >= 24 * 60:
            last = [walk(one) for one in range(minute - 1439, minute + 1)]
            assert (found.low_24h, found.high_24h) == (min(last), max(last))


async def test_a_week(store: Store) -> None:
    """Every 20 minutes for eight days: the change of a week comes from the hours, exactly."""
    historian = Historian(store)
    hours = 8 * 24
    for part in range(3 * hours):
        now = START - 7 * 60 + 1200 * part
        [found] = await publish(historian, now, price(walk(part)))
        if part % 3 == 0 and part >= 3 * 7 * 24:
            assert found.change_7d == pytest.approx(
                (walk(part) / walk(part - 3 * 7 * 24) - 1) * 100, abs=Decimal("1e-12")
            )
        if part < 3 * (7 * 24 - 1):
            assert found.change_7d == THEIRS
    assert len(await store.points("bitcoin", "1d", 0, 2 * START)) == 9


async def test_a_point_is_the_first_settled_price_of_its_slot(store: Store) -> None:
    """Not a disputed one, not a later one, and a restart replaces none."""
    historian = Historian(store)
    await publish(historian, START + 1, price("1", agreement="disputed"), price("10", "x"))
    await publish(historian, START + 2, price("2"), price("11", "x"))
    await publish(historian, START + 3, price("3"), price("12", "x"))
    restarted = Historian(store)
    await publish(restarted, START + 4, price("4"), price("13", "x"))
    await publish(restarted, START + 61, price("5"), price("14", "x"))
    first = Point(START + 2, Decimal(2))
    assert await store.points("bitcoin", "1m", 0, 2 * START) == [first, Point(START + 61, Decimal(5))]
    assert await store.points("bitcoin", "1h", 0, 2 * START) == [first]
    assert await store.points("bitcoin", "1d", 0, 2 * START) == [first]
    assert (await store.points("x", "1d", 0, 2 * START))[0] == Point(START + 1, Decimal(10))


async def test_a_redenominated_coin_has_no_thousandfold_change(store: Store) -> None:
    """From the moment of the new unit on, only what came after is compared; other coins are as before."""
    historian = Historian(store)
    minutes = 0
    for minutes in range(62):
        await publish(historian, START + 60 * minutes, price("1000"), price("5", "x"))
    now = START + 60 * minutes
    changed, other = historian.completed([price("1"), price("5", "x")], now, {"bitcoin": now - 300})
    assert (changed.change_1h, other.change_1h) == (THEIRS, 0)


async def test_a_coin_and_a_currency_of_one_id_have_a_past_each(store: Store) -> None:
    """The currency "bitcoin" has risen by a quarter in an hour, the coin has halved; neither knows of the other."""
    coins, rates = Historian(store), Historian(store, "rate:")
    for minute in range(61):
        now = START + 60 * minute
        (coin,) = await publish(coins, now, price(100 if minute < 60 else 50))
        (rate,) = await publish(rates, now, price(4 if minute < 60 else 5))

    assert (coin.change_1h, rate.change_1h) == (Decimal(-50), Decimal(25))
    assert [point.price for point in await store.points("bitcoin", "1m", now, now + 60)] == [Decimal(50)]


async def test_the_last_day_is_read_a_few_coins_at_a_time() -> None:
    """After a start with many coins no publication waits for all of their history."""
    store = FakeStore()
    historian = Historian(store)  # type: ignore[arg-type]
    prices = [price("1", f"coin-{i}") for i in range(2 * LOADED + 5)]
    loaded = []
    for second in range(4):
        await publish(historian, START + second, *prices)
        loaded.append(len(historian._windows))
    assert loaded == [LOADED, 2 * LOADED, 2 * LOADED + 5, 2 * LOADED + 5]


async def test_a_store_that_is_down_takes_nothing_away(caplog: pytest.LogCaptureFixture) -> None:
    """What is at hand is used while it is near enough; one line when it goes down, one when it is back."""
    caplog.set_level(logging.INFO, "ticker.historian")
    store = FakeStore()
    historian = Historian(store)  # type: ignore[arg-type]
    for minute in range(61):
        await publish(historian, START + 60 * minute, price("100"))
    store.down = True
    seen = []
    for second in range(0, 600, 10):
        [found] = await publish(historian, START + 3600 + second, price("110"))
        seen.append(found.change_1h)
    assert seen[0] == 10
    assert seen[17] == 10
    assert seen[-1] == THEIRS
    store.down = False
    await publish(historian, START + 4200, price("110"))
    [found] = await publish(historian, START + 4201, price("110"))
    assert found.change_1h == 10
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "the fake store is down; history is not kept" in caplog.messages[0]
    assert store.history["bitcoin", "1m"].keys() >= {int((START + 4200) // 60)}


async def test_a_point_that_could_not_be_written_comes_later(caplog: pytest.LogCaptureFixture) -> None:
    """A store that fails between the look and the write costs no publication, and the minute has its point after."""
    caplog.set_level(logging.INFO, "ticker.historian")
    store = FakeStore()
    historian = Historian(store)  # type: ignore[arg-type]
    await publish(historian, START, price("1"))
    for second in (60, 61):
        await historian.refresh(["bitcoin"], START + second)
        store.down = True
        await historian.keep([price("2")], START + second)
        store.down = False
    assert len(await store.points("bitcoin", "1m", 0, 2 * START)) == 1
    await publish(historian, START + 70, price("3"))
    assert (await store.points("bitcoin", "1m", 0, 2 * START))[1] == Point(START + 70, Decimal(3))
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_a_store_that_is_down_is_not_asked_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that fails may take its whole deadline: it is made every few seconds, not with every publication."""
    store = FakeStore()
    historian = Historian(store)  # type: ignore[arg-type]
    await publish(historian, START, price("1"))
    store.down = True
    asked = 0

    def ask() -> None:
        nonlocal asked
        asked += 1
        FakeStore._ask(store)

    monkeypatch.setattr(store, "_ask", ask)
    for tenth in range(600):
        await publish(historian, START + 60 + tenth / 10, price("1"))
    assert 10 <= asked <= 15


async def test_a_store_that_is_down_from_the_start() -> None:
    """Nothing is at hand and nothing breaks; history begins when the store comes."""
    store = FakeStore()
    store.down = True
    historian = Historian(store)  # type: ignore[arg-type]
    [found] = await publish(historian, START, price("1"))
    assert found == price("1")
    store.down = False
    await publish(historian, START + 10, price("2"))
    assert await store.points("bitcoin", "1d", 0, 2 * START) == [Point(START + 10, Decimal(2))]


@pytest.mark.redis
async def test_a_wiped_redis(own_redis: RedisServer) -> None:
    """FLUSHALL: within a minute the sources' figures are back, and history begins anew."""
    store = open_store(own_redis.url)
    historian = Historian(store)
    try:
        for minute in range(62):
            [found] = await publish(historian, START + 60 * minute, price("100"))
        assert found.change_1h == 0
        with own_redis.client() as client:
            client.flushall()
        [found] = await publish(historian, START + 62 * 60, price("110"))
        assert found.change_1h == THEIRS
        assert len(await store.points("bitcoin", "1m", 0, 2 * START)) == 1
    finally:
        await store.close()
