"""How a wrong clock of this machine is noticed: by what many sources say the time is (trust rule 38)."""

import asyncio
from decimal import Decimal
from email.utils import formatdate

import pytest
from snapshots import NOW, price

from ticker.fetch import Ask, Fetcher
from ticker.model import Price
from ticker.rounds import suspected
from ticker.skew import Skew, offset


def dated(ahead: float, **more: str) -> dict[str, str]:
    """The headers of a server whose clock is so many seconds ahead of ours."""
    return {"Date": formatdate(NOW + ahead, usegmt=True), **more}


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        (dated(0), 0.0),
        (dated(3600), 3600.0),
        (dated(-3600), -3600.0),
        (dated(-120, Age="120"), 0.0),
        (dated(0, Age="-1"), None),
        (dated(0, Age="nan"), None),
        (dated(0, Age="soon"), None),
        ({}, None),
        ({"Date": "now"}, None),
        ({"Date": "Fri, 99 Jan 99999 00:00:00 GMT"}, None),
    ],
)
def test_one_answer(headers: dict[str, str], found: float | None) -> None:
    """The Date of an answer, less what a cache says of its age; nonsense says nothing."""
    assert offset(headers, NOW) == found


def test_one_wrong_server_says_nothing() -> None:
    """The median of three or more is believed, never one or two."""
    skew = Skew()
    skew.note("kraken", dated(3600), NOW)
    skew.note("okx", dated(3600), NOW)
    assert (skew.seconds, skew.news()) == (None, None)
    skew.note("okx", dated(0), NOW)
    skew.note("coinbase", dated(1), NOW)
    assert (skew.seconds, skew.news()) == (1.0, None)


@pytest.mark.parametrize(("seconds", "suspect"), [(0, False), (30, False), (-30, False), (31, True), (-3600, True)])
def test_beyond_half_a_minute_ages_are_not_believed(seconds: int, suspect: bool) -> None:
    """Only where three sources agree on it."""
    skew = Skew()
    for source in ("kraken", "okx", "coinbase"):
        assert not skew.suspect
        skew.note(source, dated(seconds), NOW)
    assert skew.suspect == suspect


def test_what_was_settled_by_such_a_clock_is_never_called_live() -> None:
    """Whether the price seems old, new or from the future; what has no age is marked all the same."""
    for as_of in (NOW - 100, NOW, NOW + 50):
        (found,) = suspected([price("bitcoin", "65000", as_of)], NOW)
        assert found.clock_suspect
        assert found.freshness(NOW) == "delayed"
    (fixed,) = suspected([Price("tether", Decimal(1), "fixed")], NOW)
    assert (fixed.clock_suspect, fixed.live_until) == (True, None)


def test_it_is_told_once_and_once_when_it_is_over() -> None:
    """A clock an hour behind, drifting a little, then set right."""
    skew = Skew()
    told = []
    for hour in (3600.0, 3601.0, 3603.0, 60.0, 0.0, 1.0):
        for source in ("kraken", "okx", "coinbase"):
            skew.note(source, dated(hour), NOW)
            told.append(skew.news())

    assert [one for one in told if one is not None] == [3600.0, 60.0, 0.0]


async def test_the_log_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Three sources an hour ahead of us: one line for ops, which says what it costs; one when the clock is set."""
    ahead = 3600.0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nDate: {formatdate(NOW + ahead, usegmt=True)}\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    caplog.set_level("INFO", "ticker.fetch")
    async with Fetcher("ticker/test", lambda: NOW) as fetcher:
        for ahead in (3600.0, 3600.0, 0.0):  # noqa: B007 - what the server reads
            for source in ("kraken", "okx", "coinbase"):
                await fetcher.fetch(Ask(source, base, "/", allow_private=True))
    server.close()

    behind, right = [record.getMessage() for record in caplog.records]
    assert behind.startswith("this machine's clock is 3600 s behind, by 3 sources; ages are wrong")
    assert right == "this machine's clock is right again"
