"""The simulation behind docs/scale.md: a cache by our Cache-Control, and a crowd before two levels of them."""

import pytest
from bench_path import edges


def cache(**more: float) -> tuple[edges.Service, edges.Cache]:
    """A cache before a service that builds a snapshot a second, with our own times unless told."""
    service = edges.Service(1.0)
    return service, edges.Cache(service, **{"fresh": 10.0, "stale": 60.0, "trip": 0.1, **more})


def test_fresh_stale_gone() -> None:
    """Within ten seconds nobody asks; within sixty more one does, in the background; after that the reader waits."""
    service, one = cache()
    assert (one.ask(100.0).built, service.hits, one.waited) == (100.0, 1, 1)
    assert (one.ask(109.9).built, service.hits) == (100.0, 1)
    assert (one.ask(115.0).built, service.hits) == (100.0, 2)  # an old one, while a newer is fetched
    assert (one.ask(115.05).built, service.hits) == (100.0, 2)  # once
    assert (one.ask(115.2).built, service.hits, one.waited) == (115.0, 2, 1)
    assert (one.ask(200.0).built, service.hits, one.waited) == (200.0, 3, 2)


def test_the_age_of_another_cache_counts() -> None:
    """An edge that fetches an answer of eight seconds keeps it for two."""
    service, shield = cache(trip=0.0)
    edge = edges.Cache(shield, 10.0, 60.0, 0.0)
    shield.ask(100.0)
    assert edge.ask(108.0).age == pytest.approx(8.0)
    edge.ask(109.9)
    assert shield.hits == 2
    edge.ask(110.5)
    assert (shield.hits, service.hits) == (3, 2)


@pytest.mark.parametrize("viewers", [1_000, 10_000_000])
def test_the_service_is_asked_every_ten_seconds(viewers: int) -> None:
    """However many come, and nobody's price is older than what the two caches may add up to."""
    found = edges.simulate(edges.Crowd(viewers, edges=20), 100.0)

    assert found.requests == pytest.approx(viewers / 10, rel=0.2)
    assert 0.05 <= found.service <= 0.11
    assert found.shield <= 20 * 1.0
    assert found.age_median <= found.age_p99 <= 2 * 70 + 2
