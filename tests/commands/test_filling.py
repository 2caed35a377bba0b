"""Filling in: what is asked, what is written and where, what is refused, and what waits."""

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from fakes import NOW, Clock, FakeFetcher, FakeStore
from snapshots import price, snapshot

from ticker.asking import Assignment
from ticker.commands.filling import Filled, fill, without_past
from ticker.config.settings import CoinSettings
from ticker.errors import Malformed, RateLimited
from ticker.model import Coin
from ticker.sources import REGISTRY
from ticker.store.base import Publication

HOUR = 3600.0
D = Decimal
WHEN = "2027-01-15T08:00:00.000Z"  # NOW
LINE = [100.0 + 3 * (place * place % 11) for place in range(168)]


def coins(*ids: str) -> list[CoinSettings]:
    return [CoinSettings(id=one, name=one, symbol=one) for one in ids]


def asking(*ids: str) -> Assignment:
    source = REGISTRY["coingecko"]
    return Assignment(source, "https://example.org", 300.0, {one: (one,) for one in ids}, {"x-key": "planted"})


def answer(lines: Mapping[str, list[Any]]) -> bytes:
    """CoinGecko's answer with these lines, each ending now."""
    return json.dumps(
        [
            {
                "id": one,
                "current_price": line[-1],
                "last_updated": WHEN,
                "price_change_percentage_24h": (line[-1] / line[-25] - 1) * 100,
                "sparkline_in_7d": {"price": line},
            }
            for one, line in lines.items()
        ]
    ).encode()


async def at_once() -> None:
    return None


async def filled(store: FakeStore, said: Any, *ids: str, many: list[CoinSettings] | None = None) -> Filled:
    road = FakeFetcher(coingecko=said)
    return await fill(asking(*ids), many or coins(*ids), store, road, at_once, Clock())


async def test_hours_are_kept_apart_from_our_own_past() -> None:
    """Under ids of their own, by the hour; where we read changes, highs, lows and `/v1/history` there is nothing."""
    store = FakeStore()
    found = await filled(store, answer({"bitcoin": LINE}), "bitcoin")
    assert (found.hours, found.refused) == ({"bitcoin": 168}, {})
    assert set(store.history) == {("fill:bitcoin", "1h")}
    points = await store.points("fill:bitcoin", "1h", 0, NOW)
    assert [point.price for point in points] == [D(str(one)) for one in LINE]
    assert [point.at for point in points] == [NOW - back * HOUR for back in range(167, -1, -1)]


async def test_twice_is_as_once() -> None:
    """The command may be repeated: an hour has one price."""
    store = FakeStore()
    for _ in range(2):
        await filled(store, answer({"bitcoin": LINE}), "bitcoin")
    assert len(store.history["fill:bitcoin", "1h"]) == 168


async def test_a_unit_trap_is_not_drawn() -> None:
    """More than 20 % from our settled price is another coin or another unit; the others are filled in all the same."""
    store = FakeStore()
    listed = (Coin("bitcoin", "Bitcoin", "BTC"), Coin("ark", "ARK", "ARK"))
    shown = snapshot(coins=listed, shown=("bitcoin",), prices=(price("bitcoin", str(LINE[-1])), price("ark", "0.1")))
    await store.publish(Publication(shown))
    found = await filled(store, answer({"bitcoin": LINE, "ark": LINE}), "bitcoin", "ark")
    assert set(found.hours) == {"bitcoin"}
    assert "more than 20 % away" in found.refused["ark"]
    assert set(store.history) == {("fill:bitcoin", "1h")}


async def test_nothing_from_before_a_change_of_unit() -> None:
    """`ticker coins confirm` says since when a coin is counted as it is."""
    store = FakeStore()
    (coin,) = coins("bitcoin")
    since = CoinSettings(id=coin.id, name="Bitcoin", symbol="BTC", confirmed=NOW - 5 * HOUR)
    await filled(store, answer({"bitcoin": LINE}), "bitcoin", many=[since])
    assert min(point.at for point in store.history["fill:bitcoin", "1h"].values()) == NOW - 4 * HOUR


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (b"[]", Malformed),
        (b"<html>", Malformed),
        (b'[{"id": "bitcoin", "current_price": 5, "last_updated": "2027-01-15T08:00:00.000Z"}]', Malformed),
        (b'{"status": {"error_code": 429, "error_message": "wait"}}', RateLimited),
        (RateLimited("coingecko", "HTTP 429"), RateLimited),
    ],
)
async def test_what_is_no_answer_writes_nothing(said: Any, error: type[Exception]) -> None:
    """The source's error, and the store as it was."""
    store = FakeStore()
    with pytest.raises(error):
        await filled(store, said, "bitcoin")
    assert store.history == {}


async def test_many_coins_are_few_requests_and_each_waits_for_its_turn() -> None:
    """250 coins a request, the key in its header, the budget asked before each."""
    ids = [f"coin{number}" for number in range(600)]
    road = FakeFetcher(coingecko=answer({"coin0": LINE, "coin599": LINE}))
    waits: list[int] = []

    async def afford() -> None:
        waits.append(len(road.asks))

    steps: list[tuple[int, int]] = []
    found = await fill(
        asking(*ids), coins(*ids), FakeStore(), road, afford, Clock(), lambda done, of: steps.append((done, of))
    )
    assert waits == [0, 1, 2]
    assert [len(dict(ask.query)["ids"].split(",")) for ask in road.asks] == [250, 250, 100]
    assert {ask.headers["x-key"] for ask in road.asks} == {"planted"}
    assert set(found.hours) == {"coin0", "coin599"}
    assert (steps[0], steps[-1]) == ((0, 168), (168, 168))


async def test_a_source_without_hours_fills_in_nothing() -> None:
    """And is not asked."""
    assignment = asking("bitcoin")
    mute = replace(assignment, source=REGISTRY["kraken"])
    found = await fill(mute, coins("bitcoin"), FakeStore(), FakeFetcher(), at_once, Clock())
    assert (found.hours, set(found.refused)) == ({}, {"bitcoin"})


async def test_only_coins_without_a_past_are_new() -> None:
    """Who has a point of our own or a filled one from more than two hours ago is left alone."""
    store = FakeStore()
    await store.add_points("1h", NOW - 50 * HOUR, {"ours": D(1)})
    await store.add_points("1h", NOW - 50 * HOUR, {"fill:theirs": D(1)})
    await store.add_points("1h", NOW - HOUR, {"young": D(1)})
    many = coins("ours", "theirs", "young", "none")
    assert [coin.id for coin in await without_past(store, many, NOW)] == ["young", "none"]
