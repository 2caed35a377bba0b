"""What the tests of the sources share: recorded bodies, and reading a body as the poller does."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ticker.model import Quote
from ticker.sources import REGISTRY, quotes

RECEIVED = 1_790_000_030.0


@pytest.fixture
def quoted() -> Callable[..., dict[str, Quote]]:
    """Reads a body of a source: the quotes by the source's own ids, which stand for the coins."""

    def read(source: str, body: bytes, *ids: str) -> dict[str, Quote]:
        coins = {one: (one,) for one in ids}
        return {quote.coin: quote for quote in quotes(REGISTRY[source], [body], coins, received=RECEIVED, poll=7)}

    return read


@pytest.fixture
def recording(recordings: Path) -> Callable[[str], bytes]:
    """A recorded body by its path in the folder of recordings."""
    return lambda path: (recordings / path).read_bytes()
