"""Asking all sources at once: each once, an error is its source's own, and a key stays in its header."""

from dataclasses import replace
from typing import Any

from fakes import FakeFetcher, assignment

from ticker.errors import Malformed, ServerFailed
from ticker.identity import Answer, ask_all, catalogues
from ticker.sources import Request, Row
from ticker.sources.base import Catalogue


async def test_each_is_asked_once() -> None:
    """One poll's requests of each source; what one does is nothing to the others."""
    fetcher: Any = FakeFetcher(up="1.5", down=ServerFailed("down", "HTTP 503"), odd=b"<html>")
    found = await ask_all([assignment("up"), assignment("down"), assignment("odd")], fetcher)
    up = found["up"]
    assert isinstance(up, Answer)
    assert {one: str(row.price) for one, row in up.rows.items()} == {"BTC": "1.5"}
    assert isinstance(found["down"], ServerFailed)
    assert isinstance(found["odd"], Malformed)
    assert sorted(ask.source for ask in fetcher.asks) == ["down", "odd", "up"]


async def test_headers_and_permissions_go_along() -> None:
    """The key is in its header, and only a source that may be private is."""
    fetcher: Any = FakeFetcher(up="1")
    await ask_all([replace(assignment("up"), headers={"X-Key": "planted"}, allow_private=True)], fetcher)
    (ask,) = fetcher.asks
    assert (ask.headers["X-Key"], ask.allow_private, "planted" in ask.url) == ("planted", True, False)


async def test_catalogues() -> None:
    """A source's own list where it has one, else the answer that has all; none from sources that have neither."""

    def listed(body: bytes) -> Any:
        yield Row(body.decode(), None)

    listing = Catalogue(Request("/list"), listed, 99)
    asked = [
        assignment("up"),
        assignment("ids", batch=1),
        assignment("own", batch=1, listing=listing),
        assignment("odd"),
    ]
    fetcher: Any = FakeFetcher(up="1.5", own=b"nano", odd=b"\xff")
    found = await catalogues(asked, fetcher)
    assert list(found) == ["up", "own", "odd"]
    assert [row.id for row in found["up"]] == ["BTC"]  # type: ignore[union-attr]
    assert found["own"] == (Row("nano", None),)
    assert isinstance(found["odd"], Malformed)
    assert {(ask.source, ask.path, ask.max_body) for ask in fetcher.asks if ask.source == "own"} == {
        ("own", "/list", 99)
    }
